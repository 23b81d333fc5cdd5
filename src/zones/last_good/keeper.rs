//! Writes the last good texts on a thread beside the loop, and only those that have changed. Logs once that
//! it cannot write.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep_until;
use tracing::{debug, warn};

use super::text::{self, Good, has_shrunk, is_kept, remove_unfinished, write};
use crate::zones::last_fault::LastFault;
use crate::zones::state_file::Filled;
use crate::zones::version::Inputs;
use crate::zones::zone_id::ZoneId;

/// How long a stop waits for the disk.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// How long a text that has lost more than half of its length under the same serial must be served before it
/// replaces the stored one. By then somebody has looked, or the rest of the file has been written.
const SHRUNK_WAIT: Duration = Duration::from_secs(10 * 60);

/// The state directory, and the texts to store there.
type Wanted = Option<(PathBuf, Vec<Good>)>;

/// Stores texts one after the other. If they change faster than the disk writes, only the newest are written.
/// No caller waits for one, in contrast to forced verdicts (`daemon::forcing`), each of which is written
/// before its reply.
pub struct LastGoodKeeper {
    wanted: watch::Sender<Wanted>,
    task: JoinHandle<()>,
    fault: LastFault,
}

impl LastGoodKeeper {
    /// Starts a keeper in the runtime.
    pub fn start() -> LastGoodKeeper {
        let (wanted, mut newest) = watch::channel(None);
        let fault = LastFault::default();
        let known = fault.clone();
        let task = tokio::spawn(async move {
            let mut work = Work::new(known.clone());
            loop {
                let due = work.due();
                let later = async {
                    match due {
                        Some(due) => sleep_until(due.into()).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    changed = newest.changed() => if changed.is_err() { return },
                    () = later => {}
                }
                let wanted: Wanted = newest.borrow_and_update().clone();
                let done = tokio::task::spawn_blocking(move || {
                    work.keep(wanted.as_ref(), Instant::now());
                    work
                });
                // After a panic, nothing is known to be stored.
                work = done.await.unwrap_or_else(|_| Work::new(known.clone()));
            }
        });
        LastGoodKeeper { wanted, task, fault }
    }

    /// Stores these texts in this state directory soon. Without a state directory, stores nothing.
    pub fn keep(&self, folder: Option<&Path>, good: Vec<Good>) {
        self.wanted.send_replace(folder.map(|folder| (folder.to_owned(), good)));
    }

    /// Why the text of a served zone could not be stored; none: all are.
    pub fn fault(&self) -> Option<String> {
        self.fault.get()
    }

    /// Stores what is still to be stored, and ends.
    pub async fn stop(self) {
        drop(self.wanted);
        let _ = tokio::time::timeout(STOP_WAIT, self.task).await;
    }
}

/// What has been stored so far, and what waits.
#[derive(Default)]
pub(super) struct Work {
    /// The folder from which half-written files have been removed.
    cleaned: Option<PathBuf>,
    /// The texts in that folder, including those of zones that are no longer served: an operator who removes
    /// a zone by mistake wants it back.
    kept: HashMap<ZoneId, Arc<Inputs>>,
    /// Texts that may be half written, and when they may be stored.
    postponed: HashMap<ZoneId, (Arc<Inputs>, Instant)>,
    /// Texts whose time to be stored has come.
    ripe: HashMap<ZoneId, Arc<Inputs>>,
    /// The last error, which is logged once.
    fault: LastFault,
}

impl Work {
    fn new(fault: LastFault) -> Self {
        Self { fault, ..Self::default() }
    }

    /// When the first postponed text may be stored.
    pub(super) fn due(&self) -> Option<Instant> {
        self.postponed.values().map(|(_, due)| *due).min()
    }

    pub(super) fn keep(&mut self, wanted: Option<&(PathBuf, Vec<Good>)>, now: Instant) {
        let good = wanted.map_or(&[][..], |(_, good)| good);
        let zones: HashSet<&ZoneId> = good.iter().map(|one| &one.zone).collect();
        self.postponed.retain(|zone, _| zones.contains(zone));
        self.ripe.retain(|zone, _| zones.contains(zone));
        let Some((folder, good)) = wanted else { return self.fault.set(None) };
        let faults =
            std::iter::once(self.clean(folder)).chain(good.iter().map(|one| self.keep_one(folder, one, now)));
        // Only the first is logged: all of them are about the same disk.
        let faults: Vec<String> = faults.filter_map(Result::err).collect();
        let first = faults.into_iter().next();
        if let Some(fault) = first.as_ref().filter(|_| self.fault.get() != first) {
            warn!(
                "cannot store the last good text of zones: {fault}; let this user write to \
                 {}, or name another `state-directory` in `[admin]`",
                folder.display()
            );
        }
        self.fault.set(first);
    }

    fn clean(&mut self, folder: &Path) -> Result<(), String> {
        if self.cleaned.as_deref() != Some(folder) {
            self.kept.clear();
            self.ripe.clear();
            remove_unfinished(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
            self.cleaned = Some(folder.to_owned());
        }
        Ok(())
    }

    fn keep_one(&mut self, folder: &Path, good: &Good, now: Instant) -> Result<(), String> {
        if self.kept.get(&good.zone).is_some_and(|kept| Arc::ptr_eq(kept, &good.inputs)) {
            return Ok(());
        }
        if self.is_postponed(folder, good, now) {
            return Ok(());
        }
        // A stored text that cannot be read is written again, whatever the reason.
        if !is_kept(folder, good).unwrap_or(false) {
            match write(folder, good) {
                Ok(Filled::Whole) => {
                    debug!("stored the last good text of zone {}, serial {}", good.zone, good.serial)
                }
                // The change causes a reload, which brings the next text.
                Ok(Filled::Abandoned) => {
                    debug!("did not store zone {}, serial {}: its file has changed", good.zone, good.serial);
                    return Ok(());
                }
                Err(error) => return Err(format!("{}: {error}", text::path(folder, &good.zone).display())),
            }
        }
        self.ripe.remove(&good.zone);
        self.kept.insert(good.zone.clone(), Arc::clone(&good.inputs));
        Ok(())
    }

    /// Whether a text must wait before it is stored, since it may be half written.
    fn is_postponed(&mut self, folder: &Path, good: &Good, now: Instant) -> bool {
        if self.ripe.get(&good.zone).is_some_and(|inputs| Arc::ptr_eq(inputs, &good.inputs)) {
            return false;
        }
        let known = self.postponed.remove(&good.zone).filter(|(inputs, _)| Arc::ptr_eq(inputs, &good.inputs));
        let due = match known {
            Some((_, due)) => due,
            None if !has_shrunk(folder, good) => return false,
            None => {
                let (zone, minutes) = (&good.zone, SHRUNK_WAIT.as_secs() / 60);
                warn!(
                    zone = %zone.name,
                    "the text of zone {zone} has lost more than half, and its serial is still {}: it is served, and kept \
                     as the last good one in {minutes} min unless it changes until then",
                    good.serial
                );
                now + SHRUNK_WAIT
            }
        };
        if due <= now {
            self.ripe.insert(good.zone.clone(), Arc::clone(&good.inputs));
            return false;
        }
        self.postponed.insert(good.zone.clone(), (Arc::clone(&good.inputs), due));
        true
    }
}
