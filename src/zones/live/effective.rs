//! The zone as it is served: its file with the overlay of updates.
//!
//! Applies the overlay record by record. A record that no longer fits the file is set aside and logged; the others are
//! served.

use std::collections::BTreeSet;

use crate::dns::{Name, Rtype};
use crate::source::{Diagnostics, Origin};
use crate::zone::{Changeset, Guarding, NodeId, Record, Rrset, Zone};
use crate::zones::journal::{Overlaid, Overlay, OverlayKey};

/// A record of an update that does not fit the zone's file, and is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aside {
    /// The record.
    pub key: OverlayKey,
    /// Why.
    pub reason: String,
    /// What of the file is in its way; none: no line of it is.
    pub(super) origin: Option<Origin>,
    /// The same, as a file and line.
    pub place: Option<String>,
}

/// The zone that a file and an overlay make, with this serial, and what of the overlay is not in it, in the order of its keys.
///
/// None where not even the file alone makes one, which has made one already: then the memory is not enough, or the
/// SOA record is no whole one.
pub(super) fn effective(
    file: &Zone,
    overlay: &Overlay,
    serial: u32,
    guards: &[Guarding],
    origin: &Origin,
) -> Option<(Zone, Vec<Aside>)> {
    let mut aside = conflicts(file, overlay);
    let made = |aside: &[Aside]| {
        let left_out: BTreeSet<&OverlayKey> = aside.iter().map(|one| &one.key).collect();
        make(file, overlay.changes(|key| left_out.contains(key)), serial, guards, origin)
    };
    if let Ok(zone) = made(&aside) {
        return Some((zone, aside));
    }
    // Rules between records that are looked at only in a whole zone: who breaks them is found by halves.
    let known: BTreeSet<OverlayKey> = aside.iter().map(|one| one.key.clone()).collect();
    let rest: Vec<&OverlayKey> =
        overlay.iter().map(|(key, _)| key).filter(|key| !known.contains(*key)).collect();
    let mut taken: BTreeSet<&OverlayKey> = BTreeSet::new();
    let mut waiting: Vec<&[&OverlayKey]> = vec![&rest];
    while let Some(part) = waiting.pop() {
        let with: BTreeSet<&OverlayKey> = taken.iter().copied().chain(part.iter().copied()).collect();
        match (make(file, overlay.changes(|key| !with.contains(key)), serial, guards, origin), part) {
            (Ok(_), _) => taken = with,
            (Err(reason), [one]) => {
                aside.push(Aside { key: (*one).clone(), reason, origin: None, place: None })
            }
            (Err(_), _) => {
                let (first, second) = part.split_at(part.len() / 2);
                waiting.extend([second, first].into_iter().filter(|half| !half.is_empty()));
            }
        }
    }
    aside.sort_by(|one, other| one.key.cmp(&other.key));
    Some((made(&aside).ok()?, aside))
}

/// What cannot stand beside what the file says now.
fn conflicts(file: &Zone, overlay: &Overlay) -> Vec<Aside> {
    let conflict = |key: &OverlayKey, overlaid: &Overlaid| {
        let (owner, rtype, _) = key;
        let node = file.node(file.find(owner.as_ref())?);
        if let Some(id) = node.pools_of(*rtype).next() {
            let reason = format!("a pool answers {rtype} there now");
            return Some(Aside {
                key: key.clone(),
                reason,
                origin: Some(file.pools().get(id.index())?.origin.clone()),
                place: None,
            });
        }
        overlaid.updated?;
        let other = node.types().filter(|other| (*other == Rtype::CNAME) != (*rtype == Rtype::CNAME));
        let other =
            other.filter(|other| !is_removed(file, overlay, owner, *other)).find(|other| *other != *rtype)?;
        let reason = format!("the file has a {other} record there, and an alias stands alone");
        let in_rrset = || node.rrset(other).map(|rrset| rrset.origin());
        Some(Aside {
            key: key.clone(),
            reason,
            origin: in_rrset().or_else(|| node.first_origin()),
            place: None,
        })
    };
    overlay.iter().filter_map(|(key, overlaid)| conflict(key, overlaid)).collect()
}

/// Whether updates removed all records that the file has of an owner and type.
fn is_removed(file: &Zone, overlay: &Overlay, owner: &Name, rtype: Rtype) -> bool {
    let records = file
        .find(owner.as_ref())
        .and_then(|id| file.node(id).rrset(rtype))
        .map_or(0, |set| set.rdatas().len());
    let gone = |overlaid: &&Overlaid| overlaid.updated.is_none() && overlaid.in_file.is_some();
    records > 0 && overlay.of(owner, rtype).filter(gone).count() == records
}

/// The zone after changes, with this serial; or why there is none.
fn make(
    file: &Zone,
    mut changes: Changeset,
    serial: u32,
    guards: &[Guarding],
    origin: &Origin,
) -> Result<Zone, String> {
    if serial != file.serial() {
        let [before, after] = soa_records(file, serial).ok_or("the SOA record is not whole")?;
        changes.removed.insert(0, before);
        changes.added.insert(0, after);
    }
    let mut found = Diagnostics::default();
    let builder = changes.apply(file, guards, origin, &mut found).map_err(|error| error.to_string())?;
    builder.finish(&mut found).ok_or_else(|| found.first_error_or("the zone would be unsound"))
}

/// What gives a zone another serial, and where its SOA record comes from.
///
/// # Errors
///
/// In words, what is wrong with that.
pub(super) fn serial_change(zone: &Zone, serial: u32) -> Result<(Changeset, Origin), String> {
    let [before, after] = soa_records(zone, serial).ok_or("the SOA record is not whole")?;
    let origin = zone.node(NodeId::APEX).rrset(Rtype::SOA).map(Rrset::origin);
    let origin = origin.ok_or("the zone has no SOA record")?;
    Ok((Changeset { removed: vec![before], added: vec![after] }, origin))
}

/// The SOA record of a zone, and the same with another serial.
fn soa_records(zone: &Zone, serial: u32) -> Option<[Record; 2]> {
    let rrset = zone.node(NodeId::APEX).rrset(Rtype::SOA)?;
    let rdata = rrset.rdatas().next()?;
    let mut next: Box<[u8]> = rdata.into();
    let at = next.len().checked_sub(20)?;
    next.get_mut(at..)?.first_chunk_mut::<4>()?.copy_from_slice(&serial.to_be_bytes());
    let record = |rdata| Record { owner: zone.apex().to_name(), rtype: Rtype::SOA, ttl: rrset.ttl(), rdata };
    Some([record(rdata.into()), record(next)])
}
