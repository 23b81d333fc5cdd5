//! The dispatcher: takes the queries that workers could not answer, asks each question once however many
//! clients wait for it, and answers them.
//!
//! Has the questions in flight and the queries that wait for them. One task has all of it, so that nothing is
//! locked. Not responsible for asking (`resolve`), for what an answer is worth (`classify`) or for what is
//! cached (`cache`).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::cache::Asker;
use super::cache_key::CacheKey;
use super::classify::classify;
use super::cookies::Cookies;
use super::event::ForwardEvent;
use super::extended_error::ExtendedError;
use super::forward_state::ForwardState;
use super::own_zones::{OwnAnswer, OwnZones};
use super::partial::{self, Aged, Written};
use super::resolution::{NoResponse, Resolution};
use super::resolve::resolve;
use super::routing::{RoutedZone, Routing};
use super::stored::{Age, Stored};
use super::waiter::Waiter;
use super::waiting::Waiting;
use crate::dns::message::Rcode;
use crate::transport::Deferred;

/// Queries that workers have handed over and that have not been looked at. Looking takes microseconds: a
/// worker that finds this full is in a flood.
pub(super) const QUEUE_MAX: usize = 4096;

/// Questions in flight. Each has a socket, and upstreams limit them, too.
pub const IN_FLIGHT_MAX: usize = 1000;

/// Queries taken from the queue at a time.
const TAKEN_AT_ONCE: usize = 64;

/// RFC 8767's client response timer (section 5): how long a client waits for a fresh answer while there is a
/// stale one. Less than the time after which it asks again.
const CLIENT_RESPONSE_TIMER: Duration = Duration::from_millis(1800);

/// What comes of a question.
enum Done {
    /// The client response timer has run out; the question is still in flight.
    Late(CacheKey),
    /// It is resolved.
    Resolved(CacheKey, Resolution),
}

/// The dispatcher.
pub(super) struct Dispatcher {
    shared: Arc<ForwardState>,
    queue: mpsc::Receiver<ForwardEvent>,
    done: mpsc::Receiver<Done>,
    doing: mpsc::Sender<Done>,
    in_flight: HashMap<CacheKey, InFlight>,
    waiting: Waiting,
    own_zones: OwnZones,
    out: Box<[u8]>,
}

/// A question in flight.
struct InFlight {
    waiting: Vec<Waiter>,
    asker: Asker,
    late: Late,
}

/// Whether the client response timer has run out: clients get stale answers then.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Late {
    Yes,
    No,
}

impl Dispatcher {
    pub(super) fn new(shared: Arc<ForwardState>, queue: mpsc::Receiver<ForwardEvent>) -> Self {
        let (doing, done) = mpsc::channel(IN_FLIGHT_MAX);
        let own_zones = OwnZones::new(shared.random.next());
        Self {
            shared,
            queue,
            done,
            doing,
            in_flight: HashMap::new(),
            waiting: Waiting::default(),
            own_zones,
            out: vec![0; usize::from(u16::MAX)].into_boxed_slice(),
        }
    }

    /// Works until no worker is left that could hand anything over.
    pub(super) async fn run(mut self) {
        let mut taken = Vec::with_capacity(TAKEN_AT_ONCE);
        loop {
            tokio::select! {
                // What is resolved first: it makes room.
                biased;
                Some(done) = self.done.recv() => match done {
                    Done::Late(key) => self.late(&key),
                    Done::Resolved(key, resolution) => self.resolved(&key, &resolution),
                },
                count = self.queue.recv_many(&mut taken, TAKEN_AT_ONCE) => {
                    if count == 0 {
                        return;
                    }
                    for event in taken.drain(..) {
                        match event {
                            ForwardEvent::Query(deferred) => self.query(deferred),
                            ForwardEvent::Refresh(key) => self.refresh(key),
                        }
                    }
                }
            }
            self.shared.counters.in_flight.set(self.in_flight.len());
            self.shared.counters.waiting.set(self.waiting.all());
        }
    }

    fn query(&mut self, deferred: Deferred) {
        let Some(waiter) = Waiter::new(deferred) else { return };
        if let Some(upstream) = self.shared.tokens.owner(waiter.query().question.qname) {
            self.shared.counters.looped.add();
            upstream.loops();
            return self.refuse(waiter, ExtendedError::LOOP);
        }
        self.wait(waiter);
    }

