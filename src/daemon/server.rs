//! The running server: starts the rooms in order and turns the one loop.
//!
//! Responsible for acting: on requests, on changed verdicts, on the end of a
//! reading. It alone publishes.
//! Not responsible for reading (`load`) or for what is served (`served`).

mod admin;
mod choosing;
mod counted;
mod explaining;
mod files;
mod forwarding;
mod locals;
mod operator;
mod reloads;
mod report;
mod settings;
mod status;
mod supervision;
mod taking_over;
mod transitions;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::{info, warn};

use self::admin::Admin;
use self::counted::Counted;
use self::forwarding::Forwarding;
use self::locals::Locals;
use self::operator::Control;
use self::reloads::Reloads;
use self::report::report_zones;
use self::settings::{health_settings, identity, random_secret, rate_limit, transport_settings};
use self::supervision::Supervision;
use self::taking_over::Upcoming;
use self::transitions::{FirstVerdicts, Telling, tell, tell_quietly};
use super::clock::Clocks;
use super::descriptors;
use super::folders::control_socket;
use super::forcing::{self, Keeper};
use super::load::{Loaded, Reading};
use super::served::Served;
use crate::answer::{CookieSecret, Publisher, Snapshot};
use crate::config::Config;
use crate::control::{self, Cause, Request, ServiceManager};
use crate::health::force::Rules;
use crate::health::{Board, Engine, LocalTrouble, Transition};
use crate::source::{Look, TextFile};
use crate::transport::{self, Inherited, Listeners, Running, SnapshotResponder, Taps};
use crate::zones::{self, FileDigests, Marks, Purpose, Serving, Watching, ZoneId, known_networks};

/// How often snapshots that no worker holds any more are freed.
const RECLAIM_INTERVAL: Duration = Duration::from_secs(1);

/// Verdicts that are published together: a rack that goes down is one change.
const TRANSITIONS_AT_ONCE_MAX: usize = 256;

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
/// Only before it serves: when the config file cannot be used, or an address
/// cannot be listened on. A zone that cannot be read stops nothing.
pub async fn run(path: PathBuf, look: Look, inherited: Inherited) -> Result<(), Error> {
    if let Err(fault) = descriptors::raise() {
        warn!("no more than {} files may be open: {fault}", descriptors::limit());
    }
    let (sender, mut requests) = control::requests().map_err(Error::System)?;
    let manager = ServiceManager::from_environment();
    let marks = Arc::new(Marks::default());
    let first = Serving { cause: zones::Cause::Start, marks: Arc::clone(&marks), ..Serving::default() };
    let mut early = Vec::new();
    let reading = tokio::select! {
        reading = supervision::first_reading(read(path.clone(), first), &manager) => reading,
        () = told_to_stop(&mut requests, &mut early) => {
            manager.stopping();
            marks.remove_all();
            return Ok(());
        }
    };
    // They were taken from the same queue, which has room for them.
    early.into_iter().for_each(|request| drop(sender.try_send(request)));
    let reading = reading.map_err(|fault| Error::System(std::io::Error::other(fault)))?;
    let stands = reading.stands();
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
    supervision::tell_first_round(&manager, loaded.config.probe.startup_wait);
    let supervision = Supervision::new(manager);
    let (mut server, transitions) =
        Server::start(path, loaded, stands, listeners, sender, supervision, marks).await?;
    server.tell_ready();
    server.turn(&mut requests, transitions).await;
    server.stop().await;
    Ok(())
}

/// Resolves when somebody wants an end; what else they want is for later.
async fn told_to_stop(requests: &mut mpsc::Receiver<Request>, early: &mut Vec<Request>) {
    while let Some(request) = requests.recv().await {
        match request {
            Request::Stop => return,
            other => early.push(other),
        }
    }
}

/// Reads on a thread of its own: a large zone takes seconds, in which the
/// loop goes on. What is `served` and has not changed is not read again.
fn read(path: PathBuf, serving: Serving) -> JoinHandle<Reading> {
    tokio::task::spawn_blocking(move || Reading::new(&path, &Purpose::Serve(serving), |_, _| {}))
}

