//! What our own zones say at the end of an upstream's alias.
//!
//! Responsible for asking them as the client itself would: as the zones and
//! the verdicts are now, in its view, within what it may ask.
//! Not responsible for any of that: one function answers every query.

use std::sync::Arc;
use std::time::Duration;

use super::asked::Asked;
use super::settings::CacheSettings;
use super::stored::Stored;
use crate::answer::{self, Counters, Peer, Readers, Reply, Transport, WorkerContext};
use crate::dns::message::Section;
use crate::dns::message::{HEADER_BYTES, Header, Rcode};
use crate::dns::{NameRef, Rtype};
use crate::requestor::Response;

/// TTLs of ours are what they are.
const BOUNDS: CacheSettings = CacheSettings {
    entries: 0,
    bytes: 0,
    ttl_min: Duration::ZERO,
    ttl_max: Duration::MAX,
    negative_ttl_max: Duration::MAX,
    serve_stale: Duration::ZERO,
    prefetch: super::settings::Prefetch::Off,
};

/// Our zones, as somebody asks them who is not at a socket.
pub(super) struct Ours {
    scratch: WorkerContext,
    out: Box<[u8]>,
}

/// Who answers for a name.
pub(super) enum Said {
    /// We do; this.
    Answer(Stored),
    /// The upstreams of a zone that the client may ask.
    Forwarded,
    /// Nobody whom this client may ask.
    Nobody,
}

impl Ours {
    /// `seed` starts its source of chance.
    pub(super) fn new(seed: u64) -> Self {
        // Counted is what clients ask: this they have been counted for already.
        let scratch = WorkerContext::new(Arc::new(Counters::default()), seed);
        Self { scratch, out: vec![0; usize::from(u16::MAX)].into_boxed_slice() }
    }

    /// What a client that has asked `asked` is to be told of another name.
    pub(super) fn ask(
        &mut self,
        readers: Option<&Readers>,
        target: NameRef<'_>,
        asked: &Asked<'_>,
        peer: Peer,
    ) -> Said {
        let Some(readers) = readers else { return Said::Nobody };
        // As over a stream: nothing is cut off or held back before it is joined.
        let peer = Peer { transport: Transport::Tcp, ..peer };
        let query = query(target, asked);
        let reply = answer::respond(readers.reader().held(), &mut self.scratch, peer, &query, &mut self.out);
        let response = match reply {
            Reply::Forward => return Said::Forwarded,
            Reply::Drop => None,
            Reply::Send { len } | Reply::ForwardTail { len } => self.out.get(..len).and_then(Response::read),
        };
        match response {
            Some(response) if response.rcode != Rcode::REFUSED => Said::Answer(stored(&response)),
            Some(_) | None => Said::Nobody,
        }
    }
}

/// What `asked` would be for another name.
fn query(target: NameRef<'_>, asked: &Asked<'_>) -> Vec<u8> {
    let flags = asked.header.flags & (Header::RD | Header::CD);
    let mut query = Vec::with_capacity(HEADER_BYTES.saturating_add(260));
    for field in [0, flags, 1, 0, 0, 0] {
        query.extend_from_slice(&field.to_be_bytes());
    }
    query.extend_from_slice(target.wire());
    query.extend_from_slice(&asked.question.qtype.0.to_be_bytes());
    query.extend_from_slice(&[0, 1]);
    query
}

/// An answer of ours, which is not kept; where it ends at an alias it leads on.
fn stored(response: &Response<'_>) -> Stored {
    let mut stored = Stored::of(response, &BOUNDS);
    let mut answers = response.records.iter().filter(|record| record.section == Section::Answer);
    let ends_at_alias = answers.next_back().is_some_and(|record| record.rtype == Rtype::CNAME);
    if ends_at_alias && response.rcode == Rcode::NOERROR {
        stored = stored.leading_on();
    }
    stored
}
