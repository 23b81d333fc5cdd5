//! Delivery: files made for an operator, put where they belong.
//!
//! ```text
//! fresh files beside their places ─▶ each to its place ─▶ done
//!        │ a fault                        │ a fault
//!        └──────────── undone, last first ┘
//! ```
//!
//! Writes all of them or none, and replaces a file only where that was asked for. What the server keeps on a
//! disk is written in `zones` and `daemon`.

use std::borrow::Cow;
use std::fmt;
use std::fs::{self, File as SystemFile, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File<'b> {
    /// Below the folder that all of them go into.
    pub path: PathBuf,
    /// All of it.
    pub bytes: Cow<'b, [u8]>,
    /// Who may read it.
    pub readers: Readers,
}

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Whoever the system lets, as of any new file; one that takes the place of another is for those who may read that.
    Usual,
    /// Its owner alone: it has a secret.
    Owner,
}

/// The bits of a mode that leave a file to its owner.
const OWNER_BITS: u32 = 0o600;

impl File<'static> {
    /// A file of text.
    pub fn of_text(path: impl Into<PathBuf>, text: String) -> Self {
        Self { path: path.into(), bytes: text.into_bytes().into(), readers: Readers::Usual }
    }
}

/// What becomes of a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and nothing at all is written.
    Kept,
    /// Another takes its place, with its permissions. A symbolic link is replaced, not what it points to.
    Replaced,
}

/// Why files were not written.
#[derive(Debug)]
pub enum WriteError {
    /// These are there already; nothing was written.
    Exists(Vec<PathBuf>),
    /// The system refused.
    System {
        /// This file or folder.
        path: PathBuf,
        /// What it said.
        error: io::Error,
        /// What could not be undone afterwards; empty: nothing was written.
        left: Vec<PathBuf>,
    },
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WriteError::Exists(paths) => {
                for path in paths {
                    writeln!(f, "error: {} is there already", path.display())?;
                }
                f.write_str("nothing was written")
            }
            WriteError::System { path, error, left } => {
                write!(f, "error: {} cannot be written: {error}", path.display())?;
                for path in left {
                    write!(f, "\nerror: {} is not as it was", path.display())?;
                }
                f.write_str(if left.is_empty() { "\nnothing was written" } else { "" })
            }
        }
    }
}

impl std::error::Error for WriteError {}

