//! Files that are watched, so that a change is taken over without asking.
//!
//! ```text
//! inotify ─▶ touched ─ quiet for 100 ms ─▶ look ─▶ closed, and another digest? ─▶ Request::Reload
//!                ▲       the loop has read ─▶ watch ─ changed since? ─┐
//!                └──────────────────────────────────────────────────────┘
//! ```
//!
//! What inotify says only leads to a look: whether a file has changed its digest
//! decides. So editors that rename, links that are swapped, files that come and
//! go and events that were lost are all the same.
//!
//! Responsible for when a reload is asked for by itself.
//! Not responsible for reloading, or for which files matter: the last reading
//! knows them.

mod trail;
mod writing;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{debug, error, info, warn};

use super::file_digests::FileDigests;
use super::last_fault::LastFault;
use crate::source::{Digest, patiently};
use crate::sync::lock;

use writing::WRITING_MAX;
pub use writing::Writing;

/// How long nothing may happen to the files before they are looked at: an
/// editor or a script is done then.
pub const QUIET: Duration = Duration::from_millis(100);

/// Longest wait for that: who never stops changing files is followed all the same. One that is open for
/// writing is not read for that.
const QUIET_WAIT_MAX: Duration = Duration::from_secs(1);

/// How often folders that appear while others are being watched are followed
/// at once. What comes later is an event.
const ROUNDS_MAX: usize = 8;

/// Files named in a log line; the rest is counted.
const FILES_NAMED_MAX: usize = 4;

/// Watches files until it is dropped.
pub struct Watching {
    stands: watch::Sender<FileDigests>,
    writing: Writing,
    task: JoinHandle<()>,
    trouble: LastFault,
}

impl Watching {
    /// Watches nothing yet. Each change of a file has `message` sent to `requests`.
    pub fn start<M: Send + 'static>(requests: mpsc::Sender<M>, message: fn() -> M) -> Watching {
        let (stands, read) = watch::channel(FileDigests::new());
        let trouble = LastFault::default();
        let writing = Writing::default();
        let task = tokio::spawn(turn(read, Listener { requests, message }, writing.clone(), trouble.clone()));
        Watching { stands, writing, task, trouble }
    }

    /// The files that somebody is writing just now.
    pub fn writing(&self) -> Writing {
        self.writing.clone()
    }

    /// Watches these files from now on. One that does not stand any more as it
    /// was read is a change at once.
    pub fn follow(&self, stands: FileDigests) {
        self.stands.send_replace(stands);
    }

    /// Why some change of a file would not be noticed; none: all are.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.get()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Where a change is sent to, and in which words.
struct Listener<M> {
    requests: mpsc::Sender<M>,
    message: fn() -> M,
}

async fn turn<M>(
    mut read: watch::Receiver<FileDigests>,
    listener: Listener<M>,
    writing: Writing,
    trouble: LastFault,
) {
    let mut lookout = Lookout { writing: writing.clone(), trouble: trouble.clone(), ..Lookout::default() };
    let touched = Arc::clone(&lookout.touched);
    loop {
        let overdue = async {
            match writing.due() {
                Some(due) => sleep_until(due.into()).await,
                None => std::future::pending().await,
            }
        };
        let looked = tokio::select! {
            () = overdue => {
                complain_of_writing(&writing);
                continue;
            }
            changed = read.changed() => {
                if changed.is_err() {
                    return;
                }
                let stands = read.borrow_and_update().clone();
                beside(lookout, |lookout| lookout.learn(stands)).await
            }
            () = touched.notified() => {
                quiet(&touched).await;
                beside(lookout, Lookout::look).await
            }
        };
        let changed;
        (lookout, changed) = match looked {
            Ok(looked) => looked,
            Err(fault) => {
                error!("file watching stopped: {fault}; reload with SIGHUP");
                trouble.set(Some(fault.to_string()));
                return;
            }
        };
        if !changed.is_empty() {
            info!("{}: reloading", sentence(&changed));
            if listener.requests.send((listener.message)()).await.is_err() {
                return;
            }
        }
    }
}

/// Looks on a thread of its own: large files take a while.
async fn beside(
    mut lookout: Lookout,
    look: impl FnOnce(&mut Lookout) -> Vec<PathBuf> + Send + 'static,
) -> Result<(Lookout, Vec<PathBuf>), JoinError> {
    let looked = tokio::task::spawn_blocking(move || {
        let changed = look(&mut lookout);
        (lookout, changed)
    });
    looked.await
}

