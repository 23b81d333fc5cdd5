//! What the service manager gets to know of the running server.
//!
//! Decides when to send which sd_notify state: EXTEND_TIMEOUT_USEC, READY, STATUS, WATCHDOG. Not responsible
//! for how it is sent.

use std::time::{Duration, Instant};

use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::super::load::LoadResult;
use crate::control::ServiceManager;

/// How often EXTEND_TIMEOUT_USEC is sent while a reading goes on.
const LOADING_SIGN_INTERVAL: Duration = Duration::from_secs(2);

/// For how long each of these signs holds: some may be late.
const LOADING_SIGN_LASTS: Duration = Duration::from_secs(15);

/// How long a reading may take; then the unit's own limit holds. A million records take ten seconds.
const LOADING_MAX: Duration = Duration::from_secs(10 * 60);

/// What publishing and starting take at most beside the first round of probes.
const STARTING_MAX: Duration = Duration::from_secs(10);

/// The service manager, and the last state that was sent to it.
pub(super) struct Supervision {
    pub(super) manager: ServiceManager,
    /// Turns at half the time after which the service manager would kill us, as sd_watchdog_enabled(3)
    /// advises.
    watchdog: Option<Interval>,
    pub(super) headline: String,
    /// The snapshot that it is of.
    pub(super) generation: u64,
    pub(super) troubles: Vec<String>,
    /// When the reading began that is under way.
    pub(super) loading_since: Option<Instant>,
}

impl Supervision {
    pub(super) fn new(manager: ServiceManager) -> Self {
        let watchdog = manager.watchdog().map(|limit| {
            let mut turns = interval(limit / 2);
            turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
            turns
        });
        let (headline, troubles) = (String::new(), Vec::new());
        Supervision { manager, watchdog, headline, generation: 0, troubles, loading_since: None }
    }

    /// Resolves when the watchdog is due; never if there is none.
    pub(super) async fn sign_due(&mut self) {
        match &mut self.watchdog {
            Some(turns) => _ = turns.tick().await,
            None => std::future::pending().await,
        }
    }

    /// A reading begins.
    pub(super) fn reloading(&mut self) {
        self.manager.reloading();
        self.loading_since.get_or_insert_with(Instant::now);
    }

    /// Sends EXTEND_TIMEOUT_USEC if a reading goes on.
    pub(super) fn notify_loading(&self) {
        if self.loading_since.is_some_and(|since| since.elapsed() < LOADING_MAX) {
            self.manager.takes(LOADING_SIGN_LASTS);
        }
    }
}

/// Waits for the first reading, and sends EXTEND_TIMEOUT_USEC meanwhile.
pub(super) async fn first_reading(
    mut reading: JoinHandle<LoadResult>,
    manager: &ServiceManager,
) -> Result<LoadResult, JoinError> {
    let began = Instant::now();
    let mut signs = interval(LOADING_SIGN_INTERVAL);
    loop {
        tokio::select! {
            done = &mut reading => return done,
            _ = signs.tick() => {
                if began.elapsed() < LOADING_MAX {
                    manager.takes(LOADING_SIGN_LASTS);
                }
            }
        }
    }
}

/// Says that the first round of probes may take so long.
pub(super) fn notify_first_round(manager: &ServiceManager, startup_wait: Duration) {
    manager.takes(startup_wait.saturating_add(STARTING_MAX));
}
