//! When a secondary asks its primaries, and for how long it may serve what it has (RFC 1035, section 3.3.13).
//!
//! ```text
//!              nothing here            a version is here
//!   failed ──▶ 1 s, 2 s, … 5 min       retry
//!   same ────▶                         refresh; it holds for another `expire`
//!   newer ───▶ transferred: refresh    transferred: refresh
//!   NOTIFY ──▶ at once                 at once, unless the serial that it tells is here, and well
//! ```
//!
//! A version that has expired is as good as none: whatever a primary has is taken then, also an older one. RFC 1034,
//! section 4.3.5, has it discarded, and a serial says nothing beside nothing. BIND unloads such a zone and Knot purges it,
//! so that both transfer what there is; NSD accepts any serial in that state. It is how a primary is started over that
//! was restored from a backup, or whose serial was set back: until then such a mistake of the operator changes nothing.
//!
//! Decides when to ask, and which primary first. Pure: time and chance are passed in.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use super::super::soa::{Soa, is_newer};

/// Bounds of SOA refresh and retry: shorter intervals would flood the primary.
const INTERVALS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(24 * 3600);

/// First and longest retry while there is no version to serve; each retry waits twice as long as the one before.
const EMPTY_WAITS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(300);

/// Shortest time between two rounds of queries. One round answers any number of NOTIFY messages.
const NOTIFIED_WAIT: Duration = Duration::from_millis(200);

/// The same after a NOTIFY whose serial no primary has: the sender is not one of them, or does not serve it yet.
const NOT_THERE_WAIT: Duration = Duration::from_secs(5);

/// The timer of one secondary zone.
#[derive(Clone, Debug)]
pub struct Refresh {
    /// The version we have.
    held: Option<Held>,
    /// The primary that is asked first.
    first: usize,
    primaries: usize,
    /// When they are asked next.
    due: Instant,
    /// The earliest next round, if a NOTIFY asks for one.
    not_before: Instant,
    /// Failed rounds in a row.
    failures: u32,
    /// What NOTIFY messages have told since the last round that began after them.
    told: Option<Told>,
}

/// What NOTIFY messages have told of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The newest of their serials.
    Serial(u32),
    /// At least one of them has told no serial: there may be anything.
    Anything,
}

impl Told {
    /// What a message tells.
    pub fn of(serial: Option<u32>) -> Told {
        serial.map_or(Told::Anything, Told::Serial)
    }

    /// What both tell together.
    #[must_use]
    pub fn and(self, other: Told) -> Told {
        match (self, other) {
            (Told::Serial(one), Told::Serial(other)) => {
                Told::Serial(if is_newer(other, one) { other } else { one })
            }
            (Told::Anything, _) | (_, Told::Anything) => Told::Anything,
        }
    }
}

/// The version we have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its SOA record.
    pub soa: Soa,
    /// When it expires unless a primary confirms it; none: never.
    pub expires: Option<Instant>,
}

impl Held {
    /// Whether nobody has confirmed it in time.
    pub fn is_expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// The version of a primary, compared with ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SerialComparison {
    /// The same version.
    Same,
    /// A newer one, or there is none here that holds.
    Newer,
    /// An older one.
    Older,
}

impl Refresh {
    /// A timer for a zone with this many primaries, at least one, of which we have the version `held`. The first round is due
    /// at once.
    pub fn new(primaries: usize, held: Option<Held>, now: Instant) -> Refresh {
        Refresh { held, first: 0, primaries, due: now, not_before: now, failures: 0, told: None }
    }

    /// When the primaries are asked next.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// The version that is here.
    pub fn held(&self) -> Option<Held> {
        self.held
    }

    /// The places of the primaries, in the order of the next round.
    pub fn order(&self) -> impl Iterator<Item = usize> + use<> {
        let (first, primaries) = (self.first, self.primaries);
        (0..primaries).map(move |step| first.saturating_add(step).checked_rem(primaries).unwrap_or(0))
    }

    /// How the version with this serial compares with ours.
    pub fn compare_serial(&self, serial: u32, now: Instant) -> SerialComparison {
        match self.held {
            Some(held) if held.soa.serial == serial => SerialComparison::Same,
            Some(held) if !is_newer(serial, held.soa.serial) && !held.is_expired(now) => {
                SerialComparison::Older
            }
            Some(_) | None => SerialComparison::Newer,
        }
    }

    /// The serial that a version must be behind to be taken; none: any is.
    pub fn newer_than(&self, now: Instant) -> Option<u32> {
        self.held.filter(|held| !held.is_expired(now)).map(|held| held.soa.serial)
    }

    /// NOTIFY has come, last from the primary at this place, where it is one of them, and has told this (RFC 1996,
    /// section 3.7). Whether the primaries are asked because of it: not for what is here already, as long as somebody
    /// confirms that.
    pub fn notified(&mut self, from: Option<usize>, told: Told, now: Instant) -> bool {
        let is_well = self.failures == 0 && self.held.is_some_and(|held| !held.is_expired(now));
        if let Told::Serial(serial) = told
            && is_well
            && self.compare_serial(serial, now) != SerialComparison::Newer
        {
            return false;
        }
        self.told = Some(self.told.map_or(told, |before| before.and(told)));
        self.first = from.unwrap_or(self.first);
        self.due = self.due.min(now.max(self.not_before));
        true
    }

