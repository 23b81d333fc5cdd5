//! The roll of a key, or of all keys to another algorithm: which step is due (RFC 6781, section 4.1; RFC 7583).
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
//!
//!  all keys to another algorithm (RFC 6781, section 4.1.4, the conservative way): `algorithm_roll`
//! ```

use super::algorithm::Algorithm;
use super::algorithm_roll::{self, Generations};
use super::public_key::{PublicKey, SEP};
use super::roll_error::RollError;
use super::roll_step::{DatedKey, Parent, Retimed, RollStep, RollTimes, Successor, Waits};
use super::time::Time;
use super::timing::{Event, Timing};

/// What is rolled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rolled {
    /// The key with these flags: with `SEP` the one that DS records are made of, else one that only signs the zone.
    Key(u16),
    /// All keys, to this algorithm.
    Algorithm(Algorithm),
}

/// The step that is due in a roll. One to another algorithm that has begun goes on, also where the key that DS records are
/// made of is asked for.
///
/// # Errors
///
/// When the keys are in no state of a roll.
pub fn plan(
    keys: &[DatedKey],
    rolled: Rolled,
    times: &RollTimes,
    parent: &Parent,
    now: Time,
) -> Result<RollStep, RollError> {
    let mut there: Vec<&DatedKey> =
        keys.iter().filter(|(_, timing)| !timing.is_over(now) && !is_dormant(timing)).collect();
    there.sort_by_key(|(key, timing)| (begins(timing), timing.get(Event::Activate), key.tag()));
    let first = there.first().map(|(key, _)| key.algorithm()).ok_or(RollError::NoKey)?;
    let (old, new): (Vec<&DatedKey>, Vec<&DatedKey>) =
        there.iter().partition(|(key, _)| key.algorithm() == first);
    let coming = new.first().map(|(key, _)| key.algorithm());
    match (rolled, coming) {
        (Rolled::Algorithm(wanted), None) if wanted == first => Ok(RollStep::Nothing(first)),
        (Rolled::Algorithm(wanted), None) => {
            let generations = Generations::new(old, Vec::new())?;
            algorithm_roll::begin(&generations, wanted, times, now)
        }
        (Rolled::Algorithm(wanted), Some(coming)) if wanted != coming => Err(RollError::OtherRoll(coming)),
        (Rolled::Key(flags), Some(coming)) if flags & SEP == 0 => Err(RollError::OtherRoll(coming)),
        (Rolled::Algorithm(_) | Rolled::Key(_), Some(_)) => {
            algorithm_roll::under_way(&Generations::new(old, new)?, times, parent, now)
        }
        (Rolled::Key(flags), None) => {
            let alike: Vec<&DatedKey> = old.into_iter().filter(|(key, _)| key.flags() == flags).collect();
            match *alike {
                [] => Err(RollError::NoKey),
                [(old, timing)] => Ok(begin(old, timing, times, now)),
                [old, new] if old.1.is_active(now) => Ok(under_way(old, new, times, parent, now)),
                [old, new] if new.1.is_active(now) => Ok(gone(old, new, now)),
                _ => Err(RollError::Unclear),
            }
        }
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
    let (timing, old_timing) = if old.is_sep() {
        let is_told = old_timing.get(Event::SyncPublish).is_some();
        let old_timing = is_told.then(|| old_timing.clone().with(Event::SyncDelete, known));
        (timing.with(Event::SyncPublish, known), old_timing)
    } else {
        (timing, Some(old_timing.as_dated().with(Event::Inactive, signs).with(Event::Delete, known)))
    };
    let changed = old_timing.map(|timing| Retimed { tag: old.tag(), timing });
    let successor = Successor { of: old.clone(), algorithm: old.algorithm(), timing };
    RollStep::Begin { successors: vec![successor], changed: changed.into_iter().collect() }
}

/// Both keys are there, and the old one signs.
fn under_way(
    (old, old_timing): &DatedKey,
    (new, new_timing): &DatedKey,
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
    if old.is_sep() && !parent.has_only(new, old_tag) {
        return RollStep::TellParent { new, old: old_tag };
    }
    // Who has the old DS, or signatures of the old key alone, needs that key.
    let waits = if old.is_sep() { times.ds_ttl.max(times.zone_ttl_max) } else { times.zone_ttl_max };
    let gone = now.after(waits).after(times.propagation);
    let timing = old_timing.as_dated().with(Event::Inactive, gone).with(Event::Delete, gone);
    RollStep::Retire { old: old_tag, changed: vec![Retimed { tag: old_tag, timing }] }
}

/// The new key signs alone, and the old one is about to leave.
fn gone((_, old_timing): &DatedKey, (new, _): &DatedKey, now: Time) -> RollStep {
    let until = old_timing.get(Event::Delete).unwrap_or(now);
    RollStep::Wait { new: new.tag(), until, then: Waits::OldIsGone }
}
