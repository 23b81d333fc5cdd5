//! A zone as ready bytes: one table, one block of memory.
//!
//! Responsible for the layout of a compiled zone and for reading it. HOT.
//! Not responsible for what stands in it: `compile` fills it.
//!
//! ```text
//! slots   [ tag:32 | place:32 ] …                     open addressing, at most two thirds full
//! node    | name_len | flags | plans_len:32 | wildcard:32 | name … | plan | plan | …
//! plan    | qtype | answers | authorities | additionals | bytes_len | moves | pools | flags | needed |
//!         | pool refs … | moves … | bytes … |
//! ```
//!
//! A node and its plans lie together, so that a hit touches one slot and one
//! or two cache lines more. Offsets of records inside the message are known
//! when a plan is made, because the question before them is the owner's name;
//! where the QNAME is longer, `moves` lists the compression pointers that
//! move along.

use crate::dns::NameHash;
use crate::dns::message::Rcode;

/// A compiled zone. Immutable; only [`super::compile`] makes one.
#[derive(PartialEq, Eq)]
pub struct Book {
    slots: Box<[u64]>,
    bytes: Box<[u8]>,
    /// Length of the apex's name in wire form.
    apex_bytes: usize,
    /// Labels of the apex's name.
    apex_labels: usize,
    /// SOA record with the negative TTL; for both NODATA and NXDOMAIN.
    negative: Box<[u8]>,
}

/// What a node is besides a set of plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeFlags(u8);

impl NodeFlags {
    pub(super) const NONE: NodeFlags = NodeFlags(0);
    /// At and below it: a referral, its plan [`ANY_OTHER`].
    pub(super) const CUT: NodeFlags = NodeFlags(1);
    /// Below it: a DNAME, its plan [`DNAME_BELOW`].
    pub(super) const DNAME: NodeFlags = NodeFlags(2);
    /// There is a wildcard right below it.
    pub(super) const HAS_WILDCARD: NodeFlags = NodeFlags(4);
    /// A wildcard: its plans are made for the name one label up.
    pub(super) const WILDCARD: NodeFlags = NodeFlags(8);

    pub(super) const fn with(self, other: NodeFlags) -> NodeFlags {
        NodeFlags(self.0 | other.0)
    }

    #[inline]
    pub(super) const fn has(self, other: NodeFlags) -> bool {
        self.0 & other.0 != 0
    }
}

/// The plan for every type that has none of its own. A reserved QTYPE (RFC
/// 6895, section 3.1).
pub(super) const ANY_OTHER: u16 = 0;
/// The plan with the DNAME record alone, for names below it. Reserved, too.
pub(super) const DNAME_BELOW: u16 = 0xffff;

const NODE_HEAD_BYTES: usize = 10;
const PLAN_HEAD_BYTES: usize = 16;
const POOL_REF_BYTES: usize = 8;
/// Bits of a pool reference.
const MOVES: u8 = 1;
const LEADS_ON: u8 = 2;

/// The sections of a message that records are put into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Answer,
    Authority,
    Additional,
}

/// A place in a plan that a pool's records are put into: behind its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PoolRef {
    /// The pool's place in its zone.
    pub(super) pool: u32,
    /// Compression pointer to the owner.
    pub(super) owner: u16,
    pub(super) section: Section,
    /// Whether the pointer moves with the length of the QNAME.
    pub(super) moves: bool,
    /// Whether it gives an alias that is to be followed.
    pub(super) leads_on: bool,
}

/// What is to be answered, made ready. Read from a [`Book`].
///
/// A view: everything is read where it lies, when it is wanted. Most plans
/// have no use for most of it.
#[derive(Clone, Copy)]
pub(super) struct Plan<'b> {
    head: &'b [u8; PLAN_HEAD_BYTES],
    /// Pools, moves and bytes, one after the other, and nothing else.
    rest: &'b [u8],
}

/// Response code, authority, and whether the negative SOA follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlanFlags(u8);

impl PlanFlags {
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

    /// Whether the type exists only by its pools: if they give nothing, it
    /// is NODATA.
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

impl<'b> Plan<'b> {
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

    /// Code, authority and what else follows.
    #[inline]
    pub(super) fn flags(&self) -> PlanFlags {
        let [.., flags, _, _] = *self.head;
        PlanFlags(flags)
    }

