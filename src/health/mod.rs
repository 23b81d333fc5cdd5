//! Health: from outcomes to verdicts.
//!
//! ```text
//!  engine ── schedule: when? ──▶ probe ── outcome ──▶ network: is it us?
//!                                                        │  suspicion: do we reach nobody?
//!                                             verdict: what is believed?
//!                                                        │
//!                                  damping: often changed?  silence: stuck?
//!                                                        │
//!                                       force: what does the operator say?
//!                                                        │
//!                         transitions ◀── table ◀────────┘
//!                                           ├──▶ board
//!                       words of others ─▶ vantages: who else sees it up?
//! ```
//!
//! Decides when each target is probed, and what several outcomes mean together. All is pure but `engine`,
//! which has the clock. Not responsible for one run of a probe (that is `probe`), or for what is answered:
//! this room knows no records.

mod damping;
mod network;
mod verdict;
mod place;
mod suspicion;
pub mod force;
mod target;
mod board;
mod vantages;
mod schedule;
mod latency;
mod report;
mod belief;
mod table;
mod lateness;
mod turns;
mod engine;

pub use board::{Board, SeenUp, TargetId};
pub use damping::Damping;
pub use engine::{Engine, Exchange, PROBES_AT_ONCE_MAX, Settings, Unprobed};
pub use latency::{LATENCY_BOUNDS, Latencies};
pub use lateness::Lateness;
pub use network::Scope;
pub use report::{History, LocalTrouble, Observed, Report, Tally, Transition, TransitionCause};
pub use schedule::{WAIT_MAX, WAIT_MIN};
pub use table::Sights;
pub use target::Target;
pub use vantages::{Sighting, Standing, VantageReport, VantageSettings, VantagesReport, Word};
pub use verdict::Verdict;
