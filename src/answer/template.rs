//! The answer of one node to one type, as prepared bytes. HOT where it is read.
//!
//! ```text
//! template | qtype | answers | authorities | additionals | bytes_len | fixups | pools | flags | required |
//!          | pool refs … | fixups … | bytes … |
//! ```
//!
//! Defines the layout, written and read. Offsets of records in the message are known when a template is made,
//! because the question before them is the owner's name. Where the QNAME is longer, `fixups` lists the
//! compression pointers that move along. Which records a template has is decided by `compile`; templates are
//! kept in a `compiled_zone`.

use std::fmt;

use crate::dns::message::{Rcode, Section};
use crate::zone::{ANSWER_BYTES_MAX, POOLS_MAX};

/// The template for every type that has none of its own. A reserved QTYPE (RFC 6895, section 3.1).
pub(super) const ANY_OTHER: u16 = 0;
/// The template with the DNAME record alone, for names below it. Reserved, too.
pub(super) const DNAME_BELOW: u16 = 0xffff;

const HEAD_BYTES: usize = 16;
const POOL_REF_BYTES: usize = 8;
/// Bits of a pool reference.
const IS_MOVED: u8 = 1;
const IS_FOLLOWED: u8 = 2;
const IS_DELEGATED: u8 = 4;

/// Why an answer, or a whole zone, cannot be compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TooLarge {
    /// The records of an answer do not fit a message.
    Answer,
    /// A pool's owner is written where no compression pointer reaches.
    Owner,
    /// More pools than a template can name.
    Pools,
    /// The compiled zone takes more bytes than offsets can name.
    Zone,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TooLarge::Answer => {
                write!(f, "it takes more than the {ANSWER_BYTES_MAX} bytes that a message has room for")
            }
            TooLarge::Owner => {
                f.write_str("too many aliases lead to its pool: no compression pointer reaches its owner")
            }
            TooLarge::Pools => write!(f, "it is made from more than {POOLS_MAX} pools"),
            TooLarge::Zone => f.write_str("up to it the compiled zone takes more than 4 GiB"),
        }
    }
}

/// A pool whose records are written behind a template's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PoolRef {
    /// The pool's place in its zone.
    pub(super) pool: u32,
    /// Compression pointer to the owner.
    pub(super) owner: u16,
    pub(super) section: Section,
    /// Whether the pointer moves with the length of the QNAME.
    pub(super) is_moved: bool,
    /// Whether it answers with an alias that is followed.
    pub(super) is_followed: bool,
    /// Whether it stands at a zone cut or below one: it is not signed.
    pub(super) is_delegated: bool,
}

/// A template in a compiled zone. A view: a field is read when it is needed, and most answers need few.
#[derive(Clone, Copy)]
pub(super) struct ResponseTemplate<'b> {
    head: &'b [u8; HEAD_BYTES],
    /// Pools, fixups and bytes, one after the other, and nothing else.
    rest: &'b [u8],
}

/// Response code, authority, and what follows the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TemplateFlags(u8);

impl TemplateFlags {
    const AA: u8 = 0x10;
    const NEGATIVE: u8 = 0x20;
    const POOLED: u8 = 0x40;
    const REPEATING: u8 = 0x80;

    pub(super) fn new(rcode: Rcode) -> Self {
        Self(rcode.0.to_be_bytes()[1] & 0x0f)
    }

    pub(super) fn authoritative(self) -> Self {
        Self(self.0 | Self::AA)
    }

    pub(super) fn negative(self) -> Self {
        Self(self.0 | Self::NEGATIVE)
    }

    pub(super) fn pooled(self) -> Self {
        Self(self.0 | Self::POOLED)
    }

    /// Whether the type exists only by its pools: if they give nothing, it is NODATA.
    #[inline]
    pub(super) fn is_pooled(self) -> bool {
        self.0 & Self::POOLED != 0
    }

    pub(super) fn repeating(self) -> Self {
        Self(self.0 | Self::REPEATING)
    }

    /// Whether the chain of aliases may lead back to the QNAME at once.
    #[inline]
    pub(super) fn is_repeating(self) -> bool {
        self.0 & Self::REPEATING != 0
    }

    #[inline]
    pub(super) fn rcode(self) -> Rcode {
        Rcode(u16::from(self.0 & 0x0f))
    }

    #[inline]
    pub(super) fn is_authoritative(self) -> bool {
        self.0 & Self::AA != 0
    }

    /// Whether the zone's negative SOA belongs into the authority section.
    #[inline]
    pub(super) fn is_negative(self) -> bool {
        self.0 & Self::NEGATIVE != 0
    }
}

impl<'b> ResponseTemplate<'b> {
    /// An empty template.
    pub(super) const NONE: ResponseTemplate<'static> = ResponseTemplate { head: &[0; HEAD_BYTES], rest: &[] };

    /// The type it answers, or one of [`ANY_OTHER`] and [`DNAME_BELOW`].
    #[inline]
    pub(super) fn qtype(&self) -> u16 {
        let [low, high, ..] = *self.head;
        u16::from_le_bytes([low, high])
    }

    /// Records in answer, authority and additional section.
    #[inline]
    pub(super) fn counts(&self) -> [u16; 3] {
        let [_, _, a0, a1, n0, n1, r0, r1, ..] = *self.head;
        [[a0, a1], [n0, n1], [r0, r1]].map(u16::from_le_bytes)
    }

    /// Response code, authority, and what else follows.
    #[inline]
    pub(super) fn flags(&self) -> TemplateFlags {
        let [.., flags, _, _] = *self.head;
        TemplateFlags(flags)
    }

