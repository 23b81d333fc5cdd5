//! Our own zones, asked for what an upstream's alias leads to.
//!
//! Asks them as the client itself would: as zones and verdicts are now, in its view, within what it may ask.

use std::sync::Arc;
use std::time::Duration;

use super::client_query::ClientQuery;
use super::settings::{CacheSettings, Prefetch};
use super::stored::Stored;
use crate::answer::{self, Counters, Readers, Reply, WorkerContext};
use crate::dns::message::{Header, Rcode, Section, class};
use crate::dns::message_writer::{QUERY_BYTES_MAX, owned};
use crate::dns::{NameRef, Rtype};
use crate::requestor::Response;

/// TTLs of our zones are not bounded.
const BOUNDS: CacheSettings = CacheSettings {
    entries: 0,
    bytes: 0,
    ttl_min: Duration::ZERO,
    ttl_max: Duration::MAX,
    negative_ttl_max: Duration::MAX,
    serve_stale: Duration::ZERO,
    prefetch: Prefetch::Off,
};

/// Our zones, for queries that did not come from a socket.
pub(super) struct OwnZones {
    worker: WorkerContext,
    out: Box<[u8]>,
}

/// Who answers for a name.
pub(super) enum OwnAnswer {
    /// Our zones; this.
    Answer(Stored),
    /// The upstreams of a zone that the client may ask.
    Forwarded,
    /// No server that this client may ask.
    Refused,
}

impl OwnZones {
    /// `seed` starts its random numbers.
    pub(super) fn new(seed: u64) -> Self {
        // These queries are not counted: the client's own query has been.
        let worker = WorkerContext::new(Arc::new(Counters::default()), seed);
        Self { worker, out: vec![0; usize::from(u16::MAX)].into_boxed_slice() }
    }

    /// What the client of `query` is answered for another name.
    pub(super) fn ask(
        &mut self,
        readers: Option<&Readers>,
        target: NameRef<'_>,
        query: &ClientQuery<'_>,
    ) -> OwnAnswer {
        let Some(readers) = readers else { return OwnAnswer::Refused };
        // As over a stream: nothing is truncated or held back before it is joined.
        let peer = query.unbounded().peer;
        let other = for_name(target, query);
        let reply = answer::respond(readers.reader().held(), &mut self.worker, peer, &other, &mut self.out);
        let response = match reply {
            Reply::Forward => return OwnAnswer::Forwarded,
            // A query of ours is a plain one.
            Reply::Drop | Reply::HandOver(_) => None,
            Reply::Send { len } | Reply::ForwardTail { len } => self.out.get(..len).and_then(Response::read),
        };
        match response {
            Some(response) if response.rcode != Rcode::REFUSED => OwnAnswer::Answer(stored(&response)),
            Some(_) | None => OwnAnswer::Refused,
        }
    }
}

/// The same query for another name.
fn for_name(target: NameRef<'_>, query: &ClientQuery<'_>) -> Vec<u8> {
    let flags = query.header.flags & (Header::RD | Header::CD);
    owned(QUERY_BYTES_MAX, 0, flags, |message| message.question(target, query.question.qtype, class::IN))
}

/// An answer of our zones, which is not cached.
fn stored(response: &Response<'_>) -> Stored {
    let stored = Stored::of(response, &BOUNDS);
    let mut answers = response.records.iter().filter(|record| record.section == Section::Answer);
    let ends_at_alias = answers.next_back().is_some_and(|record| record.rtype == Rtype::CNAME);
    if ends_at_alias && response.rcode == Rcode::NOERROR { stored.at_alias() } else { stored }
}
