//! The kernel's queue of events (inotify(7)), and the folders that it is about.
//!
//! The queue is emptied by whoever wants to know what has happened so far: everything that happened before is
//! in it, however late other threads run.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init, remove_watch};
use rustix::io::Errno;

/// Bytes that are read at once: an event has 16, and a name of up to 256.
const BUFFER_BYTES: usize = 1 << 14;

/// Events that are taken at once; the queue holds 16,384. A program that makes more of them meanwhile is
/// heard the next time.
const EVENTS_MAX: usize = 1 << 16;

/// What has happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Somebody wrote to it, or cut it.
    Written,
    /// Somebody who had it open for writing has closed it.
    Closed,
    /// It has come, gone, or another file has its name.
    Replaced,
    /// Its attributes have changed.
    Attributes,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FileEvent {
    /// Something to a file, or to a folder.
    Of(PathBuf, What),
    /// Events were lost: the queue was full.
    Lost,
}

/// An instance of inotify.
#[derive(Debug)]
pub(super) struct Queue {
    fd: OwnedFd,
    /// The number of each folder's watch.
    watches: HashMap<PathBuf, i32>,
    /// The folders of each watch: a folder may be mounted in several places.
    folders: HashMap<i32, BTreeSet<PathBuf>>,
}

impl Queue {
    /// An instance that watches nothing yet.
    ///
    /// # Errors
    ///
    /// EMFILE, when this user has all instances that the system allows.
    pub(super) fn open() -> io::Result<Queue> {
        let fd = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        Ok(Queue { fd, watches: HashMap::new(), folders: HashMap::new() })
    }

    /// A descriptor that is readable while something is in the queue.
    ///
    /// # Errors
    ///
    /// When no descriptor is left.
    pub(super) fn descriptor(&self) -> io::Result<OwnedFd> {
        self.fd.try_clone()
    }

    /// Watches a folder. If another one has its name now, that one is watched instead.
    ///
    /// # Errors
    ///
    /// ENOSPC, when this user watches as many folders as the system allows; ENOENT and others of the path.
    pub(super) fn watch(&mut self, folder: &Path) -> io::Result<()> {
        let flags = WatchFlags::MODIFY
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::ATTRIB
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        let watch = match add_watch(&self.fd, folder, flags) {
            Ok(watch) => watch,
            Err(error) => {
                self.unwatch(folder);
                return Err(error.into());
            }
        };
        if self.watches.get(folder).is_some_and(|before| *before != watch) {
            self.unwatch(folder);
        }
        self.watches.insert(folder.to_owned(), watch);
        self.folders.entry(watch).or_default().insert(folder.to_owned());
        Ok(())
    }

    /// Watches a folder no more.
    pub(super) fn unwatch(&mut self, folder: &Path) {
        let Some(watch) = self.watches.remove(folder) else { return };
        let Some(folders) = self.folders.get_mut(&watch) else { return };
        folders.remove(folder);
        if folders.is_empty() {
            self.folders.remove(&watch);
            // The kernel has ended the watch of a folder that is not there any more.
            let _ = remove_watch(&self.fd, watch);
        }
    }

    /// Empties the queue.
    pub(super) fn take(&mut self) -> Vec<FileEvent> {
        let mut buffer = [MaybeUninit::uninit(); BUFFER_BYTES];
        let mut reader = Reader::new(&self.fd, &mut buffer);
        let (mut events, mut ended) = (Vec::new(), Vec::new());
        for number in 0.. {
            // What was read once is not in the queue any more.
            if number >= EVENTS_MAX && reader.is_buffer_empty() {
                break;
            }
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::INTR) => continue,
                Err(_) => break,
            };
            let flags = event.events();
            if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
                events.push(FileEvent::Lost);
            }
            if flags.contains(ReadFlags::IGNORED) {
                ended.push(event.wd());
            }
            let Some(what) = what(flags) else { continue };
            let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
            let folders = self.folders.get(&event.wd()).into_iter().flatten();
            let path = |folder: &PathBuf| name.map_or_else(|| folder.clone(), |name| folder.join(name));
            events.extend(folders.map(|folder| FileEvent::Of(path(folder), what)));
        }
        for watch in ended {
            for folder in self.folders.remove(&watch).unwrap_or_default() {
                self.watches.remove(&folder);
            }
        }
        events
    }
}

