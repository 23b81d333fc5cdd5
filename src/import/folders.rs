//! Where a file lies that a settings file names.
//!
//! Responsible for paths: relative ones, and absolute ones of a machine of
//! which only a copy is at hand.
//! Not responsible for reading.

use std::path::{Path, PathBuf};

/// The folders that an import looks in.
#[derive(Clone, Debug)]
pub(super) struct Folders {
    /// Those above the place an import reads from, nearest first, the root left out. In a copy of a file tree
    /// one of them stands for the root: `backup/etc/pdns` for `/etc/pdns`.
    above: Vec<PathBuf>,
}

impl Folders {
    /// For an import that begins at `from`.
    pub(super) fn new(from: &Path) -> Self {
        let from = std::path::absolute(from).unwrap_or_else(|_| from.to_owned());
        let above = from.ancestors().filter(|folder| folder.parent().is_some());
        Self { above: above.map(Path::to_owned).collect() }
    }

    /// The file that `written` names in the file `by`, relative to `directory` if there is one. If it is in none
    /// of the places where it could be, the first of them, for the message.
    pub(super) fn find(&self, written: &str, directory: Option<&Path>, by: &Path) -> PathBuf {
        let beside = by.parent().unwrap_or(Path::new(""));
        let written = Path::new(written);
        let mut places = Vec::new();
        if written.is_absolute() {
            places.extend(self.copies(written));
            places.push(written.to_owned());
            places.extend(written.file_name().map(|name| beside.join(name)));
        } else {
            if let Some(directory) = directory {
                if directory.is_absolute() {
                    places.extend(self.copies(directory).map(|folder| folder.join(written)));
                    places.push(directory.join(written));
                } else {
                    places.push(beside.join(directory).join(written));
                }
            }
            places.push(beside.join(written));
        }
        let first = places.first().filter(|_| written.is_relative());
        let named = first.map_or_else(|| written.to_owned(), PathBuf::clone);
        places.into_iter().find(|place| place.exists()).unwrap_or(named)
    }

    /// Where an absolute path would lie in a copy.
    fn copies<'f>(&'f self, written: &'f Path) -> impl Iterator<Item = PathBuf> + 'f {
        let inside = written.strip_prefix("/").unwrap_or(written);
        self.above.iter().map(move |folder| folder.join(inside))
    }
}
