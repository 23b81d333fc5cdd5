//! Pools as ready bytes: what each answers with, given the board.
//!
//! Who is a candidate is worked out when the board changes (`candidates`), by the selectors of the room `zone`;
//! here what they leave for a query is carried out.

mod selection;

mod rotation;

mod candidates;

mod signatures;

mod ahead;

use std::net::IpAddr;
use std::sync::Arc;

use tracing::error;

use super::host_addresses::HostAddresses;
use super::ownerless::put_ownerless;
use super::pointer::OWN;
use crate::dns::NameRef;
use crate::dns::name::NAME_BYTES_MAX;
use crate::dnssec::PoolSigner;
use crate::health::Board;
use crate::zone::{ChoiceAtQuery, ChosenBy, Computed, ComputedRdata, MEMBERS_MAX, View};

use candidates::Chosen;
pub use candidates::{BoundPool, PoolState, PoolTargets};
use rotation::ReadyRotation;
pub(super) use selection::{Selection, next_random};
use signatures::{PoolSignatures, signable};

/// Where the length of its RDATA stands in a record without its owner, and where that RDATA begins (RFC 1035, section 3.2.1).
const LENGTH_AT: usize = 8;
const RDATA_AT: usize = 10;

/// Longest record without its owner that is computed: one with a name.
const COMPUTED_BYTES_MAX: usize = RDATA_AT + NAME_BYTES_MAX;

/// All pools of a zone, ready to be answered from.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Pools {
    /// Shared with the pools of before and after: a change of one leaves all others where they are.
    answers: Box<[Arc<PoolAnswer>]>,
    /// What signs them, in a zone that is signed here.
    signer: Option<Arc<PoolSigner>>,
}

/// What one pool answers with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PoolAnswer {
    choice: ChoiceAtQuery,
    /// Where each record ends in `records`.
    ends: Box<[u32]>,
    /// The records without owners, one after the other. Of one that is computed, the longest that there may be: its head is that
    /// of all of them.
    records: Box<[u8]>,
    /// The same for the answer that nearly every pool gives.
    rotation: Option<ReadyRotation>,
    /// What clients elsewhere get, while this host suspects itself or others see up what is down here; none: the same.
    elsewhere: Option<Box<PoolAnswer>>,
    /// What signs it, in a zone that is signed here.
    signatures: Option<Box<PoolSignatures>>,
}

impl PoolAnswer {
    /// What a client gets: one on this host what this host sees, others also what it believed before it suspected itself, or
    /// what is seen elsewhere. HOT.
    #[inline]
    pub(super) fn for_client(&self, client: IpAddr, host: &HostAddresses) -> &PoolAnswer {
        match &self.elsewhere {
            Some(elsewhere) if !host.have(client) => elsewhere,
            Some(_) | None => self,
        }
    }

    /// Whether the choice depends on the name.
    #[inline]
    pub(super) fn is_by_name(&self) -> bool {
        matches!(self.choice, ChoiceAtQuery::Weighted(ChosenBy::Name, _) | ChoiceAtQuery::Computed(_))
    }

    /// All records with their owner, in an order that begins anywhere, and how
    /// many they are; none where the pool answers otherwise than that, or under
    /// another owner than a pointer to the question's name. HOT.
    #[inline]
    pub(super) fn ready_rotation(&self, owner: &[u8], rng: &mut u64) -> Option<(&[u8], u16)> {
        self.rotation.as_ref().filter(|_| *owner == OWN)?.piece(rng)
    }

    /// Most bytes it answers with when owners take `owner` bytes each.
    #[inline]
    pub(super) fn bytes_max(&self, owner: usize) -> usize {
        self.ends.len().saturating_mul(owner).saturating_add(self.records.len())
    }

    /// The same with signatures.
    pub(super) fn signed_bytes_max(&self, owner: usize) -> usize {
        let signatures = self.signatures.as_ref().map_or(0, |signatures| signatures.set_bytes(owner));
        self.bytes_max(owner).saturating_add(signatures)
    }

    /// The records without owners that sign what [`PoolAnswer::chosen`] chose; of a rotation that is ready, the first.
    pub(super) fn signatures(&self, set: u32) -> impl Iterator<Item = &[u8]> {
        self.signatures.iter().flat_map(move |signatures| signatures.of_set(set))
    }