/// Waits until nothing has happened for a while.
async fn quiet(touched: &Notify) {
    let end = Instant::now() + QUIET_WAIT_MAX;
    loop {
        tokio::select! {
            () = sleep(QUIET) => return,
            () = sleep_until(end) => return,
            () = touched.notified() => {}
        }
    }
}

/// Says of files that have been open for writing for long that they are not read.
fn complain_of_writing(writing: &Writing) {
    let seconds = WRITING_MAX.as_secs();
    for path in writing.overdue(std::time::Instant::now()) {
        warn!(
            "{} has been open for writing for {seconds} s: what stands there is not loaded before it is closed, what is \
             served stays",
            path.display()
        );
    }
}

fn sentence(changed: &[PathBuf]) -> String {
    let named: Vec<String> =
        changed.iter().take(FILES_NAMED_MAX).map(|path| path.display().to_string()).collect();
    let more = match changed.len().saturating_sub(FILES_NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let verb = if changed.len() == 1 { "has" } else { "have" };
    format!("{}{more} {verb} changed", named.join(", "))
}

/// Entries of folders, each with the names of the files that it is itself; none where it only leads to one.
type Steps = HashMap<PathBuf, Vec<PathBuf>>;

/// What is watched, and what was seen there.
#[derive(Default)]
struct Lookout {
    inotify: Option<RecommendedWatcher>,
    touched: Arc<Notify>,
    /// The entries of folders that lead to a file, by their whole path.
    steps: Arc<Mutex<Steps>>,
    /// The files that somebody is writing.
    writing: Writing,
    /// The folders they are in.
    folders: BTreeSet<PathBuf>,
    /// As the last reading found the files.
    read: FileDigests,
    /// As they were seen last, or read since: what differs from this is news.
    seen: FileDigests,
    /// What has been complained about.
    said: HashSet<String>,
    /// What is to be complained about now.
    trouble: LastFault,
}

impl Lookout {
    /// Takes in what a reading found, and watches that. Nothing of it is news: a file that has changed since
    /// it was read is about to change again, and is waited for like any other.
    ///
    /// What has been seen of a file is forgotten only if the reading has found something else than the one
    /// before: a reading that did not come to it knows nothing new.
    fn learn(&mut self, read: FileDigests) -> Vec<PathBuf> {
        let before = std::mem::replace(&mut self.read, read);
        let seen = std::mem::take(&mut self.seen);
        let known = |(path, digest): (&PathBuf, &Option<Digest>)| {
            let is_old = before.get(path) == Some(digest);
            let known = seen.get(path).filter(|_| is_old).unwrap_or(digest);
            (path.clone(), *known)
        };
        self.seen = self.read.iter().map(known).collect();
        self.watch();
        let is_closed = |path: &PathBuf| !self.writing.holds(path);
        if self.seen.iter().any(|(path, seen)| is_closed(path) && Digest::of_file(path).ok() != *seen) {
            self.touched.notify_one();
        }
        Vec::new()
    }

    /// The files that have changed since the last look. One that is open for writing is looked at when it is
    /// closed, which is an event.
    fn look(&mut self) -> Vec<PathBuf> {
        self.watch();
        let mut changed = Vec::new();
        for (path, seen) in self.seen.iter_mut().filter(|(path, _)| !self.writing.holds(path)) {
            let now = Digest::of_file(path).ok();
            if now != *seen {
                *seen = now;
                changed.push(path.clone());
            }
        }
        changed
    }

    /// Watches every folder that leads to a file, once more, since a folder of
    /// the same name may be another one by now.
    fn watch(&mut self) {
        let before = self.trouble.get();
        self.trouble.set(None);
        self.watch_all();
        if before.is_some() && self.trouble.get().is_none() {
            info!("file changes are noticed again");
            self.said.clear();
        }
    }

    fn watch_all(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let steps = self.steps();
            let before = std::mem::replace(&mut *lock(&self.steps), steps.clone());
            self.forget_written(&before, &steps);
            self.watch_folders();
            if before == steps {
                break;
            }
        }
    }

    /// What leads to the files as it is now. A path that does not come is not watched: that would wait, too.
    fn steps(&self) -> Steps {
        let mut steps = Steps::new();
        for path in self.read.keys() {
            let named = path.clone();
            let mut trail = patiently(path, move |_| Ok(trail::of(&named))).unwrap_or_default();
            if let Some(file) = trail.pop() {
                steps.entry(file).or_default().push(path.clone());
            }
            for step in trail {
                steps.entry(step).or_default();
            }
        }
        steps
    }

    /// Who wrote a file that has another name now writes none of ours.
    fn forget_written(&self, before: &Steps, now: &Steps) {
        for (file, names) in before.iter().filter(|(file, names)| now.get(*file) != Some(names)) {
            let is_still = |name: &PathBuf| now.get(file).is_some_and(|names| names.contains(name));
            names.iter().filter(|name| !is_still(name)).for_each(|name| self.writing.forget(name));
        }
    }

    fn watch_folders(&mut self) {
        let wanted: BTreeSet<PathBuf> =
            lock(&self.steps).keys().filter_map(|step| step.parent()).map(Path::to_owned).collect();
        let inotify = match self.inotify.take().map_or_else(|| self.open(), Ok) {
            Ok(inotify) => inotify,
            Err(error) => return self.complain(None, &error),
        };
        let inotify = self.inotify.insert(inotify);
        for gone in self.folders.difference(&wanted) {
            // A folder that is not there any more is not watched either.
            let _ = inotify.unwatch(gone);
        }
        let refused: Vec<(&PathBuf, notify::Error)> = wanted
            .iter()
            .filter_map(|folder| Some((folder, inotify.watch(folder, RecursiveMode::NonRecursive).err()?)))
            .collect();
        for (folder, error) in refused {
            self.complain(Some(folder), &error);
        }
        self.folders = wanted;
    }

    fn open(&self) -> notify::Result<RecommendedWatcher> {
        let (touched, steps) = (Arc::clone(&self.touched), Arc::clone(&self.steps));
        let writing = self.writing.clone();
        notify::recommended_watcher(move |event: notify::Result<Event>| {
            let touches = match &event {
                // An event was lost: anything may have happened.
                Ok(event) if event.need_rescan() => {
                    writing.forget_all();
                    true
                }
                Ok(event) if is_change(event.kind) => take_in(event, &lock(&steps), &writing),
                Ok(_) => false,
                Err(_) => true,
            };
            if touches {
                touched.notify_one();
            }
        })
    }

    /// Says once that something cannot be watched, and what helps. It is tried again after every reading.
    fn complain(&mut self, folder: Option<&PathBuf>, error: &notify::Error) {
        let place = folder.map_or_else(String::new, |folder| format!("{}: ", folder.display()));
        let said = remedy(error).map_or_else(|| format!("{place}{error}"), ToOwned::to_owned);
        if !matches!(error.kind, notify::ErrorKind::PathNotFound) && self.trouble.get().is_none() {
            self.trouble.set(Some(said.clone()));
        }
        if !self.said.insert(said.clone()) {
            return;
        }
        match &error.kind {
            // It was there a moment ago; that it has gone is an event of the folder it was in.
            notify::ErrorKind::PathNotFound => debug!("{said}"),
            _ => warn!("file changes are not noticed: {said}; reload with SIGHUP"),
        }
    }
}

