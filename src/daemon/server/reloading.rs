//! Reloading: which files are followed, when they are read again, and what of it waits.
//!
//! Owns the digests of what was read, the watch on the files, and the reload that is under way.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tracing::{info, warn};

use super::super::descriptors;
use super::super::load::LoadResult;
use super::super::served::LoadedZones;
use super::publishing::Publishing;
use super::reloads::Reloads;
use crate::config::{Config, ReloadOn};
use crate::control::{AdminRequest, ReloadCause};
use crate::source::{Pending, TextFile, pending, take_has_come};
use crate::zones::live::{Hold, LiveZones};
use crate::zones::{
    self, DnssecSettings, FileDigests, LoadedZone, Losses, Marks, Moment, Purpose, QUIET, Serving,
    StoredZone, Watching, ZoneId, ZoneSigning,
};

/// How often files that have come lead to a reload at most: reading them costs the others time if they do not
/// after all.
const CAME_INTERVAL: Duration = Duration::from_secs(60);

/// How often keys are looked at that cannot be used: meanwhile their zones are not served, or not as their files are now.
const KEYS_INTERVAL: Duration = Duration::from_secs(5);

/// After this time the log says that a file is waited for: a shorter wait is a slow disk.
const SILENT_TOLD_AFTER: Duration = Duration::from_secs(2);

/// What is known of the files, and what becomes of them.
pub(super) struct Reloading {
    /// The config file.
    pub(super) path: PathBuf,
    pub(super) reloads: Reloads,
    /// Why the last reload changed nothing; none: it was applied, or there was none.
    pub(super) refusal: Option<String>,
    /// What a reload has read, until the targets that it brings have been probed.
    pub(super) upcoming: Option<Box<Upcoming>>,
    /// What was said last of descriptors that may not be enough.
    pub(super) shortage: Option<String>,
    /// The files of what is served, as they were read last.
    pub(super) digests: FileDigests,
    /// None: they are not watched.
    pub(super) watching: Option<Watching>,
    /// What the last reading held back, to see whether the next one finds the same.
    pub(super) held_back: Vec<(ZoneId, Vec<TextFile>)>,
    /// Whether a change is to be read that was seen while the config file was being written.
    pub(super) is_put_off: bool,
    /// When the reading began that is under way, if it was begun by a change.
    since: Option<Moment>,
    /// When files last came that had not come before.
    pub(super) last_arrival: Option<Instant>,
    /// When keys were looked at for which zones wait.
    keys_looked_at: Option<Instant>,
    /// Tells of a zone whose keys can be used now; ends without where there is none.
    usable_keys: Option<oneshot::Receiver<ZoneId>>,
    /// Whether the operator has asked for the reload that is under way: then members that are gone from catalogs go.
    pub(super) losses: Losses,
    pub(super) marks: Arc<Marks>,
    /// The zones that change while they are served.
    pub(super) live: Arc<LiveZones>,
    /// Where the loop is asked to reload.
    pub(super) requests: mpsc::Sender<AdminRequest>,
}

/// What was read, between the halves.
pub(super) struct Upcoming {
    pub(super) zones: LoadedZones,
    pub(super) config: Config,
    pub(super) state_directory: Option<PathBuf>,
    /// Zones that stay as they were.
    pub(super) kept: usize,
    /// What changes, by serials.
    pub(super) changes: String,
    pub(super) diagnostics: String,
    /// The locks of zones that change while they are served, until what was read is.
    pub(super) holds: Vec<Hold>,
    /// Ends when every worker serves what the config says, and the ports given up are free.
    pub(super) settled: JoinHandle<()>,
}

/// What the loop is asked when a file has changed.
pub(super) fn files_changed() -> AdminRequest {
    AdminRequest::Reload { cause: ReloadCause::Change, reply: None }
}

/// Reads on a thread of its own: a large zone takes seconds, and the loop goes on. Zones of `served` that
/// have not changed are not read again.
pub(super) fn read(path: PathBuf, serving: Serving) -> JoinHandle<LoadResult> {
    tokio::task::spawn_blocking(move || LoadResult::new(&path, &Purpose::Serve(serving), |_, _| {}))
}

impl Reloading {
    /// For a server that has read its files once. It sends itself requests to read again over `requests`.
    pub(super) fn new(
        path: PathBuf,
        marks: Arc<Marks>,
        live: Arc<LiveZones>,
        requests: mpsc::Sender<AdminRequest>,
    ) -> Reloading {
        Reloading {
            path,
            reloads: Reloads::default(),
            refusal: None,
            upcoming: None,
            shortage: None,
            digests: FileDigests::new(),
            watching: None,
            held_back: Vec::new(),
            is_put_off: false,
            since: None,
            last_arrival: None,
            keys_looked_at: None,
            usable_keys: None,
            losses: Losses::Doubted,
            marks,
            live,
            requests,
        }
    }

    /// Reads everything that has changed since it was read for what is served.
    pub(super) fn begin_reading(&mut self, cause: ReloadCause, publishing: &Publishing) {
        let (cause, losses) = match cause {
            ReloadCause::Operator => (zones::ReadCause::Operator, Losses::Meant),
            ReloadCause::Change => (zones::ReadCause::Change, Losses::Doubted),
        };
        self.losses = losses;
        let watching = self.watching.as_ref().filter(|_| cause == zones::ReadCause::Change);
        self.since = watching.map(|watching| watching.writing().now());
        let serving = Serving {
            versions: publishing.served.versions(),
            cause,
            held: self.held_back.clone(),
            writing: self.watching.as_ref().map(Watching::writing).unwrap_or_default(),
            marks: Arc::clone(&self.marks),
            live: Arc::clone(&self.live),
        };
        self.reloads.read(read(self.path.clone(), serving));
    }

