//! Files that are watched, so that a change is taken over without asking.
//!
//! ```text
//! events ─▶ touched ─ quiet for 100 ms ─▶ look ─▶ closed, and another digest? ─▶ Request::Reload
//!                ▲       the loop has read ─▶ watch ─ changed since? ─┐
//!                └──────────────────────────────────────────────────────┘
//! ```
//!
//! An event of the kernel only leads to a look: the digest of a file decides whether it has changed. So
//! editors that rename, links that are swapped, files that come and go and lost events are all the same.
//!
//! Decides when a reload is requested without an operator. Not responsible for reloading, or for which files
//! matter: the last reading knows them.

mod trail;
mod events;
mod writing;

use std::collections::{BTreeSet, HashSet};
use std::io::{self, PipeReader, PipeWriter, pipe};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{debug, error, info, warn};

use super::file_digests::FileDigests;
use super::last_fault::LastFault;
use crate::source::{Digest, patiently};

pub use writing::{Moment, Writing};
use writing::{Steps, WRITING_MAX};

/// How long nothing may happen to the files before they are looked at: an editor or a script is done then.
pub const QUIET: Duration = Duration::from_millis(100);

/// Longest wait for that: who never stops changing files is followed all the same. One that is open for
/// writing is not read for that.
const QUIET_WAIT_MAX: Duration = Duration::from_secs(1);

/// How long no event is looked at after some that were of other files: they stay in the kernel's queue meanwhile, which
/// whoever asks about a file empties first.
const OTHERS_PAUSE: Duration = Duration::from_millis(20);

/// How often folders that appear while others are being watched are followed at once. What comes later is an
/// event.
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

    /// Watches these files from now on. One that does not stand any more as it was read is a change at once.
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
            () = writing.touched() => {
                quiet(&writing).await;
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
async fn quiet(writing: &Writing) {
    let end = Instant::now() + QUIET_WAIT_MAX;
    loop {
        tokio::select! {
            () = sleep(QUIET) => return,
            () = sleep_until(end) => return,
            () = writing.touched() => {}
        }
    }
}

/// Says of files that have been open for writing for long that they are not read.
fn complain_of_writing(writing: &Writing) {
    let seconds = WRITING_MAX.as_secs();
    for path in writing.overdue(std::time::Instant::now()) {
        warn!(
            "{} has been open for writing for {seconds} s: its text is not loaded before it is closed, what is \
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

/// What is watched, and what was seen there.
#[derive(Default)]
struct Lookout {
    /// The files that somebody is writing, and the kernel's queue of events.
    writing: Writing,
    /// Waits for events; none: nobody does.
    listening: Option<WatchThread>,
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
            self.writing.touch();
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

    /// Watches every folder that leads to a file, once more, since a folder of the same name may be another
    /// one by now.
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
            let has_changed = self.writing.set_steps(self.steps());
            self.watch_folders();
            if !has_changed {
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

    fn watch_folders(&mut self) {
        if let Err(error) = self.listen() {
            return self.complain(None, &error);
        }
        let wanted: BTreeSet<PathBuf> = self.writing.folders().into_iter().collect();
        self.folders.difference(&wanted).for_each(|gone| self.writing.unwatch(gone));
        for folder in &wanted {
            if let Err(error) = self.writing.watch(folder) {
                self.complain(Some(folder), &error);
            }
        }
        self.folders = wanted;
    }

    /// Waits for events from now on, if that is not done yet.
    fn listen(&mut self) -> io::Result<()> {
        if self.listening.is_none() {
            self.listening = Some(WatchThread::start(self.writing.clone())?);
        }
        Ok(())
    }

    /// Says once that something cannot be watched, and what helps. It is tried again after every reading.
    fn complain(&mut self, folder: Option<&PathBuf>, error: &io::Error) {
        let place = folder.map_or_else(String::new, |folder| format!("{}: ", folder.display()));
        let said = remedy(error).map_or_else(|| format!("{place}{error}"), ToOwned::to_owned);
        // It was there a moment ago; that it has gone is an event of the folder it was in.
        let has_gone = matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
        if !has_gone && self.trouble.get().is_none() {
            self.trouble.set(Some(said.clone()));
        }
        if !self.said.insert(said.clone()) {
            return;
        }
        if has_gone {
            debug!("{said}");
        } else {
            warn!("file changes are not noticed: {said}; reload with SIGHUP");
        }
    }
}

/// A thread that has events taken in as they come, until this is dropped.
struct WatchThread {
    /// The other end is readable when this one is dropped.
    _stop: PipeWriter,
}

impl WatchThread {
    fn start(writing: Writing) -> io::Result<WatchThread> {
        let (stopped, stop) = pipe()?;
        let queue = writing.open_queue()?;
        let take_in = move || writing.take_in();
        thread::Builder::new().name("watch".to_owned()).spawn(move || listen(&queue, &stopped, take_in))?;
        Ok(WatchThread { _stop: stop })
    }
}

/// Has events taken in as they come. `take_in` says whether any of them matters.
fn listen(queue: &OwnedFd, stopped: &PipeReader, mut take_in: impl FnMut() -> bool) {
    loop {
        let mut ends = [PollFd::new(stopped, PollFlags::IN), PollFd::new(queue, PollFlags::IN)];
        match poll(&mut ends, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return error!("files are watched no more: {error}; reload with SIGHUP"),
        }
        let [stopped, _] = &ends;
        if !stopped.revents().is_empty() {
            return;
        }
        if !take_in() {
            // A log in the same folder would have this thread wake for each of its lines.
            thread::sleep(OTHERS_PAUSE);
        }
    }
}

/// What helps against a limit of the system; none where the trouble is another one.
fn remedy(error: &io::Error) -> Option<&'static str> {
    const INSTANCES: &str = "this user has all inotify instances that the system allows; allow more with \
        `sysctl fs.inotify.max_user_instances=1024`, then reload";
    const WATCHES: &str = "this user watches as many folders as the system allows; allow more with \
        `sysctl fs.inotify.max_user_watches=524288`, then reload";
    match error.raw_os_error() {
        Some(libc::EMFILE) => Some(INSTANCES),
        Some(libc::ENOSPC) => Some(WATCHES),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
