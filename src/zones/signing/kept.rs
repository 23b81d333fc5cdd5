//! Signatures on the disk, so that a restart signs nothing anew and other servers keep what they have.
//!
//! ```text
//!   edgedns signatures, format 1
//!   {"zone":"lab.example.","until":1797465600,"of_zone":7,"of_pools":3,"serial":812,"contents":"0f…"}
//!   16 bytes of the digest of what is signed, 64 of the signature; those of the zone, then those of pools
//!   16 bytes: the digest of all that
//! ```
//!
//! A signature is found by what it signs: records, key and period. So none is ever taken for another; one whose records are
//! others now is found by nobody. Where records come while the zone is served, the second line says what was served with them.
//!
//! Responsible for the form alone.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::served::ServedContents;
use crate::dnssec::{KeptSignature, Time};
use crate::source::Digesting;
use crate::zones::state_file::{self, Filled, file_name};
use crate::zones::zone_id::ZoneId;

/// The folder below the state directory. It holds nothing else.
const FOLDER: &str = "signatures";

/// The suffix of a file.
const END: &str = ".signatures";

/// The suffix of a file until it is complete.
const END_UNFINISHED: &str = ".signatures.new";

/// The first line.
const FIRST_LINE: &[u8] = b"edgedns signatures, format 1\n";

/// Bytes of a signature with its digest.
const ENTRY_BYTES: usize = 16 + 64;

/// Bytes of the digest at the end.
const DIGEST_BYTES: usize = 16;

/// Most signatures that are kept of a zone: 800 MB on the disk, and as much memory while they are read.
const SIGNATURES_MAX: usize = 10_000_000;

/// Longest line that is read: the second one has a name and a view.
const LINE_BYTES_MAX: u64 = 4096;

/// Signatures that were kept.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    /// Of the records of the zone.
    pub(super) of_zone: Vec<KeptSignature>,
    /// Of what its pools answer.
    pub(super) of_pools: Vec<KeptSignature>,
    /// What was served with them; none: the zone is read from a file.
    pub(super) served: Option<ServedContents>,
}

/// What the second line says.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    zone: String,
    /// The view, if the zone has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    view: Option<String>,
    /// When the signatures end, in seconds since 1970.
    until: u64,
    of_zone: usize,
    of_pools: usize,
    /// With which serial what was served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    serial: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    contents: Option<String>,
}

/// Why a file cannot be used.
#[derive(Debug)]
pub(super) enum Error {
    /// The file system refused.
    Read(io::Error),
    /// It differs from what was written; how.
    Corrupt(&'static str),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Read(error) => write!(f, "they cannot be read: {error}"),
            Error::Corrupt(why) => write!(f, "the file is not whole: {why}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Error::Read(error)
    }
}

/// Reads what was kept of a zone; none: nothing, or signatures of another period, which sign nothing now and are not read.
///
/// # Errors
///
/// If there is a file that cannot be read, or that differs from what was written.
pub(super) fn read(state: &Path, zone: &ZoneId, until: Time) -> Result<Option<Kept>, Error> {
    let Some(file) = state_file::open(&path(state, zone))? else { return Ok(None) };
    let bytes = file.metadata()?.len();
    let mut reading = Reading { file: BufReader::new(file), digesting: Digesting::default() };
    if reading.line()? != FIRST_LINE {
        return Err(Error::Corrupt("its first line is another one"));
    }
    let line = reading.line()?;
    let head: Head =
        serde_json::from_slice(&line).map_err(|_| Error::Corrupt("its second line cannot be read"))?;
    if !head.zone.eq_ignore_ascii_case(&zone.name.to_string()) || head.view != zone.view {
        return Err(Error::Corrupt("it is of another zone"));
    }
    // Before the number of signatures is believed: memory is asked for as many.
    let count = head.of_zone.checked_add(head.of_pools).filter(|count| *count <= SIGNATURES_MAX);
    let begin = (FIRST_LINE.len() + line.len()) as u64;
    if count.map(|count| begin + (count * ENTRY_BYTES + DIGEST_BYTES) as u64) != Some(bytes) {
        return Err(Error::Corrupt("it has another number of signatures than it says"));
    }
    if head.until != until.seconds() {
        return Ok(None);
    }
    let (of_zone, of_pools) = (reading.signatures(head.of_zone)?, reading.signatures(head.of_pools)?);
    reading.end()?;
    let digest = head.contents.and_then(|digest| digest.parse().ok());
    let served = head.serial.zip(digest).map(|(serial, digest)| ServedContents { serial, digest });
    Ok(Some(Kept { of_zone, of_pools, served }))
}

/// A file that is read from its beginning, with the digest of what was read of it.
struct Reading<R> {
    file: R,
    digesting: Digesting,
}

impl<R: BufRead> Reading<R> {
    fn line(&mut self) -> Result<Vec<u8>, Error> {
        let mut line = Vec::new();
        self.file.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
        self.digesting.take(&line);
        Ok(line)
    }

