//! The cache as a worker uses it, for a query whose name is not in our zones.
//!
//! Answers from the cache at once, and hands over what is not there. HOT: nothing here waits.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::cache::{CacheTime, Look};
use super::client_query::ClientQuery;
use super::cookies::Cookies;
use super::counters::WorkerCounters;
use super::event::ForwardEvent;
use super::forward_state::ForwardState;
use super::settings::Prefetch;
use super::stored::ChainEnd;
use crate::answer::{CookieSecret, Peer};
use crate::transport::{Deferred, ForwardResponder};

/// The frontend of one worker.
pub struct CacheFrontend {
    shared: Arc<ForwardState>,
    queue: mpsc::Sender<ForwardEvent>,
    counters: Arc<WorkerCounters>,
    now: CacheTime,
    cookies: Cookies,
    /// Of the routing that was looked at last.
    generation: u64,
    cookie_secret: Option<CookieSecret>,
    prefetch: Prefetch,
}

impl CacheFrontend {
    pub(super) fn new(
        shared: Arc<ForwardState>,
        queue: mpsc::Sender<ForwardEvent>,
        counters: Arc<WorkerCounters>,
    ) -> Self {
        Self {
            shared,
            queue,
            counters,
            now: CacheTime::default(),
            cookies: Cookies::default(),
            generation: 0,
            cookie_secret: None,
            prefetch: Prefetch::Off,
        }
    }
}

impl ForwardResponder for CacheFrontend {
    fn begin_batch(&mut self, now: Duration) {
        let newest = self.shared.generation.load(Ordering::Acquire);
        if newest != self.generation {
            self.generation = newest;
            let routing = self.shared.routing();
            (self.cookie_secret, self.prefetch) = (routing.cookie_secret, routing.cache.prefetch);
        }
        self.now = self.shared.cache.now();
        self.cookies = Cookies::new(self.cookie_secret, now);
    }

    fn respond(&mut self, peer: Peer, query: &[u8], out: &mut [u8]) -> Option<usize> {
        let query = ClientQuery::read(peer, query)?;
        let key = query.key();
        let cookies = self.cookies;
        let found = self.shared.cache.look(key.bytes(), self.now, self.prefetch, |stored, age| {
            // What its alias leads to is not cached with it.
            (stored.end() != ChainEnd::AtAlias).then(|| stored.write(&query, age, cookies, out))
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
                if self.queue.try_send(ForwardEvent::Refresh(key.to_key())).is_err() {
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

    fn forward(&mut self, deferred: Deferred) {
        let Err(TrySendError::Full(event) | TrySendError::Closed(event)) =
            self.queue.try_send(ForwardEvent::Query(deferred))
        else {
            return;
        };
        self.counters.dropped.add();
        if let ForwardEvent::Query(mut deferred) = event
            && let Some(partial) = deferred.partial.take()
        {
            // What our zones answer is sent however busy upstreams are. A full buffer is counted there
            // already.
            let _ = deferred.answer(&partial);
        }
    }
}
