//! Whether everything makes progress and is ready, for the admin page and the service manager.

use std::time::Duration;

use tokio::sync::oneshot;
use tracing::error;

use super::owners::Server;
use super::publishing::Publishing;
use super::reloading::silent_files;
use super::status;
use crate::control::{HEADLINE_POOLS_MAX, PoolStatus, UtcTime, headline};
use crate::zones::StoredZone;

/// How long a UDP worker or a thread of plain TCP may take to look up from its queries: it never waits for anything, so a
/// slower one hangs.
const TURN_MAX: Duration = Duration::from_secs(2);

impl Server {
    /// Reports what makes no progress. The loop does, or this would not run; the threads that answer are asked.
    pub(super) fn send_pulse(&mut self, reply: oneshot::Sender<Vec<String>>) {
        let troubles = self.publishing.troubles(TURN_MAX);
        tokio::spawn(async move {
            // Whoever asked may have gone.
            let _ = reply.send(troubles.await);
        });
    }

    /// Why not everything that is configured is served.
    pub(super) fn not_ready(&self) -> Vec<String> {
        let probing = (!self.publishing.first_round.is_finished())
            .then(|| "the first round of probes is under way".to_owned());
        let zones = self.publishing.served.zones().iter().filter_map(zone_trouble);
        let certificate = self.operator.certificate.trouble();
        probing
            .into_iter()
            .chain(zones)
            .chain(certificate)
            .chain(self.reloading.refusal.clone())
            .chain(silent_files())
            .collect()
    }

    /// Says that what was read is served: at the start, and when a reload is over.
    pub(super) fn notify_ready(&mut self) {
        self.supervision.loading_since = None;
        self.supervision.headline = self.headline();
        self.supervision.manager.ready(&self.supervision.headline);
    }

    /// Reports the state of the pools to the service manager, if it has changed and no reload is under way.
    pub(super) fn notify_headline(&mut self) {
        let same = self.supervision.generation == self.publishing.publisher.generation()
            && self.supervision.troubles == self.not_ready();
        if same || self.supervision.loading_since.is_some() {
            return;
        }
        let headline = self.headline();
        if headline != self.supervision.headline {
            self.supervision.manager.stands(&headline);
            self.supervision.headline = headline;
        }
    }

    pub(super) fn headline(&mut self) -> String {
        self.supervision.generation = self.publishing.publisher.generation();
        self.supervision.troubles = self.not_ready();
        let Publishing { served, board, .. } = &self.publishing;
        let (worst, others) = served.worst_pools(board, HEADLINE_POOLS_MAX);
        let worst = worst.into_iter().map(|(view, bound)| status::pool(view, bound, board));
        let pools: Vec<PoolStatus> = worst.collect();
        let apex = match self.publishing.served.zones() {
            [only] => Some(only.id.name.to_string()),
            _ => None,
        };
        headline(&self.supervision.troubles, &pools, others, apex.as_deref())
    }

    /// Sends the watchdog its sign of life, if everything makes progress. The loop does, or this would not
    /// run.
    pub(super) fn notify_alive(&mut self) {
        let Some(limit) = self.supervision.manager.watchdog() else { return };
        let troubles = self.publishing.troubles(TURN_MAX.min(limit / 2));
        let manager = self.supervision.manager.clone();
        tokio::spawn(async move {
            let troubles = troubles.await;
            if troubles.is_empty() {
                manager.alive();
            } else {
                let troubles = troubles.join(", ");
                error!(
                    "{troubles}; if this persists, the watchdog of the service manager restarts the server"
                );
            }
        });
    }
}

fn zone_trouble(zone: &StoredZone) -> Option<String> {
    let (name, error) = (&zone.id, zone.error());
    let Some(version) = zone.version() else {
        return Some(format!("zone {name} answers SERVFAIL: {}", error.unwrap_or("it cannot be read")));
    };
    let (error, serial) = (error?, version.serial);
    Some(match version.last_good_since().map(UtcTime) {
        Some(since) => {
            format!("zone {name} is served from its last good text, serial {serial} of {since}: {error}")
        }
        None => format!("zone {name} stays at serial {serial}: {error}"),
    })
}
