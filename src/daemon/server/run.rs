//! The start: which room is begun when, and on what.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime};

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::warn;

use super::super::clock::Clocks;
use super::super::load::Loaded;
use super::super::served::{LoadedZones, Served};
use super::super::{descriptors, forcing};
use super::apply::{commit, with_versions};
use super::certificate::Certificate;
use super::dispatcher::{Dispatcher, Treatments};
use super::forwarding::Forwarding;
use super::free_memory::FreeMemory;
use super::locals::Locals;
use super::notify_treatment::NotifyTreatment;
use super::operator::Operator;
use super::own_host::OwnHost;
use super::owners::Server;
use super::publishing::Publishing;
use super::reloading::{Reloading, files_changed, read};
use super::report::report_zones;
use super::settings::{health_settings, identity, know_clients, random_secret, transport_settings};
use super::signing_ahead::SigningAhead;
use super::supervision::{self, Supervision};
use super::telling::Telling;
use super::transferring::Transferring;
use super::turn::Events;
use super::updating::Updating;
use super::vantage::Vantage;
use super::waiting_changes::WaitingChanges;
use super::worker_counters::WorkerCounters;
use crate::answer::{MessageKind, Publisher, Snapshot};
use crate::config::Config;
use crate::control::{self, AdminRequest, ServiceManager};
use crate::crypto::{self, UnfitModule};
use crate::health::force::Rules;
use crate::health::{Board, Engine, Transition};
use crate::source::Look;
use crate::transport::{self, EncryptedRuntime, Inherited, Listeners, Taps};
use crate::zones::live::LiveZones;
use crate::zones::{
    self, Catalogs, FEEDS, FeedContext, Feeds, FileDigests, Marks, Publications, Secondaries, Serving,
};

