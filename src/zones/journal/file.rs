//! The file of a journal: read once, appended to, and rewritten when it has grown.
//!
//! An entry is durable when [`Journal::append`] returns. An entry that a killed process left half-written is cut off.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::entry::{JournalEntry, UnknownEntry};
use super::history::{History, JournalStep};
use super::overlay::{Deleted, Overlay, OverlayKey};
use crate::source::Digest;
use crate::zones::state_file::{self, Filled};
use crate::zones::zone_id::ZoneId;

/// Below the state directory: nothing else is there.
const FOLDER: &str = "updates";

/// The end of a journal's name.
const END: &str = ".journal";

/// The end of its name until it is whole.
const END_UNFINISHED: &str = ".journal.new";

/// What a journal begins with.
const MAGIC: &[u8] = b"edgedns journal 1\n";

/// A journal longer than this is rewritten when that halves it.
const COMPACT_BYTES_MIN: u64 = 1 << 20;

/// The journal of a zone. One writer has it.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    unfinished: PathBuf,
    file: File,
    /// How many bytes of it are whole entries.
    length: u64,
    /// Its length when it was last rewritten.
    compact_length: u64,
    serial: Option<u32>,
    digest: Option<Digest>,
    announced: Option<(u32, Option<Digest>)>,
    overlay: Overlay,
    history: History,
    standing: JournalState,
}

/// Whether the file says what is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum JournalState {
    /// It does: entries can be written behind the others.
    Same,
    /// It does not: bytes could neither be written nor taken back, or what is served could not be written down. It is
    /// written anew before anything else.
    Behind,
}

/// What was cut off a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The journal.
    pub path: PathBuf,
    /// Where, in bytes from its beginning.
    pub at: u64,
    /// How many bytes.
    pub bytes: u64,
}

impl fmt::Display for Torn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Torn { path, at, bytes } = self;
        write!(
            f,
            "{}: the last {bytes} bytes, from byte {at} on, are no whole entry; cut off",
            path.display()
        )
    }
}

/// Why a journal cannot be used.
#[derive(Debug)]
pub enum JournalError {
    /// The file system refused.
    Io(PathBuf, io::Error),
    /// It is something else.
    Foreign(PathBuf),
    /// It has an entry that a later version of this program has written.
    Unknown {
        /// The journal.
        path: PathBuf,
        /// Where, in bytes from its beginning.
        at: u64,
    },
    /// It was not read with the zone, so what is served is without its updates.
    Unread(PathBuf),
    /// The entry is too long.
    TooLong,
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JournalError::Io(path, error) => write!(f, "{}: {error}", path.display()),
            JournalError::Foreign(path) => write!(
                f,
                "{} is no journal that this version reads, and is left as it is; move it away, or run the version that \
                 wrote it",
                path.display()
            ),
            JournalError::Unknown { path, at } => write!(
                f,
                "{}: the entry at byte {at} is whole, and none that this version knows: a later one wrote it; nothing \
                 is cut off; run that version again, or move the file away to serve the zone without its updates",
                path.display()
            ),
            JournalError::Unread(path) => {
                write!(f, "{} was not read when the zone was; restart the server to read it", path.display())
            }
            JournalError::TooLong => f.write_str("the change is too long for the journal"),
        }
    }
}

impl std::error::Error for JournalError {}

/// The journal of a zone in a state directory.
fn place(folder: &Path, zone: &ZoneId, end: &str) -> PathBuf {
    folder.join(FOLDER).join(state_file::file_name(zone, end))
}

impl Journal {
    /// Whether a zone has a journal in this state directory.
    pub fn is_there(folder: &Path, zone: &ZoneId) -> bool {
        place(folder, zone, END).symlink_metadata().is_ok()
    }

    /// Opens the journal of a zone in this state directory, and cuts off a torn entry. None: there is none.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is not one.
    pub fn open(folder: &Path, zone: &ZoneId) -> Result<Option<(Journal, Option<Torn>)>, JournalError> {
        let path = place(folder, zone, END);
        let fault = |error| JournalError::Io(path.clone(), error);
        let Some(mut file) = state_file::open_to_append(&path).map_err(fault)? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(fault)?;
        let Some(rest) = bytes.strip_prefix(MAGIC) else { return Err(JournalError::Foreign(path)) };
        let mut journal = Journal::of(folder, zone, file);
        let mut left = rest;
        // A length in memory is one in 64 bits.
        let at = |left: &[u8]| bytes.len().saturating_sub(left.len()) as u64;
        let unknown = |left: &[u8]| JournalError::Unknown { path: path.clone(), at: at(left) };
        while let Some((entry, taken)) = JournalEntry::read(left).map_err(|UnknownEntry| unknown(left))? {
            journal.take(entry, taken);
            left = left.get(taken..).unwrap_or_default();
        }
        let (at, torn) = (at(left), left.len() as u64);
        journal.length = at;
        journal.compact_length = journal.compacted();
        if torn > 0 {
            journal.cut(at).map_err(fault)?;
        }
        let torn = (torn > 0).then_some(Torn { path, at, bytes: torn });
        Ok(Some((journal, torn)))
    }

