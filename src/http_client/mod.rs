//! A client of HTTP/1.1: one connection to an address, over TCP or TLS, and what comes over it.
//!
//! Responsible for nothing waiting for ever, and for a server that must prove who it is doing so. Not responsible for what is
//! asked, or for whom to ask next.

// What these lints are for, and when `saturating_add` satisfies them: "Numbers" in docs/architecture.md.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod endpoint;

mod named;

mod error;

mod connection;

mod lines;

pub use connection::{Connection, read};
pub use endpoint::{Endpoint, EndpointError, Scheme};
pub use error::Error;
pub use lines::Lines;
pub use named::{ENDPOINTS_MAX, EndpointsOf};
