//! The time that signatures are made with: the clock, but never earlier than the newest time that was ever seen.
//!
//! Nodes at the edge start without a clock, at whatever time their board has. Signatures of then would have expired.

use std::io::{Read, Write};
use std::path::Path;
use std::time::SystemTime;

use tracing::warn;

use crate::dnssec::Time;
use crate::zones::state_file;

/// Seconds by which the clock may be behind before that is told: signatures are valid from an hour before.
const AHEAD_TOLD: u64 = 3600;

/// The file of the newest time that was seen.
const FILE: &str = "newest-time";

/// Seconds by which the clock must be ahead of what is written down before that is written anew.
const STEP: u64 = 600;

/// The time to sign with. The newest one that was seen is in the state directory; none: it is not kept.
pub fn signing_time(folder: Option<&Path>) -> Time {
    let clock = Time::of(SystemTime::now());
    let Some(folder) = folder else { return clock };
    let newest = seen(folder).unwrap_or(Time::from_seconds(0));
    if clock.seconds() >= newest.seconds().saturating_add(STEP)
        && let Err(error) = note(folder, clock)
    {
        warn!("cannot write down the time in {}: {error}", folder.display());
    }
    clock.max(newest)
}

/// Says so when the clock is far behind the newest time that was seen: one of them is wrong.
pub(in crate::zones) fn warn_of_clock(folder: &Path, time: Time) {
    let clock = Time::of(SystemTime::now());
    if time > clock.after(AHEAD_TOLD) {
        let place = folder.join(FILE);
        warn!(
            "the clock says {clock}, and {time} was seen before: zones are signed as of then; if that was wrong, remove {} and \
             reload",
            place.display()
        );
    }
}

/// The newest time that was seen.
fn seen(folder: &Path) -> Option<Time> {
    let mut text = String::new();
    let file = state_file::open(&folder.join(FILE)).ok().flatten()?;
    file.take(64).read_to_string(&mut text).ok()?;
    text.trim().parse().ok().map(Time::from_seconds)
}

fn note(folder: &Path, time: Time) -> std::io::Result<()> {
    let place = folder.join(FILE);
    let unfinished = folder.join(format!("{FILE}.new"));
    state_file::replace(&place, &unfinished, |file| {
        writeln!(file, "{}", time.seconds())?;
        Ok(state_file::Filled::Whole)
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_went_back_signs_with_the_newest_time_that_was_seen() {
        let folder = tempfile::tempdir().unwrap();
        let now = signing_time(Some(folder.path()));
        assert_eq!(seen(folder.path()), Some(now));
        note(folder.path(), now.after(1_000_000)).unwrap();
        assert_eq!(signing_time(Some(folder.path())), now.after(1_000_000));
        assert_eq!(seen(folder.path()), Some(now.after(1_000_000)), "what was seen stays");
        std::fs::write(folder.path().join(FILE), "garbled").unwrap();
        assert!(signing_time(Some(folder.path())) < now.after(1_000));
        assert!(signing_time(None) < now.after(1_000));
    }
}
