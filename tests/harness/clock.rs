//! A clock that a test turns, for the programs that it starts (libfaketime).

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use crate::tools::library;

/// The library, below the folders that Debian keeps libraries in; the one for programs with threads.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// A clock that is ahead of the real one. Programs that were started with it see it turn while they run; how long they
/// wait for something it does not change.
pub struct Clock {
    library: PathBuf,
    folder: TempDir,
    ahead: Duration,
}

impl Clock {
    /// One that shows the real time; none where the library is not installed.
    pub fn new() -> Option<Clock> {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let clock = Clock { library: library(LIBRARY)?, folder, ahead: Duration::ZERO };
        clock.show();
        Some(clock)
    }

    /// Has a program that is to be started go by it.
    pub fn give_to(&self, command: &mut Command) {
        command.env("LD_PRELOAD", &self.library).env("FAKETIME_TIMESTAMP_FILE", self.file());
        for variable in ["FAKETIME_NO_CACHE", "FAKETIME_DONT_FAKE_MONOTONIC", "DONT_FAKE_MONOTONIC"] {
            command.env(variable, "1");
        }
    }

    /// Turns it forward.
    pub fn turn(&mut self, by: Duration) {
        self.ahead += by;
        self.show();
    }

    /// The time that it shows.
    pub fn now(&self) -> SystemTime {
        SystemTime::now() + self.ahead
    }

    /// How far it is ahead of the real time.
    pub fn ahead(&self) -> Duration {
        self.ahead
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("clock")
    }

    /// Whoever reads the file finds the time of before or this one.
    fn show(&self) {
        let fresh = self.folder.path().join("fresh");
        fs::write(&fresh, format!("+{}\n", self.ahead.as_secs())).expect("a scratch file");
        fs::rename(fresh, self.file()).expect("a scratch file");
    }
}
