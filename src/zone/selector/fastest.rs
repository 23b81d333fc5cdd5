//! `fastest`: one of those whose probes pass as fast as the fastest one's.

use std::net::IpAddr;
use std::time::Duration;

use super::candidate::Candidate;
use super::choice::{ChoiceAtQuery, ChosenBy};
use super::entry::{Answers, Arrangement, ConfigForm, Follows, SelectorEntry};
use super::shares::{by_rank, even, is_plain};

pub(super) const ENTRY: SelectorEntry = SelectorEntry {
    name: "fastest",
    help: "one of those that are up whose probes are as fast as the fastest one's, at random",
    answers: Answers::One,
    config: ConfigForm::Word("fastest"),
    idle_keys: &["max-answers", "order"],
    follows: Follows::Latency,
    lua_option: None,
    lua_function: None,
};

/// So much more is as fast: members behind one switch differ by chance alone.
const NEAR: Duration = Duration::from_millis(2);

pub(super) fn prepare(arrangement: &Arrangement, candidates: &mut Vec<Candidate<'_>>) -> ChoiceAtQuery {
    let Some(best) = candidates.iter().filter_map(|one| one.latency).min() else {
        return even(ChosenBy::Chance, arrangement, candidates);
    };
    let near = best + NEAR.max(best / 2);
    let is_fast = |one: &Candidate<'_>| one.latency.is_some_and(|latency| latency <= near);
    if is_plain(arrangement, candidates) {
        candidates.retain(is_fast);
        return ChoiceAtQuery::One(ChosenBy::Chance);
    }
    for one in &mut *candidates {
        // A thousand groups at most.
        one.rank = one.rank.saturating_mul(2).saturating_add(u32::from(!is_fast(one)));
    }
    by_rank(arrangement, candidates)
}

pub(super) fn explain(_: &Arrangement, _: IpAddr) -> String {
    "one of those that are up whose probes are as fast as the fastest one's, at random for each query"
        .to_owned()
}
