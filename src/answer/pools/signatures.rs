//! The signatures of what a pool may answer: one for each set of records that a query may choose. HOT where it is read.
//!
//! They are made, or found among those that were made, when verdicts change.

use super::super::ownerless::put_ownerless;
use crate::dns::{Rtype, Ttl};
use crate::dnssec::{PairError, PoolSigner};
use crate::zone::{Candidate, ChoiceAtQuery, Pool, name_hash};

/// For each set its RRSIG records without owners, one behind the other: all sets have as many, and all are equally long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PoolSignatures {
    record_bytes: usize,
    set_bytes: usize,
    bytes: Box<[u8]>,
}

impl PoolSignatures {
    /// Signs each set of candidates that a choice may come to; the records are answered with this TTL.
    pub(super) fn new(
        pool: &Pool,
        ttl: Ttl,
        candidates: &[Candidate<'_>],
        choice: &ChoiceAtQuery,
        signer: &PoolSigner,
    ) -> Result<Self, PairError> {
        let mut signatures = Self { record_bytes: 0, set_bytes: 0, bytes: Box::default() };
        let mut bytes = Vec::new();
        for set in sets(choice, candidates.len()) {
            let made = sign(&set, pool, candidates, signer)?;
            let from = bytes.len();
            for rdata in made {
                let from = bytes.len();
                put_ownerless(Rtype::RRSIG, ttl, &rdata, &mut bytes);
                signatures.record_bytes = bytes.len().saturating_sub(from);
            }
            signatures.set_bytes = bytes.len().saturating_sub(from);
        }
        signatures.bytes = bytes.into();
        Ok(signatures)
    }

    /// The records that sign a set. HOT.
    pub(super) fn of_set(&self, set: u32) -> impl Iterator<Item = &[u8]> {
        let from = self.set_bytes.wrapping_mul(set as usize);
        let bytes = self.bytes.get(from..from.wrapping_add(self.set_bytes)).unwrap_or_default();
        bytes.chunks_exact(self.record_bytes.max(1))
    }

    /// How many bytes they take for one set where each owner takes `owner`.
    pub(super) fn set_bytes(&self, owner: usize) -> usize {
        let records = self.set_bytes.checked_div(self.record_bytes).unwrap_or(0);
        records.saturating_mul(owner).saturating_add(self.set_bytes)
    }
}

/// RDATA of the records that sign one set: of the candidates at these places.
pub(super) fn sign(
    set: &[usize],
    pool: &Pool,
    candidates: &[Candidate<'_>],
    signer: &PoolSigner,
) -> Result<Vec<Box<[u8]>>, PairError> {
    let rdatas = set.iter().filter_map(|place| candidates.get(*place));
    let rdatas = rdatas.map(|candidate| &*candidate.member.rdata);
    // The TTL that is signed is the greater one: a lower one may be answered (RFC 4035, section 5.3.3).
    signer.sign(pool.owner.as_ref(), pool.rtype, pool.ttl, rdatas)
}

/// The choice that is made of one in a signed zone. A sample of many may be one of very many sets: there it is some that
/// stand side by side in an order that looks as if by chance, beginning anywhere.
pub(super) fn signable(choice: ChoiceAtQuery, candidates: &mut [Candidate<'_>]) -> ChoiceAtQuery {
    match choice {
        ChoiceAtQuery::Sample(most) => {
            candidates.sort_by_key(|candidate| name_hash(&candidate.member.rdata));
            ChoiceAtQuery::All { pinned: 0, most }
        }
        ChoiceAtQuery::All { .. }
        | ChoiceAtQuery::Growing { .. }
        | ChoiceAtQuery::First
        | ChoiceAtQuery::One(_)
        | ChoiceAtQuery::Weighted(..)
        | ChoiceAtQuery::Ring(_)
        | ChoiceAtQuery::Views(_)
        | ChoiceAtQuery::Computed(_)
        | ChoiceAtQuery::ServFail => choice,
    }
}

/// The places of the records of each set, in the order that [`super::PoolAnswer::chosen`] numbers them by.
pub(super) fn sets(choice: &ChoiceAtQuery, count: usize) -> Vec<Vec<usize>> {
    match *choice {
        // Nobody can sign for all names what is computed: zones with it are not signed (`dnssec::pool_rules`).
        ChoiceAtQuery::ServFail | ChoiceAtQuery::Computed(_) => Vec::new(),
        _ if count == 0 => Vec::new(),
        ChoiceAtQuery::All { pinned, most } => windows(count, pinned as usize, most as usize, |_| true),
        ChoiceAtQuery::Growing { pinned, most, ref shares, ref levels } => {
            let bars = std::iter::once(0).chain(levels.iter().copied());
            let above = |bar: u8| {
                let gets_it = |place: &usize| shares.get(*place).is_some_and(|share| *share > bar);
                windows(count, pinned as usize, most as usize, gets_it)
            };
            bars.flat_map(above).collect()
        }
        ChoiceAtQuery::Sample(_)
        | ChoiceAtQuery::First
        | ChoiceAtQuery::One(_)
        | ChoiceAtQuery::Weighted(..)
        | ChoiceAtQuery::Ring(_)
        | ChoiceAtQuery::Views(_) => (0..count).map(|place| vec![place]).collect(),
    }
}

/// The places of those that get an answer, in the sets that begin anywhere; one set where all begin alike.
fn windows(
    count: usize,
    pinned: usize,
    most: usize,
    gets_it: impl Fn(&usize) -> bool + Copy,
) -> Vec<Vec<usize>> {
    let beginning_at = |start: usize| {
        (0..pinned).chain(start..count).chain(pinned..start).filter(gets_it).take(most).collect()
    };
    if most >= count || pinned >= most {
        return vec![beginning_at(pinned)];
    }
    (pinned..count).map(beginning_at).collect()
}
