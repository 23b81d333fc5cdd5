//! Zones that change while they are served: the file of the operator, and what updates made of it.
//!
//! ```text
//!   file read ──▶ Hold: file ⊕ overlay ──▶ published ──▶ committed to the journal
//!                  │ one lock per zone
//!   updates ─────▶ batch: evaluated, journaled ──▶ published ──▶ answered
//! ```
//!
//! A reading or the writer takes the lock of a zone, makes its next version, and gives the lock back when that
//! version is published. The file is never written.
//!
//! The serial never goes back. While the file stays as it is, each update is one serial more. When the file changes,
//! its serial counts if it is ahead of the one that is served (RFC 1982); otherwise the one that is served plus 1. It
//! is written down before it is served, so that no other contents have it after a crash.

mod serial;

mod effective;

mod updaters;

mod zone;

mod batch;

mod remembered;

mod dropping;

mod raising;

mod signing_feed;

mod registry;

pub use batch::{OVERLAY_RECORDS_MAX, Outcome, UpdateBatch, UpdateRequest, make_batch};
pub use dropping::drop_updates;
pub use effective::Aside;
pub use raising::{follow_hosts, raise_serial, sign_anew};
pub use registry::LiveZones;
pub use remembered::{REMEMBERED_MAX, Remembered, RequestKey};
pub use signing_feed::{SigningKeys, sign_feed};
pub use zone::{Hold, LiveState, LiveStatus, LiveZone};

#[cfg(test)]
mod tests;
