//! Forwarding: queries for names that are not ours are asked of other
//! resolvers, and what they answer is kept for a while.
//!
//! Responsible for upstreams, for what is asked of which, for the cache, and
//! for noticing that a query of ours comes back.
//! Not responsible for who may ask (`answer`), for sockets that clients ask
//! at (`transport`), or for our own zones.
//!
//! ```text
//!   UDP worker, TCP ─ Desk ─ hit ──────────────▶ response
//!                       │ miss: Deferred           ▲
//!                       ▼ bounded queue            │ way back
//!                     Clerk ─ flight ─ resolve ─ exchange ─▶ upstream
//!                     │ │  one per question, however many ask it
//!   our zones ◀─ Ours ┘ │  where an upstream's alias leads to our names
//!                       └────── Stored ──▶ Cache ◀── Desk
//! ```
//!
//! A hit is answered by the worker that received the query, from the bytes
//! the upstream sent: id, question, flags, TTLs and OPT are written anew, the
//! records are copied. Only misses leave the worker, so that it never waits.
//!
//! What is kept is kept under the question it answers, whole: a record that
//! an upstream adds to an answer says nothing about any other name. An answer
//! whose alias leads to names that others answer for is kept as far as the
//! alias: the rest is asked for each time, so that no verdict of ours is ever
//! kept.
//!
//! No number saturates into a length or an offset. What is added here are
//! lengths of slices and counts of what lies in memory, none of which comes
//! near the end of its type: where an addition must be written as
//! `saturating_add` for the lint, it never saturates. A conversion that cannot
//! fail says why beside it (`tests/floors.rs`).

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod asked;
mod begun;
mod cache;
mod chain;
mod clerk;
mod counters;
mod desk;
mod forwarder;
mod judge;
mod ours;
mod plan;
mod rebinding;
mod rehearsal;
mod report;
mod resolv_conf;
mod resolve;
mod settings;
mod shelf;
mod stored;
mod upstream;
mod waiter;
mod watch;

pub use clerk::UNDER_WAY_MAX;
pub use desk::Desk;
pub use forwarder::Forwarder;
pub use rehearsal::{Client, Rehearsal, Way};
pub use report::{CacheReport, Report, UpstreamReport, ZoneReport};
pub use resolv_conf::{PassedOver, ResolvConf, upstreams_in};
pub use settings::{
    ATTEMPTS_MAX, CacheSettings, ForwardZone, OwnPlaces, Policy, Prefetch, Rebinding, Settings,
    UPSTREAMS_MAX, Upstreams,
};

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may stop at an overflow")]
mod tests;
