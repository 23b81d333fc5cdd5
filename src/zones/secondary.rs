//! Secondary zones: one task per zone keeps it as new as its primaries have it.
//!
//! ```text
//!   NOTIFY ─┐            ┌─ SOA ─ IXFR ─ AXFR ─▶ primaries
//!           ▼            │
//!   timer ─▶ task ───────┴─ the next version, made and checked ─▶ Publications ─▶ loop
//!                                                          └────▶ the copy on disk
//! ```
//!
//! While no primary answers, or what comes is unsound, the version that is served stays. The transfers themselves are in
//! `transfer`; the loop publishes.

mod settings;
mod told;
mod making;
mod task;
mod tasks;
mod hearing;
mod feed;

pub(super) use tasks::ForgottenCopies;
pub use tasks::Secondaries;