/// Writes `files` below `into`, making folders on the way; returns the path of each.
///
/// A file is in its place whole or not at all, at any moment. While they are put there, in their order,
/// somebody who looks may see some and not the others.
///
/// # Errors
///
/// When one of them is there already and is to be kept, or when the system refuses: then what has been done
/// is undone.
pub fn write_files(files: &[File<'_>], into: &Path, existing: Existing) -> Result<Vec<PathBuf>, WriteError> {
    let places: Vec<PathBuf> = files.iter().map(|file| into.join(&file.path)).collect();
    if existing == Existing::Kept {
        let there: Vec<PathBuf> =
            places.iter().filter(|place| place.symlink_metadata().is_ok()).cloned().collect();
        if !there.is_empty() {
            return Err(WriteError::Exists(there));
        }
    }
    let mut work = Work::default();
    match work.write(files, &places, existing) {
        Ok(()) => {
            work.finish();
            Ok(places)
        }
        Err((path, error)) => Err(WriteError::System { path, error, left: work.undo() }),
    }
}

/// Something that has been done, and can be undone.
#[derive(Debug)]
enum Step {
    /// This folder was made.
    Folder(PathBuf),
    /// This file is ours.
    File(PathBuf),
    /// What was at `place` is at `old`, too.
    SetAside { place: PathBuf, old: PathBuf },
}

/// What has been done so far.
#[derive(Debug, Default)]
struct Work {
    steps: Vec<Step>,
}

/// What the system refused, and at which path.
type Refusal = (PathBuf, io::Error);

impl Work {
    /// First all that may fail for want of room or permission; then the places themselves.
    fn write(&mut self, files: &[File<'_>], places: &[PathBuf], existing: Existing) -> Result<(), Refusal> {
        for (number, (file, place)) in files.iter().zip(places).enumerate() {
            self.make_folder(place.parent().unwrap_or(Path::new("")))?;
            self.prepare(&beside(place, number, "new"), file, place)?;
        }
        for (number, place) in places.iter().enumerate() {
            let fresh = beside(place, number, "new");
            match existing {
                Existing::Kept => self.take(place, &fresh),
                Existing::Replaced => self
                    .set_aside(place, &beside(place, number, "old"))
                    .and_then(|()| fs::rename(&fresh, place)),
            }
            .map_err(|error| (place.clone(), error))?;
        }
        Ok(())
    }

    /// Makes a folder and those above it, each where it is not there yet.
    fn make_folder(&mut self, folder: &Path) -> Result<(), Refusal> {
        let is_missing = |above: &&Path| !above.as_os_str().is_empty() && !above.exists();
        let missing: Vec<&Path> = folder.ancestors().take_while(is_missing).collect();
        for folder in missing.into_iter().rev() {
            match fs::create_dir(folder) {
                Ok(()) => self.steps.push(Step::Folder(folder.to_owned())),
                // Somebody else's by now, or one that was made and left again by `..`.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err((folder.to_owned(), error)),
            }
        }
        Ok(())
    }

    /// Writes the file that will be at `place`, beside it.
    fn prepare(&mut self, fresh: &Path, wanted: &File<'_>, place: &Path) -> Result<(), Refusal> {
        let mode = match wanted.readers {
            Readers::Usual => 0o666,
            Readers::Owner => OWNER_BITS,
        };
        let mut file = match OpenOptions::new().write(true).create_new(true).mode(mode).open(fresh) {
            Ok(file) => file,
            // One that was ended while it wrote has left it.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err((fresh.to_owned(), error)),
            Err(error) => return Err((place.to_owned(), error)),
        };
        self.steps.push(Step::File(fresh.to_owned()));
        let mut fill = || -> io::Result<()> {
            if let Some(old) = place.symlink_metadata().ok().filter(fs::Metadata::is_file) {
                // Only root may give a file away; whoever else replaces one owns what comes of it.
                drop(chown(fresh, Some(old.uid()), Some(old.gid())));
                let mode = match wanted.readers {
                    Readers::Usual => old.permissions().mode(),
                    Readers::Owner => old.permissions().mode() & OWNER_BITS,
                };
                file.set_permissions(fs::Permissions::from_mode(mode))?;
            }
            file.write_all(&wanted.bytes)?;
            file.sync_all()
        };
        fill().map_err(|error| (place.to_owned(), error))
    }

    /// Puts a file where nothing is, also if somebody else wants the place at this moment.
    fn take(&mut self, place: &Path, fresh: &Path) -> io::Result<()> {
        match fs::hard_link(fresh, place) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(error),
            Ok(()) => {
                self.steps.push(Step::File(place.to_owned()));
                return fs::remove_file(fresh);
            }
            Err(_) => {}
        }
        // A file system without links has a moment with an empty file.
        new_file(place)?;
        self.steps.push(Step::File(place.to_owned()));
        fs::rename(fresh, place)
    }

    /// Keeps what is at a place until the end.
    fn set_aside(&mut self, place: &Path, old: &Path) -> io::Result<()> {
        match place.symlink_metadata() {
            Ok(there) if there.is_dir() => return Err(ErrorKind::IsADirectory.into()),
            // A file system without links has a moment without the file.
            Ok(_) => fs::hard_link(place, old).or_else(|_| fs::rename(place, old))?,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.steps.push(Step::File(place.to_owned()));
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        self.steps.push(Step::SetAside { place: place.to_owned(), old: old.to_owned() });
        Ok(())
    }

    /// Removes what was kept in case of a fault.
    fn finish(self) {
        for step in self.steps {
            if let Step::SetAside { old, .. } = step {
                // Everything is where it belongs, which is what was asked for.
                drop(fs::remove_file(old));
            }
        }
    }

    /// Makes everything as it was; returns what could not be.
    fn undo(self) -> Vec<PathBuf> {
        let undone = self.steps.into_iter().rev().map(|step| match step {
            Step::Folder(folder) => gone(fs::remove_dir(&folder)).map_err(|_| folder),
            Step::File(file) => gone(fs::remove_file(&file)).map_err(|_| file),
            // Of two names for one file, rename(2) leaves both.
            Step::SetAside { place, old } => {
                fs::rename(&old, &place).and_then(|()| gone(fs::remove_file(&old))).map_err(|_| place)
            }
        });
        undone.filter_map(Result::err).collect()
    }
}

/// Whether something is not there, removed now or earlier.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    removed.or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

fn new_file(path: &Path) -> io::Result<SystemFile> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// A name that nobody else uses in the folder of a place: it is of the same file system, so that a rename is
/// all or nothing.
fn beside(place: &Path, number: usize, end: &str) -> PathBuf {
    place.with_file_name(format!(".edgedns-{}-{number}.{end}", std::process::id()))
}

#[cfg(test)]
mod tests;
