//! Queries, responses, and exchanges with servers on loopback.

mod exchanges;
pub(crate) mod messages;
mod queries;
mod responses;
