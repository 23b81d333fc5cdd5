//! The file of a journal: read once, appended to, written anew when it has grown.
//!
//! An entry is on the disk when [`Journal::append`] returns. What a process that ended left half-written is cut off.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::entry::Entry;
use super::history::{History, Step};
use super::overlay::{Overlay, OverlayKey};
use crate::source::Digest;
use crate::zones::last_good;
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

/// From how many bytes on a journal is written anew when it has twice what it would have then.
const COMPACT_BYTES_MIN: u64 = 1 << 20;

/// The journal of a zone. One writer has it.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    unfinished: PathBuf,
    file: File,
    /// How many bytes of it are whole entries.
    length: u64,
    /// How many it had when it was last written anew.
    compact_length: u64,
    serial: Option<u32>,
    digest: Option<Digest>,
    announced: Option<(u32, Option<Digest>)>,
    overlay: Overlay,
    history: History,
    /// Bytes that could neither be written nor taken back: nothing is written behind them.
    is_broken: bool,
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

/// Why a journal is of no use.
#[derive(Debug)]
pub enum JournalError {
    /// The file system refused.
    Io(PathBuf, io::Error),
    /// It is the journal of another program, or of a later version of this one.
    Foreign(PathBuf),
    /// What is to be written is too long.
    TooLong,
    /// An earlier entry could be written only in part, and that could not be taken back.
    Broken(PathBuf),
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JournalError::Io(path, error) => write!(f, "{}: {error}", path.display()),
            JournalError::Foreign(path) => write!(f, "{} is no journal of this version", path.display()),
            JournalError::TooLong => f.write_str("the change is too long for the journal"),
            JournalError::Broken(path) => {
                write!(
                    f,
                    "{} ends in half an entry that cannot be taken back; it takes no more",
                    path.display()
                )
            }
        }
    }
}

impl std::error::Error for JournalError {}

/// The journal of a zone in a state directory.
fn place(folder: &Path, zone: &ZoneId, end: &str) -> PathBuf {
    folder.join(FOLDER).join(last_good::file_name(zone, end))
}

impl Journal {
    /// Whether a zone has a journal in this state directory.
    pub fn is_there(folder: &Path, zone: &ZoneId) -> bool {
        place(folder, zone, END).symlink_metadata().is_ok()
    }

    /// The journal of a zone in this state directory; what is not whole of it is cut off. None: there is none.
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
        while let Some((entry, taken)) = Entry::read(left) {
            journal.take(entry, taken);
            left = left.get(taken..).unwrap_or_default();
        }
        let whole = bytes.len().saturating_sub(left.len());
        // A length in memory is one in 64 bits.
        let [at, torn] = [whole, left.len()].map(|bytes| bytes as u64);
        journal.length = at;
        journal.compact_length = at;
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
        let base = Entry::Base { serial, file, overlay: Overlay::default() };
        let (opened, length) = write_anew(&path, &unfinished, &History::default(), &base)?;
        let mut journal = Journal::of(folder, zone, opened);
        (journal.length, journal.compact_length) = (length, length);
        journal.take(base, 0);
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
            is_broken: false,
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

    /// Writes updates down, all of them or none. They are on the disk when this returns.
    ///
    /// # Errors
    ///
    /// When they are not.
    pub fn append(&mut self, steps: Vec<Step>) -> Result<(), JournalError> {
        let entries: Vec<Entry> = steps.into_iter().map(Entry::Update).collect();
        self.write(entries)?;
        if self.length > COMPACT_BYTES_MIN.max(self.compact_length.saturating_mul(2)) {
            // What was written is there, whatever becomes of this.
            let _ = self.rewrite(self.serial.unwrap_or_default(), self.digest, self.overlay.clone());
        }
        Ok(())
    }

    /// Writes down that a serial is about to be served that is made from this file.
    ///
    /// # Errors
    ///
    /// When it is not on the disk.
    pub fn announce(&mut self, serial: u32, file: Option<Digest>) -> Result<(), JournalError> {
        self.write(vec![Entry::Announced { serial, file }])
    }

