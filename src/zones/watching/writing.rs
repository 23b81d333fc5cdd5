//! Files that somebody has written to and not closed yet: what stands there may be half of what shall.
//!
//! The kernel says when a file is written to and when it is closed, and every question empties its queue
//! first: so the answer holds for everything that happened before the question, however late the thread runs
//! that waits for events. Where the kernel says nothing, such as on a network file system on which another
//! host writes, nothing is known, and the time without changes has to do.

use std::collections::{HashMap, HashSet};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{fmt, io};

use tokio::sync::Notify;

use super::events::{FileEvent, Queue, What};
use crate::sync::lock;

/// How long writing a file may take in silence. Copies take seconds; who takes longer has likely forgotten to
/// close it.
pub(super) const WRITING_MAX: Duration = Duration::from_secs(10);

/// Entries of folders, each with the names of the files that it is itself; none where it only leads to one.
pub(super) type Steps = HashMap<PathBuf, Vec<PathBuf>>;

/// What is known of the files, by the names under which they are watched. Clones are the same one: whoever
/// waits for events and whoever reads the files.
#[derive(Clone, Default)]
pub struct Writing(Arc<Shared>);

#[derive(Default)]
struct Shared {
    known: Mutex<KnownFile>,
    /// Something has happened that can mean that a path leads to another text.
    touched: Notify,
}

#[derive(Default)]
struct KnownFile {
    /// None: it could not be opened yet.
    queue: Option<Queue>,
    /// The entries of folders that lead to a file, by their whole path.
    steps: Steps,
    /// The files that are open for writing.
    open: HashMap<PathBuf, OpenFile>,
    /// How many events there have been of any file.
    events: u64,
    /// Which of them was the last one of a file.
    last: HashMap<PathBuf, u64>,
    /// Which of them was the last one that may have been of every file, as events were lost.
    lost: u64,
}

#[derive(Clone, Copy)]
struct OpenFile {
    since: Instant,
    /// Whether it has been said that it takes long.
    told: bool,
}

/// A moment between two events.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moment(u64);

impl Writing {
    /// Whether this file is being written.
    pub fn holds(&self, path: &Path) -> bool {
        self.with_all(|known| known.open.contains_key(path))
    }

    /// This moment: nothing that has happened so far is after it.
    pub fn now(&self) -> Moment {
        self.with_all(|known| Moment(known.events))
    }

    /// Whether a text that was read of this file after `moment` may be half of what it shall be: it is being
    /// written, or was until a moment ago.
    pub fn may_be_half(&self, path: &Path, moment: Moment) -> bool {
        self.with_all(|known| {
            let last = known.last.get(path).copied().unwrap_or_default().max(known.lost);
            known.open.contains_key(path) || last > moment.0
        })
    }

    /// Takes in what has happened so far. Whether any of it matters.
    pub(super) fn take_in(&self) -> bool {
        let mut known = lock(&self.0.known);
        let touching = known.take_in();
        drop(known);
        self.touch_if(touching)
    }

    /// Waits until something has happened.
    pub(super) async fn touched(&self) {
        self.0.touched.notified().await;
    }

    /// Something may have happened that nobody has heard of.
    pub(super) fn touch(&self) {
        self.0.touched.notify_one();
    }

    /// A descriptor that is readable while something is in the queue of events, which is opened first if need
    /// be.
    ///
    /// # Errors
    ///
    /// When the system does not allow another queue, or another descriptor.
    pub(super) fn open_queue(&self) -> io::Result<OwnedFd> {
        let mut known = lock(&self.0.known);
        let queue = match known.queue.take() {
            Some(queue) => queue,
            None => Queue::open()?,
        };
        known.queue.insert(queue).descriptor()
    }

    /// Watches a folder, or another one that has its name now.
    pub(super) fn watch(&self, folder: &Path) -> io::Result<()> {
        let mut known = lock(&self.0.known);
        known.queue.as_mut().map_or(Ok(()), |queue| queue.watch(folder))
    }

    /// Watches a folder no more.
    pub(super) fn unwatch(&self, folder: &Path) {
        let mut known = lock(&self.0.known);
        if let Some(queue) = &mut known.queue {
            queue.unwatch(folder);
        }
    }

    /// What leads to the files from now on. Returns whether that has changed. Who wrote a file that has
    /// another name now writes none of ours.
    pub(super) fn set_steps(&self, steps: Steps) -> bool {
        self.with_all(|known| {
            let before = std::mem::replace(&mut known.steps, steps);
            let now = &known.steps;
            for (file, names) in before.iter().filter(|(file, names)| now.get(*file) != Some(names)) {
                let is_still = |name: &&PathBuf| now.get(file).is_some_and(|names| names.contains(name));
                for name in names.iter().filter(|name| !is_still(name)) {
                    known.open.remove(name);
                }
            }
            let has_changed = before != *now;
            if has_changed {
                let names: HashSet<&PathBuf> = now.values().flatten().collect();
                known.last.retain(|name, _| names.contains(name));
            }
            has_changed
        })
    }

    /// The folders of all entries that lead to a file.
    pub(super) fn folders(&self) -> Vec<PathBuf> {
        let known = lock(&self.0.known);
        known.steps.keys().filter_map(|step| step.parent()).map(Path::to_owned).collect()
    }

    /// When the next one will have been written for too long.
    pub(super) fn due(&self) -> Option<Instant> {
        let known = lock(&self.0.known);
        known.open.values().filter(|open| !open.told).map(|open| open.since + WRITING_MAX).min()
    }