/// Why the server did not start, or ended.
#[derive(Debug)]
pub enum Error {
    /// The config file cannot be used; the diagnostics, drawn.
    Config(String),
    /// Nothing may be computed that others rely on.
    Cryptography(UnfitModule),
    /// A socket cannot be had.
    Listen(transport::Error),
    /// The system refused something else.
    System(std::io::Error),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Config(drawn) => f.write_str(drawn),
            Error::Cryptography(fault) => write!(f, "error: {fault}"),
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
/// Only before it serves: when the cryptographic module is unfit, the config file cannot be used, or an address cannot be listened on. A zone
/// that cannot be read stops nothing.
pub async fn run(path: PathBuf, look: Look, inherited: Inherited) -> Result<(), Error> {
    crypto::check().map_err(Error::Cryptography)?;
    if let Err(fault) = descriptors::raise() {
        warn!("cannot raise the limit of {} open files: {fault}", descriptors::limit());
    }
    let (sender, mut requests) = control::requests().map_err(Error::System)?;
    let manager = ServiceManager::from_environment();
    let marks = Arc::new(Marks::default());
    let live = Arc::new(LiveZones::default());
    let (cause, known) = (zones::ReadCause::Start, Arc::clone(&live));
    let first = Serving { cause, marks: Arc::clone(&marks), live: known, ..Serving::default() };
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
        Server::start(path, loaded, digests, listeners, sender, supervision, (marks, live)).await?;
    server.notify_ready();
    server.turn(&mut requests, events).await;
    server.stop().await;
    Ok(())
}

/// Resolves when a signal asks for the end; other signals wait.
async fn stop_requested(requests: &mut mpsc::Receiver<AdminRequest>, early: &mut Vec<AdminRequest>) {
    while let Some(request) = requests.recv().await {
        match request {
            AdminRequest::Stop => return,
            other => early.push(other),
        }
    }
}

/// Forces what was forced when the server ended; with when that was read.
fn force_as_before(engine: &Engine, state_directory: Option<&Path>) -> (Rules, Clocks) {
    let read_at = Clocks::now();
    let rules = forcing::load(state_directory, read_at);
    engine.force(&rules);
    (rules, read_at)
}

/// What has come so far.
fn arrived(transitions: &mut mpsc::Receiver<Transition>) -> Vec<Transition> {
    std::iter::from_fn(|| transitions.try_recv().ok()).collect()
}

/// Has files read again, and zones made that are made from others. Of many calls at once some come to one reload; where the
/// queue is full of other requests, it waits for a place in it.
fn reloading_by(requests: mpsc::Sender<AdminRequest>, runtime: Handle) -> impl Fn() + Send + Sync {
    let is_waiting = Arc::new(AtomicBool::new(false));
    move || {
        if is_waiting.swap(true, Ordering::SeqCst) {
            return;
        }
        let (requests, is_waiting) = (requests.clone(), Arc::clone(&is_waiting));
        runtime.spawn(async move {
            let place = requests.reserve().await;
            // Whoever calls from now on may have changed what this reload does not see any more.
            is_waiting.store(false, Ordering::SeqCst);
            // An error is the end of the server.
            place.into_iter().for_each(|place| place.send(files_changed()));
        });
    }
}

impl Server {
    /// Probes everything once, and serves.
    pub(super) async fn start(
        path: PathBuf,
        loaded: Loaded,
        digests: FileDigests,
        listeners: Listeners,
        requests: mpsc::Sender<AdminRequest>,
        supervision: Supervision,
        (marks, live): (Arc<Marks>, Arc<LiveZones>),
    ) -> Result<(Server, Events), Error> {
        let (started, started_at) = (Instant::now(), SystemTime::now());
        let Loaded { config, mut zones, state_directory } = loaded;
        let holds = zones.iter_mut().filter_map(|zone| zone.hold.take()).collect();
        let (mut engine, mut transitions) = Engine::start(Handle::current(), health_settings(&config));
        let rules = force_as_before(&engine, state_directory.as_deref());
        let cookie_secret = random_secret();
        let identity = identity(&config, cookie_secret);
        let mut served = Served::first(LoadedZones::bind(zones, |targets| engine.watch(targets)), identity);
        know_clients(&mut served, &config);
        let forwarding = Forwarding::start(&config, cookie_secret);
        served.set_forward(forwarding.table());
        let own_host = OwnHost::look(&mut served);
        let (publications, asked) = Publications::channel();
        let mut updating = Updating::new(Arc::clone(&live), publications.clone());
        updating.follow(served.zones());
        let addresses_changed = Arc::new(reloading_by(requests.clone(), Handle::current()));
        let feeds = Feeds::start(FEEDS, &FeedContext::new(&publications, &live, addresses_changed));
        let catalogs = Catalogs::start(publications, feeds.find::<Secondaries>().cloned());
        let transferring = Transferring::start(&config, &served, &engine.board(), Arc::clone(&live));
        let dispatcher = dispatcher(&updating, &feeds, &transferring, &config);
        served.set_handed_over(dispatcher.kinds());
        // The reading may have looked at the networks a while ago.
        let locals = Locals::of(&config);
        locals.mean(&mut served, forwarding.networks());
        let certificate = Certificate::start(config.tls.clone(), config.client_ca.clone()).await;
        // Queries wait in the sockets meanwhile: better late than wrong.
        let mut first_round = tokio::spawn(engine.first_round());
        let _ = timeout(config.probe.startup_wait, &mut first_round).await;
        let board = engine.board();
        let publisher = Publisher::new(served.follow(&Snapshot::default(), &Board::default(), &board));
        forwarding.follow_aliases_into(publisher.readers());
        dispatcher.answer_queries_from(publisher.readers());
        let (counters, taps) = (WorkerCounters::default(), Taps::default());
        let (readers, forwarder) = (publisher.readers(), forwarding.forwarder());
        let make = counters.responders(readers, forwarder, Arc::clone(&dispatcher), taps.clone());
        let encrypted = EncryptedRuntime::default();
        let running = transport::start(listeners, make, certificate.tls(), encrypted.clone());
        let publishing = Publishing {
            publisher,
            published_at: SystemTime::now(),
            running: running.map_err(Error::Listen)?,
            served,
            waiting_changes: WaitingChanges::default(),
            are_zones_newer: false,
            board,
            counters,
            taps,
            forwarding,
            dispatcher,
            transferring,
            updates: updating.taker().clone(),
            catalogs,
            locals,
            own_host,
            cookie_secret,
            first_round,
            telling: Telling::load(state_directory.as_deref()),
            vantage: Vantage::default(),
            signing_ahead: SigningAhead::default(),
            free_memory: FreeMemory::at_start(Instant::now()),
            engine,
        };
        commit(with_versions(holds, &Served::default()), &publishing.served);
        let reloading = Reloading::new(path, marks, live, requests.clone());
        let trouble = publishing.engine.local_trouble();
        let operator = Operator::start(requests, (certificate, encrypted), rules, state_directory, trouble);
        let mut server =
            Server { publishing, reloading, operator, updating, supervision, feeds, started, started_at };
        server.begin(&config, digests, &mut arrived(&mut transitions));
        Ok((server, Events { transitions, zone_requests: asked }))
    }
}

/// Who treats what is no plain query.
fn dispatcher(
    updating: &Updating,
    feeds: &Feeds,
    transferring: &Transferring,
    config: &Config,
) -> Arc<Dispatcher> {
    let mut treatments = Treatments::default();
    if let Some(secondaries) = feeds.find::<Secondaries>() {
        treatments.add(MessageKind::Notify, NotifyTreatment::new(secondaries.clone()));
    }
    treatments.add(MessageKind::Update, updating.taker().clone());
    treatments.add(MessageKind::Transfer, transferring.treatment());
    Arc::new(Dispatcher::new(Handle::current(), treatments, &config.keys))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reload_that_finds_the_queue_full_waits_for_a_place() {
        let (sender, mut requests) = mpsc::channel(1);
        let reload = reloading_by(sender.clone(), Handle::current());
        sender.try_send(AdminRequest::Stop).unwrap();
        reload();
        reload();
        tokio::task::yield_now().await;
        assert!(matches!(requests.recv().await, Some(AdminRequest::Stop)));
        assert!(matches!(requests.recv().await, Some(AdminRequest::Reload { .. })));
        reload();
        assert!(matches!(requests.recv().await, Some(AdminRequest::Reload { .. })), "and the next one");
    }
}
