//! The roll of a key: which step is due (RFC 6781, section 4.1; RFC 7583).
//!
//! Pure: keys with their times, what the parent has, and the moment are passed in. A step that is not due is not offered.
//!
//! ```text
//!  a key that DS records are made of (also one that signs everything):
//!   begin ─▶ new key in the zone ─ TTL of DNSKEY ─▶ both sign ─ longest TTL ─▶ CDS of the new one
//!     ─▶ the parent has its DS ─ TTL of DS, longest TTL ─▶ the old key goes
//!
//!  a zone signing key beside another:
//!   begin ─▶ new key in the zone ─ TTL of DNSKEY ─▶ it signs, the old one no more ─ longest TTL ─▶ the old key goes
//! ```

use std::fmt;

use super::public_key::PublicKey;
use super::time::Time;
use super::timing::{Event, Timing};

/// Times that steps wait for, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RollTimes {
    /// TTL of the DNSKEY records.
    pub dnskey_ttl: u64,
    /// Longest TTL in the zone.
    pub zone_ttl_max: u64,
    /// TTL of the DS records at the parent.
    pub ds_ttl: u64,
    /// Until every server of the zone has what one of them has.
    pub propagation: u64,
}

/// What is known of the DS records at the parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parent {
    /// Nobody has asked.
    Unknown,
    /// It has records of the keys with these tags.
    Has(Vec<u16>),
}

/// What is to be done, or waited for. Keys are named by their tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RollStep {
    /// A successor of this key is to be made, with these times.
    Begin {
        /// The key that goes.
        old: PublicKey,
        /// The times of its successor.
        timing: Timing,
        /// Its own times from now on, if they are others: where no parent has to be asked, it goes by itself; where one
        /// has, it is told of the successor in its place.
        old_timing: Option<Timing>,
    },
    /// Nothing is to be done before a moment.
    Wait {
        /// The key that comes.
        new: u16,
        /// Until then.
        until: Time,
        /// What happens then.
        then: Waits,
    },
    /// The parent is to be given the DS record of the new key, and those of the old are to be taken away.
    TellParent {
        /// The key that comes.
        new: u16,
        /// The key that goes.
        old: u16,
    },
    /// The old key is to be given these times: it goes.
    Retire {
        /// The key.
        old: u16,
        /// Its times.
        timing: Timing,
    },
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// The new key signs.
    ItSigns,
    /// The parent is to be told of it.
    ParentIsTold,
    /// The old one has left the zone, and the roll is over.
    OldIsGone,
}

/// Why there is no step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RollError {
    /// No key signs.
    NoKey,
    /// Several keys sign alike, and none of them is younger.
    Unclear,
}

impl fmt::Display for RollError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RollError::NoKey => f.write_str("no key of the zone signs now: there is nothing to roll"),
            RollError::Unclear => f.write_str(
                "more than two keys take part: let the ones that are not needed leave the zone first",
            ),
        }
    }
}

impl std::error::Error for RollError {}

/// The step that is due in the roll of the keys that DS records are made of, or, with `SEP` not among `flags`, of those that
/// only sign the zone.
///
/// # Errors
///
/// When the keys are in no state of a roll.
pub fn plan(
    keys: &[(PublicKey, Timing)],
    flags: u16,
    times: &RollTimes,
    parent: &Parent,
    now: Time,
) -> Result<RollStep, RollError> {
    let is_one = |(key, timing): &&(PublicKey, Timing)| {
        key.flags() == flags && !timing.is_deleted(now) && !is_dormant(timing)
    };
    let mut alike: Vec<&(PublicKey, Timing)> = keys.iter().filter(is_one).collect();
    alike.sort_by_key(|(key, timing)| (begins(timing), timing.get(Event::Activate), key.tag()));
    match *alike {
        [] => Err(RollError::NoKey),
        [(old, timing)] => Ok(begin(old, timing, times, now)),
        [old, new] if old.1.is_active(now) => Ok(under_way(old, new, times, parent, now)),
        [old, new] if new.1.is_active(now) => Ok(gone(old, new, now)),
        _ => Err(RollError::Unclear),
    }
}

/// Whether a key was only made, to be used one day.
fn is_dormant(timing: &Timing) -> bool {
    timing.get(Event::Created).is_some() && timing.get(Event::Publish).is_none()
}

fn begins(timing: &Timing) -> Time {
    timing.get(Event::Publish).unwrap_or(Time::from_seconds(0))
}

/// A roll begins.
fn begin(old: &PublicKey, old_timing: &Timing, times: &RollTimes, now: Time) -> RollStep {
    let signs = now.after(times.dnskey_ttl).after(times.propagation);
    let timing =
        Timing::default().with(Event::Created, now).with(Event::Publish, now).with(Event::Activate, signs);
    let known = signs.after(times.zone_ttl_max).after(times.propagation);
    if old.is_sep() {
        let timing = timing.with(Event::SyncPublish, known);
        let is_told = old_timing.get(Event::SyncPublish).is_some();
        let old_timing = is_told.then(|| old_timing.clone().with(Event::SyncDelete, known));
        return RollStep::Begin { old: old.clone(), timing, old_timing };
    }
    let goes = as_dated(old_timing).with(Event::Inactive, signs).with(Event::Delete, known);
    RollStep::Begin { old: old.clone(), timing, old_timing: Some(goes) }
}

/// Both keys are there, and the old one signs.
fn under_way(
    (old, old_timing): &(PublicKey, Timing),
    (new, new_timing): &(PublicKey, Timing),
    times: &RollTimes,
    parent: &Parent,
    now: Time,
) -> RollStep {
    let (old_tag, new) = (old.tag(), new.tag());
    let wait = |until, then| RollStep::Wait { new, until, then };
    let signs = new_timing.get(Event::Activate).unwrap_or(now);
    if signs > now {
        return wait(signs, Waits::ItSigns);
    }
    if let Some(gone) = old_timing.get(Event::Delete) {
        return wait(gone, Waits::OldIsGone);
    }
    let known = signs.after(times.zone_ttl_max).after(times.propagation);
    let told = new_timing.get(Event::SyncPublish).map_or(known, |time| time.max(known));
    if old.is_sep() && told > now {
        return wait(told, Waits::ParentIsTold);
    }
    let is_told = match parent {
        Parent::Unknown => false,
        Parent::Has(tags) => tags.contains(&new) && !tags.contains(&old_tag),
    };
    if old.is_sep() && !is_told {
        return RollStep::TellParent { new, old: old_tag };
    }
    // Who has the old DS, or signatures of the old key alone, needs that key.
    let waits = if old.is_sep() { times.ds_ttl.max(times.zone_ttl_max) } else { times.zone_ttl_max };
    let gone = now.after(waits).after(times.propagation);
    let timing = as_dated(old_timing).with(Event::Inactive, gone).with(Event::Delete, gone);
    RollStep::Retire { old: old_tag, timing }
}

/// The new key signs alone, and the old one is about to leave.
fn gone((_, old_timing): &(PublicKey, Timing), (new, _): &(PublicKey, Timing), now: Time) -> RollStep {
    let until = old_timing.get(Event::Delete).unwrap_or(now);
    RollStep::Wait { new: new.tag(), until, then: Waits::OldIsGone }
}

/// The times of a key that has none, as times: it is there from the beginning.
fn as_dated(timing: &Timing) -> Timing {
    let mut dated = timing.clone();
    if *timing == Timing::ALWAYS {
        let ever = Time::from_seconds(0);
        dated = dated.with(Event::Created, ever).with(Event::Publish, ever).with(Event::Activate, ever);
    }
    dated
}
