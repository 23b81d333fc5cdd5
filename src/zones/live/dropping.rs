//! Drops updates for an operator: the file decides about these records again.

use std::collections::BTreeSet;
use std::sync::Arc;

use tracing::warn;

use super::batch::sharing;
use super::effective::serial_change;
use super::serial::after_change;
use super::zone::{LiveState, LiveZone, seconds_now};
use crate::zone::Changeset;
use crate::zones::journal::{JournalStep, Overlay, OverlayKey};
use crate::zones::proposal::{Contents, Proposal};
use crate::zones::version::{Inputs, ZoneVersion};

/// The operator, as steps and log lines name the requester.
const BY_OPERATOR: &str = "operator";

/// Drops what updates did to some records, and journals that: it is durable when this returns. Returns how many records
/// were dropped, and the version to publish; none: nothing has changed. Blocks.
///
/// # Errors
///
/// Says in words why nothing was dropped.
pub fn drop_updates(
    zone: &LiveZone,
    state: &mut LiveState,
    current: &ZoneVersion,
    which: impl Fn(&OverlayKey) -> bool,
) -> Result<(usize, Option<ZoneVersion>), String> {
    let aside: BTreeSet<OverlayKey> = state.aside.iter().map(|one| one.key.clone()).collect();
    let Some(journal) = &mut state.journal else { return Ok((0, None)) };
    let is_served = |key: &OverlayKey| which(key) && !aside.contains(key);
    let count = journal.overlay().iter().filter(|(key, _)| is_served(key)).count();
    let back = taken_back(journal.overlay(), is_served);
    let version = if count == 0 { None } else { Some(version_after(current, back)?) };
    let version = match version {
        None => None,
        Some((version, changes)) => {
            let (from, to) = (current.serial, version.serial);
            let step = JournalStep { from, to, changes, at: seconds_now(), by: Arc::from(BY_OPERATOR) };
            journal.append(vec![step]).map_err(|error| error.to_string())?;
            Some(version)
        }
    };
    let not_served = |key: &OverlayKey| which(key) && aside.contains(key);
    let forgotten = match (journal.forget(not_served), &version) {
        (Ok(forgotten), _) => forgotten,
        (Err(error), None) => return Err(error.to_string()),
        // What is written down is served, and this is still set aside.
        (Err(error), Some(_)) => {
            warn!(zone = %zone.id.name, "what is set aside in zone {} stays so: {error}", zone.id);
            0
        }
    };
    state.forget_aside_that_is_gone();
    zone.show(state);
    Ok((count.saturating_add(forgotten), version))
}

/// The changes that lead back to the file.
fn taken_back(overlay: &Overlay, which: impl Fn(&OverlayKey) -> bool) -> Changeset {
    let Changeset { removed, added } = overlay.changes(|key| !which(key));
    Changeset { removed: added, added: removed }
}

/// The version with these changes and the next serial, and all that changes.
pub(super) fn version_after(
    current: &ZoneVersion,
    changes: Changeset,
) -> Result<(ZoneVersion, Changeset), String> {
    version_of(current, changes, Arc::clone(&current.inputs))
}

/// The same, made from these inputs.
pub(super) fn version_of(
    current: &ZoneVersion,
    mut changes: Changeset,
    inputs: Arc<Inputs>,
) -> Result<(ZoneVersion, Changeset), String> {
    let contents = current.contents.as_ref().ok_or("the contents of the zone are not in memory")?;
    if inputs.comes_signed(contents) {
        return Err(
            "the zone comes signed, its serial too, and nobody here could sign another one".to_owned()
        );
    }
    let serial = after_change(current.serial, current.serial);
    let (soa, origin) = serial_change(contents, serial)?;
    changes.removed.splice(0..0, soa.removed);
    changes.added.splice(0..0, soa.added);
    let proposal = Proposal {
        zone: current.id.clone(),
        contents: Contents::Changes { base: current.serial, changes: changes.clone(), origin },
        inputs,
        origin: current.origin,
    };
    let version = proposal.accept(Some(current)).map_err(|error| error.to_string())?;
    Ok((sharing(version, current), changes))
}