    /// The primary at this place has the same version. Where it is a secondary itself it says for how many seconds
    /// its own holds (RFC 7314, section 4): ours holds for as long, and never longer than the SOA record says.
    pub fn confirmed(&mut self, primary: usize, expire: Option<u32>, now: Instant, chance: u64) {
        let Some(held) = &mut self.held else { return };
        let whole = now.checked_add(expiry(&held.soa));
        held.expires = match (whole, expire) {
            (Some(whole), Some(seconds)) => {
                let told = now.checked_add(Duration::from_secs(u64::from(seconds)));
                told.map_or(held.expires, |told| held.expires.max(Some(told.min(whole))))
            }
            (whole, _) => whole,
        };
        let refresh = interval(held.soa.refresh, chance);
        self.succeeded(primary, refresh, now);
    }

    /// A primary has promised the version of this serial, and sent an older one: it is asked for again soon.
    pub fn promised(&mut self, serial: u32) {
        let told = Told::Serial(serial);
        self.told = Some(self.told.map_or(told, |before| before.and(told)));
    }

    /// The version of this SOA record is here now, from the primary at this place; `expire` as in
    /// [`Refresh::confirmed`].
    pub fn transferred(&mut self, primary: usize, soa: Soa, expire: Option<u32>, now: Instant, chance: u64) {
        let whole = expiry(&soa);
        let holds = expire.map_or(whole, |seconds| Duration::from_secs(u64::from(seconds)).min(whole));
        self.held = Some(Held { soa, expires: now.checked_add(holds) });
        self.succeeded(primary, interval(soa.refresh, chance), now);
    }

    /// The round has failed.
    pub fn failed(&mut self, now: Instant, chance: u64) {
        let wait = match &self.held {
            Some(held) => interval(held.soa.retry, chance),
            None => {
                // Twice as often as there are bits is longer than the longest.
                let times = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
                let doubled = EMPTY_WAITS.start().saturating_mul(times);
                shortened(doubled.min(*EMPTY_WAITS.end()), chance)
            }
        };
        self.failures = self.failures.saturating_add(1);
        // Whoever waits for the one that is out of order asks the next one first.
        self.first = self.first.saturating_add(1).checked_rem(self.primaries).unwrap_or(0);
        // Somebody has said that there is something: one that does not answer yet may do so in a moment.
        let is_told = self.told.take().is_some();
        self.wait(if is_told { wait.min(NOT_THERE_WAIT) } else { wait }, now);
    }

    /// How long our version holds from now on; none: for ever.
    pub fn holds(&self, now: Instant) -> Option<Duration> {
        let held = self.held?;
        held.expires.map(|expires| expires.saturating_duration_since(now))
    }

    fn succeeded(&mut self, primary: usize, refresh: Duration, now: Instant) {
        self.failures = 0;
        self.first = primary;
        let is_missing = match self.told.take() {
            Some(Told::Serial(serial)) => self.compare_serial(serial, now) == SerialComparison::Newer,
            Some(Told::Anything) | None => false,
        };
        self.wait(if is_missing { refresh.min(NOT_THERE_WAIT) } else { refresh }, now);
    }

    fn wait(&mut self, wait: Duration, now: Instant) {
        // A day fits any clock.
        self.due = now.checked_add(wait).unwrap_or(now);
        self.not_before = now.checked_add(NOTIFIED_WAIT).unwrap_or(now);
    }
}

/// How long a version holds without confirmation: SOA expire, but at least two rounds of queries.
pub fn expiry(soa: &Soa) -> Duration {
    let seconds = |seconds: u32| Duration::from_secs(u64::from(seconds));
    let rounds = clamped(seconds(soa.refresh)).saturating_add(clamped(seconds(soa.retry)));
    seconds(soa.expire).max(rounds)
}

/// An interval of the SOA record, in seconds, within bounds, and up to a tenth shorter: secondaries that were started
/// together do not ask together for ever.
fn interval(seconds: u32, chance: u64) -> Duration {
    shortened(clamped(Duration::from_secs(u64::from(seconds))), chance)
}

fn clamped(interval: Duration) -> Duration {
    interval.clamp(*INTERVALS.start(), *INTERVALS.end())
}

fn shortened(interval: Duration, chance: u64) -> Duration {
    /// Steps in the tenth.
    const STEPS: u64 = 1000;
    // A remainder of a thousand has 32 bits.
    let step = u32::try_from(chance.checked_rem(STEPS).unwrap_or(0)).unwrap_or(0);
    let tenth = interval.checked_div(10).unwrap_or_default();
    let less = tenth.saturating_mul(step).checked_div(1000).unwrap_or_default();
    interval.saturating_sub(less)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may stop at an overflow")]
mod tests;