    fn signatures(&mut self, count: usize) -> Result<Vec<KeptSignature>, Error> {
        let mut signatures = Vec::with_capacity(count);
        for _ in 0..count {
            let (mut digest, mut signature) = ([0; DIGEST_BYTES], [0; ENTRY_BYTES - DIGEST_BYTES]);
            self.exact(&mut digest)?;
            self.exact(&mut signature)?;
            signatures.push((digest, signature));
        }
        Ok(signatures)
    }

    fn exact(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.file.read_exact(bytes)?;
        self.digesting.take(bytes);
        Ok(())
    }

    fn end(mut self) -> Result<(), Error> {
        let mut digest = [0; DIGEST_BYTES];
        self.file.read_exact(&mut digest)?;
        if digest == self.digesting.finish().bytes() {
            Ok(())
        } else {
            Err(Error::Corrupt("its digest is another one"))
        }
    }
}

/// Refuses more signatures than are read back.
pub(super) fn are_few_enough(count: usize) -> io::Result<()> {
    if count > SIGNATURES_MAX {
        let why = format!("there are {count} of them, and at most {SIGNATURES_MAX} are kept");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(())
}

/// Keeps the signatures of a zone, which end at `until`; what was kept of it before goes.
///
/// # Errors
///
/// Those of the file system; [`io::ErrorKind::FileTooLarge`] for more signatures than are read back.
pub(super) fn write(state: &Path, zone: &ZoneId, until: Time, kept: &Kept) -> io::Result<()> {
    state_file::make_folder(&state.join(FOLDER))?;
    let unfinished = state.join(FOLDER).join(file_name(zone, END_UNFINISHED));
    let Kept { of_zone, of_pools, served } = kept;
    // Lengths in memory.
    are_few_enough(of_zone.len() + of_pools.len())?;
    let head = Head {
        zone: zone.name.to_string(),
        view: zone.view.clone(),
        until: until.seconds(),
        of_zone: of_zone.len(),
        of_pools: of_pools.len(),
        serial: served.map(|served| served.serial),
        contents: served.map(|served| served.digest.to_string()),
    };
    state_file::replace(&path(state, zone), &unfinished, |file| {
        let (mut file, mut digesting) = (BufWriter::new(file), Digesting::default());
        let mut put = |bytes: &[u8]| {
            digesting.take(bytes);
            file.write_all(bytes)
        };
        put(FIRST_LINE)?;
        put(&serde_json::to_vec(&head)?)?;
        put(b"\n")?;
        for (digest, signature) in of_zone.iter().chain(of_pools) {
            put(digest)?;
            put(signature)?;
        }
        file.write_all(&digesting.finish().bytes())?;
        file.flush()?;
        Ok(Filled::Whole)
    })?;
    Ok(())
}

/// The names of all files of signatures; none where there is no folder of them.
pub(in crate::zones) fn files(state: &Path) -> HashSet<OsString> {
    let entries = fs::read_dir(state.join(FOLDER)).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.file_name())).collect()
}

