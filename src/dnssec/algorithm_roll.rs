//! The roll of all keys to another algorithm (RFC 6781, section 4.1.4), the conservative way.
//!
//! A validator may ask for a signature of each algorithm that the DNSKEY records have (RFC 4035, section 2.2). So
//! signatures come before the keys, and stay after them:
//!
//! ```text
//!  begin: new keys sign ─ longest TTL ─▶ they are in the zone ─ TTL of DNSKEY ─▶ CDS of the new ones
//!    ─▶ the parent has their DS ─ TTL of DS ─▶ the old keys leave ─ TTL of DNSKEY ─▶ their signatures go
//! ```

use super::algorithm::Algorithm;
use super::roll_error::RollError;
use super::roll_step::{DatedKey, Parent, Retimed, RollStep, RollTimes, Successor, Waits};
use super::time::Time;
use super::timing::{Event, Timing};

/// The keys of the algorithm that goes, and of the one that comes.
pub(super) struct Generations<'k> {
    old: Vec<&'k DatedKey>,
    new: Vec<&'k DatedKey>,
}

impl<'k> Generations<'k> {
    /// Of each one key that DS records are made of, and one that only signs the zone at most; there may be no new ones.
    pub(super) fn new(old: Vec<&'k DatedKey>, new: Vec<&'k DatedKey>) -> Result<Self, RollError> {
        for keys in [&old, &new].into_iter().filter(|keys| !keys.is_empty()) {
            match keys.iter().filter(|(key, _)| key.is_sep()).count() {
                0 => return Err(RollError::NoEntryPoint),
                1 if keys.len() <= 2 => {}
                _ => return Err(RollError::Unclear),
            }
        }
        Ok(Self { old, new })
    }

    /// The one that DS records are made of.
    fn entry_point<'a>(keys: &'a [&'k DatedKey]) -> Result<&'a DatedKey, RollError> {
        keys.iter().find(|(key, _)| key.is_sep()).copied().ok_or(RollError::NoEntryPoint)
    }
}

/// The roll begins: the new keys sign from now on, and are in the zone when nobody has records without their signatures any
/// more.
pub(super) fn begin(
    keys: &Generations<'_>,
    algorithm: Algorithm,
    times: &RollTimes,
    now: Time,
) -> Result<RollStep, RollError> {
    if !keys.old.iter().any(|(_, timing)| timing.is_active(now)) {
        return Err(RollError::NoKey);
    }
    let published = now.after(times.zone_ttl_max).after(times.propagation);
    let told = known_at(published, times);
    let timing = Timing::default()
        .with(Event::Created, now)
        .with(Event::Activate, now)
        .with(Event::Publish, published);
    let successor = |(key, _): &&DatedKey| {
        let timing = timing.clone();
        let timing = if key.is_sep() { timing.with(Event::SyncPublish, told) } else { timing };
        Successor { of: key.clone(), algorithm, timing }
    };
    let is_told = |(_, timing): &&&DatedKey| timing.get(Event::SyncPublish).is_some();
    let replaced = |(key, timing): &&DatedKey| Retimed {
        tag: key.tag(),
        timing: timing.clone().with(Event::SyncDelete, told),
    };
    let changed = keys.old.iter().filter(is_told).map(replaced).collect();
    Ok(RollStep::Begin { successors: keys.old.iter().map(successor).collect(), changed })
}

/// When nobody has the DNSKEY records of before any more.
fn known_at(published: Time, times: &RollTimes) -> Time {
    published.after(times.dnskey_ttl).after(times.propagation)
}

/// Keys of both algorithms are there.
pub(super) fn under_way(
    keys: &Generations<'_>,
    times: &RollTimes,
    parent: &Parent,
    now: Time,
) -> Result<RollStep, RollError> {
    let (old, old_timing) = Generations::entry_point(&keys.old)?;
    let (new, new_timing) = Generations::entry_point(&keys.new)?;
    let (old_tag, new) = (old.tag(), new.tag());
    let wait = |until, then| Ok(RollStep::Wait { new, until, then });
    let published = new_timing.get(Event::Publish).unwrap_or(now);
    if published > now {
        return wait(published, Waits::ItIsPublished);
    }
    if let Some(leaves) = old_timing.get(Event::Delete) {
        let ends = old_timing.get(Event::Inactive).unwrap_or(leaves);
        let has_to_leave = leaves > now && ends > leaves;
        return if has_to_leave { wait(leaves, Waits::OldLeaves) } else { wait(ends, Waits::OldIsGone) };
    }
    let known = known_at(published, times);
    let told = new_timing.get(Event::SyncPublish).map_or(known, |time| time.max(known));
    if told > now {
        return wait(told, Waits::ParentIsTold);
    }
    if !parent.has_only(new, old_tag) {
        return Ok(RollStep::TellParent { new, old: old_tag });
    }
    let leaves = now.after(times.ds_ttl).after(times.propagation);
    let ends = known_at(leaves, times);
    let retimed = |(key, timing): &&DatedKey| Retimed {
        tag: key.tag(),
        timing: timing.as_dated().with(Event::Delete, leaves).with(Event::Inactive, ends),
    };
    Ok(RollStep::Retire { old: old_tag, changed: keys.old.iter().map(retimed).collect() })
}
