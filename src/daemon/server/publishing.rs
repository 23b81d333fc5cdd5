//! Publishing: what is served and believed, and the only [`Publisher`].
//!
//! Owns the snapshot and everything that it is made of: the zones, the verdicts, the forwarder, the clients
//! that `local` stands for, the addresses of this host; and the workers that answer from it.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::task::JoinHandle;
use tracing::{debug, info};

use super::super::served::{LoadedZones, Served};
use super::dispatcher::Dispatcher;
use super::forwarding::Forwarding;
use super::free_memory::FreeMemory;
use super::locals::Locals;
use super::own_host::OwnHost;
use super::signing_ahead::SigningAhead;
use super::telling::Telling;
use super::transferring::Transferring;
use super::transitions::{LogAs, log_quietly, log_rest, log_transition};
use super::updating::UpdateTaker;
use super::vantage::Vantage;
use super::waiting_changes::WaitingChanges;
use super::worker_counters::WorkerCounters;
use crate::answer::{BoundPool, CookieSecret, Publisher};
use crate::health::{Board, Engine, Transition};
use crate::transport::{Running, SnapshotResponder, Taps};
use crate::zones::{Catalogs, of_others};

/// What is published, and what it is made of.
pub(super) struct Publishing {
    pub(super) publisher: Publisher,
    /// When it last published.
    pub(super) published_at: SystemTime,
    pub(super) engine: Engine,
    /// The workers.
    pub(super) running: Running<SnapshotResponder>,
    pub(super) served: Served,
    /// Changes of single zones that are not served yet.
    pub(super) waiting_changes: WaitingChanges,
    /// Whether zones have changed since every worker was woken to look at them.
    pub(super) are_zones_newer: bool,
    /// The verdicts that the newest snapshot was made of.
    pub(super) board: Board,
    pub(super) counters: WorkerCounters,
    /// Where traces are opened.
    pub(super) taps: Taps,
    pub(super) forwarding: Forwarding,
    /// Treats what is no plain query.
    pub(super) dispatcher: Arc<Dispatcher>,
    /// Sends zones to other servers.
    pub(super) transferring: Transferring,
    /// Takes updates of the zones that come and go.
    pub(super) updates: UpdateTaker,
    /// Has zones come and go as catalogs say.
    pub(super) catalogs: Catalogs,
    pub(super) locals: Locals,
    /// Which clients are on this host.
    pub(super) own_host: OwnHost,
    /// Made at start where the config names none, so that a reload keeps it.
    pub(super) cookie_secret: Option<CookieSecret>,
    /// Ends when every target of the start has had its first outcome.
    pub(super) first_round: JoinHandle<()>,
    /// What becomes of changes of verdict, and of queries, besides answers.
    pub(super) telling: Telling,
    /// The other servers whose verdicts are heard.
    pub(super) vantage: Vantage,
    /// Signs what pools may answer next.
    pub(super) signing_ahead: SigningAhead,
    /// Gives back what zones leave.
    pub(super) free_memory: FreeMemory,
}

impl Publishing {
    /// Publishes what is served and believed now. What has changed since the last time is made anew.
    pub(super) fn publish(&mut self) {
        let board = self.engine.board();
        if self.served.has_changed() || self.transferring.is_changed() {
            self.catalogs.note(|zone| self.served.version_of(zone));
            self.free_memory.note(self.served.take_records_made(), Instant::now());
            self.transferring.follow(&self.served, &board);
            self.served.set_handed_over(self.dispatcher.kinds());
        }
        self.transferring.follow_verdicts(&self.served, &self.board, &board);
        let fresh = self.served.follow(&self.publisher.newest(), &self.board, &board);
        self.publisher.publish(fresh);
        self.published_at = SystemTime::now();
        self.signing_ahead.begin(&board, self.served.take_signed_anew());
        self.board = board;
        self.transferring.tell();
    }

