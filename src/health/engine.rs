//! The engine: probes every target at its time.
//!
//! One tokio task per target runs its probe, writes the outcome to the table and sleeps; one more task sends
//! transitions to the listener. The table is behind one lock, held for a single note: a few thousand notes
//! per second are no load.
//!
//! Has the clock, the random numbers and the tasks. Decisions are made in `verdict`, `schedule`, `turns` and
//! `table`.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::MissedTickBehavior;

use crate::probe::{Outcome, Prober, Reach};
use crate::sync::lock;
use crate::tls::Random;

use super::damping::Damping;
use super::force::Rules;
use super::lateness::{Lateness, Starts};
use super::place::Place;
use super::report::{LocalTrouble, Report, Transition};
use super::schedule::{self, Run, Waits};
use super::table::{Sights, Table, WatchNumber, Watched};
use super::turns::{Rank, Turn, Turns};
use super::vantages::{Standing, VantageSettings, Vantages, VantagesReport, Word};
use super::verdict::Effect;
use super::{Board, Target, TargetId};

/// Probes that run at once, by default: half of the 1,024 files that a process may usually open; the other
/// half is for serving. A probe that waits for its turn is late; its timeout and its silence begin when it
/// starts.
pub const PROBES_AT_ONCE_MAX: usize = 512;

/// Transitions on their way to the listener. When it is slower than that, the table keeps the last one of
/// each target, so that neither probes wait nor memory grows.
const TRANSITIONS_WAITING_MAX: usize = 256;

/// How often the targets for which nothing happens are looked after.
const TEND_INTERVAL: Duration = Duration::from_secs(1);

/// Whoever looks after them and was late by this much did not run at all for a while: the machine was stopped
/// or overloaded, and its probes were too. Their silence counts from then.
const ASLEEP: Duration = Duration::from_secs(3);

/// What the operator may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Probes that run at once; at least 1.
    pub probes_at_once_max: usize,
    /// How often a verdict may change until its target is held down.
    pub damping: Damping,
}

impl Default for Settings {
    fn default() -> Self {
        Self { probes_at_once_max: PROBES_AT_ONCE_MAX, damping: Damping::default() }
    }
}

/// Watches a set of targets. When it is dropped, all probing stops.
pub struct Engine {
    handle: Handle,
    shared: Arc<EngineState>,
    /// The task of each target: owned here, so that none outlives its target.
    running: HashMap<TargetId, Running>,
    /// Hands on transitions, as long as there is an engine.
    _sending: Running,
    /// Looks after targets for which nothing happens.
    _tending: Running,
}

impl Engine {
    /// An engine without targets, whose tasks run in the given runtime (with I/O and time), and where its
    /// transitions arrive: each one after the board has the new verdict.
    pub fn start(handle: Handle, settings: Settings) -> (Engine, mpsc::Receiver<Transition>) {
        Self::start_with(handle, settings, Box::new(|target| Box::new(target.probe.prober())))
    }

    fn start_with(
        handle: Handle,
        settings: Settings,
        runners: MakeRunner,
    ) -> (Engine, mpsc::Receiver<Transition>) {
        let shared = Arc::new(EngineState {
            table: Mutex::new(Table::new(settings.damping)),
            local_trouble: watch::Sender::new(None),
            oldest_unprobed: watch::Sender::new(WatchNumber::LAST),
            probed: watch::Sender::new(0),
            sights_changed: watch::Sender::new(0),
            unsent: Notify::new(),
            turns: Mutex::new(Arc::new(Turns::new(settings.probes_at_once_max))),
            probes_at_once_max: AtomicUsize::new(settings.probes_at_once_max),
            starts: Starts::new(),
            jitter: Random::new(),
            runners,
        });
        let (sender, transitions) = mpsc::channel(TRANSITIONS_WAITING_MAX);
        let sending = Running::from(handle.spawn(Arc::clone(&shared).send_transitions(sender)));
        let tending = Running::from(handle.spawn(Arc::clone(&shared).tend()));
        let running = HashMap::new();
        (Engine { handle, shared, running, _sending: sending, _tending: tending }, transitions)
    }

