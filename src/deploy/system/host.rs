//! The host, as its files describe it. They are read below a given root, so that tests can look at another
//! one.

use std::fs::{self, File};
use std::io::Read;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Longest file that is read, in bytes: a table of 100,000 sockets has 15 million.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A host to be looked at.
#[derive(Clone, Debug)]
pub struct Host {
    root: PathBuf,
    pub(super) now: SystemTime,
    /// Its addresses; none: they could not be read.
    pub(super) own: Vec<IpAddr>,
}

impl Host {
    /// The host whose files are below `root`, whose clock shows `now`, and whose addresses are `own`.
    pub fn new(root: PathBuf, now: SystemTime, own: Vec<IpAddr>) -> Self {
        Self { root, now, own }
    }

    /// Where a file of the host really is.
    pub(super) fn place(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Where a file of the host is once every link is followed, as the host names it.
    pub(super) fn resolved(&self, path: &Path) -> std::io::Result<PathBuf> {
        let (place, root) = (fs::canonicalize(self.place(path))?, fs::canonicalize(&self.root)?);
        Ok(Path::new("/").join(place.strip_prefix(&root).unwrap_or(&place)))
    }

    /// The text of a file; none if it cannot be read.
    pub(super) fn text(&self, path: impl AsRef<Path>) -> Option<String> {
        let mut bytes = Vec::new();
        File::open(self.place(path.as_ref())).ok()?.take(FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The number that is all of a file, as below `/proc/sys`.
    pub(super) fn number(&self, path: &str) -> Option<u64> {
        self.text(path)?.trim().parse().ok()
    }

    /// Whether there is something at a path, be it a link that leads nowhere.
    pub(super) fn has(&self, path: impl AsRef<Path>) -> bool {
        self.place(path.as_ref()).symlink_metadata().is_ok()
    }

    /// Where a link points.
    pub(super) fn link(&self, path: impl AsRef<Path>) -> Option<PathBuf> {
        fs::read_link(self.place(path.as_ref())).ok()
    }

    /// The names in a folder, sorted; none if it cannot be read.
    pub(super) fn names(&self, folder: impl AsRef<Path>) -> Option<Vec<String>> {
        let entries = fs::read_dir(self.place(folder.as_ref())).ok()?;
        let mut names: Vec<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort_unstable();
        Some(names)
    }

    /// The processes.
    pub(super) fn processes(&self) -> impl Iterator<Item = u32> {
        self.names("/proc").unwrap_or_default().into_iter().filter_map(|name| name.parse().ok())
    }

    /// What a process calls itself.
    pub(super) fn process_name(&self, pid: u32) -> Option<String> {
        Some(self.text(format!("/proc/{pid}/comm"))?.trim_end().to_owned())
    }
}
