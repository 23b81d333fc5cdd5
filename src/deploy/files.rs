//! Files that are made for somebody else, put where they belong.
//!
//! Responsible for writing all of them or none, and over nothing unasked.
//! Not responsible for what is in them.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Below the folder that all of them go into.
    pub path: PathBuf,
    /// All of it.
    pub text: String,
}

/// What becomes of a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and nothing at all is written.
    Kept,
    /// It is written over.
    Replaced,
}

/// Why files were not written.
#[derive(Debug)]
pub enum WriteError {
    /// These are there already; nothing was written.
    Exists(Vec<PathBuf>),
    /// The system refused this one.
    System(PathBuf, io::Error),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WriteError::Exists(paths) => {
                for path in paths {
                    writeln!(f, "error: {} is there already", path.display())?;
                }
                f.write_str(
                    "nothing was written; name another folder with --into, or write over it with --force",
                )
            }
            WriteError::System(path, error) => {
                write!(f, "error: {} cannot be written: {error}", path.display())
            }
        }
    }
}

impl std::error::Error for WriteError {}

/// Writes `files` below `into`, making folders on the way; returns where each of them stands.
///
/// # Errors
///
/// When one of them is there already and is to be kept, before anything is
/// written; or when the system refuses, after some may have been.
pub fn write_files(files: &[File], into: &Path, existing: Existing) -> Result<Vec<PathBuf>, WriteError> {
    let places: Vec<PathBuf> = files.iter().map(|file| into.join(&file.path)).collect();
    if existing == Existing::Kept {
        let there: Vec<PathBuf> =
            places.iter().filter(|place| place.symlink_metadata().is_ok()).cloned().collect();
        if !there.is_empty() {
            return Err(WriteError::Exists(there));
        }
    }
    for (file, place) in files.iter().zip(&places) {
        let folder = place.parent().unwrap_or(into);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(place, &file.text))
            .map_err(|error| WriteError::System(place.clone(), error))?;
    }
    Ok(places)
}
