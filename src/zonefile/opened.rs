//! A file of a zone that is being read.

use std::path::{Path, PathBuf};

use crate::source::{FileId, Sources, Span};

/// A file that is being read.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    /// Without links, to recognise it.
    pub(super) path: Option<PathBuf>,
    /// Its folder, as the operator named it.
    pub(super) folder: PathBuf,
    /// The path in the `$INCLUDE` it was opened by; none for the zone's own file.
    pub(super) by: Option<Span>,
}

impl Opened {
    /// The zone's own file.
    pub(super) fn first(sources: &Sources, file: FileId) -> Self {
        Self::new(sources, Path::new(sources.path(file)), None)
    }

    pub(super) fn new(sources: &Sources, path: &Path, by: Option<Span>) -> Self {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Self { path: sources.canonical(path), folder, by }
    }
}