    /// Watches these targets, each once more for whoever asks: [`Engine::release`] ends that. One that was not
    /// watched is probed at once (thousands of them within their interval). The places are returned in the
    /// order given; equal targets share one, with its verdict and history. Costs what is given, however many
    /// targets there are.
    pub fn watch(&mut self, targets: &[Target]) -> Vec<TargetId> {
        let now = now();
        let mut table = self.shared.table();
        let taken = table.watch(targets, now);
        self.shared.publish_unprobed(&table);
        drop(table);
        // Only for spreading them: four thousand million do not fit into memory.
        let count = u32::try_from(taken.started.len()).unwrap_or(u32::MAX);
        for (place, watched) in (0..).zip(taken.started) {
            let first = schedule::first(now, place, count, watched.target.interval);
            let id = watched.id;
            let task = self.handle.spawn(Arc::clone(&self.shared).keep_probing(watched, first));
            self.running.insert(id, task.into());
        }
        taken.ids
    }

    /// Lets go of targets, once for each time that they are named. Those that nobody else wants stop at once.
    pub fn release(&mut self, ids: impl IntoIterator<Item = TargetId>) {
        let mut table = self.shared.table();
        let stopped = table.release(ids, now());
        self.shared.publish_unprobed(&table);
        drop(table);
        for id in stopped {
            self.running.remove(&id);
        }
    }

    /// Believes these rules from now on, before what probes say. The board has them when this returns.
    pub fn force(&self, rules: &Rules) {
        self.shared.table().force(rules, now());
        self.shared.unsent.notify_one();
    }

    /// Applies these settings from now on. When the number of turns changes, probes that run or wait keep the
    /// old turns, beside the new ones, until they end.
    pub fn change(&self, settings: Settings) {
        self.shared.table().damp(settings.damping);
        let before = self.shared.probes_at_once_max.swap(settings.probes_at_once_max, Ordering::Relaxed);
        if before != settings.probes_at_once_max {
            let fresh = Arc::new(Turns::new(settings.probes_at_once_max));
            *lock(&self.shared.turns) = fresh;
        }
    }

    /// Trouble on this host that keeps probes from saying anything: the newest, and when it changes.
    pub fn local_trouble(&self) -> watch::Receiver<Option<LocalTrouble>> {
        self.shared.local_trouble.subscribe()
    }

    /// The newest verdicts, all of one moment.
    pub fn board(&self) -> Board {
        self.shared.table().board()
    }

    /// Resolves when every target that is watched now has had its first outcome (local trouble counts), or is
    /// not watched any more.
    pub fn first_round(&self) -> impl Future<Output = ()> + Send + use<> {
        let upcoming = self.shared.table().upcoming();
        let mut oldest_unprobed = self.shared.oldest_unprobed.subscribe();
        async move {
            // An error means that the engine is gone: there is nothing to wait for.
            let _ = oldest_unprobed.wait_for(|oldest| *oldest >= upcoming).await;
        }
    }

    /// What remains to be probed of these targets: see [`Unprobed`].
    pub fn unprobed(&self, ids: &[TargetId]) -> Unprobed {
        let table = self.shared.table();
        Unprobed { watched: table.unprobed_of(ids), shared: Arc::clone(&self.shared) }
    }

    /// Heeds what other servers see by these settings from now on; none: nobody is heard. The board has it when this
    /// returns.
    pub fn follow_vantages(&self, settings: Option<VantageSettings>) {
        self.shared.table().follow_vantages(settings, now());
        self.shared.unsent.notify_one();
    }

    /// Where what is seen here is had, and what others see is told.
    pub fn exchange(&self) -> Exchange {
        Exchange { shared: Arc::clone(&self.shared) }
    }

    /// What other servers see, and whether it counts; none: nobody is heard.
    pub fn vantages(&self) -> Option<VantagesReport> {
        self.shared.table().vantages().map(Vantages::report)
    }

