//! The clerk: takes the queries that workers could not answer, sees to it
//! that each question is asked once however many ask it, and answers them.
//!
//! Responsible for questions under way and for who waits for them. One task
//! has all of it, so that there is nothing to lock.
//! Not responsible for asking (`resolve`), for what an answer is worth
//! (`judge`) or for what is kept (`cache`).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::asked::{Asked, Wanted};
use super::begun;
use super::cache::Asker;
use super::forwarder::Shared;
use super::judge::judge;
use super::plan::{Plan, PlannedZone};
use super::resolve::{Resolved, Why, resolve};
use super::stored::{Age, Courtesy, ExtendedError, Stored};
use crate::answer::Peer;
use crate::dns::message::Rcode;
use crate::transport::Deferred;

/// Queries that workers have handed over and that have not been looked at.
/// Looking takes microseconds: who finds this full is in a flood.
pub(super) const QUEUE_MAX: usize = 4096;

/// Questions under way. Each has a socket, and upstreams limit them, too.
const UNDER_WAY_MAX: usize = 1000;

/// Queries that wait for answers, of all clients; each holds a kilobyte.
const WAITING_MAX: usize = 8000;

/// Queries of one client (an IPv4 address, or an IPv6 /64) that wait: a
/// tenth of the questions, so that none can have them all.
const WAITING_OF_CLIENT_MAX: u32 = 100;

/// Queries taken from the queue at a time.
const TAKEN_AT_ONCE: usize = 64;

/// How long a client waits for a fresh answer while there is one whose time
/// is over (RFC 8767, section 5: less than the time after which it asks again).
const PATIENCE: Duration = Duration::from_millis(1800);

/// What workers hand over.
pub(super) enum Event {
    /// A query that somebody waits for.
    Query(Deferred),
    /// A question whose answer in the cache is in use and nearly over.
    Refresh(Wanted),
}

/// What comes of a question.
enum Done {
    /// Not in time for those who could be given something older.
    Late(Wanted),
    /// It is over.
    Over(Wanted, Resolved),
}

/// The clerk.
pub(super) struct Clerk {
    shared: Arc<Shared>,
    queue: mpsc::Receiver<Event>,
    done: mpsc::Receiver<Done>,
    doing: mpsc::Sender<Done>,
    flights: HashMap<Wanted, Flight>,
    /// How many queries wait, by client.
    clients: HashMap<IpAddr, u32>,
    waiting: usize,
    out: Box<[u8]>,
}

/// A question under way.
struct Flight {
    waiting: Vec<Deferred>,
    asker: Asker,
    /// Who waits is given what is over.
    late: Late,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Late {
    Yes,
    No,
}

impl Clerk {
    pub(super) fn new(shared: Arc<Shared>, queue: mpsc::Receiver<Event>) -> Self {
        let (doing, done) = mpsc::channel(UNDER_WAY_MAX);
        Self {
            shared,
            queue,
            done,
            doing,
            flights: HashMap::new(),
            clients: HashMap::new(),
            waiting: 0,
            out: vec![0; usize::from(u16::MAX)].into_boxed_slice(),
        }
    }

    /// Works until nobody can hand anything over any more.
    pub(super) async fn run(mut self) {
        let mut taken = Vec::with_capacity(TAKEN_AT_ONCE);
        loop {
            tokio::select! {
                // What is over first: it makes room.
                biased;
                Some(done) = self.done.recv() => match done {
                    Done::Late(wanted) => self.late(&wanted),
                    Done::Over(wanted, resolved) => self.over(&wanted, &resolved),
                },
                count = self.queue.recv_many(&mut taken, TAKEN_AT_ONCE) => {
                    if count == 0 {
                        return;
                    }
                    for event in taken.drain(..) {
                        match event {
                            Event::Query(deferred) => self.query(deferred),
                            Event::Refresh(wanted) => self.refresh(wanted),
                        }
                    }
                }
            }
            self.shared.counters.under_way.set(self.flights.len());
            self.shared.counters.waiting.set(self.waiting);
        }
    }

