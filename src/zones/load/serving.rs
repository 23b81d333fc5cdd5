//! What a reading for serving goes by: what is served already, why it is read, and what is not to be trusted
//! yet.
//!
//! Decides which zone stays as it is although its file has changed. Not responsible for reading.

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
    /// To be served. Of what has not changed since one of its versions was read nothing is read again; a zone
    /// that cannot be read and has none there is taken from the state directory.
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
    /// The zones that change while they are served.
    pub live: Arc<LiveZones>,
}

impl Serving {
    /// Which of these files may have been half written when they were read after `moment`, as far as that is
    /// of interest.
    pub(super) fn half_written<'t>(
        &self,
        texts: &'t [TextFile],
        moment: Moment,
    ) -> impl Iterator<Item = &'t TextFile> {
        let is_half = move |text: &&TextFile| self.writing.may_be_half(&text.path, moment);
        texts.iter().filter(|_| self.cause == Cause::Change).filter(is_half)
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