struct Server {
    path: PathBuf,
    publisher: Publisher,
    /// When it last did.
    published_at: SystemTime,
    engine: Engine,
    running: Running<SnapshotResponder>,
    served: Served,
    /// What the newest snapshot was made of.
    board: Board,
    counted: Counted,
    /// Where traces are opened.
    taps: Taps,
    explaining: explaining::Turn,
    forwarding: Forwarding,
    locals: Locals,
    /// Made at start where the config names none, so that a reload keeps it.
    cookie_secret: Option<CookieSecret>,
    started: Instant,
    /// The same by the clock of that moment.
    started_at: SystemTime,
    /// Ends when every target of the start has had its first outcome.
    first_round: JoinHandle<()>,
    /// Why the last reload changed nothing; none: it was taken over, or there was none.
    refusal: Option<String>,
    /// What a reload has read, until the targets that it brings have been probed.
    upcoming: Option<Box<Upcoming>>,
    /// What was said last of descriptors that may not be enough.
    shortage: Option<String>,
    control: Control,
    admin: Admin,
    /// What the operator has said of targets.
    rules: Rules,
    /// When they were written last, or read.
    rules_kept_at: Clocks,
    keeper: Keeper,
    text_keeper: zones::Keeper,
    /// Where both is kept.
    state_directory: Option<PathBuf>,
    /// When it was last tried again to write what could not be written.
    state_tried: Instant,
    first_verdicts: FirstVerdicts,
    supervision: Supervision,
    /// The files of what is served, as they were read last.
    stands: FileDigests,
    /// None: they are not watched.
    watching: Option<Watching>,
    /// What the last reading held back, to see whether the next one finds the same.
    held: Vec<(ZoneId, Vec<TextFile>)>,
    /// Whether a change is to be read that was seen while somebody wrote the config file.
    is_put_off: bool,
    /// When files last came that had not come before.
    came: Option<Instant>,
    marks: Arc<Marks>,
    requests: mpsc::Sender<Request>,
    local_trouble: watch::Receiver<Option<LocalTrouble>>,
    local_trouble_told: Option<LocalTrouble>,
}

impl Server {
    /// Probes everything once, and serves.
    async fn start(
        path: PathBuf,
        loaded: Loaded,
        stands: FileDigests,
        listeners: Listeners,
        requests: mpsc::Sender<Request>,
        supervision: Supervision,
        marks: Arc<Marks>,
    ) -> Result<(Server, mpsc::Receiver<Transition>), Error> {
        let started = Instant::now();
        let Loaded { config, zones, state_directory } = loaded;
        let (mut engine, mut transitions) = Engine::start(Handle::current(), health_settings(&config));
        let rules_kept_at = Clocks::now();
        let rules = forcing::load(state_directory.as_deref(), rules_kept_at);
        engine.force(&rules);
        let cookie_secret = random_secret();
        let mut served = Served::after(&Served::default(), zones, identity(&config, cookie_secret));
        served.set_limit(rate_limit(&config.limit, &known_networks()));
        let forwarding = Forwarding::start(&config, cookie_secret);
        served.set_forward(forwarding.table());
        // The reading may have looked at the networks a while ago.
        let locals = Locals::of(&config);
        locals.mean(&mut served, forwarding.networks());
        served.bind(engine.watch(&served.targets()));
        // Queries wait in the sockets meanwhile: better late than wrong.
        let mut first_round = tokio::spawn(engine.first_round());
        let _ = timeout(config.probe.startup_wait, &mut first_round).await;
        let board = engine.board();
        let publisher = Publisher::new(served.snapshot(&board));
        forwarding.follow_aliases_into(publisher.readers());
        let counted = Counted::default();
        let taps = Taps::default();
        let make = counted.responders(publisher.readers(), forwarding.forwarder(), taps.clone());
        let running = transport::start(listeners, make, Handle::current()).map_err(Error::Listen)?;
        let mut server = Server {
            local_trouble: engine.local_trouble(),
            local_trouble_told: None,
            keeper: Keeper::start(),
            text_keeper: zones::Keeper::start(),
            stands: FileDigests::new(),
            watching: None,
            held: Vec::new(),
            is_put_off: false,
            came: None,
            marks,
            path,
            publisher,
            published_at: SystemTime::now(),
            engine,
            running,
            served,
            board,
            counted,
            taps,
            explaining: explaining::Turn::default(),
            forwarding,
            locals,
            cookie_secret,
            started,
            started_at: SystemTime::now(),
            first_round,
            refusal: None,
            upcoming: None,
            shortage: None,
            control: Control::new(requests.clone()),
            admin: Admin::new(requests.clone()),
            requests,
            rules,
            rules_kept_at,
            state_directory,
            state_tried: started,
            first_verdicts: FirstVerdicts::default(),
            supervision,
        };
        let mut first: Vec<Transition> = std::iter::from_fn(|| transitions.try_recv().ok()).collect();
        server.begin(&config, stands, &mut first);
        Ok((server, transitions))
    }

