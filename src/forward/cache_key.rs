//! Cache keys: what two questions that have one answer have in common.
//!
//! A key is the name in lower case, the type, and what the client wishes of DNSSEC: DO and CD.

use std::sync::Arc;

use crate::dns::edns::DNSSEC_OK;
use crate::dns::message::Header;
use crate::dns::name::NAME_BYTES_MAX;
use crate::dns::{NameRef, Rtype};
use crate::requestor::Request;

/// Type and wishes behind the name.
const KEY_TAIL_BYTES: usize = 3;
const KEY_BYTES_MAX: usize = NAME_BYTES_MAX + KEY_TAIL_BYTES;

/// The client wants signatures (DO).
const SIGNATURES: u8 = 1;
/// The upstream is not to check them (CD).
const UNCHECKED: u8 = 2;

/// What a client wishes of DNSSEC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wishes(u8);

impl Wishes {
    /// From the flags of a query's header, and the first byte of the flags of its OPT record.
    pub(super) fn of(header_flags: u16, edns_flags: u8) -> Self {
        let signatures = if edns_flags & DNSSEC_OK != 0 { SIGNATURES } else { 0 };
        let unchecked = if header_flags & Header::CD != 0 { UNCHECKED } else { 0 };
        Self(signatures | unchecked)
    }
}

/// The bytes of a key, without a place in the heap.
pub(super) struct KeyBytes {
    bytes: [u8; KEY_BYTES_MAX],
    length: usize,
}

impl KeyBytes {
    /// HOT.
    pub(super) fn new(qname: NameRef<'_>, qtype: Rtype, wishes: Wishes) -> Self {
        let mut key = Self { bytes: [0; KEY_BYTES_MAX], length: 0 };
        let name = qname.wire();
        let [high, low] = qtype.0.to_be_bytes();
        let all = name.iter().map(u8::to_ascii_lowercase).chain([high, low, wishes.0]);
        for (to, from) in key.bytes.iter_mut().zip(all) {
            *to = from;
        }
        key.length = name.len().saturating_add(KEY_TAIL_BYTES).min(KEY_BYTES_MAX);
        key
    }

    /// The key.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// The same, to be kept.
    pub(super) fn to_key(&self) -> CacheKey {
        CacheKey(self.bytes().into())
    }
}

/// A key, which also says what upstreams are asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct CacheKey(Arc<[u8]>);

impl CacheKey {
    /// The key of a question.
    pub(super) fn new(qname: NameRef<'_>, qtype: Rtype, wishes: Wishes) -> Self {
        KeyBytes::new(qname, qtype, wishes).to_key()
    }

    /// The key of a question of our own, without wishes.
    pub(super) fn plain(qname: NameRef<'_>, qtype: Rtype) -> Self {
        Self::new(qname, qtype, Wishes::default())
    }

    /// Its bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn tail(&self) -> [u8; KEY_TAIL_BYTES] {
        self.0.last_chunk().copied().unwrap_or_default()
    }

    /// The name, in lower case.
    pub(super) fn qname(&self) -> NameRef<'_> {
        NameRef::split_from(&self.0).map_or(NameRef::ROOT, |(name, _)| name)
    }

    /// The type.
    pub(super) fn qtype(&self) -> Rtype {
        let [high, low, _] = self.tail();
        Rtype(u16::from_be_bytes([high, low]))
    }

    /// What upstreams are asked. AD says that we understand it in the response (RFC 6840, section 5.7).
    pub(super) fn request(&self) -> Request<'_> {
        let [_, _, wishes] = self.tail();
        let unchecked = if wishes & UNCHECKED != 0 { Header::CD } else { 0 };
        Request {
            qname: self.qname(),
            qtype: self.qtype(),
            flags: Header::RD | Header::AD | unchecked,
            edns_flags: if wishes & SIGNATURES != 0 { DNSSEC_OK } else { 0 },
        }
    }
}
