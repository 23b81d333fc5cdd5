//! The last image of the keys of a zone, kept for the next start.
//!
//! ```text
//! edgedns keys 1 14841639068965178418 3 812
//! lease 7587848943239472601 60
//! 811 L3NreWRucy9leGFtcGxlL2xhYi9hcGk= eyJob3N0IjoiMTkyLjAuMi4xIn0= 7587848943239472601
//! ```
//!
//! The first line has the cluster, the term and the revision; a line of a lease for how many seconds it was granted; each
//! other one the revision, the key and the value of one key, and the lease that it goes with. The modification time of the file is when the store confirmed it last.
//!
//! Responsible for where it is, and for it being whole. Not responsible for when it is written.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::values::{Lent, Value};
use crate::dns::Ttl;
use crate::etcd::{KeyValue, LeaseId, Mark};
use crate::zones::state_file::{self, Filled, file_name};
use crate::zones::zone_id::ZoneId;

/// Below the state directory: nothing else is there.
pub(super) const FOLDER: &str = "images";

/// Most bytes of a first line: numbers, and the name of a zone.
pub(super) const LINE_BYTES_MAX: u64 = 4096;

/// The end of an image's name.
const END: &str = ".keys";

/// The end of its name until it is whole.
const END_UNFINISHED: &str = ".keys.new";

/// What an image begins with. Another number is another form.
const HEAD: &str = "edgedns keys 1";

/// What the line of a lease begins with.
const LEASE: &str = "lease";

/// Keys with their values as they were kept.
pub(in crate::zones) struct Image {
    /// Where the store stood.
    pub(in crate::zones) mark: Mark,
    /// The keys.
    pub(in crate::zones) keys: Vec<KeyValue>,
    /// The leases that they go with, and what TTLs these allow.
    pub(in crate::zones) leases: Vec<(LeaseId, Ttl)>,
    /// When the store has confirmed them last.
    pub(in crate::zones) confirmed_at: SystemTime,
}

/// The image that is kept of a zone; none where there is none.
///
/// # Errors
///
/// When it is there but cannot be read.
pub(in crate::zones) fn read(folder: &Path, zone: &ZoneId) -> io::Result<Option<Image>> {
    let Some(mut file) = state_file::open(&path(folder, zone))? else { return Ok(None) };
    let confirmed_at = file.metadata()?.modified()?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    let parsed = parse(&text).ok_or_else(|| io::Error::other("it is no image of keys"))?;
    Ok(Some(Image { confirmed_at, ..parsed }))
}

/// Where the store stood as of the image that is kept of a zone, and when it confirmed that last; none where there is none.
///
/// # Errors
///
/// When it is there but cannot be read.
pub(in crate::zones) fn read_head(folder: &Path, zone: &ZoneId) -> io::Result<Option<(Mark, SystemTime)>> {
    let Some(file) = state_file::open(&path(folder, zone))? else { return Ok(None) };
    let confirmed_at = file.metadata()?.modified()?;
    let mut line = Vec::new();
    BufReader::new(file).take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    Ok(head(line.trim_ascii_end()).map(|mark| (mark, confirmed_at)))
}

/// What the first line says.
fn head(line: &[u8]) -> Option<Mark> {
    let mut numbers = std::str::from_utf8(line).ok()?.strip_prefix(HEAD)?.split_whitespace();
    let mut next = || numbers.next()?.parse::<u64>().ok();
    let (cluster, term, revision) = (next()?, next()?, next()?);
    Some(Mark { cluster, revision, term })
}

fn parse(text: &[u8]) -> Option<Image> {
    let mut lines = text.split(|byte| *byte == b'\n');
    let mark = head(lines.next()?)?;
    let (mut keys, mut leases) = (Vec::new(), Vec::new());
    for line in lines.filter(|line| !line.is_empty()) {
        let mut words = line.split(|byte| *byte == b' ');
        let first = std::str::from_utf8(words.next()?).ok()?;
        if first == LEASE {
            leases.push((number(words.next()?)?, Ttl::from_seconds(number(words.next()?)?)?));
            continue;
        }
        let revision = first.parse().ok()?;
        let key = STANDARD.decode(words.next()?).ok()?;
        let value = STANDARD.decode(words.next()?).ok()?;
        let lease = words.next().map(number);
        let lease = if lease == Some(None) { return None } else { lease.flatten() };
        keys.push(KeyValue { key, value, revision, lease });
    }
    Some(Image { mark, keys, leases, confirmed_at: SystemTime::UNIX_EPOCH })
}

