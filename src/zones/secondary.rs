//! Secondary zones: one task per zone keeps it as new as its primaries have it.
//!
//! ```text
//!   NOTIFY ─┐            ┌─ SOA ─ IXFR ─ AXFR ─▶ primaries
//!           ▼            │
//!   timer ─▶ task ───────┴─ the next version, made and checked ─▶ Publications ─▶ loop
//!                                                          └────▶ the copy on disk
//! ```
//!
//! Responsible for what is served being as new as the primaries have it, and for it staying as it is while they are
//! silent or lie. Not responsible for the transfers themselves (`transfer`), or for publishing.

mod settings;
mod told;
mod making;
mod saving;
mod task;
mod tasks;
mod hearing;
mod feed;

pub use tasks::Secondaries;
