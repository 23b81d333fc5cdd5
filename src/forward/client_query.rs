//! A query of a client, as far as it decides the answer and is repeated in the response.
//!
//! Reads the query a second time: `answer` has found it well formed.

use super::cache_key::{CacheKey, KeyBytes, Wishes};
use crate::answer::{Peer, Transport};
use crate::dns::edns::{CLIENT_COOKIE_BYTES, Edns, option};
use crate::dns::message::{Extra, Header, Question};
use crate::dns::{Name, NameRef, Rtype};

/// Records looked at behind the question; usually there is one, the OPT record.
const EXTRAS_MAX: usize = 16;

/// A query of a client.
#[derive(Clone, Copy)]
pub(super) struct ClientQuery<'q> {
    /// The client, and how it asked.
    pub(super) peer: Peer,
    pub(super) header: Header,
    pub(super) question: Question<'q>,
    /// Its OPT record, without the options.
    pub(super) edns: Option<Edns<'static>>,
    pub(super) cookie: Option<[u8; CLIENT_COOKIE_BYTES]>,
    pub(super) padding: Padding,
}

/// Whether the response is to be as padded as the query was (RFC 7830, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Padding {
    /// The query was not, or nothing is encrypted.
    None,
    /// It is.
    Wanted,
}

/// The same, to be kept while the query waits: it is read once.
pub(super) struct OwnedClientQuery {
    peer: Peer,
    header: Header,
    qname: Name,
    question: Box<[u8]>,
    edns: Option<Edns<'static>>,
    cookie: Option<[u8; CLIENT_COOKIE_BYTES]>,
    padding: Padding,
}

impl<'q> ClientQuery<'q> {
    /// Reads a query of `peer`. HOT.
    pub(super) fn read(peer: Peer, query: &'q [u8]) -> Option<Self> {
        let header = Header::read(query)?;
        let (question, mut rest) = Question::read(query)?;
        let (mut edns, mut cookie, mut padding) = (None, None, Padding::None);
        // What follows the counted records is not a record.
        let [_, behind @ ..] = header.counts;
        let counted = behind.into_iter().map(usize::from).fold(0, usize::saturating_add);
        for _ in 0..counted.min(EXTRAS_MAX) {
            let Some((extra, after)) = Extra::read(rest) else { break };
            rest = after;
            if let Some(read) = Edns::of(&extra) {
                cookie = read.client_cookie();
                if peer.transport.is_encrypted() && read.option(option::PADDING).is_some() {
                    padding = Padding::Wanted;
                }
                edns = Some(Edns { options: &[], ..read });
            }
        }
        Some(Self { peer, header, question, edns, cookie, padding })
    }

    /// The same, to be kept.
    pub(super) fn to_owned(self) -> OwnedClientQuery {
        let Self { peer, header, question, edns, cookie, padding } = self;
        OwnedClientQuery {
            peer,
            header,
            qname: question.qname.to_name(),
            question: question.wire.into(),
            edns,
            cookie,
            padding,
        }
    }

    /// The same over a stream, without EDNS: the response to it is neither bounded nor has it an OPT record.
    pub(super) fn unbounded(&self) -> Self {
        Self { peer: Peer { transport: Transport::Tcp, ..self.peer }, edns: None, cookie: None, ..*self }
    }

    /// Longest response to it, in bytes.
    pub(super) fn size_limit(&self) -> usize {
        self.peer.transport.size_limit(self.edns.as_ref())
    }

    /// Whether the client understands the AD bit (RFC 6840, section 5.8).
    pub(super) fn understands_authentic(&self) -> bool {
        self.edns.is_some_and(|edns| edns.is_dnssec_ok()) || self.header.flags & Header::AD != 0
    }

    /// What its answer is cached under. HOT.
    pub(super) fn key(&self) -> KeyBytes {
        KeyBytes::new(self.question.qname, self.question.qtype, self.wishes())
    }

    /// The key of the same question for another name, where an alias leads to.
    pub(super) fn key_of(&self, target: NameRef<'_>) -> CacheKey {
        CacheKey::new(target, self.question.qtype, self.wishes())
    }

    fn wishes(&self) -> Wishes {
        Wishes::of(self.header.flags, self.edns.map_or(0, |edns| edns.flags))
    }
}

impl OwnedClientQuery {
    /// The query.
    pub(super) fn get(&self) -> ClientQuery<'_> {
        let tail = self.question.last_chunk().copied().unwrap_or_default();
        let [high, low, class_high, class_low] = tail;
        let question = Question {
            qname: self.qname.as_ref(),
            qtype: Rtype(u16::from_be_bytes([high, low])),
            qclass: u16::from_be_bytes([class_high, class_low]),
            wire: &self.question,
        };
        let Self { peer, header, edns, cookie, padding, .. } = *self;
        ClientQuery { peer, header, question, edns, cookie, padding }
    }
}