    /// The pools whose records follow the bytes, in order.
    #[inline]
    pub(super) fn pools(&self) -> impl Iterator<Item = PoolRef> + use<'b> {
        let (moves_at, _) = self.places();
        let pools = self.rest.get(..moves_at).unwrap_or_default();
        pools.as_chunks::<POOL_REF_BYTES>().0.iter().map(|&[a, b, c, d, e, f, section, bits]| PoolRef {
            pool: u32::from_le_bytes([a, b, c, d]),
            owner: u16::from_le_bytes([e, f]),
            section: match section {
                0 => Section::Answer,
                1 => Section::Authority,
                _ => Section::Additional,
            },
            moves: bits & MOVES != 0,
            leads_on: bits & LEADS_ON != 0,
        })
    }

    #[inline]
    pub(super) fn has_pools(&self) -> bool {
        let [.., pools, _, _, _] = *self.head;
        pools != 0
    }

    /// Places in the bytes where a pointer moves with the length of the QNAME.
    #[inline]
    pub(super) fn moves(&self) -> impl Iterator<Item = usize> + use<'b> {
        let (moves_at, bytes_at) = self.places();
        let moves = self.rest.get(moves_at..bytes_at).unwrap_or_default();
        moves.as_chunks::<2>().0.iter().map(|&pair| usize::from(u16::from_le_bytes(pair)))
    }

    /// Its records as they go into the message.
    #[inline]
    pub(super) fn bytes(&self) -> &'b [u8] {
        let (_, bytes_at) = self.places();
        self.rest.get(bytes_at..).unwrap_or_default()
    }

    /// Where moves and bytes begin.
    #[inline]
    fn places(&self) -> (usize, usize) {
        let [.., m0, m1, pools, _, _, _] = *self.head;
        let moves_at = usize::from(pools).wrapping_mul(POOL_REF_BYTES);
        let moves = usize::from(u16::from_le_bytes([m0, m1])).wrapping_mul(2);
        (moves_at, moves_at.wrapping_add(moves))
    }

    /// The bytes that must be sent. What follows are additional addresses,
    /// which a client can ask for (RFC 2181, section 9).
    #[cold]
    pub(super) fn needed(&self) -> &'b [u8] {
        let [.., low, high] = *self.head;
        let bytes = self.bytes();
        bytes.get(..usize::from(u16::from_le_bytes([low, high]))).unwrap_or(bytes)
    }

    /// Whether it is a referral: then all its addresses are glue, which must
    /// be sent (RFC 9471, section 3).
    #[inline]
    pub(super) fn is_referral(&self) -> bool {
        let [_, authorities, _] = self.counts();
        authorities != 0
    }

    /// The plan at the front of `bytes`, and what follows it.
    #[inline]
    fn read(bytes: &'b [u8]) -> Option<(Plan<'b>, &'b [u8])> {
        let (head, rest) = bytes.split_first_chunk::<PLAN_HEAD_BYTES>()?;
        let [.., l0, l1, _, _, _, _, _, _] = *head;
        let (_, bytes_at) = Plan { head, rest }.places();
        let length = usize::from(u16::from_le_bytes([l0, l1])).wrapping_add(bytes_at);
        let (rest, after) = rest.split_at_checked(length)?;
        Some((Plan { head, rest }, after))
    }
}

/// A node of a [`Book`]. A view, as [`Plan`] is.
#[derive(Clone, Copy)]
pub(super) struct BookNode<'b> {
    head: &'b [u8; NODE_HEAD_BYTES],
    /// Name and plans, and then the rest of the book.
    rest: &'b [u8],
}

impl<'b> BookNode<'b> {
    #[inline]
    pub(super) fn has(&self, flag: NodeFlags) -> bool {
        let [_, flags, ..] = *self.head;
        NodeFlags(flags).has(flag)
    }

