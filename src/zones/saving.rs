//! What is kept on the disk of a zone whose records come while it is served, written beside the task of the zone.
//!
//! ```text
//!   new version ─▶ published                       a kill here leaves what was kept before, whole
//!        └───────▶ unsaved ─ due ─▶ write beside, sync, rename
//!   confirmed ──▶ published
//!        └───────▶ the time of the file, unless what is confirmed is not written yet
//! ```
//!
//! A disk that hangs holds up neither what is served nor the next word of a source: nobody waits for it but the end
//! of the server, for a while. So a kill at any moment leaves what is whole and was served, of this version or of one
//! before; a start from an older one asks the source at once. NSD and BIND do it so. The time of a file never says that
//! it holds longer than what is in it.
//!
//! Responsible for when what is written, and for one writer at a time. Not responsible for what and how: each source says.

use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::{JoinHandle, spawn_blocking};
use tracing::warn;

use super::zone_id::ZoneId;
use crate::sync::lock;

/// Nothing is written more often than this part of the time that it takes allows.
const SAVING_SHARE: u32 = 20;

/// When it is tried again to write what could not be written.
const SAVING_RETRY: Duration = Duration::from_secs(60);

/// What is done on a thread of its own.
pub(super) type Work = Box<dyn FnOnce() -> Done + Send>;

/// What became of it; else why not, in words.
pub(super) type Done = Result<(), String>;

/// The writer of what is kept of one zone. Clones are the same one: a task that takes the place of another takes it over,
/// with what that one has begun to write.
#[derive(Clone, Default)]
pub(super) struct KeptWriter(Arc<Orders>);

#[derive(Default)]
struct Orders {
    /// How many writes were asked for.
    asked: AtomicU64,
    /// Which was the newest that began. Locked while one is being written.
    begun: Mutex<u64>,
}

impl KeptWriter {
    /// Writes on a thread of its own. A write that a newer one has overtaken is left out. Once a removal is asked for, what
    /// was to be written before is left out in the same way, if it has not begun.
    pub(super) fn write(&self, write: impl FnOnce() -> Done + Send + 'static) -> JoinHandle<Done> {
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

    /// Touches what is written, on a thread of its own.
    fn touch(&self, touch: impl FnOnce() -> Done + Send + 'static) -> JoinHandle<Done> {
        let orders = Arc::clone(&self.0);
        spawn_blocking(move || {
            let _held = lock(&orders.begun);
            touch()
        })
    }
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// What is served is written.
    Writing,
    /// It is noted that what is written holds.
    Confirming,
}

/// What a source says of what is kept of its zones.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeptAs {
    /// What it is.
    pub(super) what: &'static str,
    /// What a restart does where the newest cannot be written.
    pub(super) without: &'static str,
    /// How much time is at least between two of them.
    pub(super) pause: Duration,
}

/// When what is kept of a zone is written.
pub(super) struct Saving {
    id: ZoneId,
    kept_as: &'static KeptAs,
    writer: KeptWriter,
    /// Whether what is served is not what is kept.
    is_unsaved: bool,
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

impl Saving {
    /// What is kept is what is served.
    pub(super) fn new(id: ZoneId, kept_as: &'static KeptAs, writer: KeptWriter) -> Saving {
        Saving {
            id,
            kept_as,
            writer,
            is_unsaved: false,
            due: None,
            not_before: None,
            is_confirmed: false,
            running: None,
            fault: None,
        }
    }

    /// Another version is served, and is to be kept.
    pub(super) fn changed(&mut self) {
        let now = Instant::now();
        self.is_unsaved = true;
        self.due = Some(self.not_before.map_or(now, |not_before| not_before.max(now)));
    }

    /// The source has said that what is served holds.
    pub(super) fn confirmed(&mut self) {
        self.is_confirmed = true;
    }

    /// When there is something to write; none: there is nothing, or something is being written.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.filter(|_| self.running.is_none())
    }

    /// Begins with what is to be done by now; `work` says how. Where it says nothing, nothing is kept.
    pub(super) fn begin(&mut self, work: impl FnOnce(Doing) -> Option<Work>) {
        if self.running.is_some() {
            return;
        }
        let now = Instant::now();
        let what = if self.due.is_some_and(|due| due <= now) {
            // It is written with the newest time.
            (self.due, self.is_unsaved, self.is_confirmed) = (None, false, false);
            Doing::Writing
        } else if self.is_confirmed && !self.is_unsaved {
            self.is_confirmed = false;
            Doing::Confirming
        } else {
            return;
        };
        let Some(work) = work(what) else { return };
        let handle = match what {
            Doing::Writing => self.writer.write(work),
            Doing::Confirming => self.writer.touch(work),
        };
        self.running = Some(Running { what, begun: now, handle });
    }

