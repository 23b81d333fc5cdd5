//! The format of a stored zone text.
//!
//! ```text
//! ; the last good text of a zone, kept by edgedns: format 1, head 0f3c…
//! ; {"zone":"lab.example.","serial":7,"loaded_at":1795000000,"files":[…]}
//! the text of each file, one behind the other, as it was read
//! ```
//!
//! The two lines are comments: for a zone in a single file, the stored text is itself a valid zone file. A
//! stored text that is incomplete or changed is refused.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::source::{Digest, Digesting, TextFile, open_regular, patiently, patiently_for, wait_for_bytes};
use crate::zones::state_file::{self, Filled, file_name};
use crate::zones::version::Inputs;
use crate::zones::zone_id::ZoneId;

/// The folder below the state directory. It holds nothing else.
const FOLDER: &str = "last-good";

/// The suffix of a stored text.
const END: &str = ".zone";

/// The suffix of a stored text until it is complete.
const END_UNFINISHED: &str = ".zone.new";

/// The first line, up to the digest of the second.
const FIRST_LINE: &str = "; the last good text of a zone, kept by edgedns: format 1, head ";

/// Longest header line, in bytes: a zone may include 10,000 files.
const LINE_BYTES_MAX: u64 = 1 << 24;

/// Bytes that are copied at a time.
const PIECE_BYTES: usize = 1 << 16;

/// A zone whose text is good and may be stored.
#[derive(Clone)]
pub struct Good {
    /// The zone.
    pub zone: ZoneId,
    /// Of its SOA record.
    pub serial: u32,
    /// When its text was read.
    pub loaded_at: SystemTime,
    /// What it was made from, with its files and their digests.
    pub inputs: Arc<Inputs>,
}

/// A stored text that was read back and is complete.
pub(in crate::zones) struct LastGoodText {
    /// When it was read from the zone's file.
    pub(in crate::zones) loaded_at: SystemTime,
    /// The path and the text of each file, the zone's own first.
    pub(in crate::zones) texts: Vec<(String, Vec<u8>)>,
}

impl LastGoodText {
    /// The zone's own file.
    pub(in crate::zones) fn own_file(&self) -> &str {
        self.texts.first().map_or("", |(path, _)| path)
    }
}

/// Why a stored text cannot be used.
#[derive(Debug)]
pub(in crate::zones) enum Error {
    /// The file system refused.
    Read(io::Error),
    /// It differs from what was written; how.
    Corrupt(&'static str),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Read(error) => write!(f, "it cannot be read: {error}"),
            Error::Corrupt(why) => write!(f, "it is not whole: {why}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Error::Corrupt("it ends too early"),
            _ => Error::Read(error),
        }
    }
}

/// The header of a stored text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    zone: String,
    /// The view, if the zone has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    view: Option<String>,
    serial: u32,
    /// Seconds since 1970.
    loaded_at: u64,
    files: Vec<HeadFile>,
}

/// One of its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct HeadFile {
    path: String,
    bytes: u64,
    digest: String,
}

impl HeadFile {
    fn of(text: &TextFile) -> HeadFile {
        let TextFile { path, bytes, digest } = text;
        HeadFile { path: path.display().to_string(), bytes: *bytes, digest: digest.to_string() }
    }
}

impl Head {
    fn of(good: &Good) -> Head {
        let since = good.loaded_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Head {
            zone: good.zone.name.to_string(),
            view: good.zone.view.clone(),
            serial: good.serial,
            loaded_at: since.as_secs(),
            files: good.inputs.texts.iter().map(HeadFile::of).collect(),
        }
    }

    /// Whether it describes this text, whenever that was read.
    fn is_of(&self, good: &Good) -> bool {
        let now = Head::of(good);
        (&self.zone, &self.view, self.serial, &self.files) == (&now.zone, &now.view, now.serial, &now.files)
    }
}

/// Reads the stored text of a zone; none: there is none.
///
/// # Errors
///
/// If it exists but cannot be read, or differs from what was written.
pub(in crate::zones) fn read(folder: &Path, zone: &ZoneId) -> Result<Option<LastGoodText>, Error> {
    let Some((head, mut bodies)) = open(folder, zone)? else { return Ok(None) };
    let loaded_at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(head.loaded_at));
    let mut texts = Vec::new();
    for file in head.files {
        let mut text = Vec::new();
        bodies.by_ref().take(file.bytes).read_to_end(&mut text)?;
        if Digest::of(&text).to_string() != file.digest {
            return Err(Error::Corrupt("its text is another one"));
        }
        texts.push((file.path, text));
    }
    Ok(Some(LastGoodText { loaded_at: loaded_at.unwrap_or(SystemTime::UNIX_EPOCH), texts }))
}

