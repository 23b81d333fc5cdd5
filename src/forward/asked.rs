//! What a client asks, as far as it chooses the answer, and as far as it is
//! given back.
//!
//! Responsible for reading the query again, which `answer` has found well
//! formed, and for what makes two questions the same.
//! Not responsible for answering.

use std::sync::Arc;

use crate::dns::edns::{Edns, Options, option};
use crate::dns::message::{Extra, HEADER_BYTES, Header, Question};
use crate::dns::name::NAME_BYTES_MAX;
use crate::dns::{NameRef, Rtype};
use crate::requestor::Request;

/// Bytes of a client cookie (RFC 7873, section 4).
pub(super) const CLIENT_COOKIE_BYTES: usize = 8;

/// Records looked at behind the question; there is one, the OPT record, in
/// every query of our days.
const EXTRAS_MAX: usize = 16;

/// The DO bit (RFC 3225, section 3).
pub(super) const DNSSEC_OK: u8 = 0x80;

/// Header bit: the data is authentic (RFC 4035), or the client understands
/// what that means (RFC 6840, section 5.7).
pub(super) const AUTHENTIC: u16 = 0x0020;

/// A query of a client.
pub(super) struct Asked<'q> {
    pub(super) header: Header,
    pub(super) question: Question<'q>,
    pub(super) edns: Option<Edns<'q>>,
    pub(super) cookie: Option<[u8; CLIENT_COOKIE_BYTES]>,
}

impl<'q> Asked<'q> {
    /// Reads a query. HOT.
    pub(super) fn read(query: &'q [u8]) -> Option<Self> {
        let header = Header::read(query)?;
        let (question, mut rest) = Question::read(query)?;
        let mut asked = Self { header, question, edns: None, cookie: None };
        // What follows without being counted is no record.
        let [_, behind @ ..] = header.counts;
        let counted = behind.into_iter().map(usize::from).fold(0, usize::saturating_add);
        for _ in 0..counted.min(EXTRAS_MAX) {
            let Some((extra, after)) = Extra::read(rest) else { break };
            rest = after;
            if let Some(edns) = Edns::of(&extra) {
                asked.edns = Some(edns);
                let mut options = Options::new(edns.options).filter_map(Result::ok);
                let cookie = options.find(|(code, _)| *code == option::COOKIE);
                asked.cookie = cookie.and_then(|(_, value)| value.first_chunk().copied());
            }
        }
        Some(asked)
    }

    /// Whether the client wants signatures.
    pub(super) fn wants_signatures(&self) -> bool {
        self.edns.is_some_and(|edns| edns.flags & DNSSEC_OK != 0)
    }

    /// Whether the client understands the AD bit (RFC 6840, section 5.8).
    pub(super) fn understands_authentic(&self) -> bool {
        self.wants_signatures() || self.header.flags & AUTHENTIC != 0
    }

    /// What it is kept under. HOT.
    pub(super) fn key(&self) -> Key {
        let mut key = Key { bytes: [0; KEY_BYTES_MAX], length: 0 };
        let name = self.question.qname.wire();
        let [high, low] = self.question.qtype.0.to_be_bytes();
        let signatures = if self.wants_signatures() { SIGNATURES } else { 0 };
        let unchecked = if self.header.flags & Header::CD != 0 { UNCHECKED } else { 0 };
        let all = name.iter().map(u8::to_ascii_lowercase).chain([high, low, signatures | unchecked]);
        for (to, from) in key.bytes.iter_mut().zip(all) {
            *to = from;
        }
        key.length = name.len().saturating_add(KEY_TAIL_BYTES).min(KEY_BYTES_MAX);
        key
    }
}

/// Type and wishes behind the name.
const KEY_TAIL_BYTES: usize = 3;
const KEY_BYTES_MAX: usize = NAME_BYTES_MAX + KEY_TAIL_BYTES;

/// The client wants signatures (DO).
const SIGNATURES: u8 = 1;
/// The upstream is not to check them (CD).
const UNCHECKED: u8 = 2;

/// What two questions that have one answer have in common: the name in lower
/// case, the type, DO and CD.
pub(super) struct Key {
    bytes: [u8; KEY_BYTES_MAX],
    length: usize,
}

impl Key {
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// A question as upstreams are asked it: the bytes of a [`Key`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Wanted(Arc<[u8]>);

impl Wanted {
    /// The question that a key stands for.
    pub(super) fn of(key: &Key) -> Self {
        Self(key.bytes().into())
    }

    /// The question that asks on where an alias leads to.
    pub(super) fn behind(target: NameRef<'_>, asked: &Asked<'_>) -> Self {
        let key = asked.key();
        let tail = key.bytes().last_chunk::<KEY_TAIL_BYTES>().copied().unwrap_or_default();
        Self([&target.to_lowercase()[..], &tail].concat().into())
    }

    /// A question of our own.
    pub(super) fn plain(qname: NameRef<'_>, qtype: Rtype) -> Self {
        let mut bytes = qname.to_lowercase();
        bytes.extend_from_slice(&qtype.0.to_be_bytes());
        bytes.push(0);
        Self(bytes.into())
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.0
    }

    fn tail(&self) -> [u8; KEY_TAIL_BYTES] {
        self.0.last_chunk().copied().unwrap_or_default()
    }

    /// The name, in lower case.
    pub(super) fn qname(&self) -> NameRef<'_> {
        NameRef::split_from(&self.0).map_or(NameRef::ROOT, |(name, _)| name)
    }

    pub(super) fn qtype(&self) -> Rtype {
        let [high, low, _] = self.tail();
        Rtype(u16::from_be_bytes([high, low]))
    }

    /// What upstreams are asked. AD says that we understand it in the response (RFC 6840, section 5.7).
    pub(super) fn request(&self) -> Request<'_> {
        Request {
            qname: self.qname(),
            qtype: self.qtype(),
            flags: Header::RD | AUTHENTIC | self.header_flags(),
            edns_flags: self.edns_flags(),
        }
    }

    /// DO as it goes into the OPT record.
    fn edns_flags(&self) -> u8 {
        let [_, _, wishes] = self.tail();
        if wishes & SIGNATURES != 0 { DNSSEC_OK } else { 0 }
    }

    /// CD as it goes into the header.
    fn header_flags(&self) -> u16 {
        let [_, _, wishes] = self.tail();
        if wishes & UNCHECKED != 0 { Header::CD } else { 0 }
    }
}

/// Where the records of a message with this question begin.
pub(super) fn records_at(question: &Question<'_>) -> usize {
    HEADER_BYTES.saturating_add(question.wire.len())
}
