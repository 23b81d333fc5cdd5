//! What the parts of forwarding share: cache, routing, counters.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock};

use super::cache::Cache;
use super::counters::{DispatcherCounters, WorkerCounters};
use super::loop_tokens::LoopTokens;
use super::routing::Routing;
use crate::answer::Readers;
use crate::sync::lock;
use crate::tls::Random;

/// What workers' frontends, the dispatcher and the tasks of questions share.
pub(super) struct ForwardState {
    pub(super) cache: Cache,
    pub(super) random: Random,
    pub(super) tokens: LoopTokens,
    pub(super) counters: DispatcherCounters,
    /// Of the routing: it grows with each change.
    pub(super) generation: AtomicU64,
    /// Our zones, where aliases of upstreams may lead to; none before any are served.
    pub(super) own_zones: OnceLock<Readers>,
    routing: Mutex<Arc<Routing>>,
    workers: Mutex<Vec<Arc<WorkerCounters>>>,
}

impl ForwardState {
    /// With an empty cache, and without workers.
    pub(super) fn new(routing: Routing) -> Self {
        Self {
            cache: Cache::new(&routing.cache),
            random: Random::new(),
            tokens: LoopTokens::default(),
            counters: DispatcherCounters::default(),
            generation: AtomicU64::new(1),
            own_zones: OnceLock::new(),
            routing: Mutex::new(Arc::new(routing)),
            workers: Mutex::default(),
        }
    }

    /// What is forwarded where.
    pub(super) fn routing(&self) -> Arc<Routing> {
        Arc::clone(&lock(&self.routing))
    }

    /// Replaces it.
    pub(super) fn set_routing(&self, routing: Routing) {
        *lock(&self.routing) = Arc::new(routing);
    }

    /// The counters of all workers that there have been.
    pub(super) fn workers(&self) -> Vec<Arc<WorkerCounters>> {
        lock(&self.workers).clone()
    }

    /// The counters of one more worker.
    pub(super) fn add_worker(&self) -> Arc<WorkerCounters> {
        let counters = Arc::<WorkerCounters>::default();
        lock(&self.workers).push(Arc::clone(&counters));
        counters
    }
}