/// Whether exactly this text is stored already. Compares digests, without holding the text in memory.
pub(super) fn is_kept(folder: &Path, good: &Good) -> Result<bool, Error> {
    let Some((head, mut bodies)) = open(folder, &good.zone)? else { return Ok(false) };
    if !head.is_of(good) {
        return Ok(false);
    }
    for text in &good.inputs.texts {
        if copy(&mut bodies.by_ref().take(text.bytes), &mut io::sink())? != (text.bytes, text.digest) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a text has less than half the length of the stored one under the same serial: it may be half a
/// file.
pub(super) fn has_shrunk(folder: &Path, good: &Good) -> bool {
    let Ok(Some((head, _))) = open(folder, &good.zone) else { return false };
    let kept: u64 = head.files.iter().map(|file| file.bytes).sum();
    let now: u64 = good.inputs.texts.iter().map(|text| text.bytes).sum();
    head.serial == good.serial && is_half(kept, now)
}

/// Whether `now` bytes are less than half of `before`.
pub(in crate::zones) fn is_half(before: u64, now: u64) -> bool {
    now.saturating_mul(2) < before
}

/// Opens a stored text and reads its header.
fn open(folder: &Path, zone: &ZoneId) -> Result<Option<(Head, BufReader<File>)>, Error> {
    let Some(file) = state_file::open(&path(folder, zone))? else { return Ok(None) };
    let whole = file.metadata()?.len();
    let mut file = BufReader::new(file);
    let first = line(&mut file)?;
    let second = line(&mut file)?;
    let digest = first.strip_prefix(FIRST_LINE).ok_or(Error::Corrupt("its first line is another one"))?;
    if digest != Digest::of(second.as_bytes()).to_string() {
        return Err(Error::Corrupt("its second line is another one"));
    }
    let head = second.strip_prefix("; ").and_then(|head| serde_json::from_str::<Head>(head).ok());
    let head = head.ok_or(Error::Corrupt("its second line cannot be read"))?;
    if !head.zone.eq_ignore_ascii_case(&zone.name.to_string()) || head.view != zone.view {
        return Err(Error::Corrupt("it is of another zone"));
    }
    let lines = first.len() as u64 + second.len() as u64 + 2;
    let bodies = head.files.iter().try_fold(lines, |sum, file| sum.checked_add(file.bytes));
    if bodies != Some(whole) {
        return Err(Error::Corrupt("it has not the length it had"));
    }
    Ok(Some((head, file)))
}

/// Reads a line, without its line break.
fn line(file: &mut impl BufRead) -> Result<String, Error> {
    let mut line = String::new();
    let not_text = |error: io::Error| match error.kind() {
        io::ErrorKind::InvalidData => Error::Corrupt("its head is not text"),
        _ => error.into(),
    };
    file.take(LINE_BYTES_MAX).read_line(&mut line).map_err(not_text)?;
    match line.strip_suffix('\n') {
        Some(line) => Ok(line.to_owned()),
        None => Err(Error::Corrupt("it ends too early")),
    }
}

/// Stores a text. If a file has changed since it was read, the text that was stored before stays. Copies the
/// files piece by piece, so that a large one takes no memory.
pub(super) fn write(folder: &Path, good: &Good) -> io::Result<Filled> {
    state_file::make_folder(&folder.join(FOLDER))?;
    let unfinished = folder.join(FOLDER).join(file_name(&good.zone, END_UNFINISHED));
    // `state_file` sets the mode: users who may not read the zone file may not read it here either.
    state_file::replace(&path(folder, &good.zone), &unfinished, |file| fill(file, good))
}

fn fill(file: &mut File, good: &Good) -> io::Result<Filled> {
    let head = format!("; {}", serde_json::to_string(&Head::of(good))?);
    let mut file = BufWriter::new(file);
    write!(file, "{FIRST_LINE}{}\n{head}\n", Digest::of(head.as_bytes()))?;
    for text in &good.inputs.texts {
        file.flush()?;
        let (from, bytes, mut to) = (text.path.clone(), text.bytes, file.get_ref().try_clone()?);
        // If the zone's own file can no longer be read, the state directory is not to blame.
        let Ok((now, _)) = patiently(&text.path, move |_| open_regular(&from)) else {
            return Ok(Filled::Abandoned);
        };
        let copied = patiently_for(&text.path, wait_for_bytes(bytes), move |_| {
            // One byte more than before shows that the file has grown.
            copy(&mut now.take(bytes.saturating_add(1)), &mut to)
        });
        match copied {
            Ok(copied) if copied == (text.bytes, text.digest) => {}
            Err(error) if error.kind() != io::ErrorKind::TimedOut => return Err(error),
            Ok(_) | Err(_) => return Ok(Filled::Abandoned),
        }
    }
    file.flush()?;
    Ok(Filled::Whole)
}

/// Copies all bytes and returns their number and digest.
fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<(u64, Digest)> {
    let mut digesting = Digesting::default();
    let mut piece = vec![0; PIECE_BYTES];
    let mut bytes = 0;
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Ok((bytes, digesting.finish())),
            Ok(len) => {
                let copied = piece.get(..len).unwrap_or_default();
                digesting.take(copied);
                to.write_all(copied)?;
                bytes += len as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Removes files that a power cut has left half written.
pub(super) fn remove_unfinished(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder.join(FOLDER)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with(END_UNFINISHED) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The path of the stored text of a zone.
pub(in crate::zones) fn path(folder: &Path, zone: &ZoneId) -> PathBuf {
    folder.join(FOLDER).join(file_name(zone, END))
}

#[cfg(test)]
mod tests;
