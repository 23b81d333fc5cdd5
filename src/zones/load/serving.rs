//! What a reading for serving depends on: the served versions, the cause, and the files that may be half
//! written. Decides which zone keeps its version although its file has changed.

use std::sync::Arc;

use crate::source::TextFile;
use crate::zones::last_good::is_half;
use crate::zones::live::LiveZones;
use crate::zones::mark::Marks;
use crate::zones::version::ZoneVersion;
use crate::zones::watching::{Moment, Writing};
use crate::zones::zone_id::ZoneId;

/// Why files are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadCause {
    /// The server starts.
    Start,
    /// The operator asks for it, and means what is in the files.
    #[default]
    Operator,
    /// A file has changed, and may not be finished.
    Change,
}

/// What a reading is for.
pub enum Purpose {
    /// To report errors: everything is read.
    Check,
    /// To serve. Zones that have not changed since their version was made are not read again. A zone that
    /// cannot be read and has no version is loaded from the state directory.
    Serve(Serving),
}

/// What a reading for serving depends on.
#[derive(Clone, Default)]
pub struct Serving {
    /// The served versions.
    pub versions: Vec<Arc<ZoneVersion>>,
    /// Why files are read.
    pub cause: ReadCause,
    /// The files of the versions that the last reading held back.
    pub held: Vec<(ZoneId, Vec<TextFile>)>,
    /// Files that are being written now.
    pub writing: Writing,
    /// The marks of the zones that are being read.
    pub marks: Arc<Marks>,
    /// The zones that change while they are served.
    pub live: Arc<LiveZones>,
}

impl Serving {
    /// Which of these files, read after `moment`, may have been half written. None unless a change of a file
    /// is the cause: an operator who asks for a reload means what is there.
    pub(super) fn half_written<'t>(
        &self,
        texts: &'t [TextFile],
        moment: Moment,
    ) -> impl Iterator<Item = &'t TextFile> {
        let is_half = move |text: &&TextFile| self.writing.may_be_half(&text.path, moment);
        texts.iter().filter(|_| self.cause == ReadCause::Change).filter(is_half)
    }

    /// Why a new version does not replace the served one yet; none: it does.
    ///
    /// A file may be half written although no process has it open: a script may append line by line. A text
    /// that has lost more than half of its length under the same serial is served once a second reading finds
    /// the same.
    pub(super) fn held(&self, zone: &ZoneId, before: &ZoneVersion, read: &ZoneVersion) -> Option<String> {
        if self.cause != ReadCause::Change || before.last_good_since().is_some() {
            return None;
        }
        let (texts, known) = (&read.inputs.texts, &before.inputs.texts);
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