    /// The plan of exactly this type.
    #[inline]
    pub(super) fn plan(&self, qtype: u16) -> Option<Plan<'b>> {
        let mut rest = self.plan_bytes();
        while let Some((plan, after)) = Plan::read(rest) {
            if plan.qtype() == qtype {
                return Some(plan);
            }
            rest = after;
        }
        None
    }

    /// All its plans.
    pub(super) fn plans(&self) -> impl Iterator<Item = Plan<'b>> + use<'b> {
        let mut rest = self.plan_bytes();
        std::iter::from_fn(move || {
            let (plan, after) = Plan::read(rest)?;
            rest = after;
            Some(plan)
        })
    }

    /// The plan of this type, or else the one for every type that has none.
    #[inline]
    pub(super) fn plan_or_other(&self, qtype: u16) -> Option<Plan<'b>> {
        let mut other = None;
        let mut rest = self.plan_bytes();
        while let Some((plan, after)) = Plan::read(rest) {
            let own = plan.qtype();
            if own == qtype {
                return Some(plan);
            }
            if own == ANY_OTHER {
                other = Some(plan);
            }
            rest = after;
        }
        other
    }

    /// The plan of an RRset of the node, whichever comes first (RFC 8482,
    /// section 4.1).
    #[inline]
    pub(super) fn plan_for_any(&self) -> Option<Plan<'b>> {
        let first = Plan::read(self.plan_bytes()).map(|(plan, _)| plan);
        first.filter(|plan| !self.has(NodeFlags::CUT) && plan.qtype() != DNAME_BELOW)
    }

    /// Whether both are one node.
    pub(super) fn is(&self, other: &BookNode<'_>) -> bool {
        std::ptr::eq(self.head, other.head)
    }

    /// Whether its name is this one, without the apex's part.
    #[inline]
    fn is_named(&self, relative: &[u8]) -> bool {
        let [name_bytes, ..] = *self.head;
        usize::from(name_bytes) == relative.len() && self.rest.starts_with(relative)
    }

    #[inline]
    fn plan_bytes(&self) -> &'b [u8] {
        let [name_bytes, _, p0, p1, p2, p3, ..] = *self.head;
        let from = usize::from(name_bytes);
        let to = from.wrapping_add(u32::from_le_bytes([p0, p1, p2, p3]) as usize);
        self.rest.get(from..to).unwrap_or_default()
    }

    /// Where the wildcard right below it is.
    #[inline]
    fn wildcard(&self) -> u32 {
        let [.., w0, w1, w2, w3] = *self.head;
        u32::from_le_bytes([w0, w1, w2, w3])
    }
}

impl Book {
    /// The node of a name: its hash, and its lower-case wire form up to the
    /// apex's first label. HOT.
    #[inline]
    pub(super) fn find(&self, hash: NameHash, relative: &[u8]) -> Option<BookNode<'_>> {
        let mask = self.slots.len().wrapping_sub(1);
        let bits = hash.bits();
        #[allow(clippy::cast_possible_truncation, reason = "masked to the table's size")]
        let mut at = bits as usize & mask;
        // The table has empty slots, and `mask` keeps the place inside.
        while let Some(&slot) = self.slots.get(at) {
            if slot == 0 {
                return None;
            }
            if slot >> 32 == bits >> 32 {
                #[allow(clippy::cast_possible_truncation, reason = "the lower half is the place")]
                let place = (slot as u32).wrapping_sub(1);
                if let Some(node) = self.node(place)
                    && node.is_named(relative)
                {
                    return Some(node);
                }
            }
            at = at.wrapping_add(1) & mask;
        }
        None
    }

    /// The wildcard right below a node.
    #[inline]
    pub(super) fn wildcard_of(&self, node: &BookNode<'_>) -> Option<BookNode<'_>> {
        if !node.has(NodeFlags::HAS_WILDCARD) {
            return None;
        }
        self.node(node.wildcard())
    }

    #[inline]
    fn node(&self, place: u32) -> Option<BookNode<'_>> {
        let (head, rest) = self.bytes.get(place as usize..)?.split_first_chunk()?;
        Some(BookNode { head, rest })
    }

    /// Length of the apex's name in wire form, in bytes.
    #[inline]
    pub(super) fn apex_bytes(&self) -> usize {
        self.apex_bytes
    }

    /// Labels of the apex's name, the root not counted.
    #[inline]
    pub(super) fn apex_labels(&self) -> usize {
        self.apex_labels
    }

    /// The SOA record of negative answers, all names in pointers to the
    /// apex's part of the question: [`NEGATIVE_OWNER`] first, then type and
    /// so on. Its pointers are made for QNAME = apex.
    #[inline]
    pub(super) fn negative(&self) -> Plan<'_> {
        let none = Plan { head: &[0; PLAN_HEAD_BYTES], rest: &[] };
        Plan::read(&self.negative).map_or(none, |(plan, _)| plan)
    }

    /// Memory that it takes, in bytes.
    pub fn memory_bytes(&self) -> usize {
        let slots = self.slots.len().saturating_mul(8);
        slots.saturating_add(self.bytes.len()).saturating_add(self.negative.len())
    }

    /// All of it, for comparing two books.
    #[cfg(test)]
    pub(super) fn raw(&self) -> (&[u64], &[u8], &[u8]) {
        (&self.slots, &self.bytes, &self.negative)
    }
}

/// A plan that is being made.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub(super) qtype: u16,
    pub(super) counts: [u16; 3],
    pub(super) flags: u8,
    /// Where the additional addresses begin that need not be sent.
    pub(super) courtesy_at: Option<usize>,
    pub(super) pools: Vec<PoolRef>,
    pub(super) moves: Vec<u16>,
    pub(super) bytes: Vec<u8>,
}

