//! The health of an upstream, and what it is decided by.
//!
//! ```text
//!    Up ─── a failure ──▶ Suspect ── FAILURES_UNTIL_DOWN in a row ──▶ Down
//!     ▲                      │                                         │
//!     └────── an answer ─────┴──────────────── an answer ──────────────┘
//!   Up ── failures of a probe, as above ──▶ Suspect, Down ── a pass ──▶ Up, whatever queries say
//!   any ── a query of ours comes back ──▶ Looping ── an answer without that ──▶ Up
//! ```

use std::time::{Duration, Instant};

/// Failures in a row after which an upstream is only asked to check whether it is back. One datagram may be
/// lost, and another; and the last failure must be with a question that any server answers at once: a name
/// whose own servers are silent says nothing about the upstream.
pub(super) const FAILURES_UNTIL_DOWN: u32 = 3;

/// What its health is decided by.
#[derive(Debug)]
pub(super) struct HealthRecord {
    pub(super) failures: u32,
    /// Those of its probe, in a row.
    pub(super) probe_failures: u32,
    pub(super) looping: Looping,
    /// Smoothed latency; none before its first answer.
    pub(super) smoothed: Option<Duration>,
    pub(super) last_error: Option<String>,
    pub(super) since: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looping {
    Yes,
    No,
}

/// The health of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum UpstreamHealth {
    /// It answers.
    Up,
    /// It has failed just now: it is asked last.
    Suspect,
    /// It does not answer.
    Down,
    /// It sends our queries back to us.
    Looping,
}

impl UpstreamHealth {
    /// The word for it in the status.
    pub(super) fn word(self) -> &'static str {
        match self {
            UpstreamHealth::Up => "up",
            UpstreamHealth::Suspect => "suspect",
            UpstreamHealth::Down => "down",
            UpstreamHealth::Looping => "looping",
        }
    }
}

impl HealthRecord {
    /// Of an upstream that has not been asked yet.
    pub(super) fn new() -> Self {
        Self {
            failures: 0,
            probe_failures: 0,
            looping: Looping::No,
            smoothed: None,
            last_error: None,
            since: Instant::now(),
        }
    }

    /// What it decides.
    pub(super) fn health(&self) -> UpstreamHealth {
        self.after(self.failures.max(self.probe_failures))
    }

    /// The same, whatever its probe says.
    pub(super) fn answering(&self) -> UpstreamHealth {
        self.after(self.failures)
    }

    fn after(&self, failures: u32) -> UpstreamHealth {
        match (self.looping, failures) {
            (Looping::Yes, _) => UpstreamHealth::Looping,
            (Looping::No, 0) => UpstreamHealth::Up,
            (Looping::No, failures) if failures < FAILURES_UNTIL_DOWN => UpstreamHealth::Suspect,
            (Looping::No, _) => UpstreamHealth::Down,
        }
    }
}
