//! The end of a reading: what was read replaces what is served.
//!
//! In two halves, so that the loop never waits: first the sockets and the targets change; when the new
//! targets have been probed, what was read is published. Verdicts that change in between are published for
//! what is served then.
//!
//! Applies all of it or nothing, and reports which. Not responsible for when files are read (`reloads`), or
//! for reading (`load`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;
use tracing::{error, info, warn};

use super::super::folders::control_socket;
use super::super::load::{LoadResult, Loaded};
use super::super::served::{LoadedZones, Served};
use super::super::zone_settings::zone_settings;
use super::locals::Locals;
use super::owners::Server;
use super::reloading::Upcoming;
use super::reloads::ReloadEvent;
use super::report::report_zones;
use super::settings::{health_settings, identity, know_clients, transport_settings};
use crate::config::Config;
use crate::control::{Completeness, Reloaded};
use crate::health::TargetId;
use crate::source::Look;
use crate::zones::live::Hold;
use crate::zones::{EtcdZones, LoadedZone, Losses, ZoneVersion};

/// Longest wait for the first outcomes of targets that a reload brings. Whoever is there answers within
/// milliseconds; the others are pending until they do.
const RELOAD_WAIT_MAX: Duration = Duration::from_millis(250);

/// Zones named in the summary; the rest is counted.
const CHANGES_NAMED_MAX: usize = 4;

/// What a reading brings, by serials; empty: nothing.
fn changes(zones: &[LoadedZone], served: &Served) -> String {
    let change = |zone: &LoadedZone| {
        let (id, version) = (&zone.id, zone.brings()?);
        let serial = version.serial;
        match served.version_of(id) {
            None => Some(format!("{id} at serial {serial}")),
            Some(before) if Arc::ptr_eq(&before.inputs, &version.inputs) => None,
            Some(before) if before.serial == serial => Some(format!("{id} changed, still serial {serial}")),
            Some(before) => Some(format!("{id} from serial {} to {serial}", before.serial)),
        }
    };
    let changes: Vec<String> = zones.iter().filter_map(change).collect();
    let named =
        changes.iter().take(CHANGES_NAMED_MAX).map(|change| format!("; {change}")).collect::<String>();
    match changes.len().saturating_sub(CHANGES_NAMED_MAX) {
        0 => named,
        more => format!("{named}; and {more} more"),
    }
}

impl Server {
    /// Goes on with a reload one step of which has ended.
    pub(super) fn go_on(&mut self, ended: ReloadEvent) {
        match ended {
            // It is read again when nobody writes it any more.
            ReloadEvent::Reading(_) if self.reloading.puts_off() => self.begin_next_reading(),
            ReloadEvent::Reading(read) => match self.begin_applying(*read) {
                Ok(round) => self.reloading.reloads.probe(round),
                Err(refused) => self.end_reload(refused, None),
            },
            ReloadEvent::Probing => {
                if let Some(upcoming) = self.reloading.upcoming.take() {
                    let (reloaded, settled) = self.finish_applying(*upcoming);
                    self.end_reload(reloaded, Some(settled));
                }
            }
        }
    }

    /// Reports the result: to those who asked, when all has `settled`.
    fn end_reload(&mut self, reloaded: Reloaded, settled: Option<JoinHandle<()>>) {
        self.reloading.refusal =
            (reloaded.outcome == Completeness::Refused).then(|| reloaded.summary.clone());
        let waiting = self.reloading.reloads.take_waiting();
        tokio::spawn(async move {
            if let Some(settled) = settled {
                let _ = settled.await;
            }
            // Whoever asked may have gone meanwhile.
            waiting.into_iter().for_each(|reply| drop(reply.send(reloaded.clone())));
        });
        self.begin_next_reading();
    }

    /// The reload is over: begins the one that was asked for meanwhile; none: the service manager hears that
    /// all is done.
    fn begin_next_reading(&mut self) {
        if !self.reloading.reloads.is_asked_again() {
            self.notify_ready();
        }
        if let Some(cause) = self.reloading.reloads.take_next() {
            self.reloading.begin_reading(cause, &self.publishing);
        }
    }

    /// The first half, with what ends when the second may follow; or why nothing has changed, where the
    /// config file or an address does not do.
    fn begin_applying(&mut self, read: Result<LoadResult, JoinError>) -> Result<JoinHandle<()>, Reloaded> {
        let reading = read.map_err(|fault| {
            let summary = format!("reload failed, nothing has changed: {fault}");
            error!("{summary}");
            self.refused(summary, String::new())
        })?;
        self.reloading.follow_files(reading.digests(), reading.loaded.as_ref().map(|loaded| &loaded.config));
        let diagnostics = reading.sources.render_all(reading.faults(), Look::Plain);
        let Some(loaded) = reading.loaded else {
            let errors = reading.config_faults.iter().filter(|fault| fault.is_error());
            let errors: Vec<String> = errors.map(|fault| reading.sources.sentence(fault)).collect();
            errors.iter().skip(1).for_each(|fault| error!("{fault}"));
            let why = errors.first().map_or("it cannot be read", String::as_str);
            let summary = format!("configuration not reloaded, nothing has changed: {why}");
            error!("{summary}");
            return Err(self.refused(summary, diagnostics));
        };
        for fault in reading.config_faults.iter() {
            warn!("{}", reading.sources.sentence(fault));
        }
        let Loaded { config, mut zones, state_directory } = loaded;
        let settled = match self.publishing.running.change(&transport_settings(&config)) {
            Ok(settled) => tokio::spawn(settled),
            Err(fault) => {
                let summary = format!("configuration not reloaded: {fault}; nothing has changed");
                error!("{summary}");
                return Err(self.refused(summary, diagnostics));
            }
        };
        self.operator.certificate.follow(config.tls.clone(), config.client_ca.clone());
        report_zones(&reading.sources, &zones, &self.publishing.served);
        drop(reading.sources);
        let kept = zones.iter().filter(|zone| !zone.is_whole()).count();
        self.reloading.hold(&zones);
        let changes = changes(&zones, &self.publishing.served);
        let holds = zones.iter_mut().filter_map(|zone| zone.hold.take()).collect();
        self.reloading.log_shortage(&config);
        self.publishing.engine.change(health_settings(&config));
        let zones = LoadedZones::bind(zones, |targets| self.publishing.engine.watch(targets));
        let wait = config.probe.startup_wait.min(RELOAD_WAIT_MAX);
        let new: Vec<TargetId> = zones.targets().collect();
        let unprobed = self.publishing.engine.unprobed(&new);
        self.reloading.upcoming = Some(Box::new(Upcoming {
            zones,
            config,
            state_directory,
            kept,
            changes,
            diagnostics,
            holds,
            settled,
        }));
        let certificate = self.operator.certificate.look();
        Ok(tokio::spawn(async move {
            let _ = tokio::join!(timeout(wait, unprobed.probed()), certificate);
        }))
    }