/// The number that a word is.
fn number<T: FromStr>(word: &[u8]) -> Option<T> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// What is written of an image, besides the keys.
pub(in crate::zones) struct ImageHead {
    /// Where the store stands.
    pub(in crate::zones) mark: Mark,
    /// The leases that keys go with, and what TTLs these allow.
    pub(in crate::zones) leases: Vec<(LeaseId, Ttl)>,
    /// When the store has confirmed them last.
    pub(in crate::zones) confirmed_at: SystemTime,
}

/// Keeps an image.
///
/// # Errors
///
/// When it cannot be written. The one that was kept before is still there.
pub(in crate::zones) fn write(folder: &Path, id: &ZoneId, head: &ImageHead, keys: &Lent) -> io::Result<()> {
    let folder = folder.join(FOLDER);
    state_file::make_folder(&folder)?;
    let unfinished = folder.join(file_name(id, END_UNFINISHED));
    state_file::replace(&folder.join(file_name(id, END)), &unfinished, |file| {
        let mut writer = BufWriter::new(&mut *file);
        let Mark { cluster, revision, term } = head.mark;
        writeln!(writer, "{HEAD} {cluster} {term} {revision}")?;
        for (lease, ttl) in &head.leases {
            writeln!(writer, "{LEASE} {lease} {}", ttl.seconds())?;
        }
        for (key, Value { revision, bytes, lease }) in keys.iter() {
            write!(writer, "{revision} {} {}", STANDARD.encode(key), STANDARD.encode(bytes))?;
            if let Some(lease) = lease {
                write!(writer, " {lease}")?;
            }
            writeln!(writer)?;
        }
        writer.flush()?;
        drop(writer);
        file.set_modified(head.confirmed_at)?;
        Ok(Filled::Whole)
    })?;
    Ok(())
}

/// Notes when the store has said that the image holds. Where there is none, nothing.
///
/// # Errors
///
/// When it cannot be noted.
pub(in crate::zones) fn confirm(folder: &Path, id: &ZoneId, at: SystemTime) -> io::Result<()> {
    match state_file::open_to_append(&path(folder, id))? {
        Some(file) => file.set_modified(at),
        None => Ok(()),
    }
}

/// Where the image of a zone is kept.
fn path(folder: &Path, zone: &ZoneId) -> PathBuf {
    folder.join(FOLDER).join(file_name(zone, END))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::zones::etcd::values::Values;

    #[test]
    fn an_image_is_read_as_it_was_written_and_a_part_of_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let id: ZoneId = "lab.example.".parse::<crate::dns::Name>().unwrap().into();
        assert!(read(folder.path(), &id).unwrap().is_none());
        let mark = Mark { cluster: u64::MAX, revision: 812, term: 3 };
        let lease: LeaseId = "7587848943239472601".parse().unwrap();
        let keys = [
            KeyValue { key: b"/skydns/a".to_vec(), value: b"\0\n \xff".to_vec(), revision: 7, lease: None },
            KeyValue { key: b"/skydns/b".to_vec(), value: Vec::new(), revision: 8, lease: Some(lease) },
        ];
        let mut values = Values::default();
        for KeyValue { key, value, revision, lease } in keys.clone() {
            values.insert(key.into(), Value { revision, bytes: value.into(), lease });
        }
        let leases = vec![(lease, Ttl::from_seconds(60).unwrap())];
        let head = ImageHead { mark, leases: leases.clone(), confirmed_at: SystemTime::now() };
        write(folder.path(), &id, &head, &values.lend()).unwrap();
        let mut again = read(folder.path(), &id).unwrap().unwrap();
        again.keys.sort_by(|one, other| one.key.cmp(&other.key));
        assert_eq!((again.mark, again.keys, again.leases), (mark, keys.to_vec(), leases));
        assert_eq!(read_head(folder.path(), &id).unwrap(), Some((mark, again.confirmed_at)));
        let later = again.confirmed_at + Duration::from_secs(60);
        confirm(folder.path(), &id, later).unwrap();
        assert_eq!(read_head(folder.path(), &id).unwrap(), Some((mark, later)));
        assert!(parse(b"edgedns keys 2 1 1 1\n").is_none());
        assert!(parse(b"edgedns keys 1 1 1 1\n7 L3Nr").is_none());
        assert!(parse(b"edgedns keys 1 1 1 1\n7 L3Nr eyJ9 lease").is_none());
    }
}
