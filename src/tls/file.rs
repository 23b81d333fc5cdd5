//! Files with secrets and certificates: read again when they change.
//!
//! Notices that a file has changed, and says what is wrong with one.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::source::patiently_for;
use crate::sync::lock;

/// Longest file that is read: four times the largest bundle of authorities in use.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// How long a file may take to come: probes, and what shares their threads, wait meanwhile.
const WAIT_MAX: Duration = Duration::from_millis(500);

/// A file that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: FileFault,
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileFault {
    /// The system does not let us read it.
    Unreadable {
        /// What it says.
        error: io::ErrorKind,
    },
    /// Longer than any such file is.
    TooLong,
    /// No certificate in PEM is in it.
    NoCertificate,
    /// A certificate in it cannot be used.
    BadCertificate,
    /// No private key in PEM is in it.
    NoKey,
    /// The key is of a kind that cannot be used.
    BadKey,
    /// The key is not that of the certificate.
    OtherKey,
    /// The certificate in it has expired, and one that has not is served.
    Expired {
        /// How long ago.
        days: u64,
    },
    /// The certificate in it is not valid yet, and one that is is served.
    NotYet {
        /// From when on it is.
        from: SystemTime,
    },
    /// It can be read, but not used by its reader.
    Useless {
        /// What is wrong with it.
        why: &'static str,
    },
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileFault::Unreadable { error } => error.fmt(f),
            FileFault::TooLong => write!(f, "longer than {} MiB", FILE_BYTES_MAX >> 20),
            FileFault::NoCertificate => f.write_str("no certificate in PEM is in it"),
            FileFault::BadCertificate => f.write_str("a certificate in it cannot be used"),
            FileFault::NoKey => f.write_str("no private key in PEM is in it"),
            FileFault::BadKey => f.write_str("the key in it is broken, or of a kind that cannot be used"),
            FileFault::OtherKey => f.write_str("the key does not belong to the certificate"),
            FileFault::Expired { days: 0 } => f.write_str("the certificate in it has expired today"),
            FileFault::Expired { days } => write!(f, "the certificate in it has expired {days} days ago"),
            FileFault::NotYet { from } => {
                let from = OffsetDateTime::from(*from).format(&Rfc3339).map_err(|_| fmt::Error)?;
                write!(f, "the certificate in it is not valid before {from}, and is taken then")
            }
            FileFault::Useless { why } => f.write_str(why),
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot use {}: {}", self.path.display(), self.fault)
    }
}

impl std::error::Error for FileError {}

impl FileFault {
    /// A certificate that expired so long ago.
    pub fn expired(since: Duration) -> Self {
        const DAY_SECONDS: u64 = 86_400;
        FileFault::Expired { days: since.as_secs() / DAY_SECONDS }
    }

    /// This, of the file at `path`.
    pub fn of(self, path: &Path) -> FileError {
        FileError { path: path.to_owned(), fault: self }
    }
}

/// The content of a file.
///
/// # Errors
///
/// When it cannot be read, or is too long.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let unreadable = |error: io::Error| FileFault::Unreadable { error: error.kind() }.of(path);
    let named = path.to_owned();
    let content = patiently_for(path, WAIT_MAX, move |_| {
        // Opening a pipe would wait for its other end.
        if !fs::metadata(&named)?.is_file() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let mut content = Vec::new();
        File::open(&named)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut content)?;
        Ok(content)
    });
    let content = content.map_err(unreadable)?;
    if content.len() as u64 > FILE_BYTES_MAX {
        return Err(FileFault::TooLong.of(path));
    }
    Ok(content)
}

/// What tells one version of a file from the next without reading it. Links are followed, so that Kubernetes'
/// way to swap a folder is noticed too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// The present one; none while there is no file.
    pub fn of(path: &Path) -> Option<Self> {
        let named = path.to_owned();
        let meta = patiently_for(path, WAIT_MAX, move |_| fs::metadata(named)).ok()?;
        Some(Self {
            device: meta.dev(),
            inode: meta.ino(),
            len: meta.len(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        })
    }
}

/// Something made from files, and made anew when one of them changes.
///
/// What was good stays in use while its successor cannot be used: a renewal writes certificate and key one
/// after the other.
#[derive(Debug)]
pub struct FromFiles<T> {
    stamps: Vec<Option<Stamp>>,
    made: Option<T>,
}

impl<T: Clone> Default for FromFiles<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Clone> FromFiles<T> {
    /// Nothing has been made yet.
    pub fn new() -> Self {
        Self { stamps: Vec::new(), made: None }
    }

