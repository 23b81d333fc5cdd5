//! The other servers whose verdicts are heard: who carries them, and how that stands.
//!
//! Not responsible for what comes of them (`health`), or for carrying them (`etcd`).

use tracing::error;

use crate::config;
use crate::control::{OtherVantage, VantageStatus};
use crate::etcd::{VantageFeed, VantageStore, is_vantage_name};
use crate::health::{Engine, Standing, VantageReport, VantageSettings};
use crate::zones::host_name;

/// Who carries verdicts, if somebody does.
#[derive(Default)]
pub(super) struct Vantage {
    running: Option<Running>,
    /// Why nobody does though it is asked for.
    fault: Option<String>,
}

struct Running {
    settings: config::Vantage,
    name: String,
    feed: VantageFeed,
}

impl Vantage {
    /// Has verdicts carried as the config says now. Who carries them as before goes on.
    pub(super) fn follow(&mut self, settings: Option<&config::Vantage>, engine: &Engine) {
        let named = settings.map(|settings| Ok::<_, String>((settings, vantage_name(settings)?)));
        let named = match named.transpose() {
            Ok(named) => {
                self.fault = None;
                named
            }
            Err(fault) => {
                error!("no verdicts are told to other servers, and none is heard: {fault}");
                self.fault = Some(fault);
                None
            }
        };
        let is_same = |running: &Running| {
            named.as_ref().is_some_and(|(settings, name)| {
                running.settings == **settings && running.name == *name && !running.feed.has_ended()
            })
        };
        if self.running.as_ref().is_some_and(is_same) {
            return;
        }
        if let Some(before) = self.running.take() {
            tokio::spawn(before.feed.stop());
        }
        engine.follow_vantages(named.as_ref().map(|(settings, name)| VantageSettings {
            name: name.clone(),
            members: settings.members.clone(),
            patience: settings.lease,
        }));
        self.running = named.map(|(settings, name)| {
            let store = VantageStore {
                access: settings.access.clone(),
                prefix: settings.prefix.clone(),
                name: name.clone(),
                lease: settings.lease,
            };
            Running { settings: settings.clone(), name, feed: VantageFeed::start(store, engine.exchange()) }
        });
    }

    /// How it stands; none: nobody asks for it.
    pub(super) fn status(&self, engine: &Engine) -> Option<VantageStatus> {
        if let Some(fault) = &self.fault {
            return Some(VantageStatus {
                standing: ALONE.to_owned(),
                error: Some(fault.clone()),
                ..VantageStatus::default()
            });
        }
        let heard = self.running.as_ref()?.feed.status();
        let report = engine.vantages()?;
        let why = (report.standing != Standing::Heard).then(|| report.standing.to_string());
        Some(VantageStatus {
            name: report.name,
            standing: word(&report.standing).to_owned(),
            why,
            connected: heard.connected,
            member: heard.member,
            error: heard.fault,
            told: heard.told,
            others: report.others.iter().map(other).collect(),
            left_out: report.left_out,
            faulty: heard.faulty,
            faults: heard.faults,
            lost: heard.lost,
        })
    }

    /// Takes back what was told, so that the others need not wait for the lease to end.
    pub(super) async fn stop(self) {
        if let Some(running) = self.running {
            running.feed.stop().await;
        }
    }
}

const ALONE: &str = "alone";

fn word(standing: &Standing) -> &'static str {
    match standing {
        Standing::Heard => "heard",
        Standing::Alone { .. } => ALONE,
        Standing::Minority { .. } => "minority",
    }
}

fn other(other: &VantageReport) -> OtherVantage {
    let VantageReport { name, since, told, suspects_itself, up, down } = other;
    OtherVantage {
        name: name.to_string(),
        there_seconds: since.elapsed().as_secs(),
        age_seconds: told.elapsed().as_secs(),
        suspects_itself: *suspects_itself,
        up: *up,
        down: *down,
    }
}

/// What this server is called among the others.
///
/// # Errors
///
/// When it has no name that can be used, or is none of `members`.
pub(crate) fn vantage_name(settings: &config::Vantage) -> Result<String, String> {
    let name = match &settings.name {
        Some(name) => name.clone(),
        None => {
            let host = host_name();
            if !is_vantage_name(&host) {
                return Err(format!(
                    "the name of this host, `{host}`, cannot be used: write `name` in [vantage]"
                ));
            }
            host
        }
    };
    if settings.members.is_empty() || settings.members.contains(&name) {
        return Ok(name);
    }
    Err(format!("this server is called `{name}`, which is not among `members` of [vantage]"))
}
