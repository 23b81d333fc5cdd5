//! Zones to other servers: AXFR (RFC 5936) and IXFR (RFC 1995).
//!
//! ```text
//!   HandedOver ─▶ request ─▶ plan: refused, one SOA, steps, or all ─▶ packer ─▶ one message after the other
//!                              │
//!            zones: versions, who may have them, histories
//! ```
//!
//! Other servers are told of new versions (NOTIFY, RFC 1996): `notification` says when, `notifier` does it.
//!
//! A transfer keeps the version that it began with. Whoever reads slowly holds a few messages and, by the limits, one
//! of the places for transfers, until its connection is cut.

mod contents;

mod difference;

mod zones;

mod request;

mod plan;

mod packer;

mod limits;

mod told;

mod counters;

mod service;

mod notification;

mod notifier;

mod comparing;

pub use comparing::{Comparing, Comparison};
pub use contents::{Contents, SentPools, TransferPools, UpPool};
pub use counters::{TransferCounters, TransferTotals};
pub use limits::TransferLimits;
pub use notifier::{NotifiedZone, Notifier, NotifyServer, NotifyTarget, NotifyTotals};
pub use packer::FILLED_BYTES;
pub use service::Outgoing;
pub use zones::{OutgoingZone, OutgoingZones, Permission};

#[cfg(test)]
mod tests;
