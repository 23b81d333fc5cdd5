//! Asking another server: over UDP, TCP, TLS, HTTPS or QUIC, and judging what comes back.
//!
//! Writes a query, sends it, and takes nothing for its response that is not one (RFC 5452). Not responsible
//! for which server is asked when, or for what a response is used for: this room knows no caches, forwarded
//! zones or clients.
//!
//! ```text
//!   Request ─▶ Query ─▶ Requestor ─┬─ UDP ── truncated, malformed, in another case ──▶ TCP ─┬─▶ Answer
//!   message ─▶ Query ──────┘       ├─ TCP ───────────────────────────────────────────────────┤   or Failure
//!                                  └─ TLS, HTTPS, QUIC, one connection that is kept ─────────┘
//! ```

// What these lints are for, and when `saturating_add` satisfies them: "Numbers" in docs/architecture.md.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod names;

mod response;

mod query;

mod failure;

mod framing;

mod encrypted;

mod remote;

mod remote_text;

mod quirks;

mod tcp;

mod udp;

mod exchange;

mod message_stream;

mod ask;

pub use ask::Requestor;
pub use encrypted::{Encrypted, EncryptedTransport};
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
