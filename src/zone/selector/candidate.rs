//! Members that may be answered now.

use std::collections::HashSet;
use std::time::Duration;

use super::super::member::Member;
use super::super::order::AnswerOrder;

/// A member that may be answered.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'p> {
    /// The member.
    pub member: &'p Member,
    /// What its targets say of its share: the least, where several say something.
    pub reported_weight: u32,
    /// The part of its share of the answers that it gets, in percent: the least of its targets'. Of the candidates one at
    /// least has 100.
    pub share: u8,
    /// How long its targets take to pass, as far as that is followed: the longest.
    pub latency: Option<Duration>,
    /// Its rank: those of a later rank get only what those before may not have.
    pub rank: u32,
}

/// Keeps each record once: an address that is tested at two ports is two members.
pub(super) fn keep_distinct(candidates: &mut Vec<Candidate<'_>>) {
    let mut seen = HashSet::new();
    candidates.retain(|candidate| seen.insert(&candidate.member.rdata));
}

/// Moves members of this node to the front, if that is the order; says how many keep their place there.
pub(super) fn pin(order: AnswerOrder, candidates: &mut [Candidate<'_>]) -> u32 {
    let pinned = match order {
        AnswerOrder::Rotate => 0,
        AnswerOrder::Fixed => candidates.len(),
        AnswerOrder::LocalFirst => {
            candidates.sort_by_key(|one| !one.member.is_local);
            candidates.iter().filter(|one| one.member.is_local).count()
        }
    };
    // A thousand at most: `MEMBERS_MAX`.
    u32::try_from(pinned).unwrap_or(u32::MAX)
}

/// As it is written.
pub(super) fn written_weight(candidate: &Candidate<'_>) -> u32 {
    candidate.member.weight.get()
}

/// All alike.
pub(super) fn same_weight(_: &Candidate<'_>) -> u32 {
    1
}
