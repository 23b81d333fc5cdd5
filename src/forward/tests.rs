//! What is kept for how long, and what clients are given of it; responses that are cut or garbled.

mod cache;
mod chains;
mod hostile;
mod messages;
mod orders;
