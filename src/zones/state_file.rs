//! Files of the state directory: whole or absent, and ours alone.
//!
//! A user who may write to the folder could plant a link there under a name that we write to, or a pipe under
//! one that we read. So no existing file is opened for writing, only regular files are read, and what is
//! written can be read by this user only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::zone_id::ZoneId;
use crate::source::{Digest, open_regular, patiently};

/// Read and write for this user only.
const MODE: u32 = 0o600;

/// Longest file name without suffix, in bytes: file systems take 255.
const FILE_NAME_BYTES_MAX: usize = 200;

/// What becomes of a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filled {
    /// It is complete, and replaces the old one.
    Whole,
    /// It is given up, and the old one stays.
    Abandoned,
}

/// Replaces the file at `place` atomically and durably: at any moment the old or the new file is there, and
/// the new one once this returns. Until it is complete, the new file is at `unfinished`, in the same folder.
pub fn replace(
    place: &Path,
    unfinished: &Path,
    fill: impl FnOnce(&mut File) -> io::Result<Filled>,
) -> io::Result<Filled> {
    let mut file = create(unfinished)?;
    let filled = fill(&mut file).and_then(|filled| {
        if filled == Filled::Whole {
            file.sync_all()?;
            fs::rename(unfinished, place)?;
            File::open(place.parent().unwrap_or(Path::new(".")))?.sync_all()?;
        }
        Ok(filled)
    });
    if !matches!(filled, Ok(Filled::Whole)) {
        // If this fails, the next call overwrites the file.
        drop(fs::remove_file(unfinished));
    }
    filled
}

/// Creates an empty file and removes what had its name before. Of a symbolic link, only the link is removed.
pub fn create(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    // O_CREAT with O_EXCL follows no link, not even one that was created after the removal.
    OpenOptions::new().write(true).create_new(true).mode(MODE).open(path)
}

/// Opens a file for reading; none: it does not exist.
pub fn open(path: &Path) -> io::Result<Option<File>> {
    let named = path.to_owned();
    match patiently(path, move |_| open_regular(&named)) {
        Ok((file, _)) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == ErrorKind::InvalidInput => {
            Err(io::Error::other("it is not a regular file"))
        }
        Err(error) => Err(error),
    }
}

/// Opens a file of ours to read it and write behind its end; none where there is none. No link is followed.
pub fn open_to_append(path: &Path) -> io::Result<Option<File>> {
    let named = path.to_owned();
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let opened = patiently(path, move |_| {
        let file = OpenOptions::new().read(true).append(true).custom_flags(flags).open(named)?;
        let is_file = file.metadata()?.is_file();
        if is_file { Ok(file) } else { Err(io::Error::other("it is no regular file")) }
    });
    match opened {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Creates a folder if it does not exist. Refuses a link to a folder: it could lead our files elsewhere.
pub fn make_folder(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        // The folder must outlive a power cut as well.
        Ok(()) => File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all(),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let is_folder = path.symlink_metadata()?.is_dir();
            if is_folder { Ok(()) } else { Err(io::Error::other("it is not a folder")) }
        }
        Err(error) => Err(error),
    }
}

/// The file name for a zone. Letters are in lower case, digits, hyphens and underscores as they are, other
/// bytes escaped as `%2f`. The name of a view follows after `@`, in its own case. A name that is too long is
/// cut and ends in `~` and the digest of the whole. Neither `@` nor `~` occurs otherwise, so that no two
/// zones share a file.
pub(in crate::zones) fn file_name(zone: &ZoneId, end: &str) -> String {
    let escaped = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(*byte).to_string(),
        other => format!("%{other:02x}"),
    };
    let labels = zone.name.as_ref().labels().map(|label| {
        let lower = label.to_ascii_lowercase();
        lower.iter().map(escaped).collect::<String>()
    });
    let mut name = labels.collect::<Vec<String>>().join(".");
    if name.is_empty() {
        // The root.
        name.push_str("%2e");
    }
    if let Some(view) = &zone.view {
        name.push('@');
        name.extend(view.as_bytes().iter().map(escaped));
    }
    if name.len() > FILE_NAME_BYTES_MAX {
        let digest = Digest::of(name.as_bytes());
        name.truncate(FILE_NAME_BYTES_MAX - 33);
        name = format!("{name}~{digest}");
    }
    format!("{name}{end}")
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    fn write(place: &Path, unfinished: &Path, text: &str) -> io::Result<Filled> {
        replace(place, unfinished, |file| {
            file.write_all(text.as_bytes())?;
            Ok(Filled::Whole)
        })
    }

    #[test]
    fn a_link_that_somebody_has_planted_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        fs::write(file("victim"), "theirs").unwrap();
        for planted in ["state", "state.new"] {
            let _ = fs::remove_file(file(planted));
            symlink(file("victim"), file(planted)).unwrap();
            write(&file("state"), &file("state.new"), "ours").unwrap();
            assert_eq!(fs::read_to_string(file("victim")).unwrap(), "theirs", "{planted}");
            assert_eq!(fs::read_to_string(file("state")).unwrap(), "ours", "{planted}");
            assert!(file("state").symlink_metadata().unwrap().is_file(), "{planted}");
        }
        fs::create_dir(file("elsewhere")).unwrap();
        symlink(file("elsewhere"), file("folder")).unwrap();
        assert!(make_folder(&file("folder")).is_err());
    }

    #[test]
    fn what_is_written_can_be_read_by_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        // Even if the old file was readable by all.
        fs::write(file("state"), "old").unwrap();
        fs::write(file("state.new"), "old").unwrap();
        write(&file("state"), &file("state.new"), "new").unwrap();
        assert_eq!(fs::metadata(file("state")).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_cannot_be_filled_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        write(&file("state"), &file("state.new"), "old").unwrap();
        let refused = replace(&file("state"), &file("state.new"), |_| Err(ErrorKind::StorageFull.into()));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::StorageFull);
        let abandoned = replace(&file("state"), &file("state.new"), |_| Ok(Filled::Abandoned));
        assert_eq!(abandoned.unwrap(), Filled::Abandoned);
        assert_eq!(fs::read_to_string(file("state")).unwrap(), "old");
        assert!(!file("state.new").exists());
    }

    #[test]
    fn a_pipe_under_the_name_of_a_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("state");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        assert!(open(&pipe).is_err());
        assert!(open(&folder.path().join("missing")).unwrap().is_none());
    }
}
