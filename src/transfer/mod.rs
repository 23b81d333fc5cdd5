//! Zone transfers: zones from and to other name servers (RFC 5936, RFC 1995).
//!
//! Responsible for what is said between two servers about a zone. Not responsible for where a zone is kept, or for
//! publishing it: that is `zones` and `daemon`.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod soa;

mod condenser;

mod history;

pub mod catalog;

pub mod incoming;

pub mod outgoing;

pub use condenser::{Condenser, Repeated};
pub use history::{Condensed, Differences, HISTORY_BYTES_MAX, HISTORY_STEPS_MAX, History, condensed};
pub use soa::{Soa, is_newer};
