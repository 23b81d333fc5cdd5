//! Targets: what is probed, how often, and how many outcomes change its verdict.

use std::num::NonZeroU32;
use std::time::Duration;

use super::verdict::Thresholds;
use crate::probe::{Life, Probe};

/// A probe with its times and thresholds: all of it together is its identity, and what is asked
/// for twice is probed once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// What is tested.
    pub probe: Probe,
    /// From the start of one probe to the start of the next; [`super::WAIT_MIN`] to [`super::WAIT_MAX`].
    pub interval: Duration,
    /// From an outcome that contradicts the verdict to the next probe; bounded likewise.
    pub retry: Duration,
    /// Consecutive passes until a target that was down is up.
    pub rise: NonZeroU32,
    /// Consecutive failures until a target that was up is down.
    pub fall: NonZeroU32,
    /// How it begins, returns, and is asked while it is down.
    pub life: Life,
}

impl Target {
    pub(super) fn thresholds(&self) -> Thresholds {
        Thresholds { rise: self.rise, fall: self.fall }
    }

    /// From the start of one probe to the start of the next while it is down.
    pub(super) fn interval_down(&self) -> Duration {
        self.life.interval_down.unwrap_or(self.interval)
    }

    /// From the start of one probe to the start of the next at most, whatever is believed of it.
    pub(super) fn interval_max(&self) -> Duration {
        self.interval.max(self.interval_down())
    }
}
