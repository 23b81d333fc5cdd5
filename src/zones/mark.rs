//! A mark for each zone that is being read: if the process is killed then, the zone is likely the cause.
//!
//! ```text
//!   put ── read, compile ── removed       all is well
//!    └───── killed ─────▶ found at the next start: the last good text is served, the file is left alone
//! ```
//!
//! When a zone takes all memory, the kernel kills the process, and no code of ours runs. Without a mark every
//! start would read the zone again and be killed again.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use super::state_file;
use super::zone_id::ZoneId;
use crate::source::patiently;
use crate::sync::lock;

/// The folder below the state directory. It holds nothing else.
const FOLDER: &str = "reading";

/// The suffix of a mark.
const END: &str = ".mark";

/// Longest mark that is read, in bytes. A mark holds four numbers.
const MARK_BYTES_MAX: u64 = 128;

/// Length and modification time of a zone file: a change of the file is seen without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    bytes: u64,
    modified: (i64, i64),
}

impl Stamp {
    /// The stamp of a file as it is now; none: it cannot be looked at.
    pub fn of(path: &Path) -> Option<Stamp> {
        let named = path.to_owned();
        let meta = patiently(path, move |_| fs::metadata(named)).ok()?;
        Some(Stamp { bytes: meta.len(), modified: (meta.mtime(), meta.mtime_nsec()) })
    }
}

/// A mark that a process has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LeftMark {
    /// How many processes in a row were killed while they read this file.
    pub(super) times: u32,
    stamp: Stamp,
}

/// The marks of this process.
#[derive(Debug, Default)]
pub struct Marks(Mutex<Put>);

#[derive(Debug, Default)]
struct Put {
    paths: BTreeSet<PathBuf>,
    /// The process is about to exit in good order, and puts no more marks.
    is_over: bool,
}

/// A mark that is removed when it is dropped.
pub struct Mark<'m> {
    marks: &'m Marks,
    path: PathBuf,
}

impl Marks {
    /// Marks a zone whose file has this stamp. None if the mark cannot be written, which must not stop the
    /// reading.
    pub fn put(&self, folder: &Path, zone: &ZoneId, stamp: Stamp) -> Option<Mark<'_>> {
        let times = left(folder, zone, stamp).map_or(0, |left| left.times).saturating_add(1);
        let path = path(folder, zone);
        state_file::make_folder(&folder.join(FOLDER)).ok()?;
        let mut put = self.lock();
        if put.is_over {
            return None;
        }
        let mut file = state_file::create(&path).ok()?;
        put.paths.insert(path.clone());
        drop(put);
        let mark = Mark { marks: self, path };
        // Not synced to disk: a power cut is not the fault of a zone.
        let Stamp { bytes, modified: (seconds, nanoseconds) } = stamp;
        writeln!(file, "{times} {bytes} {seconds} {nanoseconds}").ok()?;
        Some(mark)
    }

    /// Removes all marks and puts no more: the process is about to exit in good order, while threads may
    /// still read.
    pub fn remove_all(&self) {
        let mut put = self.lock();
        put.is_over = true;
        for path in std::mem::take(&mut put.paths) {
            // The folder may have been removed, and the mark with it.
            let _ = fs::remove_file(path);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Put> {
        // Holders of the lock only add and remove paths, so a panic leaves nothing half done.
        lock(&self.0)
    }
}

impl Drop for Mark<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        self.marks.lock().paths.remove(&self.path);
    }
}

/// The mark that a killed process has left on a file with this stamp; none if the file has changed since.
pub(super) fn left(folder: &Path, zone: &ZoneId, stamp: Stamp) -> Option<LeftMark> {
    use std::io::Read;
    let file = state_file::open(&path(folder, zone)).ok()??;
    let mut text = String::new();
    file.take(MARK_BYTES_MAX).read_to_string(&mut text).ok()?;
    let mut numbers = text.split_whitespace();
    let times = numbers.next()?.parse().ok()?;
    let bytes = numbers.next()?.parse().ok()?;
    let modified = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
    Some(LeftMark { times, stamp: Stamp { bytes, modified } }).filter(|left| left.stamp == stamp)
}

fn path(folder: &Path, zone: &ZoneId) -> PathBuf {
    folder.join(FOLDER).join(state_file::file_name(zone, END))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Name;

    #[test]
    fn a_mark_is_there_while_a_zone_is_read_and_counts_who_ended_over_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lab.zone");
        fs::write(&file, "text").unwrap();
        let zone: ZoneId = "lab.example".parse::<Name>().unwrap().into();
        let stamp = Stamp::of(&file).unwrap();
        let marks = Marks::default();
        let found = || left(folder.path(), &zone, stamp).map(|left| left.times);
        assert_eq!(found(), None);
        for times in 1..3 {
            let mark = marks.put(folder.path(), &zone, stamp).unwrap();
            assert_eq!(found(), Some(times));
            // Killed: the mark stays.
            std::mem::forget(mark);
        }
        fs::write(&file, "other text").unwrap();
        assert_eq!(left(folder.path(), &zone, Stamp::of(&file).unwrap()), None);
        drop(marks.put(folder.path(), &zone, stamp));
        assert_eq!(found(), None);
        std::mem::forget(marks.put(folder.path(), &zone, stamp));
        marks.remove_all();
        assert_eq!(found(), None);
        // A thread that still reads leaves no mark.
        assert!(marks.put(folder.path(), &zone, stamp).is_none());
        assert_eq!(found(), None);
    }
}