    fn query(&mut self, deferred: Deferred) {
        let query = deferred.query.clone();
        let Some(asked) = Asked::read(&query) else { return };
        if let Some(upstream) = self.shared.tokens.owner(asked.question.qname) {
            self.shared.counters.looped.add();
            upstream.loops();
            return self.refuse(deferred, &asked, ExtendedError::LOOP);
        }
        let Some(wanted) = begun::wanted(&asked, deferred.begun.as_deref()) else {
            return self.send_begun(deferred);
        };
        // Another worker's lock may have been in the way, or the answer has just come.
        let Some(deferred) = self.answer_from_cache(&wanted, deferred, &asked) else { return };
        let client = client(deferred.peer.address);
        let waits = self.clients.get(&client).copied().unwrap_or(0);
        if waits >= WAITING_OF_CLIENT_MAX {
            self.shared.counters.client_full.add();
            return self.refuse(deferred, &asked, ExtendedError::BUSY);
        }
        let new = !self.flights.contains_key(&wanted);
        if self.waiting >= WAITING_MAX || (new && self.flights.len() >= UNDER_WAY_MAX) {
            self.shared.counters.full.add();
            return self.refuse(deferred, &asked, ExtendedError::BUSY);
        }
        self.clients.insert(client, waits.saturating_add(1));
        self.waiting = self.waiting.saturating_add(1);
        if new {
            self.start(wanted, Some(deferred), Asker::Client);
            return;
        }
        self.shared.counters.joined.add();
        if let Some(flight) = self.flights.get_mut(&wanted) {
            flight.asker = Asker::Client;
            flight.waiting.push(deferred);
            if flight.late == Late::Yes {
                self.late(&wanted);
            }
        }
    }

    /// Answers with what is in the cache and holds; gives the query back
    /// where there is nothing.
    fn answer_from_cache(
        &mut self,
        wanted: &Wanted,
        deferred: Deferred,
        asked: &Asked<'_>,
    ) -> Option<Deferred> {
        let courtesy = courtesy(&self.shared.plan());
        let out = &mut self.out;
        let now = self.shared.cache.now();
        // No grace: what is over is for later.
        let write = |stored: &Stored, age: Age| {
            begun::write(of(&deferred), wanted, (stored, age), asked, courtesy, out)
        };
        match self.shared.cache.last_resort(wanted.key(), now, Duration::ZERO, write) {
            Some(length) => {
                self.shared.counters.hits.add();
                self.send(deferred, length);
                None
            }
            None => Some(deferred),
        }
    }

    fn refresh(&mut self, wanted: Wanted) {
        if self.flights.contains_key(&wanted) || self.flights.len() >= UNDER_WAY_MAX {
            self.shared.cache.end_refresh(wanted.key());
            return;
        }
        self.shared.counters.prefetches.add();
        self.start(wanted, None, Asker::Prefetch);
    }

    fn start(&mut self, wanted: Wanted, first: Option<Deferred>, asker: Asker) {
        self.shared.counters.flights.add();
        let flight = Flight { waiting: first.into_iter().collect(), asker, late: Late::No };
        self.flights.insert(wanted.clone(), flight);
        let plan = self.shared.plan();
        let grace = plan.cache.serve_stale;
        let zone = plan.zone_of(wanted.qname()).map(Arc::clone);
        let patience = self
            .shared
            .cache
            .has_last_resort(wanted.key(), self.shared.cache.now(), grace)
            .then_some(PATIENCE);
        tokio::spawn(fly(Arc::clone(&self.shared), zone, wanted, patience, self.doing.clone()));
    }

    /// Gives what is over to those who wait for a fresh answer for too long.
    fn late(&mut self, wanted: &Wanted) {
        let Some(flight) = self.flights.get_mut(wanted) else { return };
        flight.late = Late::Yes;
        let waiting = std::mem::take(&mut flight.waiting);
        let grace = self.shared.plan().cache.serve_stale;
        let mut left = Vec::new();
        for deferred in waiting {
            left.extend(self.answer_stale(wanted, deferred, grace));
        }
        if let Some(flight) = self.flights.get_mut(wanted) {
            flight.waiting = left;
        }
    }

    /// Answers with what is over; gives the query back where there is nothing.
    fn answer_stale(&mut self, wanted: &Wanted, deferred: Deferred, grace: Duration) -> Option<Deferred> {
        let query = deferred.query.clone();
        let asked = Asked::read(&query)?;
        let courtesy = courtesy(&self.shared.plan());
        let out = &mut self.out;
        let write = |stored: &Stored, age: Age| {
            begun::write(of(&deferred), wanted, (stored, age), &asked, courtesy, out)
        };
        let now = self.shared.cache.now();
        match self.shared.cache.last_resort(wanted.key(), now, grace, write) {
            Some(length) => {
                self.shared.counters.stale.add();
                self.leave(&deferred);
                self.send(deferred, length);
                None
            }
            None => Some(deferred),
        }
    }

