//! Certificates and keys in PEM, in a file or as a text.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::{self, FileError};

/// A text in PEM that stood in a file of another kind.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PemText {
    file: PathBuf,
    /// Not shown, not even for debugging: it may be a key.
    text: Arc<[u8]>,
}

impl PemText {
    /// The text, and the file that it stood in.
    pub fn new(file: PathBuf, text: Vec<u8>) -> PemText {
        PemText { file, text: text.into() }
    }

    /// The file that it stood in.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }
}

impl fmt::Debug for PemText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PemText({})", self.file.display())
    }
}

/// Where PEM is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Pem {
    /// In a file, which may change.
    File(PathBuf),
    /// Here.
    Text(PemText),
}

impl Pem {
    /// The file, for faults.
    pub(super) fn path(&self) -> &Path {
        match self {
            Pem::File(path) => path,
            Pem::Text(text) => text.file(),
        }
    }

    /// What is there now.
    pub(super) fn read(&self) -> Result<Vec<u8>, FileError> {
        match self {
            Pem::File(path) => file::read(path),
            Pem::Text(text) => Ok(text.text().to_vec()),
        }
    }
}
