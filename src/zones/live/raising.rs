//! The next serial of a zone whose records stay: what other servers are sent of it has changed, or it is signed anew.

use std::sync::Arc;

use super::batch::write_step;
use super::dropping::{version_after, version_of};
use super::zone::{LiveState, LiveZone, seconds_now};
use crate::zone::Changeset;
use crate::zones::host_members::{HostTable, are_moved, set_hosts};
use crate::zones::journal::JournalStep;
use crate::zones::signing::{ZoneSigning, signing_time};
use crate::zones::version::{Inputs, ZoneVersion};

/// Who raises a serial, in steps and lines.
const BY_VERDICTS: &str = "verdicts";

/// The same where hosts of other zones have moved.
const BY_HOSTS: &str = "hosts";

/// The same where it is signed anew.
const BY_SIGNING: &str = "signing";

/// What is served, with the next serial, which is on the disk when this returns: after a restart it does not go back.
/// Blocks.
///
/// # Errors
///
/// In words, why the serial stays as it is.
pub fn raise_serial(
    zone: &LiveZone,
    state: &mut LiveState,
    current: &ZoneVersion,
) -> Result<ZoneVersion, String> {
    let (version, changes) = version_after(current, Changeset::default())?;
    write_down(zone, state, &version, (current.serial, changes))?;
    Ok(version)
}

/// What is served, with the addresses that hosts of other zones have in this table, and the next serial; none: that is what it
/// has. Blocks.
///
/// # Errors
///
/// In words, why it stays as it is.
pub fn follow_hosts(
    zone: &LiveZone,
    state: &mut LiveState,
    current: &ZoneVersion,
    table: &HostTable,
) -> Result<Option<ZoneVersion>, String> {
    if !are_moved(&current.inputs.guards, table) {
        return Ok(None);
    }
    let mut inputs = Inputs::clone(&current.inputs);
    set_hosts(&mut inputs.guards, table);
    let (version, changes) = version_of(current, Changeset::default(), Arc::new(inputs))?;
    let (by, at) = (Arc::from(BY_HOSTS), seconds_now());
    let step = JournalStep { from: current.serial, to: version.serial, changes, at, by };
    // A serial that goes back after a restart is better than an address that nobody has any more.
    match state.rebase(&zone.id, version.inputs.digest(), step) {
        Ok(()) => state.clear_fault(&zone.id),
        Err(error) => state.set_fault(&zone.id, &error),
    }
    zone.show(state);
    Ok(Some(version))
}

/// What is served, signed with what its keys say now and for the period that this is, with the next serial; none: that is
/// how it is signed. Blocks.
///
/// # Errors
///
/// In words, why it stays as it is.
pub fn sign_anew(
    zone: &LiveZone,
    state: &mut LiveState,
    current: &ZoneVersion,
) -> Result<Option<ZoneVersion>, String> {
    let Some(signing) = &current.inputs.signing else { return Ok(None) };
    let now = signing_time(state.folder.as_deref());
    let renewed: Option<ZoneSigning> = signing.renewed(&zone.id, now).map_err(|fault| fault.to_string())?;
    let Some(renewed) = renewed else { return Ok(None) };
    let inputs = Inputs { signing: Some(Arc::new(renewed)), ..Inputs::clone(&current.inputs) };
    let (version, changes) = version_of(current, Changeset::default(), Arc::new(inputs))?;
    write_down(zone, state, &version, (current.serial, changes))?;
    Ok(Some(version))
}

/// Writes down the step from a serial to a version.
pub(super) fn write_down(
    zone: &LiveZone,
    state: &mut LiveState,
    version: &ZoneVersion,
    (from, changes): (u32, Changeset),
) -> Result<(), String> {
    let is_signed = version.inputs.signing.is_some();
    // Without a state directory the serial may go back with a restart: better than signatures that have expired.
    if !is_signed || state.folder.is_some() {
        let by = Arc::from(if is_signed { BY_SIGNING } else { BY_VERDICTS });
        write_step(
            state,
            zone,
            from,
            JournalStep { from, to: version.serial, changes, at: seconds_now(), by },
        )?;
    }
    zone.show(state);
    Ok(())
}