    /// The second half: what was read is served from now on.
    fn finish_applying(&mut self, upcoming: Upcoming) -> (Reloaded, JoinHandle<()>) {
        let Upcoming { zones, config, state_directory, kept, changes, diagnostics, holds, settled } =
            upcoming;
        let identity = identity(&config, self.publishing.cookie_secret);
        let holds = with_versions(holds, &self.publishing.served);
        let let_go = self.publishing.served.take_over(zones, identity, Instant::now());
        know_clients(&mut self.publishing.served, &config);
        self.publishing.locals = Locals::of(&config);
        self.publishing.forwarding.change(&config, self.publishing.cookie_secret);
        self.publishing.served.set_forward(self.publishing.forwarding.table());
        self.publishing.dispatcher.signatures().set_keys(&config.keys);
        self.updating.follow(self.publishing.served.zones());
        self.publishing.transferring.change(&config);
        // The reading may have looked at the networks a while ago.
        self.publishing.mean_by_local();
        self.publishing.publish();
        self.publishing.engine.release(let_go);
        commit(holds, &self.publishing.served);
        // Who is not asked holds the old zones, beside the new ones.
        self.publishing.running.catch_up();
        if self.operator.state_directory != state_directory {
            self.operator.state_directory = state_directory;
            // What cannot be written is logged where it is tried.
            self.operator.keep_rules(Box::new(|_| {}));
        }
        self.operator.keep_texts(&self.publishing);
        self.operator.control.follow(control_socket(&config).as_deref());
        self.operator.admin.follow(&config.admin);
        self.follow_sources(&config, self.reloading.losses);
        let zones = self.publishing.served.zones().len();
        let generation = self.publishing.publisher.generation();
        let summary = match kept {
            0 => format!("reloaded: {zones} zones, generation {generation}{changes}"),
            _ => {
                let read = zones - kept;
                format!(
                    "reloaded: {read} of {zones} zones, {kept} stay as they were, generation {generation}{changes}"
                )
            }
        };
        let fault = self.operator.certificate.fault();
        let summary = fault.iter().fold(summary, |summary, fault| format!("{summary}; {fault}"));
        info!(generation, "{summary}");
        let is_whole = kept == 0 && fault.is_none();
        let outcome = if is_whole { Completeness::Whole } else { Completeness::Partly };
        (Reloaded { outcome, zones, summary, diagnostics }, settled)
    }

    /// Has feeds bring what the config asks for now, and catalogs have zones come and go as it says.
    pub(super) fn follow_sources(&mut self, config: &Config, losses: Losses) {
        let settings = zone_settings(config, &self.reloading.path);
        self.feeds.follow(&settings, self.publishing.served.store());
        let served = &self.publishing.served;
        self.publishing.catalogs.follow(settings, |zone| served.version_of(zone), losses);
        self.publishing.telling.follow(config, &self.publishing.taps);
        self.publishing.vantage.follow(config.vantage.as_ref(), &self.publishing.engine);
    }

    /// Has zones served of which so much has gone at once that they wait. Returns how many there were.
    pub(super) fn accept_shrunk(&self) -> usize {
        self.feeds.find::<EtcdZones>().map_or(0, EtcdZones::accept)
    }

    /// Nothing has changed.
    fn refused(&self, summary: String, diagnostics: String) -> Reloaded {
        Reloaded {
            outcome: Completeness::Refused,
            zones: self.publishing.served.zones().len(),
            summary,
            diagnostics,
        }
    }
}

/// The locks of zones that were read, each with what is served of its zone.
pub(super) fn with_versions(holds: Vec<Hold>, served: &Served) -> Vec<(Hold, Option<Arc<ZoneVersion>>)> {
    let version = |hold: &Hold| served.version_of(hold.id()).cloned();
    holds.into_iter().map(|hold| (version(&hold), hold)).map(|(version, hold)| (hold, version)).collect()
}

/// Has the journals of zones that change while they are served know what is served now; with the locks goes what was
/// served before.
pub(super) fn commit(holds: Vec<(Hold, Option<Arc<ZoneVersion>>)>, served: &Served) {
    for (hold, before) in holds {
        let Some(now) = served.version_of(hold.id()).cloned() else { continue };
        tokio::task::spawn_blocking(move || hold.commit(&now, before.as_deref()));
    }
}
