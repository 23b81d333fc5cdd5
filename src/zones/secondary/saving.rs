//! The copy of a zone on the disk, kept beside the task of the zone.
//!
//! ```text
//!   transferred ─▶ published                       a kill here leaves the copy of before, whole
//!        └───────▶ unsaved ─ due ─▶ write beside, sync, rename
//!   confirmed ──▶ published
//!        └───────▶ the time of the file, unless what is confirmed is not written yet
//! ```
//!
//! A disk that hangs holds up neither what is served nor the next question to a primary: nobody waits for it but the end
//! of the server, for a while. So a kill at any moment leaves a copy that is whole and was served, of this version or of one
//! before; a start from an older one asks the primaries at once. NSD and BIND do it so. The time of a file never says that
//! it holds longer than what is in it.
//!
//! Responsible for when what is written, and for one writer at a time. Not responsible for how (`copy`).

use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use tokio::task::{JoinHandle, spawn_blocking};
use tracing::warn;

use crate::sync::lock;
use crate::zones::copy;
use crate::zones::version::ZoneVersion;
use crate::zones::zone_id::ZoneId;

/// A copy is not written more often than this part of the time that it takes allows.
const SAVING_SHARE: u32 = 20;

/// When it is tried again to write what could not be written.
const SAVING_RETRY: Duration = Duration::from_secs(60);

/// The writer of one zone's copy. Clones are the same one: a task that takes the place of another takes it over, with what
/// that one has begun to write.
#[derive(Clone, Default)]
pub(super) struct CopyWriter(Arc<Orders>);

#[derive(Default)]
struct Orders {
    /// How many writes were asked for.
    asked: AtomicU64,
    /// Which was the newest that began. Locked while one is being written.
    begun: Mutex<u64>,
}

impl CopyWriter {
    /// Writes on a thread of its own. A write that a newer one has overtaken is left out.
    fn write(&self, write: impl FnOnce() -> Done + Send + 'static) -> JoinHandle<Done> {
        let number = self.0.asked.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let orders = Arc::clone(&self.0);
        spawn_blocking(move || {
            let mut begun = lock(&orders.begun);
            if number < *begun {
                return Ok(());
            }
            *begun = number;
            write()
        })
    }

    /// Removes what is written. What was to be written before is left out if it has not begun.
    pub(super) fn remove(&self, folder: PathBuf, id: ZoneId) -> JoinHandle<Done> {
        self.write(move || copy::remove(&folder, &id).map_err(|error| error.to_string()))
    }

    /// Touches what is written, on a thread of its own.
    fn touch(&self, touch: impl FnOnce() -> Done + Send + 'static) -> JoinHandle<Done> {
        let orders = Arc::clone(&self.0);
        spawn_blocking(move || {
            let _held = lock(&orders.begun);
            touch()
        })
    }
}

/// What became of it; else why not, in words.
pub(super) type Done = Result<(), String>;

/// When the copy of a zone is written.
pub(super) struct Saving {
    id: ZoneId,
    /// Where copies are kept; none: they are not.
    folder: Option<PathBuf>,
    writer: CopyWriter,
    /// From which primary what is served came; none: what is kept is what is served.
    unsaved: Option<String>,
    due: Option<Instant>,
    /// When it may be written next.
    not_before: Option<Instant>,
    /// Whether the time of what is kept is to be set.
    is_confirmed: bool,
    running: Option<Running>,
    /// What was wrong the last time, so that it is said once.
    fault: Option<String>,
}

/// What is being done.
struct Running {
    what: Doing,
    begun: Instant,
    handle: JoinHandle<Done>,
}

enum Doing {
    /// A copy is written, of what came from this primary.
    Writing(String),
    /// It is noted that it holds.
    Confirming,
}

impl Saving {
    /// What is kept below `folder` is what is served.
    pub(super) fn new(id: ZoneId, folder: Option<&Path>, writer: CopyWriter) -> Saving {
        Saving {
            id,
            folder: folder.map(Path::to_owned),
            writer,
            unsaved: None,
            due: None,
            not_before: None,
            is_confirmed: false,
            running: None,
            fault: None,
        }
    }

    /// A version from this primary is served, and is to be kept.
    pub(super) fn transferred(&mut self, from: String) {
        let now = Instant::now();
        self.unsaved = Some(from);
        self.due = Some(self.not_before.map_or(now, |not_before| not_before.max(now)));
    }

    /// A primary has said that what is served holds.
    pub(super) fn confirmed(&mut self) {
        self.is_confirmed = true;
    }

