//! What the server does with files besides serving what is in them.
//!
//! Responsible for which are watched, and which texts are kept for the next
//! start.
//! Not responsible for watching (`watching`) or writing (`kept`).

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::super::kept::Good;
use super::super::load::{Reading, Stands};
use super::super::watching::Watching;
use super::{Server, read};
use crate::config::{Config, Watch};

/// How often it is tried again to write what could not be written.
const STATE_RETRY: Duration = Duration::from_secs(5);

impl Server {
    /// Reads everything that has changed since it was read for what is served.
    pub(super) fn begin_reading(&self) -> JoinHandle<Reading> {
        read(self.path.clone(), self.served.versions())
    }

    /// Watches the files of a reading, if that is wanted. A reading that could not use the config file,
    /// and so has none, has read no other file: those of before matter still.
    pub(super) fn follow_files(&mut self, stands: Stands, config: Option<&Config>) {
        match config {
            None => self.stands.extend(stands),
            Some(config) => {
                self.stands = stands;
                match config.server.watch {
                    Watch::Nothing => self.watching = None,
                    Watch::Files => {
                        self.watching.get_or_insert_with(|| Watching::start(self.requests.clone()));
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
            self.served.zones.iter().filter(|zone| zone.error.is_none() && zone.source.file.is_some());
        let good = whole.filter_map(|zone| {
            let version = zone.version.as_ref()?;
            Some(Good {
                zone: zone.id.clone(),
                serial: version.serial,
                loaded_at: version.loaded_at,
                basis: version.basis.clone(),
            })
        });
        self.text_keeper.keep(self.state_directory.as_deref(), good.collect());
    }
}