/// What an event is about; none: nothing that can mean that a path leads to another text.
fn what(flags: ReadFlags) -> Option<What> {
    let replaced = ReadFlags::CREATE
        | ReadFlags::DELETE
        | ReadFlags::MOVED_FROM
        | ReadFlags::MOVED_TO
        | ReadFlags::DELETE_SELF
        | ReadFlags::MOVE_SELF
        | ReadFlags::UNMOUNT;
    if flags.intersects(replaced) {
        Some(What::Replaced)
    } else if flags.contains(ReadFlags::MODIFY) {
        Some(What::Written)
    } else if flags.contains(ReadFlags::CLOSE_WRITE) {
        Some(What::Closed)
    } else if flags.contains(ReadFlags::ATTRIB) {
        Some(What::Attributes)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::Write;

    use super::*;

    /// What happens to the file `zone` of a folder, each kind once in a row.
    fn happens(queue: &mut Queue, folder: &Path) -> Vec<What> {
        let zone = folder.join("zone");
        let mut found: Vec<What> = queue
            .take()
            .into_iter()
            .filter_map(|event| match event {
                FileEvent::Of(path, what) if path == zone => Some(what),
                FileEvent::Of(..) | FileEvent::Lost => None,
            })
            .collect();
        found.dedup();
        found
    }

    #[test]
    fn what_has_happened_is_in_the_queue_when_it_has_happened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let mut queue = Queue::open().unwrap();
        queue.watch(path).unwrap();
        let mut file = File::create(path.join("zone")).unwrap();
        assert_eq!(happens(&mut queue, path), [What::Replaced]);
        file.write_all(b"half").unwrap();
        assert_eq!(happens(&mut queue, path), [What::Written]);
        drop(file);
        assert_eq!(happens(&mut queue, path), [What::Closed]);
        fs::read(path.join("zone")).unwrap();
        assert_eq!(happens(&mut queue, path), [], "that it is read is no event");
        fs::rename(path.join("zone"), path.join("zone~")).unwrap();
        assert_eq!(happens(&mut queue, path), [What::Replaced]);
        queue.unwatch(path);
        fs::write(path.join("zone"), "again").unwrap();
        assert_eq!(happens(&mut queue, path), []);
    }

    #[test]
    fn another_folder_of_the_same_name_is_watched_instead_of_the_first() {
        let root = tempfile::tempdir().unwrap();
        let (zones, old) = (root.path().join("zones"), root.path().join("old"));
        fs::create_dir(&zones).unwrap();
        let mut queue = Queue::open().unwrap();
        queue.watch(&zones).unwrap();
        fs::rename(&zones, &old).unwrap();
        fs::create_dir(&zones).unwrap();
        queue.watch(&zones).unwrap();
        queue.take();
        fs::write(old.join("zone"), "1").unwrap();
        assert_eq!(happens(&mut queue, &zones), []);
        fs::write(zones.join("zone"), "1").unwrap();
        assert_eq!(happens(&mut queue, &zones), [What::Replaced, What::Written, What::Closed]);
        fs::remove_dir_all(&zones).unwrap();
        queue.take();
        assert!(queue.watches.is_empty() && queue.folders.is_empty(), "{queue:?}");
    }

    #[test]
    fn a_folder_in_two_places_is_heard_of_in_both() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().to_owned(), PathBuf::from("/mounted"));
        let mut queue = Queue::open().unwrap();
        queue.watch(&one).unwrap();
        let watch = queue.watches[&one];
        // A folder that is mounted a second time has the same watch.
        queue.watches.insert(other.clone(), watch);
        queue.folders.get_mut(&watch).unwrap().insert(other.clone());
        File::create(folder.path().join("zone")).unwrap();
        let heard = queue.take();
        assert!(heard.contains(&FileEvent::Of(one.join("zone"), What::Replaced)), "{heard:?}");
        assert!(heard.contains(&FileEvent::Of(other.join("zone"), What::Replaced)), "{heard:?}");
        queue.unwatch(&other);
        fs::remove_file(folder.path().join("zone")).unwrap();
        assert_eq!(
            queue.take().last(),
            Some(&FileEvent::Of(one.join("zone"), What::Replaced)),
            "still watched"
        );
    }
}