    /// Frees the snapshots that no worker holds any more. One that is idle would hold a zone of before, beside the
    /// new one, until it is asked.
    pub(super) fn reclaim(&mut self) {
        if self.publisher.reclaim() > 0 && std::mem::take(&mut self.are_zones_newer) {
            self.running.catch_up();
        }
        self.free_memory.give_back(Instant::now());
    }

    /// Serves zones no more whose sources were silent for too long.
    pub(super) fn expire_zones(&mut self) {
        self.served.follow_clock(Instant::now(), SystemTime::now());
        let let_go = self.served.expire(Instant::now());
        if self.served.has_changed() {
            self.publish();
        }
        self.engine.release(let_go.unwrap_or_default());
    }

    /// Verdicts have changed: publish once, then say so of each.
    pub(super) fn note(&mut self, changed: &mut Vec<Transition>, upcoming: Option<&LoadedZones>) {
        self.publish();
        for transition in changed.drain(..) {
            let mut pools: Vec<&BoundPool> = self.served.pools_of(transition.target).collect();
            // A target of what is about to be served matters to none of the pools that are.
            if let (Some(upcoming), true) = (upcoming, pools.is_empty()) {
                pools.extend(upcoming.pools_of(transition.target));
            }
            match self.telling.first_verdicts.take(&transition) {
                LogAs::Single => log_transition(&transition, &pools, &self.board),
                LogAs::InTotal => log_quietly(&transition),
            }
            self.telling.note(&transition, &pools);
        }
    }

    /// Means by `local` the networks that were found last; the next snapshot has it.
    pub(super) fn mean_by_local(&mut self) {
        self.locals.mean(&mut self.served, self.forwarding.networks());
    }

    /// Lets the clients of this host's networks ask, whichever these are now.
    pub(super) fn follow_networks(&mut self) {
        let matters = self.forwarding.are_local() || self.locals.are_any();
        if !matters || !self.forwarding.networks_changed() {
            return;
        }
        let networks: Vec<String> = of_others(self.forwarding.networks()).map(ToString::to_string).collect();
        if networks.is_empty() {
            info!("this host has left its networks: `local` is now this host alone");
        } else {
            info!("the networks of this host have changed, `local` now includes: {}", networks.join(" "));
        }
        self.served.set_forward(self.forwarding.table());
        self.mean_by_local();
        self.publish();
    }

    /// Tells clients on this host from those elsewhere by the addresses that it has now. Without pools both get the same.
    pub(super) fn follow_addresses(&mut self) {
        if !self.own_host.is_due() || !self.served.has_pools() {
            return;
        }
        if OwnHost::look_again(&mut self.served) {
            debug!("the addresses of this host have changed");
            self.publish();
        }
    }

    /// Says how many targets were found down at the start besides those that were named.
    pub(super) fn log_first_verdicts(&mut self) {
        if !self.first_round.is_finished() {
            return;
        }
        let untold = self.telling.first_verdicts.end();
        if untold > 0 {
            log_rest(untold, self.engine.report().len());
        }
    }

    /// Resolves, within `limit`, to what does not turn.
    pub(super) fn troubles(&mut self, limit: Duration) -> impl Future<Output = Vec<String>> + Send + use<> {
        let mut troubles: Vec<String> = self.engine_hangs().into_iter().collect();
        let pulse = self.running.pulse(limit);
        async move {
            let hanging = pulse.await;
            troubles.extend(hanging.iter().map(|thread| format!("{thread} makes no progress")));
            troubles
        }
    }

    /// One target that is overdue may have its own reasons; when all are, nothing probes.
    fn engine_hangs(&self) -> Option<String> {
        let now = Instant::now();
        let reports = self.engine.report();
        let youngest = reports.iter().map(|report| report.history.last_probe_age(now)).min()?;
        let hangs = reports.iter().all(|report| report.is_overdue(now));
        hangs.then(|| format!("no target has been probed for {} s", youngest.as_secs()))
    }
}
