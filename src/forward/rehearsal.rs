//! Forwarding without sockets and without time, as a pure function: for tests, fuzzers and benches, which
//! have to reach all of it with bytes alone.
//!
//! Leads one message of an upstream the way it goes in the server, from its bytes to those that a client is
//! sent: what requestor, dispatcher and frontend call one after the other is called here in their order.

use std::time::Duration;

use super::cache::{Asker, Cache, CacheTime, Look};
use super::cache_key::CacheKey;
use super::chain;
use super::classify::classify;
use super::client_query::ClientQuery;
use super::cookies::Cookies;
use super::counters::DispatcherCounters;
use super::partial::{self, Aged};
use super::resolution::Resolution;
use super::routing::Routing;
use super::settings::{Prefetch, Settings};
use super::stored::{Age, Stored};
use crate::answer::Peer;
use crate::requestor::{Case, DatagramClass, Form, Query, Response};
use crate::tls::Random;

/// A query of a client that is forwarded.
#[derive(Clone, Copy, Debug)]
pub struct Client<'c> {
    /// The client, and how it asked.
    pub peer: Peer,
    /// What is asked, a whole DNS message that `answer` has found well formed.
    pub query: &'c [u8],
    /// The partial answer of our zones, if they have begun one.
    pub partial: Option<&'c [u8]>,
}

/// How an upstream's message comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As a datagram, which anybody may have sent.
    Datagram,
    /// Over a connection.
    Connection,
}

/// One question: what an upstream is asked, what it answers, what clients get.
pub struct Rehearsal {
    routing: Routing,
    cache: Cache,
    query: Query,
    key: CacheKey,
    counters: DispatcherCounters,
}

impl Rehearsal {
    /// Forwards the query of `client`. The same `seed` gives the same id and case. None where no upstream is
    /// asked.
    pub fn new(settings: Settings, client: Client<'_>, seed: [u8; 16]) -> Option<Self> {
        let key = partial::key(&ClientQuery::read(client.peer, client.query)?, client.partial)?;
        let routing = Routing::new(settings, None);
        let query = Query::new(&key.request(), Form::WithEdns, Case::Mixed, &Random::keyed(seed));
        let cache = Cache::new(&routing.cache);
        Some(Self { routing, cache, query, key, counters: DispatcherCounters::default() })
    }

    /// The query that the upstream is sent.
    pub fn query(&self) -> &[u8] {
        self.query.bytes()
    }

    /// Takes a message from the upstream: writes the response to `client`, and caches it where that is
    /// allowed. None where the message is no response.
    pub fn take(&self, message: &[u8], way: Way, client: Client<'_>, out: &mut [u8]) -> Option<usize> {
        let fits = match way {
            Way::Datagram => self.query.classify(message) == DatagramClass::Response,
            Way::Connection => self.query.accept(message).is_some(),
        };
        if !fits {
            return None;
        }
        let resolution = Resolution::by(&self.routing, &self.key, message.to_vec());
        let stored = classify(&self.routing, &self.key, &resolution, &self.counters);
        let length = self.write(&stored, Age::Seconds(0), client, out);
        self.cache.keep(self.key.bytes(), stored, CacheTime::default(), Asker::Client);
        length
    }

    /// Whether the answer in a message ends at an alias whose target others are asked for.
    pub fn leads_on(&self, message: &[u8]) -> bool {
        let response = Response::read(message);
        response.is_some_and(|response| chain::continued(&self.routing, &self.key, &response).is_some())
    }

    /// What is written to `client` at once, this long after the message came; none where an upstream would be
    /// asked.
    pub fn again(&self, after: Duration, client: Client<'_>, out: &mut [u8]) -> Option<usize> {
        let write = |stored: &Stored, age| self.write(stored, age, client, out);
        match self.cache.look(self.key.bytes(), CacheTime::at(after), Prefetch::Off, write) {
            Look::Fresh(length) | Look::Due(length) | Look::Stale(length) => length,
            Look::Missing => None,
        }
    }

    /// What is written to `client` this long after the message came, when upstreams do not answer any more.
    pub fn serve_stale(&self, after: Duration, client: Client<'_>, out: &mut [u8]) -> Option<usize> {
        let write = |stored: &Stored, age| self.write(stored, age, client, &mut *out);
        let stale_max = self.routing.cache.serve_stale;
        self.cache.serve_stale(self.key.bytes(), CacheTime::at(after), stale_max, write)?
    }

    fn write(&self, stored: &Stored, age: Age, client: Client<'_>, out: &mut [u8]) -> Option<usize> {
        let query = ClientQuery::read(client.peer, client.query)?;
        let cookies = Cookies::new(self.routing.cookie_secret, Duration::ZERO);
        let answer = Aged { key: &self.key, stored, age };
        Some(partial::write(&query, client.partial, answer, cookies, out))
    }
}
