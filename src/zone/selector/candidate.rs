//! Members that may be answered now.

use std::collections::HashSet;

use super::super::member::Member;
use super::super::order::AnswerOrder;

/// A member that may be answered.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'p> {
    /// The member.
    pub member: &'p Member,
    /// What its targets say of its share: the least, where several say something.
    pub reported_weight: u32,
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

/// The weights of the candidates, each added to those before it.
pub(super) fn sum_weights(
    candidates: &[Candidate<'_>],
    weight: impl Fn(&Candidate<'_>) -> u32,
) -> Box<[u32]> {
    let sum = |sum: &mut u32, candidate: &Candidate<'_>| {
        // What is written adds up to `WEIGHTS_MAX` at most; what targets report, to a thousand times a million.
        *sum = sum.saturating_add(weight(candidate));
        Some(*sum)
    };
    candidates.iter().scan(0, sum).collect()
}

/// As it is written.
pub(super) fn written_weight(candidate: &Candidate<'_>) -> u32 {
    candidate.member.weight.get()
}
