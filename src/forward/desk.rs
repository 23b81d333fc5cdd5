//! The desk: what a worker does with a query for a name that is not ours.
//!
//! Responsible for answering from the cache at once, and for handing over
//! what is not there. HOT: nothing here waits.
//! Not responsible for anything that takes time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::asked::{Asked, Wanted};
use super::cache::{Look, Moment};
use super::clerk::Event;
use super::counters::WorkerCounters;
use super::forwarder::Shared;
use super::settings::Prefetch;
use super::stored::{Courtesy, End};
use crate::answer::{CookieSecret, Peer};
use crate::transport::{Deferred, ForwardResponder};

/// The desk of one worker.
pub struct Desk {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Event>,
    counters: Arc<WorkerCounters>,
    now: Moment,
    courtesy: Courtesy,
    /// Of the plan that was looked at last.
    generation: u64,
    cookies: Option<CookieSecret>,
    prefetch: Prefetch,
}

impl Desk {
    pub(super) fn new(
        shared: Arc<Shared>,
        queue: mpsc::Sender<Event>,
        counters: Arc<WorkerCounters>,
    ) -> Self {
        Self {
            shared,
            queue,
            counters,
            now: Moment::default(),
            courtesy: Courtesy::default(),
            generation: 0,
            cookies: None,
            prefetch: Prefetch::Off,
        }
    }
}

impl ForwardResponder for Desk {
    fn begin_batch(&mut self, now: Duration) {
        let newest = self.shared.generation.load(Ordering::Acquire);
        if newest != self.generation {
            self.generation = newest;
            let plan = self.shared.plan();
            (self.cookies, self.prefetch) = (plan.cookies, plan.cache.prefetch);
        }
        self.now = self.shared.cache.now();
        self.courtesy = Courtesy::new(self.cookies, now);
    }

    fn respond(&mut self, peer: Peer, query: &[u8], out: &mut [u8]) -> Option<usize> {
        let asked = Asked::read(query)?;
        let key = asked.key();
        let courtesy = self.courtesy;
        let found = self.shared.cache.look(key.bytes(), self.now, self.prefetch, |stored, age| {
            // What stands behind its alias is not kept with it.
            (stored.end() != End::AtAlias).then(|| stored.write(&asked, peer, age, courtesy, out))
        });
        match found {
            Look::Fresh(Some(length)) => {
                self.counters.hits.add();
                Some(length)
            }
            Look::Due(length) => {
                match length {
                    Some(_) => self.counters.hits.add(),
                    None => self.counters.misses.add(),
                }
                if self.queue.try_send(Event::Refresh(Wanted::of(&key))).is_err() {
                    self.shared.cache.end_refresh(key.bytes());
                }
                length
            }
            Look::Stale(Some(length)) => {
                self.counters.stale.add();
                Some(length)
            }
            Look::Fresh(None) | Look::Stale(None) | Look::Missing => {
                self.counters.misses.add();
                None
            }
        }
    }

    fn hand_over(&mut self, deferred: Deferred) {
        let Err(TrySendError::Full(event) | TrySendError::Closed(event)) =
            self.queue.try_send(Event::Query(deferred))
        else {
            return;
        };
        self.counters.dropped.add();
        if let Event::Query(mut deferred) = event
            && let Some(begun) = deferred.begun.take()
        {
            // What our zones say is said however busy others are. A full buffer is counted there already.
            let _ = deferred.answer(&begun);
        }
    }
}
