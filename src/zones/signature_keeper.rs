//! Keeps signatures on the disk, on a thread beside the loop, where new ones were made. Logs once that it cannot.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{debug, warn};

use super::signing::{ZoneSigning, kept_at};
use super::zone_id::ZoneId;
use crate::dnssec::Time;

/// How long a stop waits for the disk.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// How seldom those of one zone are written while it is served: a large zone that changes every second has 20 MB of them.
const INTERVAL: Duration = Duration::from_secs(10 * 60);

/// When signatures are to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// Unless those of the zone were written a short while ago.
    Now,
    /// In any case: the server ends.
    AtTheEnd,
}

/// The state directory, and what signs the zones that are served.
type Wanted = Option<(PathBuf, Vec<(ZoneId, Arc<ZoneSigning>)>, Keeping)>;

/// Writes signatures of one zone after the other. Nobody waits for it but the end of the server.
pub struct SignatureKeeper {
    wanted: watch::Sender<Wanted>,
    task: JoinHandle<()>,
}

impl SignatureKeeper {
    /// Starts a keeper in the runtime.
    pub fn start() -> SignatureKeeper {
        let (wanted, mut newest) = watch::channel(None);
        let task = tokio::spawn(async move {
            let mut work = Work::default();
            while newest.changed().await.is_ok() {
                let wanted: Wanted = newest.borrow_and_update().clone();
                let done = tokio::task::spawn_blocking(move || {
                    if let Some((folder, zones, keeping)) = wanted {
                        work.keep(&folder, &zones, keeping, Instant::now());
                    }
                    work
                });
                // After a panic, nothing is known to be written.
                work = done.await.unwrap_or_default();
            }
        });
        SignatureKeeper { wanted, task }
    }

    /// Keeps what was made for these zones in this state directory. Without a state directory, keeps nothing.
    pub fn keep(&self, folder: Option<&Path>, zones: Vec<(ZoneId, Arc<ZoneSigning>)>, keeping: Keeping) {
        self.wanted.send_replace(folder.map(|folder| (folder.to_owned(), zones, keeping)));
    }

    /// Writes what it was told last, and ends.
    pub async fn stop(self) {
        drop(self.wanted);
        let _ = tokio::time::timeout(STOP_WAIT, self.task).await;
    }
}

/// What has been written so far.
#[derive(Default)]
struct Work {
    /// Of which moment the signatures of each zone are that were written.
    written: HashMap<ZoneId, Written>,
    /// The last error, which is logged once.
    fault: Option<String>,
}

/// Signatures that were written.
struct Written {
    until: Time,
    /// How many had been made.
    made: (u64, u64),
    at: Instant,
}

impl Work {
    fn keep(&mut self, folder: &Path, zones: &[(ZoneId, Arc<ZoneSigning>)], keeping: Keeping, now: Instant) {
        let mut faults = zones.iter().filter_map(|(zone, signing)| {
            let path = kept_at(folder, zone);
            let error = self.keep_one(folder, (zone, signing), keeping, now).err()?;
            Some(format!("{}: {error}", path.display()))
        });
        let first = faults.next();
        // The others are written all the same.
        faults.for_each(drop);
        if let Some(fault) = first.as_ref().filter(|_| self.fault != first) {
            warn!(
                "cannot keep the signatures of zones: {fault}; after a restart they are signed anew, and other servers take \
                 them as a whole"
            );
        }
        self.fault = first;
    }

    fn keep_one(
        &mut self,
        folder: &Path,
        (zone, signing): (&ZoneId, &ZoneSigning),
        keeping: Keeping,
        now: Instant,
    ) -> std::io::Result<()> {
        let (made, until) = (signing.made(), signing.end());
        match self.written.get(zone) {
            Some(written) if written.until != until => {}
            Some(written) if written.made == made => return Ok(()),
            Some(written) if keeping == Keeping::Now && now - written.at < INTERVAL => return Ok(()),
            // All of them come from the disk.
            None if signing.is_as_kept() => return Ok(()),
            Some(_) | None => {}
        }
        signing.keep(folder, zone)?;
        debug!("kept the signatures of zone {zone}");
        self.written.insert(zone.clone(), Written { until, made, at: now });
        Ok(())
    }
}