/// Notes which files an event is about; whether it is about any step of ours.
fn take_in(event: &Event, steps: &Steps, writing: &Writing) -> bool {
    let now = std::time::Instant::now();
    let touched = event.paths.iter().filter_map(|path| steps.get(path));
    touched.fold(false, |_, names| {
        names.iter().for_each(|name| writing.happened(name, event.kind, now));
        true
    })
}

/// Whether an event can mean that a path leads to another text. That somebody
/// has read a file does not: we do so ourselves.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Any
        | EventKind::Other => true,
    }
}

/// What helps against a limit of the system; none where the trouble is another one.
fn remedy(error: &notify::Error) -> Option<&'static str> {
    const INSTANCES: &str = "this user has all inotify instances that the system allows; allow more with \
        `sysctl fs.inotify.max_user_instances=1024`, then reload";
    const WATCHES: &str = "this user watches as many folders as the system allows; allow more with \
        `sysctl fs.inotify.max_user_watches=524288`, then reload";
    match &error.kind {
        notify::ErrorKind::MaxFilesWatch => Some(WATCHES),
        notify::ErrorKind::Io(error) => match error.raw_os_error() {
            Some(libc::EMFILE) => Some(INSTANCES),
            Some(libc::ENOSPC) => Some(WATCHES),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests;
