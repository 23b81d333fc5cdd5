//! Asking another server: over UDP, TCP or TLS, and judging what comes back.
//!
//! Writes a query, sends it, and takes nothing for its response that is not one (RFC 5452). Not responsible
//! for which server is asked when, or for what a response is used for: this room knows no caches, forwarded
//! zones or clients.
//!
//! ```text
//!   Request ─▶ Query ─▶ Requestor ─┬─ UDP ── truncated, malformed, in another case ──▶ TCP ─┬─▶ Answer
//!   message ─▶ Query ──────┘       ├─ TCP ───────────────────────────────────────────────────┤   or Failure
//!                                  └─ TLS, one connection that is kept ──────────────────────┘
//! ```

// What these lints are for, and when `saturating_add` satisfies them: "Numbers" in docs/architecture.md.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod remote;

mod remote_text;

mod names;

mod response;

mod query;

mod failure;

mod quirks;

mod framing;

mod tcp;

mod udp;

mod exchange;

mod tls_connection;

mod message_stream;

mod ask;

pub use ask::Requestor;
pub use exchange::{Answer, Progress};
pub use failure::{Failure, TcpReason};
pub use message_stream::MessageStream;
pub use query::{Case, DatagramClass, Fit, Form, Query, Request};
pub use quirks::{Encoding, Observed, Quirk, Quirks, Shown};
pub use remote::{Protocol, Remote};
pub use remote_text::RemoteFault;
pub use response::{Meaning, Record, Response, Spoken};

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may stop at an overflow")]
pub(crate) mod tests;
