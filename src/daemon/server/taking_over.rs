//! The end of a reading: what was read takes the place of what is served.
//!
//! Responsible for all of it or nothing, and for saying which.
//! Not responsible for when files are read (`reloads`), for reading (`load`),
//! or for whoever asked.

use std::time::Duration;

use tokio::task::JoinError;
use tokio::time::timeout;
use tracing::{error, info, warn};

use super::super::folders::control_socket;
use super::super::load::{Loaded, Reading, is_error};
use super::super::served::Served;
use super::report::report_zones;
use super::settings::{identity, rate_limit, transport_settings};
use super::{Server, drawn};
use crate::control::{Completeness, Reloaded};
use crate::source::Look;

/// Longest wait for the first outcomes of targets that a reload brings.
/// Whoever is there answers within milliseconds, and the loop stands still
/// meanwhile; the others are pending until they do.
const RELOAD_WAIT_MAX: Duration = Duration::from_millis(250);

impl Server {
    /// Takes over what was read, if it could be; says what came of it, and keeps why nothing did.
    pub(super) async fn reload(&mut self, read: Result<Reading, JoinError>) -> Reloaded {
        let reloaded = match read {
            Ok(reading) => self.take_over(reading).await,
            Err(fault) => {
                let summary = format!("the reload broke off, nothing has changed: {fault}");
                error!("{summary}");
                self.refused(summary, String::new())
            }
        };
        self.refusal = (reloaded.outcome == Completeness::Refused).then(|| reloaded.summary.clone());
        reloaded
    }

    /// Takes over a reading as one step: all of it, or nothing where the
    /// config file or an address does not do.
    async fn take_over(&mut self, reading: Reading) -> Reloaded {
        self.follow_files(reading.stands(), reading.loaded.as_ref().map(|loaded| &loaded.config));
        let diagnostics = drawn(&reading.sources, reading.faults(), Look::Plain);
        let Some(loaded) = reading.loaded else {
            let errors = reading.config_faults.iter().filter(|fault| is_error(fault));
            let errors: Vec<String> = errors.map(|fault| reading.sources.sentence(fault)).collect();
            errors.iter().skip(1).for_each(|fault| error!("{fault}"));
            let why = errors.first().map_or("it cannot be read", String::as_str);
            let summary = format!("the configuration is not reloaded, nothing has changed: {why}");
            error!("{summary}");
            return self.refused(summary, diagnostics);
        };
        for fault in reading.config_faults.iter() {
            warn!("{}", reading.sources.sentence(fault));
        }
        let Loaded { config, zones, state_directory } = loaded;
        if let Err(fault) = self.running.change(&transport_settings(&config)).await {
            let summary = format!("the configuration is not reloaded: {fault}; nothing has changed");
            error!("{summary}");
            return self.refused(summary, diagnostics);
        }
        report_zones(&reading.sources, &zones, &self.served);
        drop(reading.sources);
        let kept = zones.iter().filter(|zone| !zone.is_whole()).count();
        self.engine.damp(config.probe.damping);
        let mut served = Served::after(&self.served, zones, identity(&config, self.cookie_secret));
        served.set_limit(rate_limit(&config));
        self.forwarding.change(&config, self.cookie_secret);
        served.set_outside(self.forwarding.outside());
        served.bind(self.engine.watch(&served.targets()));
        let wait = config.probe.startup_wait.min(RELOAD_WAIT_MAX);
        let _ = timeout(wait, self.engine.first_round()).await;
        self.served = served;
        self.publish_anew();
        // Who is not asked holds the old zones, beside the new ones.
        self.running.catch_up();
        self.state_directory = state_directory;
        self.keep_texts();
        self.control.follow(control_socket(&config).as_deref());
        self.admin.follow(&config.admin);
        let zones = self.served.zones.len();
        let summary = match kept {
            0 => format!("reloaded: {zones} zones, generation {}", self.publisher.generation()),
            _ => {
                format!(
                    "reloaded: {} of {zones} zones, {kept} stay as they were, generation {}",
                    zones - kept,
                    self.publisher.generation()
                )
            }
        };
        info!(generation = self.publisher.generation(), "{summary}");
        let outcome = if kept == 0 { Completeness::Whole } else { Completeness::Partly };
        Reloaded { outcome, zones, summary, diagnostics }
    }

    /// Nothing has changed.
    fn refused(&self, summary: String, diagnostics: String) -> Reloaded {
        Reloaded { outcome: Completeness::Refused, zones: self.served.zones.len(), summary, diagnostics }
    }
}
