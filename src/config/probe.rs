//! `[probe]`: times and thresholds of probes.
//!
//! Has these keys, their defaults and how they bound each other, in `[probe]` and, as overrides, in
//! `[[zone.probe]]`.

use std::num::{NonZeroU32, NonZeroUsize};
use std::ops::RangeInclusive;
use std::time::Duration;

use super::damping;
use super::table::Table;
use crate::health::Damping;
use crate::setting::Value;
use crate::setting::{DURATION_MAX, show_duration};
use crate::source::{Diagnostic, Diagnostics};

/// Shortest time between two probes of a target. Below, the probes themselves are what loads it.
pub const INTERVAL_MIN: Duration = Duration::from_millis(10);

/// Most outcomes in a row that a verdict may wait for.
pub const THRESHOLD_MAX: u32 = 100;

/// Most probes that can be asked to run at once: each has a connection, and may hold 40 kB.
pub const PROBES_AT_ONCE_MAX: u32 = 100_000;

/// What a time may be that is not nothing: a millisecond is the shortest that can be written.
const TIMES: RangeInclusive<Duration> = Duration::from_millis(1)..=DURATION_MAX;

/// `[probe]`: what holds for every probe that says nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// From one probe to the next.
    pub interval: Duration,
    /// How long one probe may take.
    pub timeout: Duration,
    /// From an outcome that contradicts the verdict to the next probe; never longer than the interval.
    pub retry: Duration,
    /// Passes in a row until a target that was down is up.
    pub rise: NonZeroU32,
    /// Failures in a row until a target that was up is down.
    pub fall: NonZeroU32,
    /// How long a start waits for the first outcomes; zero: not at all.
    pub startup_wait: Duration,
    /// How often a verdict may change until its target is held down.
    pub damping: Damping,
    /// How many probes run at once; none: as many as the files that may be open allow.
    pub at_once: Option<NonZeroUsize>,
}

impl Default for Probe {
    fn default() -> Self {
        const TWO: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);
        Self {
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            retry: Duration::from_millis(200),
            rise: TWO,
            fall: TWO,
            startup_wait: Duration::from_secs(2),
            damping: Damping::default(),
            at_once: None,
        }
    }
}

impl Probe {
    /// Reads `[probe]`; what is absent or faulty keeps its default.
    pub(super) fn read(table: &Table<'_>, found: &mut Diagnostics) -> Self {
        let wait = Duration::ZERO..=DURATION_MAX;
        let default = Probe::default();
        let startup_wait = table.read("startup-wait", found, |value| value.duration(&wait));
        Probe {
            startup_wait: startup_wait.unwrap_or(default.startup_wait),
            damping: damping::read(table, found),
            at_once: table.read("probes-at-once", found, at_once),
            ..default.overridden(table, found)
        }
    }

    /// These, with what `table` says otherwise.
    pub(super) fn overridden(self, table: &Table<'_>, found: &mut Diagnostics) -> Self {
        let interval = table.read("interval", found, |value| value.duration(&(INTERVAL_MIN..=DURATION_MAX)));
        let interval = interval.unwrap_or(self.interval);
        let retry = table.read("retry", found, |value| retry(value, table.get("interval"), interval));
        Probe {
            interval,
            timeout: table.read("timeout", found, |value| value.duration(&TIMES)).unwrap_or(self.timeout),
            // A retry that is not written here gives way to the interval that is.
            retry: retry.unwrap_or(self.retry.min(interval)),
            rise: table.read("rise", found, threshold).unwrap_or(self.rise),
            fall: table.read("fall", found, threshold).unwrap_or(self.fall),
            startup_wait: self.startup_wait,
            damping: self.damping,
            at_once: self.at_once,
        }
    }
}

fn at_once(value: Value<'_>) -> Result<NonZeroUsize, Diagnostic> {
    value.whole(format!("1 to {PROBES_AT_ONCE_MAX}"), |count| {
        let count = NonZeroU32::new(count).filter(|_| count <= PROBES_AT_ONCE_MAX)?;
        NonZeroUsize::try_from(count).ok()
    })
}

fn threshold(value: Value<'_>) -> Result<NonZeroU32, Diagnostic> {
    value.whole(format!("1 to {THRESHOLD_MAX}"), |count| {
        NonZeroU32::new(count).filter(|_| count <= THRESHOLD_MAX)
    })
}

/// A retry, which the interval bounds; `written` is the interval's place if it stands in the same table.
fn retry(value: Value<'_>, written: Option<Value<'_>>, interval: Duration) -> Result<Duration, Diagnostic> {
    let retry = value.duration(&TIMES)?;
    if retry <= interval {
        return Ok(retry);
    }
    let shown = show_duration(interval);
    let fault = value.fault(format!("`retry` is longer than the interval, which is {shown}"));
    Err(match written {
        Some(written) => fault.and_at(written.span(), "the interval"),
        None => fault,
    })
}