    /// Hands the chosen records to `put`, in the order to answer. HOT. Returns which of the sets that it may answer that
    /// is; none when the whole answer must be SERVFAIL; then there are no records.
    #[inline]
    pub(super) fn chosen(&self, mut selection: Selection<'_>, mut put: impl FnMut(&[u8])) -> Option<u32> {
        let count = self.count();
        let place = match &self.choice {
            ChoiceAtQuery::All { pinned, most } => {
                let start = self.start(&mut selection, *pinned);
                self.rotated(start, *pinned).take(*most as usize).for_each(put);
                let is_same_for_all = *most >= count || *pinned >= *most;
                return Some(if is_same_for_all { 0 } else { start.saturating_sub(*pinned) });
            }
            ChoiceAtQuery::Growing { pinned, most, shares, levels } => {
                let bar = selection.below(100);
                let start = self.start(&mut selection, *pinned);
                let is_above = |share: &u8| u32::from(*share) > bar;
                let gets_it = |place: &u32| shares.get(*place as usize).is_some_and(is_above);
                let chosen = self.places_from(start, *pinned).filter(gets_it).take(*most as usize);
                chosen.filter_map(|place| self.record(place)).for_each(put);
                // A share is one of a hundred.
                let level = u32::try_from(levels.partition_point(|share| !is_above(share))).unwrap_or(0);
                let is_same_for_all = *most >= count || *pinned >= *most;
                let (windows, window) = match is_same_for_all {
                    true => (1, 0),
                    false => (count.saturating_sub(*pinned), start.saturating_sub(*pinned)),
                };
                return Some(level.wrapping_mul(windows).wrapping_add(window));
            }
            ChoiceAtQuery::Sample(sample) => {
                self.sample(&mut selection, *sample, &mut put);
                return Some(0);
            }
            ChoiceAtQuery::First => 0,
            ChoiceAtQuery::One(number) => selection.number(*number, count),
            ChoiceAtQuery::Weighted(number, sums) => weighted(sums, *number, &mut selection),
            ChoiceAtQuery::Ring(ring) => nearest(ring, selection.client_hash()),
            ChoiceAtQuery::Views(views) => {
                let client = selection.client;
                let holds = |view: &&View| {
                    view.networks.iter().any(|network| {
                        client.matters_as(|address| network.deciding_bits(address));
                        network.holds(client.address())
                    })
                };
                let view = views.iter().find(holds)?;
                let width = view.places.end.saturating_sub(view.places.start);
                view.places.start.saturating_add(selection.below(width))
            }
            ChoiceAtQuery::Computed(computed) => {
                self.put_computed(computed, selection.name, &mut put);
                return Some(0);
            }
            ChoiceAtQuery::ServFail => return None,
        };
        if let Some(record) = self.record(place) {
            put(record);
        }
        Some(place)
    }

    /// Where those begin that are not pinned: anywhere.
    #[inline]
    fn start(&self, selection: &mut Selection<'_>, pinned: u32) -> u32 {
        let free = self.count().saturating_sub(pinned);
        if free > 1 { selection.below(free).saturating_add(pinned) } else { pinned }
    }

    /// All records: the pinned ones, then the others beginning at a place.
    #[inline]
    fn rotated(&self, start: u32, pinned: u32) -> impl Iterator<Item = &[u8]> {
        self.places_from(start, pinned).filter_map(|place| self.record(place))
    }

    /// Their places in that order.
    #[inline]
    fn places_from(&self, start: u32, pinned: u32) -> impl Iterator<Item = u32> + use<> {
        (0..pinned).chain(start..self.count()).chain(pinned..start)
    }

    /// The record that is made from a name, if there is one. Not inlined: its room is not to be that of other pools.
    #[inline(never)]
    fn put_computed(&self, computed: &Computed, name: &[u8], put: &mut dyn FnMut(&[u8])) {
        let (mut rdata, mut record) = (ComputedRdata::new(), [0; COMPUTED_BYTES_MAX]);
        let made = NameRef::split_from(name).ok().and_then(|(name, _)| computed.rdata(name, &mut rdata));
        let (Some(made), Some(head)) = (made, self.records.get(..LENGTH_AT)) else { return };
        // A name at most.
        let length = u16::try_from(made.len()).unwrap_or(0).to_be_bytes();
        let whole = head.iter().chain(&length).chain(made);
        let end = RDATA_AT.saturating_add(made.len());
        record.iter_mut().zip(whole).for_each(|(to, from)| *to = *from);
        if let Some(record) = record.get(..end) {
            put(record);
        }
    }

    /// So many records by chance: the beginning of a shuffle (Fisher and Yates).
    fn sample(&self, selection: &mut Selection<'_>, sample: u32, put: &mut impl FnMut(&[u8])) {
        let mut places = [0_u16; MEMBERS_MAX];
        let count = self.count();
        for (place, slot) in (0..count).zip(&mut places) {
            // A place among `MEMBERS_MAX`, which is a thousand.
            *slot = u16::try_from(place).unwrap_or(0);
        }
        for at in 0..sample.min(count) {
            let other = at.saturating_add(selection.below(count.saturating_sub(at)));
            let (at, other) = (at as usize, other as usize);
            if at < places.len() && other < places.len() {
                places.swap(at, other);
            }
            if let Some(record) = places.get(at).and_then(|place| self.record(u32::from(*place))) {
                put(record);
            }
        }
    }

    #[inline]
    fn count(&self) -> u32 {
        // A thousand at most: `MEMBERS_MAX`.
        u32::try_from(self.ends.len()).unwrap_or(0)
    }

