//! Updates (RFC 2136): what a message asks of a zone, whether it is allowed, and the changes that it makes.
//!
//! ```text
//!   bytes ─▶ message ─▶ evaluate(zone, policy, requester) ─▶ Changeset, or nothing to do
//!                          │ zone section, prerequisites, prescan, policy
//!                          └───────────────────────────────▶ Rejection { RCODE, EDE, why }
//! ```
//!
//! Pure: no zone is changed here, nothing is written, no time is asked. Not responsible for who sends a message
//! (`transport`, `tsig`), for what is durable, or for what is served (`zones`, `daemon`).

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod rejection;

mod message;

mod policy;

mod working;

mod prerequisites;

mod changing;

mod evaluate;

mod response;

pub use evaluate::{Evaluated, evaluate};
pub use message::{UpdateMessage, zone_of};
pub use policy::{Grant, Policy, TypeGrant, is_never_updated};
pub use rejection::{Reason, Rejection};
pub use response::{RESPONSE_BYTES_MAX, respond};

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may stop at an overflow")]
mod tests;