/// Forgets the signatures of a zone. That there are none is no error.
///
/// # Errors
///
/// When they cannot be removed.
pub(in crate::zones) fn forget(state: &Path, zone: &ZoneId) -> io::Result<()> {
    match fs::remove_file(path(state, zone)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Where those of a zone are kept.
pub(in crate::zones) fn path(state: &Path, zone: &ZoneId) -> PathBuf {
    state.join(FOLDER).join(file_name(zone, END))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Name;
    use crate::source::Digest;

    fn zone(name: &str) -> ZoneId {
        ZoneId::from(name.parse::<Name>().unwrap())
    }

    fn kept() -> Kept {
        let some = |count: u8| (0..count).map(|number| ([number; 16], [number; 64])).collect();
        let served = Some(ServedContents { serial: 812, digest: Digest::of(b"records") });
        Kept { of_zone: some(3), of_pools: some(2), served }
    }

    #[test]
    fn what_was_written_is_read_back_for_the_same_zone_and_period() {
        let state = tempfile::tempdir().unwrap();
        let (here, until) = (zone("lab.example."), Time::from_seconds(1_797_465_600));
        assert!(files(state.path()).is_empty());
        assert_eq!(read(state.path(), &here, until).unwrap(), None);
        write(state.path(), &here, until, &kept()).unwrap();
        let file = path(state.path(), &here).file_name().unwrap().to_owned();
        assert_eq!(files(state.path()), HashSet::from([file]));
        assert_eq!(read(state.path(), &here, until).unwrap(), Some(kept()));
        let of_file = Kept { served: None, ..kept() };
        write(state.path(), &here, until, &of_file).unwrap();
        assert_eq!(read(state.path(), &here, until).unwrap(), Some(of_file));
        assert_eq!(read(state.path(), &here, until.after(7)).unwrap(), None, "another period");
        assert_eq!(read(state.path(), &zone("other.example."), until).unwrap(), None);
        forget(state.path(), &here).unwrap();
        forget(state.path(), &here).unwrap();
        assert_eq!(read(state.path(), &here, until).unwrap(), None);
    }

    #[test]
    fn a_file_that_is_cut_or_changed_or_of_another_zone_is_refused() {
        let state = tempfile::tempdir().unwrap();
        let (here, other, until) = (zone("lab.example."), zone("other.example."), Time::from_seconds(7));
        write(state.path(), &here, until, &kept()).unwrap();
        let whole = std::fs::read(path(state.path(), &here)).unwrap();
        let read_of = |zone: &ZoneId, bytes: &[u8]| {
            std::fs::write(path(state.path(), zone), bytes).unwrap();
            read(state.path(), zone, until)
        };
        let refused = |zone: &ZoneId, bytes: &[u8]| read_of(zone, bytes).unwrap_err().to_string();
        for cut in 0..whole.len() {
            assert!(refused(&here, &whole[..cut]).contains("not whole"), "{cut}");
        }
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            match read_of(&here, &changed) {
                // It is of another period then.
                Ok(kept) => assert!(kept.is_none() && whole[place] == b'7', "{place}"),
                Err(error) => assert!(error.to_string().contains("not whole"), "{place}: {error}"),
            }
        }
        assert!(refused(&other, &whole).contains("another zone"));
    }

    #[test]
    fn what_would_not_be_read_back_is_not_written_and_what_is_of_another_period_is_not_read() {
        let state = tempfile::tempdir().unwrap();
        let (here, until) = (zone("lab.example."), Time::from_seconds(7));
        let of_zone = vec![([0; 16], [0; 64]); SIGNATURES_MAX / 2 + 1];
        let many = Kept { of_pools: of_zone.clone(), of_zone, served: None };
        let refused = write(state.path(), &here, until, &many).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::FileTooLarge);
        assert!(files(state.path()).is_empty());
        // A head that says more than there may be asks for no memory, and neither does one of another period.
        for (head, wanted) in [
            (r#"{"zone":"lab.example.","until":7,"of_zone":90000000000,"of_pools":0}"#, true),
            (r#"{"zone":"lab.example.","until":8,"of_zone":9000000,"of_pools":0}"#, false),
        ] {
            let head = [FIRST_LINE, head.as_bytes(), b"\n"].concat();
            let file = fs::File::create(path(state.path(), &here)).unwrap();
            (&file).write_all(&head).unwrap();
            file.set_len(head.len() as u64 + 9_000_000 * ENTRY_BYTES as u64 + 16).unwrap();
            assert_eq!(read(state.path(), &here, until).is_err(), wanted);
        }
    }
}