    /// The pools whose records follow the bytes, in order.
    #[inline]
    pub(super) fn pools(&self) -> impl Iterator<Item = PoolRef> + use<'b> {
        let (fixups_at, _) = self.places();
        let pools = self.rest.get(..fixups_at).unwrap_or_default();
        pools.as_chunks::<POOL_REF_BYTES>().0.iter().map(|&[a, b, c, d, e, f, section, bits]| PoolRef {
            pool: u32::from_le_bytes([a, b, c, d]),
            owner: u16::from_le_bytes([e, f]),
            section: match section {
                0 => Section::Answer,
                1 => Section::Authority,
                _ => Section::Additional,
            },
            is_moved: bits & IS_MOVED != 0,
            is_followed: bits & IS_FOLLOWED != 0,
            is_delegated: bits & IS_DELEGATED != 0,
        })
    }

    #[inline]
    pub(super) fn has_pools(&self) -> bool {
        let [.., pools, _, _, _] = *self.head;
        pools != 0
    }

    /// Places in the bytes where a pointer moves with the length of the QNAME.
    #[inline]
    pub(super) fn fixups(&self) -> impl Iterator<Item = usize> + use<'b> {
        let (fixups_at, bytes_at) = self.places();
        let fixups = self.rest.get(fixups_at..bytes_at).unwrap_or_default();
        fixups.as_chunks::<2>().0.iter().map(|&pair| usize::from(u16::from_le_bytes(pair)))
    }

    /// Its records as they go into the message.
    #[inline]
    pub(super) fn bytes(&self) -> &'b [u8] {
        let (_, bytes_at) = self.places();
        self.rest.get(bytes_at..).unwrap_or_default()
    }

    /// Where fixups and bytes begin.
    #[inline]
    fn places(&self) -> (usize, usize) {
        let [.., m0, m1, pools, _, _, _] = *self.head;
        let fixups_at = usize::from(pools).wrapping_mul(POOL_REF_BYTES);
        let fixups = usize::from(u16::from_le_bytes([m0, m1])).wrapping_mul(2);
        (fixups_at, fixups_at.wrapping_add(fixups))
    }

    /// The bytes that must be sent: all but additional addresses, which a client can ask for (RFC 2181,
    /// section 9).
    #[cold]
    pub(super) fn without_additional(&self) -> &'b [u8] {
        let [.., low, high] = *self.head;
        let bytes = self.bytes();
        bytes.get(..usize::from(u16::from_le_bytes([low, high]))).unwrap_or(bytes)
    }

    /// Whether it is a referral: then all its addresses are glue, which must be sent (RFC 9471, section 3).
    #[inline]
    pub(super) fn is_referral(&self) -> bool {
        let [_, authorities, _] = self.counts();
        authorities != 0
    }

    /// The template at the front of `bytes`, and what follows it.
    #[inline]
    pub(super) fn read(bytes: &'b [u8]) -> Option<(ResponseTemplate<'b>, &'b [u8])> {
        let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
        let [.., l0, l1, _, _, _, _, _, _] = *head;
        let (_, bytes_at) = ResponseTemplate { head, rest }.places();
        let length = usize::from(u16::from_le_bytes([l0, l1])).wrapping_add(bytes_at);
        let (rest, after) = rest.split_at_checked(length)?;
        Some((ResponseTemplate { head, rest }, after))
    }
}

/// A template that is being made, at load.
#[derive(Clone, Debug, Default)]
pub(super) struct TemplateBuilder {
    pub(super) qtype: u16,
    pub(super) counts: [u16; 3],
    pub(super) flags: u8,
    /// Where the additional addresses begin that may be left out.
    pub(super) additional_at: Option<usize>,
    pub(super) pools: Vec<PoolRef>,
    /// Most bytes that its pools add at a query.
    pub(super) pool_bytes: usize,
    pub(super) fixups: Vec<u16>,
    pub(super) bytes: Vec<u8>,
}

impl TemplateBuilder {
    pub(super) fn set_flags(&mut self, flags: TemplateFlags) {
        self.flags = flags.0;
    }

    /// Appends it to `out`, which is left as it was on an error: readers find the next template by the
    /// lengths of this one.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), TooLarge> {
        let short = |length: usize| u16::try_from(length).map_err(|_| TooLarge::Answer);
        let (bytes, fixups) = (short(self.bytes.len())?, short(self.fixups.len())?);
        let required = short(self.additional_at.unwrap_or(self.bytes.len()))?;
        let pools = u8::try_from(self.pools.len()).map_err(|_| TooLarge::Pools)?;
        out.extend_from_slice(&self.qtype.to_le_bytes());
        self.counts.iter().for_each(|count| out.extend_from_slice(&count.to_le_bytes()));
        out.extend_from_slice(&bytes.to_le_bytes());
        out.extend_from_slice(&fixups.to_le_bytes());
        out.push(pools);
        out.push(self.flags);
        out.extend_from_slice(&required.to_le_bytes());
        for pool in &self.pools {
            out.extend_from_slice(&pool.pool.to_le_bytes());
            out.extend_from_slice(&pool.owner.to_le_bytes());
            let section = match pool.section {
                Section::Answer => 0,
                Section::Authority => 1,
                Section::Additional => 2,
            };
            let moved = if pool.is_moved { IS_MOVED } else { 0 };
            let followed = if pool.is_followed { IS_FOLLOWED } else { 0 };
            let delegated = if pool.is_delegated { IS_DELEGATED } else { 0 };
            out.extend_from_slice(&[section, moved | followed | delegated]);
        }
        self.fixups.iter().for_each(|at| out.extend_from_slice(&at.to_le_bytes()));
        out.extend_from_slice(&self.bytes);
        Ok(())
    }
}
