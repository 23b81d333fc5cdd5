//! Signatures on the disk, so that a restart signs nothing anew and other servers keep what they have.
//!
//! ```text
//!   edgedns signatures, format 1
//!   {"zone":"lab.example.","until":1797465600,"of_zone":7,"of_pools":3}
//!   16 bytes of the digest of what is signed, 64 of the signature; those of the zone, then those of pools
//!   16 bytes: the digest of all that
//! ```
//!
//! A signature is found by what it signs: records, key and period. So none is ever taken for another; one whose records are
//! others now is found by nobody. Responsible for the form alone.

use std::fmt;
use std::fs;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::dnssec::{KeptSignature, Time};
use crate::source::{Digest, Digesting};
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

/// Largest file that is read: ten million signatures.
const BYTES_MAX: u64 = 10_000_000 * ENTRY_BYTES as u64;

/// Signatures that were kept.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    /// Of the records of the zone.
    pub(super) of_zone: Vec<KeptSignature>,
    /// Of what its pools answer.
    pub(super) of_pools: Vec<KeptSignature>,
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

/// Reads what was kept of a zone; none: nothing, or signatures of another period, which sign nothing now.
///
/// # Errors
///
/// If there is a file that cannot be read, or that differs from what was written.
pub(super) fn read(state: &Path, zone: &ZoneId, until: Time) -> Result<Option<Kept>, Error> {
    let Some(file) = state_file::open(&path(state, zone))? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut bytes)?;
    let body = bytes.len().checked_sub(DIGEST_BYTES).ok_or(Error::Corrupt("it ends too early"))?;
    let (bytes, digest) = bytes.split_at(body);
    if *digest != Digest::of(bytes).bytes() {
        return Err(Error::Corrupt("its digest is another one"));
    }
    let rest = bytes.strip_prefix(FIRST_LINE).ok_or(Error::Corrupt("its first line is another one"))?;
    let line = rest.iter().position(|byte| *byte == b'\n').ok_or(Error::Corrupt("it has no second line"))?;
    let (line, entries) = rest.split_at(line);
    let head: Head =
        serde_json::from_slice(line).map_err(|_| Error::Corrupt("its second line cannot be read"))?;
    if !head.zone.eq_ignore_ascii_case(&zone.name.to_string()) || head.view != zone.view {
        return Err(Error::Corrupt("it is of another zone"));
    }
    let (entries, left) = entries.get(1..).unwrap_or_default().as_chunks::<ENTRY_BYTES>();
    if !left.is_empty() || head.of_zone.checked_add(head.of_pools) != Some(entries.len()) {
        return Err(Error::Corrupt("it has another number of signatures than it says"));
    }
    if head.until != until.seconds() {
        return Ok(None);
    }
    // As many as there are, as was found out above.
    let (of_zone, of_pools) = entries.split_at(head.of_zone);
    let signatures = |entries: &[[u8; ENTRY_BYTES]]| entries.iter().filter_map(signature).collect();
    Ok(Some(Kept { of_zone: signatures(of_zone), of_pools: signatures(of_pools) }))
}

fn signature(entry: &[u8; ENTRY_BYTES]) -> Option<KeptSignature> {
    Some((*entry.first_chunk()?, *entry.last_chunk()?))
}

/// Keeps the signatures of a zone, which end at `until`; what was kept of it before goes.
pub(super) fn write(state: &Path, zone: &ZoneId, until: Time, kept: &Kept) -> io::Result<()> {
    state_file::make_folder(&state.join(FOLDER))?;
    let unfinished = state.join(FOLDER).join(file_name(zone, END_UNFINISHED));
    let Kept { of_zone, of_pools } = kept;
    let head = Head {
        zone: zone.name.to_string(),
        view: zone.view.clone(),
        until: until.seconds(),
        of_zone: of_zone.len(),
        of_pools: of_pools.len(),
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

/// Whether signatures of any zone are kept.
pub(in crate::zones) fn are_any_kept(state: &Path) -> bool {
    state.join(FOLDER).is_dir()
}

/// Forgets the signatures of a zone that is not signed here: were it signed again, other servers would have something else
/// with the same serial. That there are none is no error.
pub(in crate::zones) fn forget(state: &Path, zone: &ZoneId) {
    drop(fs::remove_file(path(state, zone)));
}

/// Where those of a zone are kept.
pub(in crate::zones) fn path(state: &Path, zone: &ZoneId) -> PathBuf {
    state.join(FOLDER).join(file_name(zone, END))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Name;

    fn zone(name: &str) -> ZoneId {
        ZoneId::from(name.parse::<Name>().unwrap())
    }

    fn kept() -> Kept {
        let some = |count: u8| (0..count).map(|number| ([number; 16], [number; 64])).collect();
        Kept { of_zone: some(3), of_pools: some(2) }
    }

    #[test]
    fn what_was_written_is_read_back_for_the_same_zone_and_period() {
        let state = tempfile::tempdir().unwrap();
        let (here, until) = (zone("lab.example."), Time::from_seconds(1_797_465_600));
        assert!(!are_any_kept(state.path()));
        assert_eq!(read(state.path(), &here, until).unwrap(), None);
        write(state.path(), &here, until, &kept()).unwrap();
        assert!(are_any_kept(state.path()));
        assert_eq!(read(state.path(), &here, until).unwrap(), Some(kept()));
        assert_eq!(read(state.path(), &here, until.after(7)).unwrap(), None, "another period");
        assert_eq!(read(state.path(), &zone("other.example."), until).unwrap(), None);
        forget(state.path(), &here);
        assert_eq!(read(state.path(), &here, until).unwrap(), None);
    }

    #[test]
    fn a_file_that_is_cut_or_changed_or_of_another_zone_is_refused() {
        let state = tempfile::tempdir().unwrap();
        let (here, other, until) = (zone("lab.example."), zone("other.example."), Time::from_seconds(7));
        write(state.path(), &here, until, &kept()).unwrap();
        let whole = std::fs::read(path(state.path(), &here)).unwrap();
        let refused = |zone: &ZoneId, bytes: &[u8]| {
            std::fs::write(path(state.path(), zone), bytes).unwrap();
            read(state.path(), zone, until).unwrap_err().to_string()
        };
        for cut in 0..whole.len() {
            assert!(refused(&here, &whole[..cut]).contains("not whole"), "{cut}");
        }
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            assert!(refused(&here, &changed).contains("not whole"), "{place}");
        }
        assert!(refused(&other, &whole).contains("another zone"));
    }
}
