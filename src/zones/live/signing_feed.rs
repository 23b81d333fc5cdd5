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

use super::effective::serial_change;
use super::raising::write_down;
use super::serial::after_change;
use super::zone::{LiveState, LiveZone};
use crate::dns::Rtype;
use crate::source::Diagnostics;
use crate::zone::{Changeset, Record};
use crate::zones::journal::Journal;
use crate::zones::proposal::{Contents, Proposal, ProposalError};
use crate::zones::signing::{DnssecSettings, ZoneSigning, signing_time};
use crate::zones::version::{Inputs, ZoneVersion};

/// With what it is signed that has come.
pub enum SigningKeys<'s> {
    /// With the keys that what is served is signed with, by these settings: whoever looks at keys and weeks each minute finds
    /// others.
    Served(&'s DnssecSettings),
    /// With those that were read just now.
    Read(Arc<ZoneSigning>),
}

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
    keys: SigningKeys<'_>,
) -> Result<Option<ZoneVersion>, String> {
    let before = current.and_then(|current| current.inputs.signing.as_ref());
    let signing = match keys {
        SigningKeys::Read(signing) => signing,
        SigningKeys::Served(settings) => match before.filter(|before| before.is_by(settings)) {
            Some(before) => Arc::clone(before),
            None => Arc::new(read(zone, state, current, settings)?),
        },
    };
    let of = current.and_then(|current| current.unsigned.as_ref());
    let is_same = before.is_some_and(|before| *before == signing);
    if is_same && of.is_some_and(|of| Arc::ptr_eq(of, unsigned)) {
        return Ok(None);
    }
    let last = current.map(|current| current.serial).or(state.journal().and_then(Journal::serial));
    let inputs = Arc::new(Inputs { signing: Some(signing), ..Inputs::clone(&unsigned.inputs) });
    // After a restart it may be what was served before, with all of its signatures.
    if let (None, Some(last)) = (current, last)
        && let (Some(signing), Some(came)) = (&inputs.signing, &unsigned.contents)
        && signing.has_served(last, came)
    {
        let version =
            accepted(unsigned, whole(unsigned, last)?, &inputs, None).map_err(|error| error.to_string())?;
        // Not where a key has come, or gone, or another week has begun.
        if signing.is_as_before() {
            return Ok(Some(of_what_came(version, unsigned)));
        }
    }
    let serial = last.map_or(unsigned.serial, |last| after_change(unsigned.serial, last));
    let changes = current.zip(of).and_then(|(current, of)| changes_to(current, of, unsigned, serial));
    let version = match changes.map(|contents| accepted(unsigned, contents, &inputs, current)) {
        Some(Ok(version)) => version,
        // What is new, or changed in another way than by records, is put together anew.
        None
        | Some(Err(
            ProposalError::NoContents | ProposalError::OtherBase { .. } | ProposalError::Changes(_),
        )) => {
            accepted(unsigned, whole(unsigned, serial)?, &inputs, None).map_err(|error| error.to_string())?
        }
        // The whole of it would be refused, too.
        Some(Err(
            error @ (ProposalError::Unsound(_) | ProposalError::Compile(_) | ProposalError::Sign(_)),
        )) => return Err(error.to_string()),
    };
    // What is signed after a restart begins with this serial.
    write_down(zone, state, &version, (last.unwrap_or(serial), Changeset::default()))?;
    Ok(Some(of_what_came(version, unsigned)))
}

/// A signed version, with what it was signed of.
fn of_what_came(version: ZoneVersion, unsigned: &Arc<ZoneVersion>) -> ZoneVersion {
    let (hosts, loaded_at) = (unsigned.hosts.clone(), unsigned.loaded_at);
    ZoneVersion { hosts, loaded_at, unsigned: Some(Arc::clone(unsigned)), ..version }
}

/// What a zone is signed with by its folder of keys.
fn read(
    zone: &LiveZone,
    state: &LiveState,
    current: Option<&ZoneVersion>,
    settings: &DnssecSettings,
) -> Result<ZoneSigning, String> {
    let before = current.and_then(|current| current.inputs.signing.as_deref());
    let now = signing_time(state.folder.as_deref());
    let folders = before.map(|before| Arc::clone(before.folders())).unwrap_or_default();
    // What is served unsigned has none of the signatures that are kept.
    let kept = state.folder.as_deref().filter(|_| current.is_none());
    let signing = ZoneSigning::read(settings, &zone.id, now, (before, &folders), kept);
    signing.map_err(|fault| fault.to_string())
}

fn accepted(
    unsigned: &ZoneVersion,
    contents: Contents,
    inputs: &Arc<Inputs>,
    current: Option<&ZoneVersion>,
) -> Result<ZoneVersion, ProposalError> {
    let (zone, inputs) = (unsigned.id.clone(), Arc::clone(inputs));
    Proposal { zone, contents, inputs, origin: unsigned.origin }.accept(current)
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
    let ((before, _), (after, origin)) =
        (serial_change(served, serial).ok()?, serial_change(new, serial).ok()?);
    changes.removed.splice(0..0, before.removed);
    changes.added.splice(0..0, after.added);
    Some(Contents::Changes { base: current.serial, changes, origin })
}

/// All of it, with another serial.
fn whole(unsigned: &ZoneVersion, serial: u32) -> Result<Contents, String> {
    let contents = unsigned.contents.as_ref().ok_or("the contents of the zone are not in memory")?;
    let (changes, origin) = serial_change(contents, serial)?;
    let mut found = Diagnostics::default();
    let builder = changes.apply(contents, &unsigned.inputs.guards, origin, &mut found);
    let zone = builder.map_err(|error| error.to_string())?.finish(&mut found);
    Ok(Contents::Whole(Box::new(zone.ok_or_else(|| found.first_error_or("it is no zone"))?)))
}
