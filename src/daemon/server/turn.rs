//! The one loop: whatever happens, happens here, one after the other.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tracing::info;

use super::super::folders::control_socket;
use super::owners::Server;
use super::zone_changes::CHANGES_AT_ONCE_MAX;
use crate::config::Config;
use crate::control::{AdminRequest, ReloadCause};
use crate::health::Transition;
use crate::zones::{FileDigests, Keeping, Losses, ZoneRequest};

/// How often snapshots that no worker holds any more are freed.
const RECLAIM_INTERVAL: Duration = Duration::from_secs(1);

/// Verdicts that are published together: a rack that goes down is one change.
const TRANSITIONS_AT_ONCE_MAX: usize = 256;

/// What comes to the loop besides requests.
pub(super) struct Events {
    /// Verdicts that have changed.
    pub(super) transitions: mpsc::Receiver<Transition>,
    /// What is asked of single zones.
    pub(super) zone_requests: mpsc::Receiver<ZoneRequest>,
}

impl Server {
    /// Lets operators in, and follows what changes from now on; `first` is what the first probes have found.
    pub(super) fn begin(&mut self, config: &Config, digests: FileDigests, first: &mut Vec<Transition>) {
        self.publishing.transferring.tell();
        self.operator.local_trouble.mark_changed();
        self.reloading.log_shortage(config);
        self.operator.control.follow(control_socket(config).as_deref());
        self.operator.admin.follow(&config.admin);
        // Before the verdicts of the start, which are told as well.
        self.publishing.telling.follow(config, &self.publishing.taps);
        self.publishing.note(first, None);
        self.operator.keep_texts(&self.publishing);
        self.reloading.follow_files(digests, Some(config));
        self.follow_sources(config, Losses::Doubted);
        self.report_ready();
    }

    /// The one loop: whatever happens, happens here, one after the other.
    pub(super) async fn turn(&mut self, requests: &mut mpsc::Receiver<AdminRequest>, events: Events) {
        let Events { mut transitions, mut zone_requests } = events;
        let mut reclaim = interval(RECLAIM_INTERVAL);
        reclaim.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut changed, mut asked) = (Vec::new(), Vec::new());
        loop {
            tokio::select! {
                request = requests.recv() => match request {
                    Some(AdminRequest::Reload { cause: ReloadCause::Change, .. }) if self.reloading.is_config_written() => self.reloading.is_put_off = true,
                    Some(AdminRequest::Reload { cause, reply }) => {
                        self.supervision.reloading();
                        if let Some(cause) = self.reloading.reloads.ask(cause, reply) {
                            self.reloading.begin_reading(cause, &self.publishing);
                        }
                    }
                    // Whoever asked may have gone meanwhile.
                    Some(AdminRequest::Status { reply }) => drop(reply.send(Box::new(self.status()))),
                    Some(AdminRequest::Pulse { reply }) => self.send_pulse(reply),
                    Some(AdminRequest::Force { order, reply }) => self.operator.force(order, reply, &mut self.publishing),
                    Some(AdminRequest::Explain { order, reply }) => self.explain(&order, reply),
                    Some(AdminRequest::Trace { filter, until, reply }) => drop(reply.send(self.publishing.taps.open(filter, until))),
                    Some(AdminRequest::Accept { reply }) => drop(reply.send(self.accept_shrunk())),
                    Some(AdminRequest::Updates { order, reply }) => self.updating.operate(order, reply),
                    Some(AdminRequest::Stop) | None => return,
                },
                1.. = transitions.recv_many(&mut changed, TRANSITIONS_AT_ONCE_MAX) => {
                    self.note(&mut changed);
                    self.raise_serials();
                }
                Ok(()) = self.operator.local_trouble.changed() => self.operator.log_local_trouble(),
                1.. = zone_requests.recv_many(&mut asked, CHANGES_AT_ONCE_MAX) => {
                    self.publishing.change_zones(&mut asked);
                    self.follow_hosts();
                }
                round = self.publishing.waiting_changes.probed() => {
                    self.publishing.end_change(&round);
                    self.follow_hosts();
                }
                ended = self.reloading.reloads.ended() => {
                    self.go_on(ended);
                    self.follow_hosts();
                }
                () = self.supervision.sign_due() => self.notify_alive(),
                _ = reclaim.tick() => {
                    self.publishing.reclaim();
                    self.operator.expire_rules(&mut self.publishing);
                    self.publishing.expire_zones();
                    self.follow_hosts();
                    self.raise_serials();
                    self.updating.look_at_keys(self.publishing.served.zones(), Instant::now());
                    self.supervision.notify_loading();
                    self.notify_headline();
                    self.publishing.taps.expire(Instant::now());
                    self.publishing.follow_networks();
                    self.publishing.follow_addresses();
                    self.operator.keep_what_is_not_kept(&self.publishing);
                    self.publishing.telling.changes.keep(self.operator.state_directory.as_deref());
                    self.note_last_hour(Instant::now());
                    self.publishing.log_first_verdicts();
                    self.reloading.follow_files_that_came();
                    let state = self.operator.state_directory.as_deref();
                    self.reloading.follow_keys_that_came(self.publishing.served.zones(), state, Instant::now());
                    self.reloading.read_what_was_put_off();
                }
            }
        }
    }

    /// Verdicts have changed.
    fn note(&mut self, changed: &mut Vec<Transition>) {
        let upcoming = self.reloading.upcoming.as_ref().map(|upcoming| &upcoming.zones);
        self.publishing.note(changed, upcoming);
    }

    /// Has pools follow hosts of other zones.
    fn follow_hosts(&mut self) {
        self.updating.follow_hosts(&self.publishing.served, Instant::now());
    }

    /// Raises the serials of zones of which other servers are to be sent something else.
    fn raise_serials(&mut self) {
        for zone in self.publishing.transferring.due_raises(Instant::now()) {
            self.updating.raise_serial(&zone);
        }
    }

    /// Ends in good order: what is under way is answered, what is to be kept is written.
    pub(super) async fn stop(self) {
        let started = Instant::now();
        let answered = self.publishing.counters.answered();
        self.operator.keep_signatures(&self.publishing, Keeping::AtTheEnd);
        self.supervision.manager.stopping();
        self.publishing.running.stop().await;
        self.publishing.catalogs.stop().await;
        self.feeds.stop().await;
        self.publishing.vantage.stop().await;
        self.operator.rules_keeper.stop().await;
        self.operator.last_good_keeper.stop().await;
        self.operator.signature_keeper.stop().await;
        self.publishing.telling.stop(self.operator.state_directory).await;
        self.reloading.marks.remove_all();
        let lateness = self.publishing.engine.lateness();
        let [half, most] = [50, 99].map(|percent| lateness.percentile(percent).as_micros());
        let probes = lateness.probes();
        info!("{probes} probes: 50 % started at most {half} µs late, 99 % at most {most} µs");
        info!("stopped in {} ms, after {answered} answers", started.elapsed().as_millis());
    }
}
