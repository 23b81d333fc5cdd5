//! The last copy of each zone that comes from a primary, kept for the next start.
//!
//! ```text
//! ; lab.example. at serial 7, copied by edgedns from 192.0.2.1:53
//! the zone as text, one record per line
//! ```
//!
//! The modification time of the file is when a primary confirmed it last: from then on it may be served for as
//! long as the SOA record says. An operator who has lost the last primary can serve it as a zone file.
//!
//! Responsible for where it is, and for it being whole. Not responsible for when it is written.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::state_file::{self, Filled, file_name};
use super::zone_id::ZoneId;
use crate::zone::Zone;
use crate::zonefile;

/// Below the state directory: nothing else is there.
const FOLDER: &str = "copies";

/// The end of a copy's name.
const END: &str = ".zone";

/// The end of its name until it is whole.
const END_UNFINISHED: &str = ".zone.new";

/// A copy as it was kept.
pub(super) struct ZoneCopy {
    /// Where.
    pub(super) path: PathBuf,
    /// Its text.
    pub(super) text: Vec<u8>,
    /// When a primary has said last that it holds.
    pub(super) confirmed_at: SystemTime,
}

/// The copy that is kept of a zone; none where there is none.
///
/// # Errors
///
/// When it is there but cannot be read.
pub(super) fn read(folder: &Path, zone: &ZoneId) -> io::Result<Option<ZoneCopy>> {
    let path = path(folder, zone);
    let Some(mut file) = state_file::open(&path)? else { return Ok(None) };
    let confirmed_at = file.metadata()?.modified()?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    Ok(Some(ZoneCopy { path, text, confirmed_at }))
}

/// Keeps a copy that a primary has just sent, or confirmed at `confirmed_at`.
///
/// # Errors
///
/// When it cannot be written. The one that was kept before is still there.
pub(super) fn write(
    folder: &Path,
    id: &ZoneId,
    zone: &Zone,
    from: &str,
    confirmed_at: SystemTime,
) -> io::Result<()> {
    state_file::make_folder(&folder.join(FOLDER))?;
    let mut text = format!("; {id} at serial {}, copied by edgedns from {from}\n", zone.serial());
    zonefile::write(zone, &mut text);
    let unfinished = folder.join(FOLDER).join(file_name(id, END_UNFINISHED));
    state_file::replace(&path(folder, id), &unfinished, |file| {
        file.write_all(text.as_bytes())?;
        file.set_modified(confirmed_at)?;
        Ok(Filled::Whole)
    })?;
    Ok(())
}

/// Notes when a primary has said that the copy holds. Where there is none, nothing.
///
/// # Errors
///
/// When it cannot be noted.
pub(super) fn confirm(folder: &Path, zone: &ZoneId, at: SystemTime) -> io::Result<()> {
    match state_file::open_to_append(&path(folder, zone))? {
        Some(file) => file.set_modified(at),
        None => Ok(()),
    }
}

/// Forgets the copy of a zone.
///
/// # Errors
///
/// When it cannot be removed.
pub(super) fn remove(folder: &Path, zone: &ZoneId) -> io::Result<()> {
    match fs::remove_file(path(folder, zone)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Where the copy of a zone is kept.
fn path(folder: &Path, zone: &ZoneId) -> PathBuf {
    folder.join(FOLDER).join(file_name(zone, END))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::dns::Name;
    use crate::source::{Diagnostics, Sources, Span};
    use crate::zone::Builder;

    fn zone(text: &str) -> (ZoneId, Zone) {
        let apex: Name = "lab.example.".parse().unwrap();
        let mut sources = Sources::default();
        let file = sources.add("lab.zone", text.as_bytes().to_vec());
        let mut found = Diagnostics::default();
        let mut builder = Builder::new(apex.clone(), Span::new(file, 0, 1));
        zonefile::read(&mut sources, file, &mut builder, &zonefile::Settings::default(), &mut found);
        (apex.into(), builder.finish(&mut found).unwrap())
    }

    #[test]
    fn a_copy_is_a_zone_file_and_says_when_it_was_confirmed() {
        let folder = tempfile::tempdir().unwrap();
        let text = "@ 60 IN SOA ns h 7 60 60 60 60\n@ 60 IN NS ns.test.\n\
                    api 5 IN LUA A \"ifportup(443, {'192.0.2.1'})\"\nodd 60 IN TYPE65280 \\# 2 abcd\n";
        let (id, zone) = zone(text);
        assert!(read(folder.path(), &id).unwrap().is_none());
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000);
        write(folder.path(), &id, &zone, "192.0.2.1:53", at).unwrap();
        let copy = read(folder.path(), &id).unwrap().unwrap();
        assert_eq!(copy.confirmed_at, at);
        let told = String::from_utf8(copy.text).unwrap();
        assert!(
            told.starts_with("; lab.example. at serial 7, copied by edgedns from 192.0.2.1:53\n"),
            "{told}"
        );
        assert_eq!(super::tests::zone(&told).1.record_count(), zone.record_count());
        let later = at + Duration::from_secs(60);
        confirm(folder.path(), &id, later).unwrap();
        assert_eq!(read(folder.path(), &id).unwrap().unwrap().confirmed_at, later);
        remove(folder.path(), &id).unwrap();
        remove(folder.path(), &id).unwrap();
        confirm(folder.path(), &id, later).unwrap();
        assert!(read(folder.path(), &id).unwrap().is_none(), "what is not kept is not made");
        let victim = folder.path().join("victim");
        fs::write(&victim, "theirs").unwrap();
        std::os::unix::fs::symlink(&victim, path(folder.path(), &id)).unwrap();
        assert!(confirm(folder.path(), &id, at).is_err(), "no link is followed");
        assert_ne!(fs::metadata(victim).unwrap().modified().unwrap(), at);
    }
}