    /// Answers from the cache, or lets a query wait for the answer of an upstream.
    fn wait(&mut self, waiter: Waiter) {
        let Some(key) = partial::key(&waiter.query(), waiter.partial()) else {
            return self.send_partial(waiter);
        };
        // Another worker's lock may have been in the way, or the answer has just come.
        let Some(waiter) = self.answer_from_cache(&key, waiter) else { return };
        let client = waiter.client();
        if self.waiting.is_full_for(client) {
            self.shared.counters.client_full.add();
            return self.refuse(waiter, ExtendedError::BUSY);
        }
        let new = !self.in_flight.contains_key(&key);
        if self.waiting.is_full() || (new && self.in_flight.len() >= IN_FLIGHT_MAX) {
            self.shared.counters.full.add();
            return self.refuse(waiter, ExtendedError::BUSY);
        }
        self.waiting.enter(client);
        if new {
            self.start(key, Some(waiter), Asker::Client);
            return;
        }
        self.shared.counters.joined.add();
        if let Some(question) = self.in_flight.get_mut(&key) {
            question.asker = Asker::Client;
            question.waiting.push(waiter);
            if question.late == Late::Yes {
                self.late(&key);
            }
        }
    }

    /// Answers with what is cached and fresh; gives the query back where nothing is.
    fn answer_from_cache(&mut self, key: &CacheKey, waiter: Waiter) -> Option<Waiter> {
        let Some(written) = self.write_cached(key, &waiter, Duration::ZERO) else { return Some(waiter) };
        // A query is counted once, by where its answer begins.
        if waiter.chain.is_none() {
            self.shared.counters.hits.add();
        }
        self.give(waiter, written);
        None
    }

    /// Answers with what is cached, also if it is stale; gives the query back where nothing is.
    fn answer_stale(&mut self, key: &CacheKey, waiter: Waiter, stale_max: Duration) -> Option<Waiter> {
        let Some(written) = self.write_cached(key, &waiter, stale_max) else { return Some(waiter) };
        self.shared.counters.stale.add();
        self.waiting.leave(waiter.client());
        self.give(waiter, written);
        None
    }

    /// Writes what is cached and has been stale for at most `stale_max`.
    fn write_cached(&mut self, key: &CacheKey, waiter: &Waiter, stale_max: Duration) -> Option<Written> {
        let cookies = cookies(&self.shared.routing());
        let (cache, query, out) = (&self.shared.cache, waiter.query(), &mut self.out);
        cache.serve_stale(key.bytes(), cache.now(), stale_max, |stored, age| {
            partial::write_on(&query, waiter.partial(), Aged { key, stored, age }, cookies, out)
        })
    }

    /// Sends what has been written, or goes on at the alias that it ends with.
    fn give(&mut self, waiter: Waiter, written: Written) {
        match written {
            Written::Response(length) => self.send(waiter.deferred, length),
            Written::Partial(partial) => self.go_on(waiter.with_chain(partial)),
        }
    }

    /// Goes on at an alias that leads to names that others answer for: our zones first.
    fn go_on(&mut self, mut waiter: Waiter) {
        let cookies = cookies(&self.shared.routing());
        // The chain becomes longer with each round, and its length is limited.
        while let Some(target) = waiter.partial().and_then(partial::next) {
            let query = waiter.query();
            let stored = match self.own_zones.ask(self.shared.own_zones.get(), target.as_ref(), &query) {
                OwnAnswer::Answer(stored) => stored,
                OwnAnswer::Forwarded => return self.wait(waiter),
                OwnAnswer::Refused => break,
            };
            let key = query.key_of(target.as_ref());
            let answer = Aged { key: &key, stored: &stored, age: Age::Seconds(0) };
            match partial::write_on(&query, waiter.partial(), answer, cookies, &mut self.out) {
                Written::Response(length) => return self.send(waiter.deferred, length),
                Written::Partial(partial) => waiter.chain = Some(partial),
            }
        }
        self.send_partial(waiter);
    }

    fn refresh(&mut self, key: CacheKey) {
        if self.in_flight.contains_key(&key) || self.in_flight.len() >= IN_FLIGHT_MAX {
            self.shared.cache.end_refresh(key.bytes());
            return;
        }
        self.shared.counters.prefetches.add();
        self.start(key, None, Asker::Prefetch);
    }

    fn start(&mut self, key: CacheKey, first: Option<Waiter>, asker: Asker) {
        self.shared.counters.questions.add();
        let question = InFlight { waiting: first.into_iter().collect(), asker, late: Late::No };
        self.in_flight.insert(key.clone(), question);
        let routing = self.shared.routing();
        let zone = routing.zone_of(key.qname()).map(Arc::clone);
        let cache = &self.shared.cache;
        let has_stale = cache.has_stale(key.bytes(), cache.now(), routing.cache.serve_stale);
        let timer = has_stale.then_some(CLIENT_RESPONSE_TIMER);
        tokio::spawn(resolve_one(Arc::clone(&self.shared), zone, key, timer, self.doing.clone()));
    }

