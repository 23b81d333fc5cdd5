//! Health: from outcomes to verdicts.
//!
//! ```text
//!  engine ── schedule: when? ──▶ probe ── outcome ──▶ network: is it us?
//!                                                        │
//!                                             verdict: what is believed?
//!                                                        │
//!                                  damping: often changed?  silence: stuck?
//!                                                        │
//!                                       force: what does the operator say?
//!                                                        │
//!                         transitions ◀── table ◀────────┘
//!                                           └──▶ board
//! ```
//!
//! Responsible for when each target is probed, and for what several outcomes
//! mean together. All is pure but `engine`, which has the clock.
//! Not responsible for one run of a probe (that is `probe`), or for what is
//! answered: this room knows no records.

mod belief;
mod board;
mod damping;
mod engine;
pub mod force;
mod latency;
mod lateness;
mod network;
mod report;
mod schedule;
mod table;
mod turns;
mod verdict;

use std::num::NonZeroU32;
use std::time::Duration;

use crate::probe::Probe;

pub use board::{Board, TargetId};
pub use damping::Damping;
pub use engine::{Engine, PROBES_AT_ONCE_MAX, Settings};
pub use latency::{LATENCY_BOUNDS, Latencies};
pub use lateness::Lateness;
pub use network::Extent;
pub use report::{Cause, History, LocalTrouble, Observed, Report, Tally, Transition};
pub use schedule::{WAIT_MAX, WAIT_MIN};
pub use verdict::Verdict;

use verdict::Thresholds;

/// A probe with its times and thresholds: all of it together is its identity, and what is asked
/// for twice is probed once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// What is tested.
    pub probe: Probe,
    /// From the start of one probe to the start of the next; [`WAIT_MIN`] to [`WAIT_MAX`].
    pub interval: Duration,
    /// From an outcome that contradicts the verdict to the next probe; bounded likewise.
    pub retry: Duration,
    /// Consecutive passes until a target that was down is up.
    pub rise: NonZeroU32,
    /// Consecutive failures until a target that was up is down.
    pub fall: NonZeroU32,
}

impl Target {
    fn thresholds(&self) -> Thresholds {
        Thresholds { rise: self.rise, fall: self.fall }
    }
}