    /// Writes down that another file is served now, with this overlay; `step` leads there, if that is known.
    ///
    /// # Errors
    ///
    /// When it is not on the disk.
    pub fn rebase(
        &mut self,
        serial: u32,
        file: Option<Digest>,
        overlay: Overlay,
        step: Option<Step>,
    ) -> Result<(), JournalError> {
        let mut history = self.history.clone();
        match step {
            Some(step) => {
                let mut written = Vec::new();
                Entry::Kept(step.clone()).write(&mut written).ok_or(JournalError::TooLong)?;
                history.push(Arc::new(step), written.len());
            }
            None => history.clear(),
        }
        let before = std::mem::replace(&mut self.history, history);
        let rewritten = self.rewrite(serial, file, overlay);
        if rewritten.is_err() {
            self.history = before;
        }
        rewritten
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
            self.rewrite(self.serial.unwrap_or_default(), self.digest, overlay)?;
        }
        Ok(count)
    }

    /// Writes entries behind the others.
    fn write(&mut self, entries: Vec<Entry>) -> Result<(), JournalError> {
        if self.is_broken {
            return Err(JournalError::Broken(self.path.clone()));
        }
        let mut bytes = Vec::new();
        let mut ends = Vec::new();
        for entry in &entries {
            entry.write(&mut bytes).ok_or(JournalError::TooLong)?;
            ends.push(bytes.len());
        }
        let written = self.file.write_all(&bytes).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            self.is_broken = self.cut(self.length).is_err();
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

    /// Writes the journal anew: the steps that are kept, and what is served.
    fn rewrite(&mut self, serial: u32, file: Option<Digest>, overlay: Overlay) -> Result<(), JournalError> {
        let base = Entry::Base { serial, file, overlay };
        (self.file, self.length) = write_anew(&self.path, &self.unfinished, &self.history, &base)?;
        self.compact_length = self.length;
        self.is_broken = false;
        self.take(base, 0);
        Ok(())
    }

    /// What an entry says, which takes `bytes` in the file.
    fn take(&mut self, entry: Entry, bytes: usize) {
        match entry {
            Entry::Update(step) => {
                self.overlay.take(&step.changes, step.at, &step.by);
                self.serial = Some(step.to);
                self.announced = None;
                self.history.push(Arc::new(step), bytes);
            }
            Entry::Kept(step) => self.history.push(Arc::new(step), bytes),
            Entry::Base { serial, file, overlay } => {
                (self.serial, self.digest, self.overlay) = (Some(serial), file, overlay);
                self.announced = None;
            }
            Entry::Announced { serial, file } => self.announced = Some((serial, file)),
        }
    }

    /// Takes back everything behind `length`.
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.file.seek(SeekFrom::Start(length))?;
        self.file.sync_data()
    }
}

/// Has a journal of these steps and this base take the place of the one that is there. Returns it, opened, and its
/// length.
fn write_anew(
    path: &Path,
    unfinished: &Path,
    history: &History,
    base: &Entry,
) -> Result<(File, u64), JournalError> {
    let mut bytes = MAGIC.to_vec();
    for step in history.iter() {
        Entry::Kept(Step::clone(step)).write(&mut bytes).ok_or(JournalError::TooLong)?;
    }
    base.write(&mut bytes).ok_or(JournalError::TooLong)?;
    let fault = |error| JournalError::Io(path.to_owned(), error);
    let written = state_file::replace(path, unfinished, |file| {
        file.write_all(&bytes)?;
        Ok(Filled::Whole)
    });
    written.map_err(fault)?;
    let opened = state_file::open_to_append(path).map_err(fault)?;
    // A length in memory is one in 64 bits.
    Ok((opened.ok_or_else(|| fault(ErrorKind::NotFound.into()))?, bytes.len() as u64))
}

#[cfg(test)]
mod tests;