    /// Those that have been written for too long, each once.
    pub(super) fn overdue(&self, now: Instant) -> Vec<PathBuf> {
        self.with_all(|known| {
            let is_overdue = |open: &OpenFile| !open.told && open.since + WRITING_MAX <= now;
            let overdue = known.open.iter_mut().filter(|(_, open)| is_overdue(open));
            let mut paths: Vec<PathBuf> = overdue
                .map(|(path, open)| {
                    open.told = true;
                    path.clone()
                })
                .collect();
            paths.sort();
            paths
        })
    }

    /// Does something with what is known, when everything that has happened so far is.
    fn with_all<R>(&self, what: impl FnOnce(&mut KnownFile) -> R) -> R {
        let mut known = lock(&self.0.known);
        let touching = known.take_in();
        let result = what(&mut known);
        drop(known);
        self.touch_if(touching);
        result
    }

    fn touch_if(&self, touching: usize) -> bool {
        if touching > 0 {
            self.touch();
        }
        touching > 0
    }

    /// As if this had happened to a file that is watched.
    #[cfg(test)]
    pub(crate) fn suppose_written(&self, path: &Path) {
        let mut known = lock(&self.0.known);
        known.steps.insert(path.to_owned(), vec![path.to_owned()]);
        known.happened(&FileEvent::Of(path.to_owned(), What::Written), Instant::now());
    }
}

impl KnownFile {
    /// Takes in what is in the queue; how much of it is about anything that leads to a file.
    fn take_in(&mut self) -> usize {
        let events = self.queue.as_mut().map(Queue::take).unwrap_or_default();
        let now = Instant::now();
        events.into_iter().filter(|event| self.happened(event, now)).count()
    }

    /// Takes in an event; whether it is about anything that leads to a file.
    fn happened(&mut self, event: &FileEvent, now: Instant) -> bool {
        self.events += 1;
        let (path, what) = match event {
            FileEvent::Of(path, what) => (path, what),
            FileEvent::Lost => {
                self.open.clear();
                self.lost = self.events;
                return true;
            }
        };
        let Some(names) = self.steps.get(path) else { return false };
        for name in names {
            match what {
                What::Written => {
                    self.open.entry(name.clone()).or_insert(OpenFile { since: now, told: false });
                }
                // Another file may have its name now, which nobody is known to write.
                What::Closed | What::Replaced => drop(self.open.remove(name)),
                What::Attributes => continue,
            }
            self.last.insert(name.clone(), self.events);
        }
        true
    }
}

impl fmt::Debug for Writing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(lock(&self.0.known).open.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that is watched, though nobody waits for events, and what is known of it.
    fn known(path: &Path, events: &[(What, Instant)]) -> Writing {
        let writing = Writing::default();
        writing.set_steps([(path.to_owned(), vec![path.to_owned()])].into());
        for (what, at) in events {
            lock(&writing.0.known).happened(&FileEvent::Of(path.to_owned(), *what), *at);
        }
        writing
    }

    #[test]
    fn a_file_is_being_written_from_the_first_byte_until_it_is_closed_or_another_one() {
        let (path, now) = (Path::new("/lab.zone"), Instant::now());
        for end in [What::Closed, What::Replaced] {
            assert!(!known(path, &[]).holds(path));
            assert!(known(path, &[(What::Written, now), (What::Attributes, now)]).holds(path), "{end:?}");
            assert!(!known(path, &[(What::Written, now), (end, now)]).holds(path), "{end:?}");
        }
    }

    #[test]
    fn a_file_that_stays_open_is_named_once_and_counts_from_its_first_byte() {
        let (path, begin) = (Path::new("/lab.zone"), Instant::now());
        let half_way = begin + WRITING_MAX / 2;
        let writing = known(path, &[(What::Written, begin), (What::Written, half_way)]);
        assert_eq!(writing.due(), Some(begin + WRITING_MAX));
        assert!(writing.overdue(half_way).is_empty());
        assert_eq!(writing.overdue(begin + WRITING_MAX), [path]);
        assert!(writing.overdue(begin + WRITING_MAX).is_empty() && writing.due().is_none());
        assert!(writing.holds(path), "it is still half of what it shall be");
    }

    #[test]
    fn what_has_happened_is_known_at_once_though_nobody_waits_for_events() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().join("lab.zone");
        let writing = known(&path, &[]);
        writing.open_queue().unwrap();
        writing.watch(path.parent().unwrap()).unwrap();
        let before = writing.now();
        let mut file = std::fs::File::create(&path).unwrap();
        io::Write::write_all(&mut file, b"half").unwrap();
        assert!(writing.holds(&path) && writing.may_be_half(&path, writing.now()));
        drop(file);
        assert!(!writing.holds(&path));
        assert!(writing.may_be_half(&path, before), "it was written meanwhile");
        assert!(!writing.may_be_half(&path, writing.now()), "it is whole now");
    }

    #[test]
    fn when_events_are_lost_every_file_may_be_half_that_was_read_before() {
        let path = Path::new("/lab.zone");
        let writing = known(path, &[]);
        let before = writing.now();
        assert!(lock(&writing.0.known).happened(&FileEvent::Lost, Instant::now()));
        assert!(writing.may_be_half(path, before) && !writing.may_be_half(path, writing.now()));
    }
}