impl Draft {
    pub(super) fn set_flags(&mut self, flags: PlanFlags) {
        self.flags = flags.0;
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.qtype.to_le_bytes());
        self.counts.iter().for_each(|count| out.extend_from_slice(&count.to_le_bytes()));
        out.extend_from_slice(&short(self.bytes.len()).to_le_bytes());
        out.extend_from_slice(&short(self.moves.len()).to_le_bytes());
        out.push(u8::try_from(self.pools.len()).unwrap_or(u8::MAX));
        out.push(self.flags);
        out.extend_from_slice(&short(self.courtesy_at.unwrap_or(self.bytes.len())).to_le_bytes());
        for pool in self.pools.iter().take(usize::from(u8::MAX)) {
            out.extend_from_slice(&pool.pool.to_le_bytes());
            out.extend_from_slice(&pool.owner.to_le_bytes());
            let section = match pool.section {
                Section::Answer => 0,
                Section::Authority => 1,
                Section::Additional => 2,
            };
            let moves = if pool.moves { MOVES } else { 0 };
            let leads_on = if pool.leads_on { LEADS_ON } else { 0 };
            out.extend_from_slice(&[section, moves | leads_on]);
        }
        self.moves.iter().for_each(|at| out.extend_from_slice(&at.to_le_bytes()));
        out.extend_from_slice(&self.bytes);
    }
}

fn short(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

/// A book that is being filled.
pub(super) struct BookWriter {
    bytes: Vec<u8>,
    places: Vec<(NameHash, u32)>,
    apex_bytes: usize,
    apex_labels: usize,
}

/// Where a node was put; for telling another node of it.
#[derive(Clone, Copy)]
pub(super) struct Place(u32);

impl BookWriter {
    pub(super) fn new(apex_bytes: usize, apex_labels: usize) -> Self {
        Self { bytes: Vec::new(), places: Vec::new(), apex_bytes, apex_labels }
    }

    /// Adds a node that can be found by its name.
    pub(super) fn add(
        &mut self,
        hash: NameHash,
        relative: &[u8],
        flags: NodeFlags,
        plans: &[Draft],
    ) -> Place {
        let place = self.add_unlisted(relative, flags, plans);
        self.places.push((hash, place.0));
        place
    }

    /// Adds a node that is reached through another only.
    pub(super) fn add_unlisted(&mut self, relative: &[u8], flags: NodeFlags, plans: &[Draft]) -> Place {
        let place = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(&[u8::try_from(relative.len()).unwrap_or(u8::MAX), flags.0]);
        self.bytes.extend_from_slice(&[0; 8]);
        self.bytes.extend_from_slice(relative);
        let before = self.bytes.len();
        plans.iter().for_each(|plan| plan.write(&mut self.bytes));
        let length = u32::try_from(self.bytes.len().saturating_sub(before)).unwrap_or(u32::MAX);
        self.patch(place, 2, length);
        Place(place)
    }

    /// Tells a node of the wildcard right below it.
    pub(super) fn link_wildcard(&mut self, parent: Place, wildcard: Place) {
        self.patch(parent.0, 6, wildcard.0);
        if let Some(flags) = self.bytes.get_mut((parent.0 as usize).saturating_add(1)) {
            *flags |= NodeFlags::HAS_WILDCARD.0;
        }
    }

    fn patch(&mut self, place: u32, field: usize, value: u32) {
        let at = (place as usize).saturating_add(field);
        if let Some(bytes) = self.bytes.get_mut(at..at.saturating_add(4)) {
            bytes.copy_from_slice(&value.to_le_bytes());
        }
    }

    /// The finished book.
    pub(super) fn finish(self, negative: &Draft) -> Book {
        let wanted = self.places.len().saturating_mul(3) / 2;
        let size = wanted.max(4).next_power_of_two();
        let mask = size.saturating_sub(1);
        let mut slots = vec![0_u64; size];
        for (hash, place) in self.places {
            #[allow(clippy::cast_possible_truncation, reason = "masked to the table's size")]
            let mut at = hash.bits() as usize & mask;
            while slots.get(at).is_some_and(|slot| *slot != 0) {
                at = at.saturating_add(1) & mask;
            }
            if let Some(slot) = slots.get_mut(at) {
                *slot = hash.bits() >> 32 << 32 | u64::from(place.saturating_add(1));
            }
        }
        let mut soa = Vec::new();
        negative.write(&mut soa);
        Book {
            slots: slots.into_boxed_slice(),
            bytes: self.bytes.into_boxed_slice(),
            apex_bytes: self.apex_bytes,
            apex_labels: self.apex_labels,
            negative: soa.into_boxed_slice(),
        }
    }
}
