//! Files that somebody has written to and not closed yet: what stands there may be half of what shall.
//!
//! inotify says when a file is written to and when it is closed. Where it does not, such as on a network file
//! system on which another host writes, nothing is known, and the time without changes has to do.
//!
//! Responsible for which files these are, and for how long that is put up with in silence.
//! Not responsible for events, or for what is not read meanwhile.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::sync::lock;
use notify::EventKind;
use notify::event::{AccessKind, AccessMode, ModifyKind};

/// How long writing a file may take in silence. Copies take seconds; who takes longer has likely forgotten to
/// close it.
pub(super) const WRITING_MAX: Duration = Duration::from_secs(10);

/// The files, by the names under which they are watched. Shared between who hears of them and who reads them.
#[derive(Clone, Debug, Default)]
pub struct Writing(Arc<Mutex<HashMap<PathBuf, Open>>>);

#[derive(Clone, Copy, Debug)]
struct Open {
    since: Instant,
    /// Whether it has been said that it takes long.
    told: bool,
}

impl Writing {
    /// Whether this file is being written.
    pub fn holds(&self, path: &Path) -> bool {
        self.lock().contains_key(path)
    }

    /// Takes in what has happened to a file.
    pub fn happened(&self, path: &Path, kind: EventKind, now: Instant) {
        match kind {
            EventKind::Modify(ModifyKind::Data(_)) => {
                self.lock().entry(path.to_owned()).or_insert(Open { since: now, told: false });
            }
            // Another file may have its name now, which nobody is known to write.
            EventKind::Access(AccessKind::Close(AccessMode::Write))
            | EventKind::Remove(_)
            | EventKind::Create(_)
            | EventKind::Modify(ModifyKind::Name(_)) => self.forget(path),
            _ => {}
        }
    }

    /// Another file has this name now, or it is of no interest any more.
    pub(super) fn forget(&self, path: &Path) {
        self.lock().remove(path);
    }

    /// Nobody knows what has happened.
    pub(super) fn forget_all(&self) {
        self.lock().clear();
    }

    /// When the next one will have been written for too long.
    pub(super) fn due(&self) -> Option<Instant> {
        self.lock().values().filter(|open| !open.told).map(|open| open.since + WRITING_MAX).min()
    }

    /// Those that have been written for too long, each once.
    pub(super) fn overdue(&self, now: Instant) -> Vec<PathBuf> {
        let mut open = self.lock();
        let overdue = open.iter_mut().filter(|(_, open)| !open.told && open.since + WRITING_MAX <= now);
        let mut paths: Vec<PathBuf> = overdue
            .map(|(path, open)| {
                open.told = true;
                path.clone()
            })
            .collect();
        paths.sort();
        paths
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, Open>> {
        // Whoever holds the lock only adds or takes out.
        lock(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange, RemoveKind, RenameMode};

    use super::*;

    const WRITTEN: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));

    #[test]
    fn a_file_is_being_written_from_the_first_byte_until_it_is_closed_or_another_one() {
        let (path, now) = (Path::new("/lab.zone"), Instant::now());
        let ends = [
            EventKind::Access(AccessKind::Close(AccessMode::Write)),
            EventKind::Remove(RemoveKind::File),
            EventKind::Create(CreateKind::File),
            EventKind::Modify(ModifyKind::Name(RenameMode::To)),
        ];
        for end in ends {
            let writing = Writing::default();
            assert!(!writing.holds(path));
            writing.happened(path, WRITTEN, now);
            writing.happened(path, EventKind::Access(AccessKind::Close(AccessMode::Read)), now);
            assert!(writing.holds(path), "{end:?}");
            writing.happened(path, end, now);
            assert!(!writing.holds(path), "{end:?}");
        }
    }

    #[test]
    fn a_file_that_stays_open_is_told_of_once_and_counts_from_its_first_byte() {
        let (path, begin) = (Path::new("/lab.zone"), Instant::now());
        let writing = Writing::default();
        writing.happened(path, WRITTEN, begin);
        writing.happened(path, WRITTEN, begin + WRITING_MAX / 2);
        assert_eq!(writing.due(), Some(begin + WRITING_MAX));
        assert!(writing.overdue(begin + WRITING_MAX / 2).is_empty());
        assert_eq!(writing.overdue(begin + WRITING_MAX), [path]);
        assert!(writing.overdue(begin + WRITING_MAX).is_empty() && writing.due().is_none());
        assert!(writing.holds(path), "it is still half of what it shall be");
    }
}
