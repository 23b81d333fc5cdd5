//! The start: which room is begun when, and on what.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::warn;

use super::super::clock::Clocks;
use super::super::load::Loaded;
use super::super::served::{LoadedZones, Served};
use super::super::{descriptors, forcing};
use super::admin_listener::AdminListener;
use super::control_listener::ControlListener;
use super::dispatcher::{Dispatcher, Treatments};
use super::forwarding::Forwarding;
use super::locals::Locals;
use super::operator::Operator;
use super::owners::Server;
use super::publishing::Publishing;
use super::reloading::{Reloading, read};
use super::report::report_zones;
use super::settings::{health_settings, identity, random_secret, rate_limit, transport_settings};
use super::supervision::{self, Supervision};
use super::transitions::FirstVerdicts;
use super::turn::Events;
use super::waiting_changes::WaitingChanges;
use super::worker_counters::WorkerCounters;
use crate::answer::{Publisher, Snapshot};
use crate::control::{self, Request, ServiceManager};
use crate::health::{Board, Engine, Transition};
use crate::source::Look;
use crate::transport::{self, Inherited, Listeners, Taps};
use crate::zones::{self, FileDigests, Marks, Publications, Serving, known_networks};

/// Why the server did not start, or ended.
#[derive(Debug)]
pub enum Error {
    /// The config file cannot be used; the diagnostics, drawn.
    Config(String),
    /// A socket cannot be had.
    Listen(transport::Error),
    /// The system refused something else.
    System(std::io::Error),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Config(drawn) => f.write_str(drawn),
            Error::Listen(error) => write!(f, "error: {error}"),
            Error::System(error) => write!(f, "error: {error}"),
        }
    }
}

impl std::error::Error for Error {}

/// Serves what the config file at `path` says until the operator stops it, at `inherited` sockets where it
/// names their addresses.
///
/// # Errors
///
/// Only before it serves: when the config file cannot be used, or an address cannot be listened on. A zone
/// that cannot be read stops nothing.
pub async fn run(path: PathBuf, look: Look, inherited: Inherited) -> Result<(), Error> {
    if let Err(fault) = descriptors::raise() {
        warn!("cannot raise the limit of {} open files: {fault}", descriptors::limit());
    }
    let (sender, mut requests) = control::requests().map_err(Error::System)?;
    let manager = ServiceManager::from_environment();
    let marks = Arc::new(Marks::default());
    let first = Serving { cause: zones::Cause::Start, marks: Arc::clone(&marks), ..Serving::default() };
    let mut early = Vec::new();
    let reading = tokio::select! {
        reading = supervision::first_reading(read(path.clone(), first), &manager) => reading,
        () = stop_requested(&mut requests, &mut early) => {
            manager.stopping();
            marks.remove_all();
            return Ok(());
        }
    };
    // They were taken from the same queue, which has room for them.
    early.into_iter().for_each(|request| drop(sender.try_send(request)));
    let reading = reading.map_err(|fault| Error::System(std::io::Error::other(fault)))?;
    let digests = reading.digests();
    let Some(loaded) = reading.loaded else {
        return Err(Error::Config(reading.sources.render_all(reading.config_faults.iter(), look)));
    };
    for fault in reading.config_faults.iter() {
        warn!("{}", reading.sources.sentence(fault));
    }
    report_zones(&reading.sources, &loaded.zones, &Served::default());
    drop(reading.sources);
    let settings = transport_settings(&loaded.config);
    let listeners = Listeners::bind(&settings, inherited).map_err(Error::Listen)?;
    supervision::notify_first_round(&manager, loaded.config.probe.startup_wait);
    let supervision = Supervision::new(manager);
    let (mut server, events) =
        Server::start(path, loaded, digests, listeners, sender, supervision, marks).await?;
    server.notify_ready();
    server.turn(&mut requests, events).await;
    server.stop().await;
    Ok(())
}

/// Resolves when a signal asks for the end; other signals wait.
async fn stop_requested(requests: &mut mpsc::Receiver<Request>, early: &mut Vec<Request>) {
    while let Some(request) = requests.recv().await {
        match request {
            Request::Stop => return,
            other => early.push(other),
        }
    }
}

impl Server {
    /// Probes everything once, and serves.
    pub(super) async fn start(
        path: PathBuf,
        loaded: Loaded,
        digests: FileDigests,
        listeners: Listeners,
        requests: mpsc::Sender<Request>,
        supervision: Supervision,
        marks: Arc<Marks>,
    ) -> Result<(Server, Events), Error> {
        let (started, started_at) = (Instant::now(), SystemTime::now());
        let Loaded { config, zones, state_directory } = loaded;
        let (mut engine, mut transitions) = Engine::start(Handle::current(), health_settings(&config));
        let rules_kept_at = Clocks::now();
        let rules = forcing::load(state_directory.as_deref(), rules_kept_at);
        engine.force(&rules);
        let cookie_secret = random_secret();
        let identity = identity(&config, cookie_secret);
        let mut served = Served::first(LoadedZones::bind(zones, |targets| engine.watch(targets)), identity);
        served.set_limit(rate_limit(&config.limit, &known_networks()));
        let forwarding = Forwarding::start(&config, cookie_secret);
        served.set_forward(forwarding.table());
        let dispatcher = Arc::new(Dispatcher::new(Handle::current(), Treatments::default(), &config.keys));
        served.set_handed_over(dispatcher.kinds());
        // The reading may have looked at the networks a while ago.
        let locals = Locals::of(&config);
        locals.mean(&mut served, forwarding.networks());
        // Queries wait in the sockets meanwhile: better late than wrong.
        let mut first_round = tokio::spawn(engine.first_round());
        let _ = timeout(config.probe.startup_wait, &mut first_round).await;
        let board = engine.board();
        let publisher = Publisher::new(served.follow(&Snapshot::default(), &Board::default(), &board));
        forwarding.follow_aliases_into(publisher.readers());
        dispatcher.answer_queries_from(publisher.readers());
        let (counters, taps) = (WorkerCounters::default(), Taps::default());
        let make = counters.responders(
            publisher.readers(),
            forwarding.forwarder(),
            Arc::clone(&dispatcher),
            taps.clone(),
        );
        let running = transport::start(listeners, make, Handle::current()).map_err(Error::Listen)?;
        let (publications, asked) = Publications::channel();
        let publishing = Publishing {
            publisher,
            published_at: SystemTime::now(),
            running,
            served,
            waiting_changes: WaitingChanges::default(),
            are_zones_newer: false,
            publications,
            board,
            counters,
            taps,
            forwarding,
            dispatcher,
            locals,
            cookie_secret,
            first_round,
            first_verdicts: FirstVerdicts::default(),
            engine,
        };
        let reloading = Reloading::new(path, marks, requests.clone());
        let operator = Operator {
            control: ControlListener::new(requests.clone()),
            admin: AdminListener::new(requests),
            rules,
            rules_kept_at,
            rules_keeper: forcing::Keeper::start(),
            last_good_keeper: zones::Keeper::start(),
            state_directory,
            state_tried: started,
            explaining: Arc::default(),
            local_trouble: publishing.engine.local_trouble(),
            local_trouble_told: None,
        };
        let mut server = Server { publishing, reloading, operator, supervision, started, started_at };
        let mut first: Vec<Transition> = std::iter::from_fn(|| transitions.try_recv().ok()).collect();
        server.begin(&config, digests, &mut first);
        Ok((server, Events { transitions, zone_requests: asked }))
    }
}
