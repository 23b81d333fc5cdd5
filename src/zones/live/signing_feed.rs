//! Signs a zone whose records come while it is served: from primaries, or a store.
//!
//! What came and what is served are two versions. The first has the serial that it came with, and is what the next changes are
//! to; the second has a serial of its own, as it changes with keys and weeks, too.
//!
//! ```text
//!   unsigned 7 ──changes──▶ unsigned 8 ────────────────────────▶ unsigned 9
//!       │                       │ the same changes, and signatures    │
//!       ▼                       ▼                                     ▼
//!   signed 7 ─────────────▶ signed 8 ── a new week ─▶ signed 9 ─▶ signed 10
//! ```

use std::sync::Arc;

use super::batch::write_step;
use super::effective::soa_records;
use super::serial::after_change;
use super::zone::{LiveState, LiveZone, seconds_now};
use crate::dns::Rtype;
use crate::source::Diagnostics;
use crate::zone::{Changeset, NodeId, Record, Rrset};
use crate::zones::journal::{Journal, JournalStep};
use crate::zones::proposal::{Contents, Proposal};
use crate::zones::signing::{DnssecSettings, ZoneSigning, signing_time};
use crate::zones::version::{Inputs, ZoneVersion};

/// Who signs, in steps.
const BY_SIGNING: &str = "signing";

/// What is to be served where `unsigned` has come, with a serial ahead of all that were served, which is on the disk when
/// this returns; none: that is what `current` is. Blocks.
///
/// # Errors
///
/// In words, why it cannot be signed.
pub fn sign_feed(
    zone: &LiveZone,
    state: &mut LiveState,
    current: Option<&ZoneVersion>,
    unsigned: &Arc<ZoneVersion>,
    settings: &DnssecSettings,
) -> Result<Option<ZoneVersion>, String> {
    let now = signing_time(state.folder.as_deref());
    let before = current.and_then(|current| current.inputs.signing.as_ref());
    let folders = before.map(|before| Arc::clone(before.folders())).unwrap_or_default();
    let signing = ZoneSigning::read(settings, &zone.id, now, (before.map(Arc::as_ref), &folders));
    let signing = signing.map_err(|fault| fault.to_string())?;
    let of = current.and_then(|current| current.unsigned.as_ref());
    let is_same = before.is_some_and(|before| **before == signing);
    if is_same && of.is_some_and(|of| Arc::ptr_eq(of, unsigned)) {
        return Ok(None);
    }
    let last = current.map(|current| current.serial).or(state.journal().and_then(Journal::serial));
    let serial = last.map_or(unsigned.serial, |last| after_change(unsigned.serial, last));
    let inputs = Arc::new(Inputs { signing: Some(Arc::new(signing)), ..Inputs::clone(&unsigned.inputs) });
    let changes = current.zip(of).and_then(|(current, of)| changes_to(current, of, unsigned, serial));
    let changed = changes.and_then(|contents| accepted(unsigned, contents, &inputs, current).ok());
    let version = match changed {
        Some(version) => version,
        // What is new, or changed in another way than by records, is put together anew.
        None => accepted(unsigned, whole(unsigned, serial)?, &inputs, None)?,
    };
    if state.folder.is_some() {
        let (by, at) = (Arc::from(BY_SIGNING), seconds_now());
        let from = last.unwrap_or(serial);
        let step = JournalStep { from, to: serial, changes: Changeset::default(), at, by };
        write_step(state, zone, from, step)?;
    }
    let hosts = unsigned.hosts.clone();
    let loaded_at = unsigned.loaded_at;
    Ok(Some(ZoneVersion { hosts, loaded_at, unsigned: Some(Arc::clone(unsigned)), ..version }))
}

fn accepted(
    unsigned: &ZoneVersion,
    contents: Contents,
    inputs: &Arc<Inputs>,
    current: Option<&ZoneVersion>,
) -> Result<ZoneVersion, String> {
    let proposal =
        Proposal { zone: unsigned.id.clone(), contents, inputs: Arc::clone(inputs), origin: unsigned.origin };
    proposal.accept(current).map_err(|error| error.to_string())
}

/// What leads from the served version to the next one, as from what it was signed of to `unsigned`; none where more than
/// records has changed.
fn changes_to(
    current: &ZoneVersion,
    of: &ZoneVersion,
    unsigned: &ZoneVersion,
    serial: u32,
) -> Option<Contents> {
    let (served, old, new) = (current.contents.as_ref()?, of.contents.as_ref()?, unsigned.contents.as_ref()?);
    if !old.lua_records().eq(new.lua_records()) {
        return None;
    }
    let mut changes = match unsigned.since.as_ref().filter(|since| since.is_from(old)) {
        Some(since) => Changeset::between_rrsets(old, new, since.rrsets().iter()),
        None => Changeset::between(old, new),
    };
    // What it may come signed with is replaced here.
    let is_taken = |record: &Record| record.rtype != Rtype::SOA && !record.rtype.is_of_signing();
    changes.removed.retain(is_taken);
    changes.added.retain(is_taken);
    let ([before, _], [_, after]) = (soa_records(served, serial)?, soa_records(new, serial)?);
    changes.removed.insert(0, before);
    changes.added.insert(0, after);
    let origin = new.node(NodeId::APEX).rrset(Rtype::SOA).map(Rrset::origin)?;
    Some(Contents::Changes { base: current.serial, changes, origin })
}

/// All of it, with another serial.
fn whole(unsigned: &ZoneVersion, serial: u32) -> Result<Contents, String> {
    let contents = unsigned.contents.as_ref().ok_or("the contents of the zone are not in memory")?;
    let [before, after] = soa_records(contents, serial).ok_or("the SOA record is not whole")?;
    let soa = contents.node(NodeId::APEX).rrset(Rtype::SOA).map(Rrset::origin);
    let origin = soa.ok_or("the zone has no SOA record")?;
    let mut found = Diagnostics::default();
    let changes = Changeset { removed: vec![before], added: vec![after] };
    let builder = changes.apply(contents, &unsigned.inputs.guards, origin, &mut found);
    let zone = builder.map_err(|error| error.to_string())?.finish(&mut found);
    Ok(Contents::Whole(Box::new(zone.ok_or_else(|| found.first_error_or("it is no zone"))?)))
}