    /// Lets operators in, and follows what changes from now on; `first` is what the first probes have found.
    fn begin(&mut self, config: &Config, stands: FileDigests, first: &mut Vec<Transition>) {
        self.local_trouble.mark_changed();
        self.tell_shortage(config);
        self.control.follow(control_socket(config).as_deref());
        self.admin.follow(&config.admin);
        self.note(first);
        self.keep_texts();
        self.follow_files(stands, Some(config));
        self.report_ready();
    }

    /// The one loop: whatever happens, happens here, one after the other.
    async fn turn(
        &mut self,
        requests: &mut mpsc::Receiver<Request>,
        mut transitions: mpsc::Receiver<Transition>,
    ) {
        let mut reclaim = interval(RECLAIM_INTERVAL);
        reclaim.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut reloads = Reloads::default();
        let mut changed = Vec::new();
        loop {
            tokio::select! {
                request = requests.recv() => match request {
                    Some(Request::Reload { cause: Cause::Change, .. }) if self.is_config_written() => self.is_put_off = true,
                    Some(Request::Reload { cause, reply }) => {
                        self.supervision.reloading();
                        reloads.ask(cause, reply, |cause| self.begin_reading(cause));
                    }
                    // Whoever asked may have gone meanwhile.
                    Some(Request::Status { reply }) => drop(reply.send(Box::new(self.status()))),
                    Some(Request::Pulse { reply }) => self.tell_pulse(reply),
                    Some(Request::Force { order, reply }) => self.force(order, reply),
                    Some(Request::Explain { order, reply }) => self.explain(&order, reply),
                    Some(Request::Trace { filter, until, reply }) => drop(reply.send(self.taps.open(filter, until))),
                    Some(Request::Stop) | None => return,
                },
                1.. = transitions.recv_many(&mut changed, TRANSITIONS_AT_ONCE_MAX) => self.note(&mut changed),
                Ok(()) = self.local_trouble.changed() => self.tell_local_trouble(),
                ended = reloads.ended() => self.go_on(ended, &mut reloads),
                () = self.supervision.sign_due() => self.tell_alive(),
                _ = reclaim.tick() => {
                    self.publisher.reclaim();
                    self.expire_rules();
                    self.expire_zones();
                    self.supervision.tell_loading();
                    self.tell_headline();
                    self.taps.expire(Instant::now());
                    self.follow_networks();
                    self.keep_what_is_not_kept();
                    self.tell_first_verdicts();
                    self.follow_files_that_came();
                    self.read_what_was_put_off();
                }
            }
        }
    }

    /// Publishes what is served and believed now, all of it chosen anew.
    fn publish_anew(&mut self) {
        self.board = self.engine.board();
        let fresh = self.served.snapshot_after(&self.publisher.newest(), &self.board);
        self.publish(fresh);
    }

    /// Serves zones no more whose sources were silent for too long.
    fn expire_zones(&mut self) {
        if self.served.expire(Instant::now()) {
            self.publish_anew();
        }
    }

    fn publish(&mut self, snapshot: Snapshot) {
        self.publisher.publish(snapshot);
        self.published_at = SystemTime::now();
    }

    /// Verdicts have changed: publish once, then say so of each.
    fn note(&mut self, changed: &mut Vec<Transition>) {
        let board = self.engine.board();
        let fresh = self.served.follow(&self.publisher.newest(), &self.board, &board);
        self.publish(fresh);
        self.board = board.clone();
        for transition in changed.drain(..) {
            if self.first_verdicts.take(&transition) == Telling::InTotal {
                tell_quietly(&transition);
                continue;
            }
            // A target of what is about to be served matters to none of the pools that are.
            let is_new = self.served.pools_of(transition.target).next().is_none();
            let upcoming = self.upcoming.as_ref().filter(|_| is_new);
            tell(&transition, upcoming.map_or(&self.served, |upcoming| &upcoming.served), &board);
        }
    }

    async fn stop(self) {
        let started = Instant::now();
        let answered = self.counted.answered();
        self.supervision.manager.stopping();
        self.running.stop().await;
        self.keeper.stop().await;
        self.text_keeper.stop().await;
        self.marks.remove_all();
        let lateness = self.engine.lateness();
        let [half, most] = [50, 99].map(|percent| lateness.percentile(percent).as_micros());
        let probes = lateness.probes();
        info!("{probes} probes, of which 50 % started late by at most {half} µs, 99 % by {most} µs");
        info!("stopped after {answered} answers, in {} ms", started.elapsed().as_millis());
    }
}