    fn over(&mut self, wanted: &Wanted, resolved: &Resolved) {
        let Some(Flight { waiting, asker, .. }) = self.flights.remove(wanted) else { return };
        let plan = self.shared.plan();
        let stored = judge(&plan, wanted, resolved, &self.shared.counters);
        let mut left = Vec::new();
        match resolved {
            Resolved::Response(_) => left = waiting,
            Resolved::Refused(_) | Resolved::Failed(_) => {
                self.shared.counters.failed.add();
                self.shared.cache.end_refresh(wanted.key());
                let before = waiting.len();
                for deferred in waiting {
                    left.extend(self.answer_stale(wanted, deferred, plan.cache.serve_stale));
                }
                let now = self.shared.cache.now();
                let kept = self.shared.cache.has_last_resort(wanted.key(), now, plan.cache.serve_stale);
                if kept || (before == 0 && asker == Asker::Prefetch) {
                    // What there is is better than an error.
                    self.answer(wanted, left, &stored, &plan);
                    return;
                }
            }
        }
        self.answer(wanted, left, &stored, &plan);
        self.shared.cache.keep(wanted.key(), stored, self.shared.cache.now(), asker);
    }

    fn answer(&mut self, wanted: &Wanted, waiting: Vec<Deferred>, stored: &Stored, plan: &Plan) {
        let courtesy = courtesy(plan);
        for deferred in waiting {
            self.leave(&deferred);
            let query = deferred.query.clone();
            let Some(asked) = Asked::read(&query) else { continue };
            let fresh = (stored, Age::Seconds(0));
            let length = begun::write(of(&deferred), wanted, fresh, &asked, courtesy, &mut self.out);
            self.send(deferred, length);
        }
    }

    /// SERVFAIL, to a query that has not begun to wait.
    fn refuse(&mut self, deferred: Deferred, asked: &Asked<'_>, why: ExtendedError) {
        if deferred.begun.is_some() {
            return self.send_begun(deferred);
        }
        let stored = Stored::error(Rcode::SERVFAIL, Some(why), Duration::ZERO);
        let courtesy = courtesy(&self.shared.plan());
        let length = stored.write(asked, deferred.peer, Age::Seconds(0), courtesy, &mut self.out);
        self.send(deferred, length);
    }

    fn send(&self, deferred: Deferred, length: usize) {
        if deferred.answer(self.out.get(..length).unwrap_or_default()).is_err() {
            self.shared.counters.unsent.add();
        }
    }

    /// What our zones say is sent as it is: it is cut off, or others are too busy.
    fn send_begun(&self, mut deferred: Deferred) {
        let begun = deferred.begun.take().unwrap_or_default();
        if deferred.answer(&begun).is_err() {
            self.shared.counters.unsent.add();
        }
    }

    /// A query waits no more.
    fn leave(&mut self, deferred: &Deferred) {
        self.waiting = self.waiting.saturating_sub(1);
        if let Entry::Occupied(mut waits) = self.clients.entry(client(deferred.peer.address)) {
            *waits.get_mut() = waits.get().saturating_sub(1);
            if *waits.get() == 0 {
                waits.remove();
            }
        }
    }
}

/// Resolves one question; says so when it takes longer than `patience`.
async fn fly(
    shared: Arc<Shared>,
    zone: Option<Arc<PlannedZone>>,
    wanted: Wanted,
    patience: Option<Duration>,
    doing: mpsc::Sender<Done>,
) {
    let Some(zone) = zone else {
        // The clerk is never gone before its tasks.
        let _ = doing.send(Done::Over(wanted, Resolved::Failed(Why::NoUpstream))).await;
        return;
    };
    let resolving = resolve(shared, &zone, wanted.clone());
    tokio::pin!(resolving);
    let soon = match patience {
        Some(patience) => timeout(patience, &mut resolving).await.ok(),
        None => None,
    };
    let resolved = match soon {
        Some(resolved) => resolved,
        None => {
            if patience.is_some() {
                let _ = doing.send(Done::Late(wanted.clone())).await;
            }
            resolving.await
        }
    };
    let _ = doing.send(Done::Over(wanted, resolved)).await;
}

/// Who asks, and what our zones have begun to answer.
fn of(deferred: &Deferred) -> (Peer, Option<&[u8]>) {
    (deferred.peer, deferred.begun.as_deref())
}

/// Who counts as one client.
fn client(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64)).into(),
    }
}

fn courtesy(plan: &Plan) -> Courtesy {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Courtesy::new(plan.cookies, now)
}
