//! Shares: which part of the answers each candidate gets, where one is answered.
//!
//! Brings together weights, shares that grow, the most that one may get, and ranks. Worked out when the board changes; a
//! query finds sums.

use super::candidate::Candidate;
use super::choice::{ChoiceAtQuery, ChosenBy};
use super::entry::Arrangement;

/// All answers, in the parts that shares are counted in.
const WHOLE: u64 = 1_000_000;

/// One by weight. Where nothing but weights counts, to the bit as PowerDNS adds them up.
pub(super) fn weighted(
    by: ChosenBy,
    arrangement: &Arrangement,
    candidates: &mut Vec<Candidate<'_>>,
    weight: impl Fn(&Candidate<'_>) -> u32,
) -> ChoiceAtQuery {
    if is_plain(arrangement, candidates) {
        return ChoiceAtQuery::Weighted(by, sums(candidates.iter().map(weight)));
    }
    let part_max = arrangement.share_max.map_or(WHOLE, |most| WHOLE * u64::from(most.get()) / 100);
    let parts = parts(candidates, |one| u64::from(weight(one)) * u64::from(one.share), |_| part_max);
    by_parts(by, candidates, parts)
}

/// One, all alike.
pub(super) fn even(
    by: ChosenBy,
    arrangement: &Arrangement,
    candidates: &mut Vec<Candidate<'_>>,
) -> ChoiceAtQuery {
    if is_plain(arrangement, candidates) {
        return ChoiceAtQuery::One(by);
    }
    weighted(by, arrangement, candidates, super::candidate::same_weight)
}

/// The first, and of what that may not have yet the second, and so on.
pub(super) fn in_order(arrangement: &Arrangement, candidates: &mut Vec<Candidate<'_>>) -> ChoiceAtQuery {
    if is_plain(arrangement, candidates) {
        candidates.truncate(1);
        return ChoiceAtQuery::First;
    }
    for (rank, candidate) in (0..).zip(&mut *candidates) {
        candidate.rank = rank;
    }
    by_rank(arrangement, candidates)
}

/// One of the first rank, all alike, and of what those may not have yet one of the next, and so on: none gets a greater part
/// of all answers than the part of its own share that it has.
pub(super) fn by_rank(arrangement: &Arrangement, candidates: &mut Vec<Candidate<'_>>) -> ChoiceAtQuery {
    let percent_max = arrangement.share_max.map_or(100, |most| u64::from(most.get()));
    let most = |one: &Candidate<'_>| WHOLE * percent_max.min(u64::from(one.share)) / 100;
    let parts = parts(candidates, |one| u64::from(one.share), most);
    by_parts(ChosenBy::Chance, candidates, parts)
}

/// Whether nothing but weights counts.
pub(super) fn is_plain(arrangement: &Arrangement, candidates: &[Candidate<'_>]) -> bool {
    arrangement.share_max.is_none() && candidates.iter().all(|one| one.share == 100)
}

fn by_parts(by: ChosenBy, candidates: &mut Vec<Candidate<'_>>, parts: Vec<u64>) -> ChoiceAtQuery {
    let mut left = parts.iter();
    candidates.retain(|_| left.next().is_some_and(|part| *part > 0));
    let by = match by {
        ChosenBy::Client => ChosenBy::ClientRange,
        ChosenBy::Chance | ChosenBy::ClientRange | ChosenBy::Name => by,
    };
    // Each is a part of `WHOLE`.
    let parts = parts.into_iter().filter(|part| *part > 0).filter_map(|part| u32::try_from(part).ok());
    ChoiceAtQuery::Weighted(by, sums(parts))
}

/// Which part of [`WHOLE`] each gets: rank by rank by weight, none more than its most; what nobody may have is not given.
fn parts(
    candidates: &[Candidate<'_>],
    weight: impl Fn(&Candidate<'_>) -> u64,
    most: impl Fn(&Candidate<'_>) -> u64,
) -> Vec<u64> {
    let mut parts = vec![0; candidates.len()];
    let mut order: Vec<(usize, &Candidate<'_>)> = candidates.iter().enumerate().collect();
    // In a rank, who has the least most for its weight comes first: what it may not have is there for those behind it.
    order.sort_by(|(_, one), (_, other)| {
        // A most of a million and a weight of 2^32 hundred times: the products fit.
        let by_most = || (most(one) * weight(other)).cmp(&(most(other) * weight(one)));
        one.rank.cmp(&other.rank).then_with(by_most)
    });
    let mut left = WHOLE;
    for rank in order.chunk_by(|(_, one), (_, other)| one.rank == other.rank) {
        let mut whole: u64 = rank.iter().map(|(_, one)| weight(one)).sum();
        for (place, one) in rank.iter().filter(|(_, one)| weight(one) > 0) {
            // A thousand weights of a million, and each a hundredth more: the product fits.
            let part = (left * weight(one) / whole).max(u64::from(left > 0)).min(most(one));
            parts[*place] = part;
            left -= part;
            whole -= weight(one);
        }
    }
    parts
}

/// Each added to those before it.
fn sums(weights: impl Iterator<Item = u32>) -> Box<[u32]> {
    let sum = |sum: &mut u32, weight: u32| {
        // What is written adds up to `WEIGHTS_MAX` at most; what targets report, to a thousand times a million.
        *sum = sum.saturating_add(weight);
        Some(*sum)
    };
    weights.scan(0, sum).collect()
}