    /// A report on every target, for the status.
    pub fn report(&self) -> Vec<Report> {
        self.shared.table().report(now())
    }

    /// How late all probes have started so far.
    pub fn lateness(&self) -> Lateness {
        self.shared.starts.lateness()
    }
}

/// The end of whoever carries verdicts between servers: has what this host sees itself, and tells what others see.
#[derive(Clone)]
pub struct Exchange {
    shared: Arc<EngineState>,
}

impl Exchange {
    /// What this host sees itself.
    pub fn sights(&self) -> Sights {
        self.shared.table().sights()
    }

    /// Changes when this host may see something else.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.sights_changed.subscribe()
    }

    /// Tells what others see. The board has it when this returns.
    pub fn tell(&self, words: impl IntoIterator<Item = Word>) -> Option<Standing> {
        let mut table = self.shared.table();
        table.hear(words, now());
        let standing = table.vantages().map(|vantages| vantages.standing().clone());
        drop(table);
        self.shared.unsent.notify_one();
        standing
    }
}

/// Targets that had no outcome when they were looked at.
pub struct Unprobed {
    watched: Vec<Watched>,
    shared: Arc<EngineState>,
}

impl Unprobed {
    /// The longest time that one of their probes takes; none: they all have an outcome.
    pub fn timeout(&self) -> Option<Duration> {
        self.watched.iter().map(|watched| watched.target.probe.timeout).max()
    }

    /// Resolves when each has had its first outcome, be it local trouble, or is watched no more.
    pub async fn probed(self) {
        let Unprobed { mut watched, shared } = self;
        let mut probed = shared.probed.subscribe();
        loop {
            shared.table().retain_unprobed(&mut watched);
            if watched.is_empty() || probed.changed().await.is_err() {
                return;
            }
        }
    }
}

/// Runs the probe of one target, again and again. A trait, so that tests need neither sockets nor time.
trait Runner: Send {
    /// One run.
    fn run(&mut self) -> Boxed<'_, Outcome>;
    /// Resolves when there is a reason to run before the next turn.
    fn hint(&mut self) -> Boxed<'_, ()>;
}

type Boxed<'r, T> = Pin<Box<dyn Future<Output = T> + Send + 'r>>;

type MakeRunner = Box<dyn Fn(&Target) -> Box<dyn Runner> + Send + Sync>;

impl Runner for Prober {
    fn run(&mut self) -> Boxed<'_, Outcome> {
        Box::pin(Prober::run(self))
    }

    fn hint(&mut self) -> Boxed<'_, ()> {
        Box::pin(Prober::hint(self))
    }
}

/// State that the tasks share.
struct EngineState {
    table: Mutex<Table>,
    local_trouble: watch::Sender<Option<LocalTrouble>>,
    oldest_unprobed: watch::Sender<WatchNumber>,
    /// How many targets have had their first outcome so far, or went without.
    probed: watch::Sender<u64>,
    /// How often verdicts have changed.
    sights_changed: watch::Sender<u64>,
    /// There are unsent transitions in the table.
    unsent: Notify,
    /// The turns: permits to probe.
    turns: Mutex<Arc<Turns>>,
    /// Number of turns.
    probes_at_once_max: AtomicUsize,
    /// How late probes started.
    starts: Starts,
    /// Numbers without a system call each: there is one for every probe.
    jitter: Random,
    runners: MakeRunner,
}