    #[inline]
    fn record(&self, place: u32) -> Option<&[u8]> {
        let place = place as usize;
        let end = *self.ends.get(place)?;
        let start = match place.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.records.get(start as usize..end as usize)
    }
}

/// The place of the first sum above a number below the whole sum. HOT.
#[inline]
fn weighted(sums: &[u32], by: ChosenBy, selection: &mut Selection<'_>) -> u32 {
    let whole = sums.last().copied().unwrap_or(1);
    let number = selection.number(by, whole);
    // A place among `MEMBERS_MAX`.
    u32::try_from(sums.partition_point(|sum| *sum <= number)).unwrap_or(0)
}

/// The place whose point comes first from `hash` on, round the ring. HOT.
#[inline]
fn nearest(ring: &[(u32, u32)], hash: u32) -> u32 {
    let at = ring.partition_point(|(point, _)| *point < hash);
    ring.get(at).or(ring.first()).map_or(0, |(_, place)| *place)
}

impl Pools {
    /// What every pool answers with, given the board. A pure function.
    pub fn new<'p>(pools: impl IntoIterator<Item = &'p BoundPool>, board: &Board) -> Pools {
        Pools::signed(pools, board, None)
    }

    /// The same in a zone that is signed here, with signatures of `signer`. With Ed25519 a pure function as well; with ECDSA
    /// as far as `signer` has made the signatures before.
    pub fn signed<'p>(
        pools: impl IntoIterator<Item = &'p BoundPool>,
        board: &Board,
        signer: Option<Arc<PoolSigner>>,
    ) -> Pools {
        let answer = |pool| Arc::new(build_answer(pool, board, signer.as_deref()));
        Pools { answers: pools.into_iter().map(answer).collect(), signer }
    }

    /// Whether its signatures are those that `signer` would make.
    pub fn is_signed_by(&self, signer: Option<&Arc<PoolSigner>>) -> bool {
        self.signer.as_ref() == signer
    }

    /// The same after `changed` pools may answer otherwise: each with its place. What the others answer with
    /// is shared, not copied.
    pub fn with<'p>(
        &self,
        changed: impl IntoIterator<Item = (usize, &'p BoundPool)>,
        board: &Board,
    ) -> Pools {
        let mut answers = self.answers.clone();
        for (place, pool) in changed {
            if let Some(answer) = answers.get_mut(place) {
                *answer = Arc::new(build_answer(pool, board, self.signer.as_deref()));
            }
        }
        Pools { answers, signer: self.signer.clone() }
    }

    /// The answer of a pool, by its place in the zone.
    #[inline]
    pub(super) fn get(&self, place: u32) -> Option<&PoolAnswer> {
        self.answers.get(place as usize).map(|answer| &**answer)
    }
}

/// Builds what a pool answers with, to clients on this host and elsewhere.
fn build_answer(bound: &BoundPool, board: &Board, signer: Option<&PoolSigner>) -> PoolAnswer {
    let elsewhere = bound.elsewhere(board).map(|board| Box::new(build_one(bound, &board, signer)));
    PoolAnswer { elsewhere, ..build_one(bound, board, signer) }
}

fn build_one(bound: &BoundPool, board: &Board, signer: Option<&PoolSigner>) -> PoolAnswer {
    let pool = &bound.pool;
    let Chosen { mut candidates, mut choice, .. } = bound.choose(board);
    let ttl = bound.ttl(board);
    if signer.is_some() {
        choice = signable(choice, &mut candidates);
    }
    let signed = signer.map(|signer| PoolSignatures::new(pool, ttl, &candidates, &choice, signer));
    let signatures = match signed.transpose() {
        Ok(signatures) => signatures.map(Box::new),
        Err(error) => {
            // Records without signatures would be taken for forged ones.
            error!("`{}` is answered SERVFAIL: it cannot be signed: {error}", pool.owner);
            candidates.clear();
            choice = ChoiceAtQuery::ServFail;
            None
        }
    };
    let mut records = Vec::new();
    let mut ends = Vec::with_capacity(candidates.len());
    if let Some(computed) = &pool.computed {
        let longest = vec![0; computed.rdata_bytes_max()];
        put_ownerless(pool.rtype, ttl, &longest, &mut records);
        // A name at most.
        ends.push(u32::try_from(records.len()).unwrap_or(u32::MAX));
    }
    for candidate in candidates {
        put_ownerless(pool.rtype, ttl, &candidate.member.rdata, &mut records);
        // A thousand (`MEMBERS_MAX`) records of at most 65,535 bytes and 10: 66 MB.
        ends.push(u32::try_from(records.len()).unwrap_or(u32::MAX));
    }
    let rotation = match choice {
        ChoiceAtQuery::All { pinned: 0, most } => ReadyRotation::new(pool.rtype, most, &ends, &records),
        _ => None,
    };
    let (ends, records) = (ends.into_boxed_slice(), records.into_boxed_slice());
    PoolAnswer { choice, ends, records, rotation, elsewhere: None, signatures }
}

#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod tests;
