//! Forwarding without sockets and without time, as a pure function.
//!
//! Responsible for leading one message of an upstream the way it goes in the
//! server, from its bytes to those that a client is sent: what exchange,
//! clerk and desk call one after the other is called here in their order. For
//! tests, fuzzers and benches, which have to reach it all with bytes alone.
//! Not responsible for anything that is done on that way.

use std::time::Duration;

use super::asked::{Asked, Wanted};
use super::begun;
use super::cache::{Asker, Cache, Look, Moment};
use super::chain;
use super::counters::ClerkCounters;
use super::judge::judge;
use super::plan::Plan;
use super::resolve::Resolved;
use super::settings::{Prefetch, Settings};
use super::stored::{Age, Courtesy, Stored};
use crate::answer::Peer;
use crate::requestor::{Case, DatagramClass, Form, Query, Response};
use crate::tls::Random;

/// A query of a client that is forwarded.
#[derive(Clone, Copy, Debug)]
pub struct Client<'c> {
    /// Who asks, and how.
    pub peer: Peer,
    /// What is asked, a whole DNS message that `answer` has found well formed.
    pub query: &'c [u8],
    /// The response as far as our zones go, where they have begun it.
    pub begun: Option<&'c [u8]>,
}

/// How an upstream's message comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As a datagram, which anybody may have sent.
    Datagram,
    /// Over a connection.
    Connection,
}

/// One question: what an upstream is asked, what it says, what clients get.
pub struct Rehearsal {
    plan: Plan,
    cache: Cache,
    query: Query,
    wanted: Wanted,
    counters: ClerkCounters,
}

impl Rehearsal {
    /// Asks on for `client`. The same `key` gives the same id and case. None
    /// where nothing is asked of anybody.
    pub fn new(settings: Settings, client: Client<'_>, key: [u8; 16]) -> Option<Self> {
        let wanted = begun::wanted(&Asked::read(client.query)?, client.begun)?;
        let plan = Plan::new(settings, None);
        let query = Query::new(&wanted.request(), Form::WithEdns, Case::Mixed, &Random::keyed(key));
        let cache = Cache::new(&plan.cache);
        Some(Self { plan, cache, query, wanted, counters: ClerkCounters::default() })
    }

    /// The query that the upstream is sent.
    pub fn query(&self) -> &[u8] {
        self.query.bytes()
    }

    /// Takes a message from the upstream: writes the response to `client`,
    /// and keeps it where it may be kept. None where it is not taken.
    pub fn take(&self, message: &[u8], way: Way, client: Client<'_>, out: &mut [u8]) -> Option<usize> {
        let fits = match way {
            Way::Datagram => self.query.classify(message) == DatagramClass::Response,
            Way::Connection => self.query.accept(message).is_some(),
        };
        if !fits {
            return None;
        }
        let resolved = Resolved::by(&self.plan, &self.wanted, message.to_vec());
        let stored = judge(&self.plan, &self.wanted, &resolved, &self.counters);
        let length = self.write(&stored, Age::Seconds(0), client, out);
        self.cache.keep(self.wanted.key(), stored, Moment::default(), Asker::Client);
        length
    }

    /// Whether the answer in a message ends at an alias that somebody else is
    /// asked about.
    pub fn leads_on(&self, message: &[u8]) -> bool {
        let response = Response::read(message);
        response.is_some_and(|response| chain::departure(&self.plan, &self.wanted, &response).is_some())
    }

    /// What is written to `client` at once, so long after the message came;
    /// none where an upstream would be asked.
    pub fn again(&self, after: Duration, client: Client<'_>, out: &mut [u8]) -> Option<usize> {
        let write = |stored: &Stored, age| self.write(stored, age, client, out);
        match self.cache.look(self.wanted.key(), Moment::at(after), Prefetch::Off, write) {
            Look::Fresh(length) | Look::Due(length) | Look::Stale(length) => length,
            Look::Missing => None,
        }
    }

    /// What is written to `client` so long after the message came, when
    /// upstreams do not answer any more.
    pub fn last_resort(&self, after: Duration, client: Client<'_>, out: &mut [u8]) -> Option<usize> {
        let write = |stored: &Stored, age| self.write(stored, age, client, &mut *out);
        self.cache.last_resort(self.wanted.key(), Moment::at(after), self.plan.cache.serve_stale, write)?
    }

    fn write(&self, stored: &Stored, age: Age, client: Client<'_>, out: &mut [u8]) -> Option<usize> {
        let asked = Asked::read(client.query)?;
        let courtesy = Courtesy::new(self.plan.cookies, Duration::ZERO);
        let way = (client.peer, client.begun);
        Some(begun::write(way, &self.wanted, (stored, age), &asked, courtesy, out))
    }
}
