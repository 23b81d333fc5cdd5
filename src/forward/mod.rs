//! Forwarding: queries for names that are not in our zones are asked of other resolvers, and their answers
//! are cached.
//!
//! Has the upstreams and the cache, decides what is asked of which upstream, and detects forwarding loops.
//! Not responsible for which clients may ask (`answer`), for sockets of clients (`transport`), for asking one
//! server (`requestor`), or for our own zones.
//!
//! ```text
//!   UDP worker, TCP ─ CacheFrontend ─ hit ───────────────▶ response
//!                       │ miss: Deferred                     ▲
//!                       ▼ bounded queue                      │ way back
//!                   Dispatcher ─ InFlight ─ resolve ─ requestor ─▶ upstream
//!                     │ │  one per question, however many clients ask it
//!   our zones ◀─ OwnZones  where an upstream's alias leads into our zones
//!                       └──────── Stored ──▶ Cache ◀── CacheFrontend
//! ```
//!
//! A hit is answered by the worker that received the query, from the bytes that the upstream sent: id,
//! question, flags, TTLs and OPT are written anew, the records are copied. Only misses leave the worker, so
//! that it never waits.
//!
//! An answer is cached under its question, whole: a record that an upstream adds to it says nothing about any
//! other name. An answer whose alias leads to names that others answer for is cached as far as the alias: the
//! rest is asked for each time, so that no verdict of ours is ever cached.

// What these lints are for, and when `saturating_add` satisfies them: "Numbers" in docs/architecture.md.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod settings;

mod resolv_conf;

mod cache_key;

mod client_query;

mod cookies;

mod extended_error;

mod stored;

mod sieve;

mod cache;

mod counters;

mod upstream_health;

mod upstream;

mod routing;

mod rebinding;

mod chain;

mod resolution;

mod classify;

mod partial;

mod own_zones;

mod waiter;

mod waiting;

mod loop_tokens;

mod event;

mod forward_state;

mod watch;

mod resolve;

mod dispatcher;

mod frontend;

mod report;

mod forwarder;

#[cfg(feature = "fuzzing")]
mod rehearsal;

pub use dispatcher::IN_FLIGHT_MAX;
pub use forwarder::Forwarder;
pub use frontend::CacheFrontend;
#[cfg(feature = "fuzzing")]
pub use rehearsal::{Client, Rehearsal, Way};
pub use report::{ForwardCacheStatus, ForwardStatus, ForwardZoneStatus, UpstreamStatus};
#[cfg(feature = "fuzzing")]
pub use resolv_conf::upstreams_in;
pub use resolv_conf::{PassedOver, ResolvConf};
pub use settings::{
    ATTEMPTS_MAX, CacheSettings, ForwardZone, OwnAddresses, Policy, Prefetch, Rebinding, Settings,
    UPSTREAMS_MAX, UpstreamProbe, Upstreams,
};

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may stop at an overflow")]
mod tests;
