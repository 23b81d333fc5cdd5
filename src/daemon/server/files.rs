//! What the server does with files besides serving what is in them.
//!
//! Responsible for which are watched, and which texts are kept for the next
//! start.
//! Not responsible for watching (`watching`) or writing (`kept`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::sleep;
use tracing::info;

use super::super::load::Reading;
use super::{Server, read};
use crate::config::{Config, Watch};
use crate::control::{Cause, Request};
use crate::source::{Pending, pending, take_has_come};
use crate::zones::{self, FileDigests, Good, LoadedZone, QUIET, Serving, Watching};

/// How often files that have come lead to a reload at most: reading them costs the others time if they do not after all.
const CAME_INTERVAL: Duration = Duration::from_secs(60);

/// From when on it is told that a file is waited for: what takes less is a slow disk.
const SILENT_TOLD_AFTER: Duration = Duration::from_secs(2);

/// How often it is tried again to write what could not be written.
const STATE_RETRY: Duration = Duration::from_secs(5);

/// What the loop is asked when a file has changed.
fn files_changed() -> Request {
    Request::Reload { cause: Cause::Change, reply: None }
}

impl Server {
    /// Reads everything that has changed since it was read for what is served.
    pub(super) fn begin_reading(&self, cause: Cause) -> JoinHandle<Reading> {
        let cause = match cause {
            Cause::Operator => zones::Cause::Operator,
            Cause::Change => zones::Cause::Change,
        };
        let serving = Serving {
            versions: self.served.versions(),
            cause,
            held: self.held.clone(),
            writing: self.watching.as_ref().map(Watching::writing).unwrap_or_default(),
            marks: Arc::clone(&self.marks),
        };
        read(self.path.clone(), serving)
    }

    /// Has what has changed meanwhile read when nobody writes the config file any more: that file itself may be what it
    /// was, and then its end is no change.
    pub(super) fn read_what_was_put_off(&mut self) {
        let change = files_changed();
        if self.is_put_off && !self.is_config_written() && self.requests.try_send(change).is_ok() {
            self.is_put_off = false;
        }
    }

    /// Whether somebody is writing the config file. What has changed beside it is read when that is done.
    pub(super) fn is_config_written(&self) -> bool {
        self.watching.as_ref().is_some_and(|watching| watching.writing().holds(&self.path))
    }

    /// Remembers what was held back, and has it read once more.
    pub(super) fn hold(&mut self, zones: &[LoadedZone]) {
        let held = zones.iter().filter_map(|zone| Some((zone.id.clone(), zone.held.clone()?)));
        self.held = held.collect();
        if !self.held.is_empty() {
            let requests = self.requests.clone();
            tokio::spawn(async move {
                sleep(QUIET).await;
                // Nobody is there any more when the server ends.
                let _ = requests.send(files_changed()).await;
            });
        }
    }

    /// Has files read again that nobody waited for any more and that have come since. A file may do so again and again.
    pub(super) fn follow_files_that_came(&mut self) {
        let is_soon = self.came.is_some_and(|came| came.elapsed() < CAME_INTERVAL);
        if self.watching.is_none() || is_soon || !take_has_come() {
            return;
        }
        self.came = Some(Instant::now());
        info!("a file has come that did not before: reloading");
        // A queue that is full of requests has a reload in it, or will be asked soon.
        let _ = self.requests.try_send(files_changed());
    }

    /// Files that are waited for, one line each.
    pub(super) fn silent_files(&self) -> impl Iterator<Item = String> + use<> {
        let silent = |one: &Pending| one.since.elapsed() >= SILENT_TOLD_AFTER;
        pending().into_iter().filter(silent).map(|Pending { path, since }| {
            let seconds = since.elapsed().as_secs();
            format!("reading {} for {seconds} s, and nothing comes of it", path.display())
        })
    }

    /// Watches the files of a reading, if that is wanted. A reading that could not use the config file,
    /// and so has none, has read no other file: those of before matter still.
    pub(super) fn follow_files(&mut self, stands: FileDigests, config: Option<&Config>) {
        match config {
            None => self.stands.extend(stands),
            Some(config) => {
                self.stands = stands;
                match config.server.watch {
                    Watch::Nothing => self.watching = None,
                    Watch::Files => {
                        self.watching
                            .get_or_insert_with(|| Watching::start(self.requests.clone(), files_changed));
                    }
                }
            }
        }
        if let Some(watching) = &self.watching {
            watching.follow(self.stands.clone());
        }
    }

    /// Why what is to outlive a restart is not written.
    pub(super) fn state_trouble(&self) -> Option<String> {
        self.keeper.fault().or_else(|| self.text_keeper.fault())
    }

    /// Writes once more what could not be written: a disk that was full may have room again.
    pub(super) fn keep_what_is_not_kept(&mut self) {
        if self.state_tried.elapsed() < STATE_RETRY {
            return;
        }
        self.state_tried = Instant::now();
        if self.keeper.fault().is_some() {
            self.keeper.keep(self.state_directory.as_deref(), self.rules.clone(), Box::new(|_| {}));
        }
        if self.text_keeper.fault().is_some() {
            self.keep_texts();
        }
    }

    /// Keeps the texts of what is served, for a start with a broken file. One that is served from such a
    /// text is kept already, and so is one whose file has been broken since.
    pub(super) fn keep_texts(&self) {
        let whole =
            self.served.zones().iter().filter(|zone| zone.error().is_none() && zone.sources.file().is_some());
        let good = whole.filter_map(|zone| {
            let version = zone.version()?;
            Some(Good {
                zone: zone.id.clone(),
                serial: version.serial,
                loaded_at: version.loaded_at,
                inputs: Arc::clone(&version.inputs),
            })
        });
        self.text_keeper.keep(self.state_directory.as_deref(), good.collect());
    }
}