    /// Waits for the end of what is being done; for ever, where nothing is. May be dropped.
    pub(super) async fn ended(&mut self) {
        let Some(Running { handle, .. }) = &mut self.running else { return pending().await };
        let done = handle.await.unwrap_or_else(|_| Err("writing it has failed".to_owned()));
        let Some(Running { what, begun, .. }) = self.running.take() else { return };
        if what == Doing::Writing {
            let pause = begun.elapsed().saturating_mul(SAVING_SHARE).max(self.kept_as.pause);
            let now = Instant::now();
            self.not_before = now.checked_add(pause);
            match (&done, self.is_unsaved) {
                (Err(_), false) => {
                    self.is_unsaved = true;
                    self.due = now.checked_add(pause.max(SAVING_RETRY));
                }
                // A newer version has come meanwhile.
                (_, true) => self.due = self.due.max(self.not_before),
                (Ok(()), false) => {}
            }
        }
        self.tell(done);
    }

    /// Writes what is to be written, and waits for it.
    pub(super) async fn finish(mut self, work: impl FnOnce(Doing) -> Option<Work>) {
        if self.running.is_some() {
            self.ended().await;
        }
        self.due = self.due.map(|due| due.min(Instant::now()));
        self.begin(work);
        if self.running.is_some() {
            self.ended().await;
        }
    }

    fn tell(&mut self, done: Done) {
        let (id, KeptAs { what, without, .. }) = (&self.id, self.kept_as);
        let fault = done.err();
        if let Some(why) = fault.as_ref().filter(|_| self.fault != fault) {
            warn!(zone = %id.name, "cannot store {what} of zone {id}: {why}; {without}");
        }
        self.fault = fault;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn one_is_written_at_a_time_and_an_older_one_never_over_a_newer_one() {
        let (old, log) = (KeptWriter::default(), Arc::new(Mutex::new(Vec::new())));
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
        let writer = KeptWriter::default();
        let mut saving = saving(&writer);
        let hanging = lock(&writer.0.begun);
        let nothing = |_| Some(Box::new(|| Ok(())) as Work);
        saving.confirmed();
        saving.begin(nothing);
        saving.confirmed();
        saving.begin(nothing);
        assert!(tokio::time::timeout(Duration::from_millis(20), saving.ended()).await.is_err());
        drop(hanging);
        saving.ended().await;
        assert_eq!((saving.due(), saving.fault), (None, None));
    }

    #[tokio::test]
    async fn what_changes_while_it_is_written_is_written_after_a_pause_and_what_failed_again() {
        let mut saving = saving(&KeptWriter::default());
        let done = |done: Done| move |_| Some(Box::new(move || done) as Work);
        saving.changed();
        assert!(saving.due().is_some_and(|due| due <= Instant::now()));
        saving.begin(done(Ok(())));
        saving.changed();
        assert_eq!(saving.due(), None, "one at a time");
        saving.ended().await;
        assert!(saving.due().is_some_and(|due| due > Instant::now() + KEPT_AS.pause / 2));
        saving.due = Some(Instant::now());
        saving.begin(done(Err("disk full".to_owned())));
        saving.ended().await;
        assert!(saving.due().is_some_and(|due| due > Instant::now() + SAVING_RETRY / 2));
        assert_eq!(saving.fault.as_deref(), Some("disk full"));
    }

    #[tokio::test]
    async fn the_end_waits_for_what_is_being_written_though_nothing_else_is_to_be() {
        let mut saving = saving(&KeptWriter::default());
        let (go, gone) = mpsc::channel::<()>();
        let (done, is_done) = mpsc::channel();
        saving.changed();
        saving.begin(|_| {
            Some(Box::new(move || {
                gone.recv().map_err(|error| error.to_string())?;
                done.send(()).map_err(|error| error.to_string())
            }))
        });
        let end = tokio::spawn(saving.finish(|_| None));
        tokio::task::yield_now().await;
        assert!(!end.is_finished());
        go.send(()).unwrap();
        end.await.unwrap();
        assert_eq!(is_done.try_recv(), Ok(()));
    }

    #[tokio::test]
    async fn where_nothing_is_kept_nothing_is_due() {
        let mut saving = saving(&KeptWriter::default());
        saving.changed();
        saving.begin(|_| None);
        assert_eq!(saving.due(), None);
        assert!(saving.running.is_none());
    }

    const KEPT_AS: KeptAs = KeptAs { what: "a copy", without: "none", pause: Duration::from_secs(10) };

    fn saving(writer: &KeptWriter) -> Saving {
        let id = ZoneId::from("lab.example.".parse::<crate::dns::Name>().unwrap());
        Saving::new(id, &KEPT_AS, writer.clone())
    }

    /// Which write was the newest that began; none: one is being written.
    fn newest(writer: &KeptWriter) -> Option<u64> {
        writer.0.begun.try_lock().ok().map(|begun| *begun)
    }
}
