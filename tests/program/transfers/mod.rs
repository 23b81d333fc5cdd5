//! Zones for other servers, asked for by clients that are made here; `peers` has those of others.

mod certificates;
mod client;
mod hostile;
mod notify;
mod pools;
mod updated;
