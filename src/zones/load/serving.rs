//! What a reading for serving goes by: what is served already, why it is read, and what is not to be trusted
//! yet.
//!
//! Responsible for which zone stays as it is though its file has changed. Not responsible for reading.

use std::sync::Arc;
use std::{fs, thread};

use crate::source::{TextFile, patiently};
use crate::zones::last_good::is_half;
use crate::zones::mark::Marks;
use crate::zones::version::ZoneVersion;
use crate::zones::watching::{QUIET, Writing};
use crate::zones::zone_id::ZoneId;

/// Why files are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cause {
    /// The server starts.
    Start,
    /// Somebody says so: what stands there is meant.
    #[default]
    Operator,
    /// They have changed. One of them may not be finished.
    Change,
}

/// What a reading is for.
pub enum Purpose {
    /// To say what is wrong: everything is read.
    Check,
    /// To be served. Of what has not changed since one of its versions was
    /// read nothing is read again; a zone that cannot be read and has none there
    /// is taken from the state directory.
    Serve(Serving),
}

/// What a reading for serving goes by.
#[derive(Clone, Default)]
pub struct Serving {
    /// What has not changed since one of these was read is not read again.
    pub versions: Vec<Arc<ZoneVersion>>,
    /// Why files are read.
    pub cause: Cause,
    /// What the last reading found and held back.
    pub held: Vec<(ZoneId, Vec<TextFile>)>,
    /// Files that somebody is writing just now.
    pub writing: Writing,
    /// The zones that are being read.
    pub marks: Arc<Marks>,
}

impl Serving {
    /// Whether one of the files of a zone is not finished yet, as far as that is of interest.
    pub(super) fn is_written(&self, texts: &[TextFile]) -> bool {
        self.cause == Cause::Change && texts.iter().any(|text| self.writing.holds(&text.path))
    }

    /// Why what was read of a zone just now does not take the place of what is served yet; none: it does.
    ///
    /// A text may be read while it is written even if nobody has it open: a script may append line by line.
    /// One that has lost more than half, and has the serial it had, is taken when the next reading finds the
    /// same.
    pub(super) fn held(&self, zone: &ZoneId, before: &ZoneVersion, read: &ZoneVersion) -> Option<String> {
        if self.cause != Cause::Change || before.last_good_since().is_some() {
            return None;
        }
        let (texts, known) = (&read.inputs.texts, &before.inputs.texts);
        if are_fresh(texts) {
            // What tells that somebody is writing may be under way, on a machine with much to do.
            thread::sleep(QUIET);
        }
        if self.is_written(texts) {
            return Some("somebody is writing its file; it is read when that is done".to_owned());
        }
        let bytes = |texts: &[TextFile]| texts.iter().map(|text| text.bytes).sum();
        let (was, is) = (bytes(known), bytes(texts));
        let is_known = self.held.iter().any(|(id, held)| id == zone && held == texts);
        let has_shrunk = read.serial == before.serial && is_half(was, is);
        (has_shrunk && !is_known).then(|| {
            format!(
                "its text has {is} bytes where {was} were, and its serial is still {}; it is served if it stays so",
                read.serial
            )
        })
    }
}

/// Whether one of these files was written a moment ago. A time to come says nothing: then a clock was set.
fn are_fresh(texts: &[TextFile]) -> bool {
    texts.iter().any(|text| {
        let named = text.path.clone();
        let written = patiently(&text.path, move |_| fs::metadata(named)?.modified());
        written.ok().and_then(|written| written.elapsed().ok()).is_some_and(|age| age < QUIET)
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::source::Digest;

    #[test]
    fn a_file_is_fresh_for_a_moment_after_it_was_written_and_a_clock_that_was_set_makes_none_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("zone");
        fs::write(&path, "text").unwrap();
        let texts = [TextFile { path: path.clone(), bytes: 4, digest: Digest::of(b"text") }];
        let written = |at: SystemTime| {
            fs::File::options().write(true).open(&path).unwrap().set_modified(at).unwrap();
            are_fresh(&texts)
        };
        let minute = Duration::from_secs(60);
        assert!(!written(SystemTime::now() - minute));
        assert!(!written(SystemTime::now() + minute));
        // Until it has been so for a moment, which a busy machine may let pass in between.
        assert!((0..100).any(|_| written(SystemTime::now())));
    }
}