    /// What the files at `paths` give now; `make` reads them.
    ///
    /// # Errors
    ///
    /// When they cannot be used, and never could.
    pub fn current(
        &mut self,
        paths: &[&Path],
        make: impl FnOnce() -> Result<T, FileError>,
    ) -> Result<T, FileError> {
        // Before they are read: a change in between is then found next time.
        let stamps: Vec<_> = paths.iter().map(|path| Stamp::of(path)).collect();
        if let Some(made) = self.made.as_ref().filter(|_| stamps == self.stamps) {
            return Ok(made.clone());
        }
        let made = make().or_else(|error| self.made.clone().ok_or(error))?;
        self.stamps = stamps;
        self.made = Some(made.clone());
        Ok(made)
    }
}

/// What is made of a file that says who is let in, and made anew when it changes: nothing while the file cannot be used, as
/// what it held before may have been withdrawn. Copies share it.
#[derive(Clone, Debug)]
pub struct StrictFile<T> {
    path: PathBuf,
    seen: Arc<Mutex<Seen<T>>>,
}

#[derive(Debug)]
struct Seen<T> {
    /// Of what was made; none: whatever the file is, it is to be read.
    stamp: Option<Stamp>,
    made: Result<T, FileError>,
    /// The fault that was told last; none: it could be used then.
    told: Option<FileError>,
}

impl<T: Clone> StrictFile<T> {
    /// The one at `path`, which has not been read.
    pub fn new(path: PathBuf) -> Self {
        let made = Err(FileFault::Useless { why: "it has not been read yet" }.of(&path));
        Self { path, seen: Arc::new(Mutex::new(Seen { stamp: None, made, told: None })) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the last look gave.
    ///
    /// # Errors
    ///
    /// When the file cannot be used.
    pub fn known(&self) -> Result<T, FileError> {
        lock(&self.seen).made.clone()
    }

    /// Has `make` read the file, if it has changed or cannot be used. Returns what is new since the last look: that it
    /// cannot be used, and why, or that it can again. May wait for a disk.
    pub fn look(&self, make: impl FnOnce(&Path) -> Result<T, FileError>) -> Option<Result<(), FileError>> {
        // Before it is read: a change in between is then found next time.
        let stamp = Stamp::of(&self.path);
        let is_known = {
            let seen = lock(&self.seen);
            seen.made.is_ok() && stamp.is_some() && seen.stamp == stamp
        };
        if is_known {
            return None;
        }
        let made = make(&self.path);
        let mut seen = lock(&self.seen);
        let fault = made.as_ref().err().cloned();
        (seen.stamp, seen.made) = (stamp, made);
        if seen.told == fault {
            return None;
        }
        seen.told.clone_from(&fault);
        Some(fault.map_or(Ok(()), Err))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_who_is_let_in_lets_nobody_in_while_it_cannot_be_used_and_says_so_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let file = StrictFile::new(path.clone());
        assert!(file.known().is_err());
        assert!(matches!(file.look(read), Some(Err(_))), "it is not there");
        assert_eq!(file.look(read), None, "that was told");
        fs::write(&path, "one").unwrap();
        assert_eq!(file.look(read), Some(Ok(())));
        assert_eq!((file.look(read), file.known().unwrap()), (None, b"one".to_vec()));
        fs::write(&path, "another").unwrap();
        assert_eq!((file.look(read), file.known().unwrap()), (None, b"another".to_vec()));
        fs::remove_file(&path).unwrap();
        assert!(matches!(file.clone().look(read), Some(Err(_))));
        assert!(file.known().is_err());
    }

    #[test]
    fn a_file_is_read_again_only_when_it_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let mut files = FromFiles::new();
        let mut readings = 0;
        let mut current = |expected: &str| {
            let made = files.current(&[&path], || {
                readings += 1;
                read(&path)
            });
            assert_eq!(made.unwrap(), expected.as_bytes());
            readings
        };
        fs::write(&path, "one").unwrap();
        assert_eq!((current("one"), current("one")), (1, 1));
        // As editors and Kubernetes do it: another file of the same length under the same name.
        fs::write(folder.path().join("new"), "two").unwrap();
        fs::rename(folder.path().join("new"), &path).unwrap();
        assert_eq!((current("two"), current("two")), (2, 2));
        // What is gone leaves what was.
        fs::remove_file(&path).unwrap();
        assert_eq!((current("two"), current("two")), (3, 3));
        fs::write(&path, "three").unwrap();
        assert_eq!(current("three"), 4);
    }

    #[test]
    fn what_was_never_there_is_an_error_that_names_it() {
        let missing = Path::new("/nonexistent/token");
        let error = FromFiles::new().current(&[missing], || read(missing)).unwrap_err();
        assert_eq!(error.to_string(), "cannot use /nonexistent/token: entity not found");
    }

    #[test]
    fn a_folder_and_a_file_without_end_are_refused() {
        let refused = |path: &str| read(Path::new(path)).unwrap_err().fault;
        assert!(matches!(refused("/"), FileFault::Unreadable { .. }));
        assert!(matches!(refused("/dev/zero"), FileFault::Unreadable { .. }));
    }
}