impl EngineState {
    fn table(&self) -> MutexGuard<'_, Table> {
        lock(&self.table)
    }

    /// A number for jitter.
    fn jitter(&self) -> u32 {
        let [a, b, c, d, ..] = self.jitter.next().to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }

    fn publish_unprobed(&self, table: &Table) {
        let oldest = table.oldest_unprobed();
        self.oldest_unprobed.send_if_modified(|before| std::mem::replace(before, oldest) != oldest);
        let probed = table.probed();
        self.probed.send_if_modified(|before| std::mem::replace(before, probed) != probed);
    }

    fn publish_local_trouble(&self, table: &Table) {
        let newest = table.local_trouble();
        self.local_trouble.send_if_modified(|before| {
            let is_news = before.as_ref() != newest;
            if is_news {
                *before = newest.cloned();
            }
            is_news
        });
    }

    /// Looks after the targets for which nothing happens, for ever.
    async fn tend(self: Arc<Self>) {
        let mut turns = tokio::time::interval(TEND_INTERVAL);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = now();
        let mut awake = last;
        loop {
            turns.tick().await;
            let now = now();
            if now.saturating_duration_since(last) > ASLEEP {
                awake = now;
            }
            last = now;
            self.table().tend(now, awake);
            self.unsent.notify_one();
        }
    }

    /// Probes a target until it is not watched any more.
    async fn keep_probing(self: Arc<Self>, watched: Watched, first: Instant) {
        let Target { interval, retry, .. } = *watched.target;
        let mut runner = (self.runners)(&watched.target);
        let mut due = first;
        let mut last_early = None;
        let mut rank = Rank::Unsure;
        let mut placed_by = None;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(due.into()) => {}
                () = runner.hint() => {
                    let early = schedule::early(now(), last_early, retry);
                    last_early = if early < due { Some(early) } else { last_early };
                    due = early.min(due);
                    tokio::time::sleep_until(due.into()).await;
                }
            }
            let turn = self.turn(&watched, rank).await;
            let started = now();
            self.starts.note(started.saturating_duration_since(due));
            let outcome = runner.run().await;
            drop(turn);
            let run = Run { started, ended: now() };
            // An address may move; where it lies is looked up when something else is seen of it.
            let has_passed = matches!(outcome, Outcome::Pass { .. });
            let is_asked = watched.target.probe.kind.entry().reach == Reach::Network;
            if is_asked && placed_by.replace(has_passed) != Some(has_passed) {
                let place = Place::of(watched.target.probe.address);
                self.table().set_place(&watched, place);
            }
            let Some(effect) = self.record(&watched, &outcome, run.ended) else { return };
            rank = rank.after(&outcome, effect);
            let interval = if rank == Rank::Down { watched.target.interval_down() } else { interval };
            due = schedule::next(run, effect, Waits { interval, retry }, self.jitter());
        }
    }

    /// Takes a turn. The table knows the targets that wait for one: their wait does not count as silence.
    async fn turn(&self, of: &Watched, rank: Rank) -> Turn {
        let turns = Arc::clone(&lock(&self.turns));
        if let Some(turn) = turns.try_take(rank) {
            return turn;
        }
        self.table().wait(of);
        let turn = turns.take(rank).await;
        self.table().begin(of, now());
        turn
    }

    fn record(&self, of: &Watched, outcome: &Outcome, ended: Instant) -> Option<Effect> {
        let mut table = self.table();
        let effect = table.record(of, outcome, ended);
        self.publish_unprobed(&table);
        self.publish_local_trouble(&table);
        drop(table);
        if let Some(Effect::Changed(_)) = effect {
            self.unsent.notify_one();
            self.sights_changed.send_modify(|count| *count = count.wrapping_add(1));
        }
        effect
    }

    /// Hands transitions on, one by one, as fast as they are taken.
    async fn send_transitions(self: Arc<Self>, listener: mpsc::Sender<Transition>) {
        while let Ok(room) = listener.reserve().await {
            room.send(self.next_unsent().await);
        }
    }

    async fn next_unsent(&self) -> Transition {
        loop {
            let unsent = self.table().take_unsent();
            match unsent {
                Some(transition) => return transition,
                None => self.unsent.notified().await,
            }
        }
    }
}

/// A task that ends when this is dropped.
struct Running(AbortHandle);

impl From<JoinHandle<()>> for Running {
    fn from(task: JoinHandle<()>) -> Self {
        Running(task.abort_handle())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The monotonic clock; tokio's, so that a test can move it.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod socket_tests;