    /// When there is something to write; none: there is nothing, or something is being written.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.filter(|_| self.running.is_none())
    }

    /// Begins with what is to be done by now; `current` is what is served, and the time of the copy is to be this.
    pub(super) fn begin(&mut self, current: Option<&Arc<ZoneVersion>>, at: SystemTime) {
        let (Some(folder), None) = (self.folder.clone(), &self.running) else { return };
        let (now, id) = (Instant::now(), self.id.clone());
        let (what, handle) = if self.due.is_some_and(|due| due <= now) {
            self.due = None;
            let (Some(from), Some(version)) = (self.unsaved.take(), current.cloned()) else { return };
            let name = from.clone();
            // It is written with the newest time.
            self.is_confirmed = false;
            let write = move || match version.contents.as_deref() {
                Some(zone) => copy::write(&folder, &id, zone, &name, at).map_err(|error| error.to_string()),
                None => Ok(()),
            };
            (Doing::Writing(from), self.writer.write(write))
        } else if self.is_confirmed && self.unsaved.is_none() {
            self.is_confirmed = false;
            let touch = move || copy::confirm(&folder, &id, at).map_err(|error| error.to_string());
            (Doing::Confirming, self.writer.touch(touch))
        } else {
            return;
        };
        self.running = Some(Running { what, begun: now, handle });
    }

    /// Waits for the end of what is being done; for ever, where nothing is. May be dropped.
    pub(super) async fn ended(&mut self) {
        let Some(Running { handle, .. }) = &mut self.running else { return pending().await };
        let done = handle.await.unwrap_or_else(|_| Err("writing it has failed".to_owned()));
        let Some(Running { what, begun, .. }) = self.running.take() else { return };
        if let Doing::Writing(from) = what {
            let (now, pause) = (Instant::now(), begun.elapsed().saturating_mul(SAVING_SHARE));
            self.not_before = now.checked_add(pause);
            match (&done, &self.unsaved) {
                (Err(_), None) => {
                    self.unsaved = Some(from);
                    self.due = now.checked_add(pause.max(SAVING_RETRY));
                }
                // A newer version has come meanwhile.
                (_, Some(_)) => self.due = self.due.max(self.not_before),
                (Ok(()), None) => {}
            }
        }
        self.tell(done);
    }

    /// Writes what is to be written, and waits for it.
    pub(super) async fn finish(mut self, current: Option<&Arc<ZoneVersion>>, at: SystemTime) {
        if self.running.is_some() {
            self.ended().await;
        }
        self.due = self.due.map(|due| due.min(Instant::now()));
        self.begin(current, at);
        if self.running.is_some() {
            self.ended().await;
        }
    }

    fn tell(&mut self, done: Done) {
        let id = &self.id;
        let fault = done.err();
        if let Some(why) = fault.as_ref().filter(|_| self.fault != fault) {
            warn!(zone = %id.name, "cannot store a copy of zone {id}: {why}; a restart serves an older copy, or none until a primary answers");
        }
        self.fault = fault;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn one_copy_is_written_at_a_time_and_an_older_one_never_over_a_newer_one() {
        let (old, log) = (CopyWriter::default(), Arc::new(Mutex::new(Vec::new())));
        let new = old.clone();
        let (go, gone) = mpsc::channel::<()>();
        let note = |what: &'static str| {
            let log = Arc::clone(&log);
            move || {
                lock(&log).push(what);
                Ok(())
            }
        };
        let first = {
            let note = note("first");
            old.write(move || {
                gone.recv().map_err(|error| error.to_string())?;
                note()
            })
        };
        // It has begun: what comes then waits for it.
        while newest(&old) == Some(0) {
            tokio::task::yield_now().await;
        }
        let second = new.write(note("second"));
        go.send(()).unwrap();
        assert_eq!((first.await.unwrap(), second.await.unwrap()), (Ok(()), Ok(())));
        assert_eq!(*lock(&log), ["first", "second"]);
        // One that was asked for earlier and begins later.
        *lock(&new.0.begun) = 9;
        old.write(note("overtaken")).await.unwrap().unwrap();
        assert_eq!(*lock(&log), ["first", "second"]);
        new.touch(note("touched")).await.unwrap().unwrap();
        assert_eq!(*lock(&log), ["first", "second", "touched"]);
    }

    #[tokio::test]
    #[allow(clippy::await_holding_lock, reason = "the thread that wants it is another one")]
    async fn nobody_waits_for_a_disk_that_hangs() {
        let writer = CopyWriter::default();
        let folder = tempfile::tempdir().unwrap();
        let id = ZoneId::from("lab.example.".parse::<crate::dns::Name>().unwrap());
        let mut saving = Saving::new(id, Some(folder.path()), writer.clone());
        let hanging = lock(&writer.0.begun);
        saving.confirmed();
        saving.begin(None, SystemTime::now());
        saving.confirmed();
        saving.begin(None, SystemTime::now());
        assert!(tokio::time::timeout(Duration::from_millis(20), saving.ended()).await.is_err());
        drop(hanging);
        saving.ended().await;
        assert_eq!((saving.due(), saving.fault), (None, None));
    }

    /// Which write was the newest that began; none: one is being written.
    fn newest(writer: &CopyWriter) -> Option<u64> {
        writer.0.begun.try_lock().ok().map(|begun| *begun)
    }
}