    /// A journal for a zone that has none, in this state directory.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn create(
        folder: &Path,
        zone: &ZoneId,
        serial: u32,
        file: Option<Digest>,
    ) -> Result<Journal, JournalError> {
        let (path, unfinished) = (place(folder, zone, END), place(folder, zone, END_UNFINISHED));
        let made = state_file::make_folder(&folder.join(FOLDER));
        made.map_err(|error| JournalError::Io(path.clone(), error))?;
        // Something to write to until the journal is there.
        let nothing = state_file::create(&unfinished).map_err(|error| JournalError::Io(path, error))?;
        let mut journal = Journal::of(folder, zone, nothing);
        journal.take(JournalEntry::Base { serial, file, overlay: Overlay::default() }, 0);
        journal.rewrite()?;
        Ok(journal)
    }

    /// Nothing is known of what is in the file.
    fn of(folder: &Path, zone: &ZoneId, file: File) -> Journal {
        Journal {
            path: place(folder, zone, END),
            unfinished: place(folder, zone, END_UNFINISHED),
            file,
            length: 0,
            compact_length: 0,
            serial: None,
            digest: None,
            announced: None,
            overlay: Overlay::default(),
            history: History::default(),
            standing: JournalState::Same,
        }
    }

    /// The serial that was served last, or was about to be; none: that is not known.
    pub fn serial(&self) -> Option<u32> {
        self.announced.map(|(serial, _)| serial).or(self.serial)
    }

    /// The digest of the file that this serial was made from; none: it is not known.
    pub fn file_digest(&self) -> Option<Digest> {
        self.announced.map_or(self.digest, |(_, digest)| digest)
    }

    /// Whether a serial was announced, and nothing with it is served yet.
    pub fn has_announced(&self) -> bool {
        self.announced.is_some()
    }

    /// By what what is served differs from the file.
    pub fn overlay(&self) -> &Overlay {
        &self.overlay
    }

    /// The steps that are kept.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> u64 {
        self.length
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends updates, all of them or none. They are durable when this returns; [`Journal::compact`] is for later, when
    /// nobody waits.
    ///
    /// # Errors
    ///
    /// When they are not.
    pub fn append(&mut self, steps: Vec<JournalStep>) -> Result<(), JournalError> {
        self.append_with(steps, Vec::new())
    }

    /// The same with what they deleted of records that are not served.
    ///
    /// # Errors
    ///
    /// When they are not on the disk.
    pub fn append_with(
        &mut self,
        steps: Vec<JournalStep>,
        deleted: Vec<Deleted>,
    ) -> Result<(), JournalError> {
        let steps = steps.into_iter().map(JournalEntry::Update);
        self.write(steps.chain(deleted.into_iter().map(JournalEntry::Deleted)).collect())
    }

    /// Whether it has grown so long that it is to be written anew.
    pub fn is_compaction_due(&self) -> bool {
        self.length > COMPACT_BYTES_MIN.max(self.compact_length.saturating_mul(2))
    }

    /// Writes it anew if it has grown so long.
    pub fn compact(&mut self) {
        if self.is_compaction_due() {
            // What was written is there, whatever becomes of this.
            let _ = self.rewrite();
        }
    }

    /// Notes that this serial, made from this file, is about to be served.
    ///
    /// # Errors
    ///
    /// When it is not on the disk.
    pub fn announce(&mut self, serial: u32, file: Option<Digest>) -> Result<(), JournalError> {
        self.write(vec![JournalEntry::Announced { serial, file }])
    }

    /// Notes that another file is served now, with this overlay; `step` leads there, if known.
    ///
    /// # Errors
    ///
    /// When it is not on the disk. It is served all the same, so it is known here, and written down before the next
    /// update is.
    pub fn rebase(
        &mut self,
        serial: u32,
        file: Option<Digest>,
        overlay: Overlay,
        step: Option<JournalStep>,
    ) -> Result<(), JournalError> {
        let written = step.and_then(|step| {
            let mut written = Vec::new();
            JournalEntry::Kept(step.clone()).write(&mut written)?;
            Some((step, written.len()))
        });
        match written {
            Some((step, bytes)) => self.history.push(step, bytes),
            // Not known, or longer than any that is kept.
            None => self.history.clear(),
        }
        self.take(JournalEntry::Base { serial, file, overlay }, 0);
        self.standing = JournalState::Behind;
        self.catch_up()
    }

    /// Whether the file lacks what is served, since it could not be written down.
    pub fn is_behind(&self) -> bool {
        self.standing == JournalState::Behind
    }

    /// Forgets records of the overlay: the file decides about them again. Returns how many.
    ///
    /// # Errors
    ///
    /// When that is not on the disk; then none is forgotten.
    pub fn forget(&mut self, which: impl Fn(&OverlayKey) -> bool) -> Result<usize, JournalError> {
        let mut overlay = self.overlay.clone();
        let count = overlay.forget(which);
        if count > 0 {
            let before = std::mem::replace(&mut self.overlay, overlay);
            self.rewrite().inspect_err(|_| self.overlay = before)?;
        }
        Ok(count)
    }

    /// Writes entries behind the others.
    fn write(&mut self, entries: Vec<JournalEntry>) -> Result<(), JournalError> {
        self.catch_up()?;
        let mut bytes = Vec::new();
        let mut ends = Vec::new();
        for entry in &entries {
            entry.write(&mut bytes).ok_or(JournalError::TooLong)?;
            ends.push(bytes.len());
        }
        let written = self.file.write_all(&bytes).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            if self.cut(self.length).is_err() {
                self.standing = JournalState::Behind;
            }
            return Err(JournalError::Io(self.path.clone(), error));
        }
        let mut before = 0;
        for (entry, end) in entries.into_iter().zip(ends) {
            self.take(entry, end.saturating_sub(before));
            before = end;
        }
        // A length in memory is one in 64 bits.
        self.length = self.length.saturating_add(bytes.len() as u64);
        Ok(())
    }

    /// Has the file say what is known here, if it does not, or is another one than the one that is written to: it was
    /// removed, or a step behind its replacement failed.
    fn catch_up(&mut self) -> Result<(), JournalError> {
        if self.standing == JournalState::Same && self.is_in_place() {
            return Ok(());
        }
        self.standing = JournalState::Behind;
        self.rewrite()
    }

    /// Whether what is written to is what stands under the journal's name.
    fn is_in_place(&self) -> bool {
        let (Ok(ours), Ok(there)) = (self.file.metadata(), self.path.symlink_metadata()) else {
            return false;
        };
        (ours.dev(), ours.ino()) == (there.dev(), there.ino())
    }

    /// Writes the journal anew.
    fn rewrite(&mut self) -> Result<(), JournalError> {
        let bytes = self.written().ok_or(JournalError::TooLong)?;
        let fault = |error| JournalError::Io(self.path.clone(), error);
        let written = state_file::replace(&self.path, &self.unfinished, |file| {
            file.write_all(&bytes)?;
            Ok(Filled::Whole)
        });
        written.map_err(fault)?;
        let opened = state_file::open_to_append(&self.path).map_err(fault)?;
        self.file = opened.ok_or_else(|| fault(ErrorKind::NotFound.into()))?;
        // A length in memory is one in 64 bits.
        self.length = bytes.len() as u64;
        self.compact_length = self.length;
        self.standing = JournalState::Same;
        Ok(())
    }

    /// How many bytes it would have if it were written anew; while that makes no difference, how many it has.
    fn compacted(&self) -> u64 {
        if self.length <= COMPACT_BYTES_MIN {
            return self.length;
        }
        // A length in memory is one in 64 bits.
        self.written().map_or(self.length, |bytes| bytes.len() as u64)
    }

    /// What is known, as it is written: the steps that are kept, what is served, and what is about to be. None: it is
    /// too long.
    fn written(&self) -> Option<Vec<u8>> {
        let mut bytes = MAGIC.to_vec();
        for step in self.history.iter() {
            JournalEntry::Kept(JournalStep::clone(step)).write(&mut bytes)?;
        }
        JournalEntry::write_as_base(self.serial.unwrap_or_default(), self.digest, &self.overlay, &mut bytes)?;
        if let Some((serial, file)) = self.announced {
            JournalEntry::Announced { serial, file }.write(&mut bytes)?;
        }
        Some(bytes)
    }

    /// What an entry says, which takes `bytes` in the file.
    fn take(&mut self, entry: JournalEntry, bytes: usize) {
        match entry {
            JournalEntry::Update(step) => {
                self.overlay.take(&step.changes, step.at, &step.by);
                self.serial = Some(step.to);
                self.announced = None;
                self.history.push(step, bytes);
            }
            JournalEntry::Kept(step) => self.history.push(step, bytes),
            JournalEntry::Base { serial, file, overlay } => {
                (self.serial, self.digest, self.overlay) = (Some(serial), file, overlay);
                self.announced = None;
            }
            JournalEntry::Announced { serial, file } => self.announced = Some((serial, file)),
            JournalEntry::Deleted(deleted) => self.overlay.delete(&deleted),
        }
    }

    /// Takes back everything behind `length`.
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.file.seek(SeekFrom::Start(length))?;
        self.file.sync_data()
    }
}

#[cfg(test)]
mod tests;