    /// Reads what has changed in between once the config file is no longer being written. That file may be
    /// the same as before, and then the end of writing is no change that is noticed.
    pub(super) fn read_what_was_put_off(&mut self) {
        let change = files_changed();
        if self.is_put_off && !self.is_config_written() && self.requests.try_send(change).is_ok() {
            self.is_put_off = false;
        }
    }

    /// Whether the config file is being written. Other changes are read when that is done.
    pub(super) fn is_config_written(&self) -> bool {
        self.watching.as_ref().is_some_and(|watching| watching.writing().holds(&self.path))
    }

    /// Whether the config file may have been half written when it was read: then what was read is put off.
    pub(super) fn puts_off(&mut self) -> bool {
        let since = self.since.take();
        let is_half = self.watching.as_ref().zip(since);
        let is_half =
            is_half.is_some_and(|(watching, since)| watching.writing().may_be_half(&self.path, since));
        self.is_put_off |= is_half;
        is_half
    }

    /// Remembers the files that were held back, and has them read once more.
    pub(super) fn hold(&mut self, zones: &[LoadedZone]) {
        let held = zones.iter().filter_map(|zone| Some((zone.id.clone(), zone.held.clone()?)));
        self.held_back = held.collect();
        if !self.held_back.is_empty() {
            let requests = self.requests.clone();
            tokio::spawn(async move {
                sleep(QUIET).await;
                // Nobody is there any more when the server ends.
                let _ = requests.send(files_changed()).await;
            });
        }
    }

    /// Reads again files that were given up and have come since. A file may do so again and again.
    pub(super) fn follow_files_that_came(&mut self) {
        let is_soon = self.last_arrival.is_some_and(|came| came.elapsed() < CAME_INTERVAL);
        if self.watching.is_none() || is_soon || !take_has_come() {
            return;
        }
        self.last_arrival = Some(Instant::now());
        info!("a file that could not be read before can be read now: reloading");
        // A queue that is full of requests has a reload in it, or will be asked soon.
        let _ = self.requests.try_send(files_changed());
    }

    /// Reads zones again that could not be signed, once their keys can be used. `state` is the state directory.
    pub(super) fn follow_keys_that_came(&mut self, zones: &[StoredZone], state: Option<&Path>, now: Instant) {
        if let Some(usable) = &mut self.usable_keys {
            match usable.try_recv() {
                Ok(zone) => {
                    self.last_arrival = Some(now);
                    info!(zone = %zone.name, "the keys of zone {zone} can be used now: reloading");
                    // A queue that is full of requests has a reload in it, or will be asked soon.
                    let _ = self.requests.try_send(files_changed());
                }
                Err(oneshot::error::TryRecvError::Empty) => return,
                Err(oneshot::error::TryRecvError::Closed) => {}
            }
            self.usable_keys = None;
        }
        let within =
            |at: Option<Instant>, time| at.is_some_and(|at| now.saturating_duration_since(at) < time);
        if self.watching.is_none()
            || within(self.last_arrival, CAME_INTERVAL)
            || within(self.keys_looked_at, KEYS_INTERVAL)
        {
            return;
        }
        self.keys_looked_at = Some(now);
        let waits = |zone: &StoredZone| Some((zone.id.clone(), zone.state.fault()?.keys.clone()?));
        let waiting: Vec<(ZoneId, DnssecSettings)> = zones.iter().filter_map(waits).collect();
        if waiting.is_empty() {
            return;
        }
        let (tell, usable) = oneshot::channel();
        self.usable_keys = Some(usable);
        let state = state.map(Path::to_owned);
        tokio::task::spawn_blocking(move || {
            let is_usable = |(zone, keys): &(ZoneId, DnssecSettings)| {
                ZoneSigning::is_possible(keys, zone, state.as_deref())
            };
            if let Some((zone, _)) = waiting.into_iter().find(is_usable) {
                // Nobody may be there any more.
                let _ = tell.send(zone);
            }
        });
    }

    /// Watches the files of a reading, if that is wanted. A reading that could not use the config file, and
    /// so has none, has read no other file: those of before matter still.
    pub(super) fn follow_files(&mut self, stands: FileDigests, config: Option<&Config>) {
        match config {
            None => self.digests.extend(stands),
            Some(config) => {
                self.digests = stands;
                match config.server.watch {
                    ReloadOn::Request => self.watching = None,
                    ReloadOn::FileChange => {
                        self.watching
                            .get_or_insert_with(|| Watching::start(self.requests.clone(), files_changed));
                    }
                }
            }
        }
        if let Some(watching) = &self.watching {
            watching.follow(self.digests.clone());
        }
    }

    /// Says when the config may need more descriptors than there are; once for each way in which it does.
    pub(super) fn log_shortage(&mut self, config: &Config) {
        let shortage = descriptors::shortage(config, descriptors::limit());
        if let Some(news) = shortage.as_ref().filter(|_| shortage != self.shortage) {
            warn!("{news}");
        }
        self.shortage = shortage;
    }
}

/// Files that are waited for, one line each.
pub(super) fn silent_files() -> impl Iterator<Item = String> {
    let silent = |one: &Pending| one.since.elapsed() >= SILENT_TOLD_AFTER;
    pending().into_iter().filter(silent).map(|Pending { path, since }| {
        let seconds = since.elapsed().as_secs();
        format!("reading {} for {seconds} s, and nothing comes of it", path.display())
    })
}
