//! The next serial of a zone whose records stay: what other servers are sent of it has changed.

use std::sync::Arc;

use super::batch::write_step;
use super::dropping::version_after;
use super::zone::{LiveState, LiveZone, seconds_now};
use crate::zone::Changeset;
use crate::zones::journal::JournalStep;
use crate::zones::version::ZoneVersion;

/// Who raises a serial, in steps and lines.
const BY_VERDICTS: &str = "verdicts";

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
