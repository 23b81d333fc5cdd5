//! What a reading for serving goes by: what is served already, why it is read, and what is not to be trusted yet.
//!
//! Responsible for which zone stays as it is though its file has changed. Not responsible for reading.

use std::sync::Arc;

use super::mark::Marks;
use super::{Version, ZoneId};
use crate::daemon::kept::is_half;
use crate::daemon::watching::Writing;
use crate::source::TextFile;

/// Why files are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::daemon) enum Cause {
    /// The server starts.
    Start,
    /// Somebody says so: what stands there is meant.
    #[default]
    Operator,
    /// They have changed. One of them may not be finished.
    Change,
}

/// What a reading for serving goes by.
#[derive(Clone, Default)]
pub(in crate::daemon) struct Serving {
    /// What has not changed since one of these was read is not read again.
    pub(in crate::daemon) versions: Vec<(ZoneId, Version)>,
    pub(in crate::daemon) cause: Cause,
    /// What the last reading found and held back.
    pub(in crate::daemon) held: Vec<(ZoneId, Vec<TextFile>)>,
    /// Files that somebody is writing just now.
    pub(in crate::daemon) writing: Writing,
    pub(in crate::daemon) marks: Arc<Marks>,
}

impl Serving {
    /// Whether one of the files of a zone is not finished yet, as far as that is of interest.
    pub(super) fn is_written(&self, texts: &[TextFile]) -> bool {
        self.cause == Cause::Change && texts.iter().any(|text| self.writing.holds(&text.path))
    }

    /// Why what was read of a zone just now does not take the place of what is served yet; none: it does.
    ///
    /// A text may be read while it is written even if nobody has it open: a script may append line by line. One that has
    /// lost more than half, and has the serial it had, is taken when the next reading finds the same.
    pub(super) fn held(&self, zone: &ZoneId, before: &Version, read: &Version) -> Option<String> {
        if self.cause != Cause::Change || before.kept_at.is_some() {
            return None;
        }
        let (texts, known) = (&read.basis.texts, &before.basis.texts);
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