    /// Answers those who have waited for a fresh answer for too long with a stale one.
    fn late(&mut self, key: &CacheKey) {
        let Some(question) = self.in_flight.get_mut(key) else { return };
        question.late = Late::Yes;
        let waiting = std::mem::take(&mut question.waiting);
        let stale_max = self.shared.routing().cache.serve_stale;
        let mut left = Vec::new();
        for waiter in waiting {
            left.extend(self.answer_stale(key, waiter, stale_max));
        }
        if let Some(question) = self.in_flight.get_mut(key) {
            question.waiting = left;
        }
    }

    fn resolved(&mut self, key: &CacheKey, resolution: &Resolution) {
        let Some(InFlight { waiting, asker, .. }) = self.in_flight.remove(key) else { return };
        let routing = self.shared.routing();
        let stored = classify(&routing, key, resolution, &self.shared.counters);
        let mut left = Vec::new();
        match resolution {
            Resolution::Response(_) => left = waiting,
            Resolution::Refused(_) | Resolution::Failed(_) => {
                self.shared.counters.failed.add();
                self.shared.cache.end_refresh(key.bytes());
                let before = waiting.len();
                let stale_max = routing.cache.serve_stale;
                for waiter in waiting {
                    left.extend(self.answer_stale(key, waiter, stale_max));
                }
                let now = self.shared.cache.now();
                let has_stale = self.shared.cache.has_stale(key.bytes(), now, stale_max);
                if has_stale || (before == 0 && asker == Asker::Prefetch) {
                    // A stale answer is better than an error.
                    self.answer(key, left, &stored, &routing);
                    return;
                }
            }
        }
        self.answer(key, left, &stored, &routing);
        self.shared.cache.keep(key.bytes(), stored, self.shared.cache.now(), asker);
        // Another routing may have come meanwhile, by which cached aliases lead to other servers.
        if !self.shared.routing().divides_as(&routing) {
            self.shared.cache.forget_aliases();
        }
    }

    fn answer(&mut self, key: &CacheKey, waiting: Vec<Waiter>, stored: &Stored, routing: &Routing) {
        let cookies = cookies(routing);
        for waiter in waiting {
            self.waiting.leave(waiter.client());
            let answer = Aged { key, stored, age: Age::Seconds(0) };
            let (query, partial) = (waiter.query(), waiter.partial());
            let written = partial::write_on(&query, partial, answer, cookies, &mut self.out);
            self.give(waiter, written);
        }
    }

    /// SERVFAIL, to a query that has not begun to wait.
    fn refuse(&mut self, waiter: Waiter, why: ExtendedError) {
        if waiter.partial().is_some() {
            return self.send_partial(waiter);
        }
        let stored = Stored::error(Rcode::SERVFAIL, Some(why), Duration::ZERO);
        let cookies = cookies(&self.shared.routing());
        let length = stored.write(&waiter.query(), Age::Seconds(0), cookies, &mut self.out);
        self.send(waiter.deferred, length);
    }

    fn send(&self, deferred: Deferred, length: usize) {
        if deferred.answer(self.out.get(..length).unwrap_or_default()).is_err() {
            self.shared.counters.unsent.add();
        }
    }

    /// Sends a partial answer as it is: it is truncated, no other server may be asked, or all are too busy.
    fn send_partial(&mut self, mut waiter: Waiter) {
        if let Some(chain) = &waiter.chain {
            let cookies = cookies(&self.shared.routing());
            let length = partial::write_alone(&waiter.query(), chain, cookies, &mut self.out);
            return self.send(waiter.deferred, length);
        }
        let partial = waiter.deferred.partial.take().unwrap_or_default();
        if waiter.deferred.answer(&partial).is_err() {
            self.shared.counters.unsent.add();
        }
    }
}

/// Resolves one question; reports when the client response timer, if there is one, runs out before.
async fn resolve_one(
    shared: Arc<ForwardState>,
    zone: Option<Arc<RoutedZone>>,
    key: CacheKey,
    timer: Option<Duration>,
    doing: mpsc::Sender<Done>,
) {
    let Some(zone) = zone else {
        // The dispatcher outlives its tasks.
        let _ = doing.send(Done::Resolved(key, Resolution::Failed(NoResponse::NoUpstream))).await;
        return;
    };
    let resolving = resolve(shared, &zone, key.clone());
    tokio::pin!(resolving);
    let soon = match timer {
        Some(timer) => timeout(timer, &mut resolving).await.ok(),
        None => None,
    };
    let resolution = match soon {
        Some(resolution) => resolution,
        None => {
            if timer.is_some() {
                let _ = doing.send(Done::Late(key.clone())).await;
            }
            resolving.await
        }
    };
    let _ = doing.send(Done::Resolved(key, resolution)).await;
}

fn cookies(routing: &Routing) -> Cookies {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Cookies::new(routing.cookie_secret, now)
}
