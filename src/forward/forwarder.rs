//! The forwarder as the rest of the program has it: started once, told what
//! to do, asked how it is doing.
//!
//! Responsible for what desks, clerk and tasks share, and for following the
//! settings and the system's resolv.conf.
//! Not responsible for any query.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use super::cache::Cache;
use super::clerk::{Clerk, Event, QUEUE_MAX};
use super::counters::{ClerkCounters, WorkerCounters};
use super::desk::Desk;
use super::plan::Plan;
use super::report::Report;
use super::resolv_conf::Stamp;
use super::settings::{Settings, Upstreams};
use super::upstream::Upstream;
use super::watch::{self, Tokens};
use crate::answer::Readers;
use crate::tls::Random;

/// How often it is looked whether resolv.conf is another one.
const FOLLOW_INTERVAL: Duration = Duration::from_secs(2);

/// What desks, clerk and tasks share.
pub(super) struct Shared {
    pub(super) cache: Cache,
    pub(super) random: Random,
    pub(super) tokens: Tokens,
    pub(super) counters: ClerkCounters,
    /// Of the plan; goes up whenever that is another one.
    pub(super) generation: AtomicU64,
    /// Where aliases of upstreams may lead to; none before there is anything served.
    pub(super) our_zones: OnceLock<Readers>,
    plan: Mutex<Arc<Plan>>,
    workers: Mutex<Vec<Arc<WorkerCounters>>>,
}

impl Shared {
    /// What is forwarded where.
    pub(super) fn plan(&self) -> Arc<Plan> {
        Arc::clone(&lock(&self.plan))
    }

    /// The counters of all workers that there have been.
    pub(super) fn workers(&self) -> Vec<Arc<WorkerCounters>> {
        lock(&self.workers).clone()
    }
}

/// Forwards. Dropped, with all its desks, it ends.
#[derive(Clone)]
pub struct Forwarder {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Event>,
    handle: Handle,
}

impl Forwarder {
    /// Starts on the runtime of `handle`, which needs I/O and time.
    pub fn start(handle: &Handle, settings: Settings) -> Self {
        let _runtime = handle.enter();
        let plan = Plan::new(settings, None);
        let shared = Arc::new(Shared {
            cache: Cache::new(&plan.cache),
            random: Random::new(),
            tokens: Tokens::default(),
            counters: ClerkCounters::default(),
            generation: AtomicU64::new(1),
            our_zones: OnceLock::new(),
            plan: Mutex::new(Arc::new(plan)),
            workers: Mutex::default(),
        });
        let (queue, handed) = mpsc::channel(QUEUE_MAX);
        handle.spawn(Clerk::new(Arc::clone(&shared), handed).run());
        handle.spawn(follow(Arc::downgrade(&shared)));
        introduce(&shared, &[]);
        Self { shared, queue, handle: handle.clone() }
    }

    /// Does what `settings` say from now on. Answers that are kept, and what
    /// is believed of upstreams that stay, are not lost.
    pub fn change(&self, settings: Settings) {
        let _runtime = self.handle.enter();
        let before = self.shared.plan();
        let plan = Plan::new(settings, Some(&before));
        self.shared.cache.follow(&plan.cache);
        let divides_as_before = plan.divides_as(&before);
        *lock(&self.shared.plan) = Arc::new(plan);
        if !divides_as_before {
            self.shared.cache.forget_aliases();
        }
        self.shared.generation.fetch_add(1, Ordering::Release);
        introduce(&self.shared, &before.upstreams());
    }

    /// Answers from what `readers` show where an alias of an upstream leads to
    /// a name of ours. Said once, when there is something served.
    pub fn follow_aliases_into(&self, readers: Readers) {
        // A second time it would be the same ones.
        let _ = self.shared.our_zones.set(readers);
    }

    /// The desk of one more worker.
    pub fn desk(&self) -> Desk {
        let counters = Arc::<WorkerCounters>::default();
        lock(&self.shared.workers).push(Arc::clone(&counters));
        Desk::new(Arc::clone(&self.shared), self.queue.clone(), counters)
    }

    /// How everything stands; nothing, where nothing is forwarded.
    pub fn report(&self) -> Option<Report> {
        Report::of(&self.shared)
    }
}

/// Looks at the upstreams that are not among those of `before`.
fn introduce(shared: &Arc<Shared>, before: &[Arc<Upstream>]) {
    for upstream in shared.plan().upstreams() {
        if !before.iter().any(|known| Arc::ptr_eq(known, &upstream)) {
            watch::introduce(shared, &upstream);
        }
    }
}

/// Reads the system's upstreams anew whenever their file is another one.
async fn follow(shared: Weak<Shared>) {
    let mut ticks = interval(FOLLOW_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(shared) = shared.upgrade() else { return };
        // A file system that hangs must hold up nothing else.
        if tokio::task::spawn_blocking(move || follow_once(&shared)).await.is_err() {
            return;
        }
    }
}

fn follow_once(shared: &Arc<Shared>) {
    let plan = shared.plan();
    let before = plan.upstreams();
    let mut known = before.clone();
    for zone in &plan.zones {
        let Upstreams::System(path) = &zone.settings.upstreams else { continue };
        if *lock(&zone.seen) == Some(Stamp::of(path)) {
            continue;
        }
        zone.read(&plan.own, &mut known);
        let upstreams: Vec<String> =
            zone.upstreams().iter().map(|upstream| upstream.remote().to_string()).collect();
        tracing::info!(
            "{} has changed: {} is forwarded to {}",
            path.display(),
            zone.settings.apex,
            if upstreams.is_empty() { "nobody".to_owned() } else { upstreams.join(" ") }
        );
    }
    introduce(shared, &before);
}

/// A poisoned lock is used on: each holder leaves the value whole.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
