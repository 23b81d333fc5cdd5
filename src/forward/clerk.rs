//! The clerk: takes the queries that workers could not answer, sees to it
//! that each question is asked once however many ask it, and answers them.
//!
//! Responsible for questions under way and for who waits for them. One task
//! has all of it, so that there is nothing to lock.
//! Not responsible for asking (`resolve`), for what an answer is worth
//! (`judge`) or for what is kept (`cache`).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::asked::{Asked, Wanted};
use super::begun::{self, Written};
use super::cache::Asker;
use super::forwarder::Shared;
use super::judge::judge;
use super::ours::{Ours, Said};
use super::plan::{Plan, PlannedZone};
use super::resolve::{Resolved, Why, resolve};
use super::stored::{Age, Courtesy, ExtendedError, Stored};
use super::waiter::Waiter;
use crate::dns::message::Rcode;
use crate::transport::{Deferred, client};

/// Queries that workers have handed over and that have not been looked at.
/// Looking takes microseconds: who finds this full is in a flood.
pub(super) const QUEUE_MAX: usize = 4096;

/// Questions under way. Each has a socket, and upstreams limit them, too.
pub const UNDER_WAY_MAX: usize = 1000;

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
    ours: Ours,
    out: Box<[u8]>,
}

/// A question under way.
struct Flight {
    waiting: Vec<Waiter>,
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
        let ours = Ours::new(shared.random.next());
        Self {
            shared,
            queue,
            done,
            doing,
            flights: HashMap::new(),
            clients: HashMap::new(),
            waiting: 0,
            ours,
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
            return self.refuse(Waiter::new(deferred), &asked, ExtendedError::LOOP);
        }
        self.wait(Waiter::new(deferred), &asked);
    }

    /// Answers from the cache, or lets a query wait for the answer of an
    /// upstream.
    fn wait(&mut self, waiter: Waiter, asked: &Asked<'_>) {
        let Some(wanted) = begun::wanted(asked, waiter.begun()) else {
            return self.send_begun(waiter, asked);
        };
        // Another worker's lock may have been in the way, or the answer has just come.
        let Some(waiter) = self.answer_from_cache(&wanted, waiter, asked) else { return };
        let client = client(waiter.deferred.peer.address);
        let waits = self.clients.get(&client).copied().unwrap_or(0);
        if waits >= WAITING_OF_CLIENT_MAX {
            self.shared.counters.client_full.add();
            return self.refuse(waiter, asked, ExtendedError::BUSY);
        }
        let new = !self.flights.contains_key(&wanted);
        if self.waiting >= WAITING_MAX || (new && self.flights.len() >= UNDER_WAY_MAX) {
            self.shared.counters.full.add();
            return self.refuse(waiter, asked, ExtendedError::BUSY);
        }
        self.clients.insert(client, waits.saturating_add(1));
        self.waiting = self.waiting.saturating_add(1);
        if new {
            self.start(wanted, Some(waiter), Asker::Client);
            return;
        }
        self.shared.counters.joined.add();
        if let Some(flight) = self.flights.get_mut(&wanted) {
            flight.asker = Asker::Client;
            flight.waiting.push(waiter);
            if flight.late == Late::Yes {
                self.late(&wanted);
            }
        }
    }

    /// Answers with what is in the cache and holds; gives the query back
    /// where there is nothing.
    fn answer_from_cache(&mut self, wanted: &Wanted, waiter: Waiter, asked: &Asked<'_>) -> Option<Waiter> {
        let courtesy = courtesy(&self.shared.plan());
        let out = &mut self.out;
        let now = self.shared.cache.now();
        // No grace: what is over is for later.
        let write = |stored: &Stored, age: Age| {
            begun::write_on(waiter.way(), wanted, (stored, age), asked, courtesy, out)
        };
        match self.shared.cache.last_resort(wanted.key(), now, Duration::ZERO, write) {
            Some(written) => {
                // A query is counted once, by where its answer begins.
                if waiter.chain.is_none() {
                    self.shared.counters.hits.add();
                }
                self.give(waiter, written, asked);
                None
            }
            None => Some(waiter),
        }
    }

    /// Sends what has been written, or goes on where it leads to.
    fn give(&mut self, waiter: Waiter, written: Written, asked: &Asked<'_>) {
        match written {
            Written::Response(length) => self.send(waiter.deferred, length),
            Written::Begun(begun) => self.go_on(Waiter { chain: Some(begun), ..waiter }, asked),
        }
    }

    /// Goes on at an alias that leads to names of others: to ours first.
    fn go_on(&mut self, mut waiter: Waiter, asked: &Asked<'_>) {
        let courtesy = courtesy(&self.shared.plan());
        // The chain becomes longer with each turn, and has a longest.
        while let Some(target) = waiter.begun().and_then(begun::next) {
            let said =
                self.ours.ask(self.shared.our_zones.get(), target.as_ref(), asked, waiter.deferred.peer);
            let stored = match said {
                Said::Answer(stored) => stored,
                Said::Forwarded => return self.wait(waiter, asked),
                Said::Nobody => break,
            };
            let wanted = Wanted::behind(target.as_ref(), asked);
            let now = (&stored, Age::Seconds(0));
            match begun::write_on(waiter.way(), &wanted, now, asked, courtesy, &mut self.out) {
                Written::Response(length) => return self.send(waiter.deferred, length),
                Written::Begun(begun) => waiter.chain = Some(begun),
            }
        }
        self.send_begun(waiter, asked);
    }

    fn refresh(&mut self, wanted: Wanted) {
        if self.flights.contains_key(&wanted) || self.flights.len() >= UNDER_WAY_MAX {
            self.shared.cache.end_refresh(wanted.key());
            return;
        }
        self.shared.counters.prefetches.add();
        self.start(wanted, None, Asker::Prefetch);
    }

    fn start(&mut self, wanted: Wanted, first: Option<Waiter>, asker: Asker) {
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
        for waiter in waiting {
            left.extend(self.answer_stale(wanted, waiter, grace));
        }
        if let Some(flight) = self.flights.get_mut(wanted) {
            flight.waiting = left;
        }
    }

    /// Answers with what is over; gives the query back where there is nothing.
    fn answer_stale(&mut self, wanted: &Wanted, waiter: Waiter, grace: Duration) -> Option<Waiter> {
        let query = waiter.deferred.query.clone();
        let asked = Asked::read(&query)?;
        let courtesy = courtesy(&self.shared.plan());
        let out = &mut self.out;
        let write = |stored: &Stored, age: Age| {
            begun::write_on(waiter.way(), wanted, (stored, age), &asked, courtesy, out)
        };
        let now = self.shared.cache.now();
        match self.shared.cache.last_resort(wanted.key(), now, grace, write) {
            Some(written) => {
                self.shared.counters.stale.add();
                self.leave(&waiter);
                self.give(waiter, written, &asked);
                None
            }
            None => Some(waiter),
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
                for waiter in waiting {
                    left.extend(self.answer_stale(wanted, waiter, plan.cache.serve_stale));
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
        // Another plan may have come meanwhile, and with it the end of what is kept of aliases.
        if !self.shared.plan().divides_as(&plan) {
            self.shared.cache.forget_aliases();
        }
    }

    fn answer(&mut self, wanted: &Wanted, waiting: Vec<Waiter>, stored: &Stored, plan: &Plan) {
        let courtesy = courtesy(plan);
        for waiter in waiting {
            self.leave(&waiter);
            let query = waiter.deferred.query.clone();
            let Some(asked) = Asked::read(&query) else { continue };
            let fresh = (stored, Age::Seconds(0));
            let written = begun::write_on(waiter.way(), wanted, fresh, &asked, courtesy, &mut self.out);
            self.give(waiter, written, &asked);
        }
    }

    /// SERVFAIL, to a query that has not begun to wait.
    fn refuse(&mut self, waiter: Waiter, asked: &Asked<'_>, why: ExtendedError) {
        if waiter.begun().is_some() {
            return self.send_begun(waiter, asked);
        }
        let deferred = waiter.deferred;
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

    /// What has been begun is sent as it is: it is cut off, nobody is to be asked on, or all are too busy.
    fn send_begun(&mut self, Waiter { mut deferred, chain }: Waiter, asked: &Asked<'_>) {
        if let Some(chain) = chain {
            let courtesy = courtesy(&self.shared.plan());
            let length = begun::write_alone((deferred.peer, &chain), asked, courtesy, &mut self.out);
            return self.send(deferred, length);
        }
        let begun = deferred.begun.take().unwrap_or_default();
        if deferred.answer(&begun).is_err() {
            self.shared.counters.unsent.add();
        }
    }

    /// A query waits no more.
    fn leave(&mut self, waiter: &Waiter) {
        self.waiting = self.waiting.saturating_sub(1);
        if let Entry::Occupied(mut waits) = self.clients.entry(client(waiter.deferred.peer.address)) {
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

fn courtesy(plan: &Plan) -> Courtesy {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Courtesy::new(plan.cookies, now)
}
