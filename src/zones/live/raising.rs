//! The next serial of a zone whose records stay: what other servers are sent of it has changed, or it is signed anew.

use std::sync::Arc;

use super::batch::write_step;
use super::dropping::{version_after, version_of};
use super::zone::{LiveState, LiveZone, seconds_now};
use crate::zone::Changeset;
use crate::zones::journal::JournalStep;
use crate::zones::signing::{ZoneSigning, signing_time};
use crate::zones::version::{Inputs, ZoneVersion};

/// Who raises a serial, in steps and lines.
const BY_VERDICTS: &str = "verdicts";

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
    let (from, to) = (current.serial, version.serial);
    let step = JournalStep { from, to, changes, at: seconds_now(), by: Arc::from(BY_VERDICTS) };
    write_step(state, zone, from, step)?;
    zone.show(state);
    Ok(version)
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
    let (from, to) = (current.serial, version.serial);
    let step = JournalStep { from, to, changes, at: seconds_now(), by: Arc::from(BY_SIGNING) };
    // Without a state directory the serial may go back with a restart: better than signatures that have expired.
    if state.folder.is_some() {
        write_step(state, zone, from, step)?;
    }
    zone.show(state);
    Ok(Some(version))
}
