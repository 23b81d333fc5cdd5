//! The folder that an import writes to.
//!
//! Responsible for writing all of it or, where something is there already, nothing.
//! Not responsible for what is written.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Existing;

/// The config file in its folder.
pub(super) const CONFIG: &str = "edgedns.toml";

/// Why nothing, or not everything, was written.
#[derive(Debug)]
pub enum Error {
    /// These files are there, and nobody said that they may be replaced.
    Exists(Vec<PathBuf>),
    /// The file system refused.
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Exists(paths) => {
                let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
                write!(f, "nothing is written: there is {} already; --force replaces it", paths.join(", "))
            }
            Error::Write { path, error } => write!(f, "cannot write {}: {error}", path.display()),
        }
    }
}

impl std::error::Error for Error {}

/// Writes files below `folder`; the last is the one that names the others.
pub(super) fn write(
    folder: &Path,
    files: &[(PathBuf, &[u8])],
    existing: Existing,
) -> Result<Vec<PathBuf>, Error> {
    let places: Vec<PathBuf> = files.iter().map(|(path, _)| folder.join(path)).collect();
    if existing == Existing::Keep {
        let there: Vec<PathBuf> =
            places.iter().filter(|path| path.symlink_metadata().is_ok()).cloned().collect();
        if !there.is_empty() {
            return Err(Error::Exists(there));
        }
    }
    for (place, (_, bytes)) in places.iter().zip(files) {
        let written =
            place.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(place, bytes));
        written.map_err(|error| Error::Write { path: place.clone(), error })?;
    }
    Ok(places)
}
