//! Makes a pair of zones smaller while a difference persists.
//!
//! Starting servers is dear and another zone is cheap, so that one round tries many smaller pairs at once.

use super::zone::Pair;

/// Rounds of servers at most: each at least takes one record away, or is the last.
const ROUNDS_MAX: usize = 60;

/// The smallest pair found that still fails. `failing` is given pairs and says which of them fail.
pub(crate) fn shrink(pair: &Pair, mut failing: impl FnMut(&[Pair]) -> Vec<bool>) -> Pair {
    let mut smallest = pair.clone();
    for _ in 0..ROUNDS_MAX {
        let candidates = smaller(&smallest);
        let failed = failing(&candidates);
        let found = candidates.into_iter().zip(failed).filter(|(_, failed)| *failed).map(|(pair, _)| pair);
        let Some(best) = found.min_by_key(|pair| pair.records.len()) else { break };
        smallest = best;
    }
    smallest
}

/// The pair without a half, a quarter, an eighth … of its records, at every place, down to one record.
fn smaller(pair: &Pair) -> Vec<Pair> {
    let count = pair.records.len();
    let mut candidates = Vec::new();
    let mut width = count.div_ceil(2);
    while width > 0 {
        for begin in (0..count).step_by(width) {
            let mut records = pair.records.clone();
            records.drain(begin..(begin + width).min(count));
            candidates.push(Pair { kin: pair.kin, records });
        }
        width /= 2;
    }
    candidates
}
