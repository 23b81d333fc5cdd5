//! `all`: every candidate.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::num::NonZeroU32;

use super::super::order::AnswerOrder;
use super::candidate::{Candidate, keep_distinct, pin};
use super::choice::ChoiceAtQuery;
use super::entry::{Answers, Arrangement, ConfigForm, Follows, SelectorEntry};

pub(super) const ENTRY: SelectorEntry = SelectorEntry {
    name: "all",
    help: "all that are up",
    answers: Answers::Several,
    config: ConfigForm::Word("all"),
    idle_keys: &["max-share"],
    follows: Follows::Verdict,
    lua_option: Some("all"),
    lua_function: None,
};

pub(super) fn prepare(arrangement: &Arrangement, candidates: &mut Vec<Candidate<'_>>) -> ChoiceAtQuery {
    keep_distinct(candidates);
    let pinned = pin(arrangement.order, candidates);
    let most = arrangement.answers_max.map_or(u32::MAX, NonZeroU32::get);
    let shares: Box<[u8]> = candidates.iter().map(|one| one.share).collect();
    let levels: BTreeSet<u8> = shares.iter().copied().filter(|share| *share < 100).collect();
    if levels.is_empty() {
        return ChoiceAtQuery::All { pinned, most };
    }
    ChoiceAtQuery::Growing { pinned, most, shares, levels: levels.into_iter().collect() }
}

pub(super) fn explain(arrangement: &Arrangement, _: IpAddr) -> String {
    let order = match arrangement.order {
        AnswerOrder::Rotate => "beginning anywhere",
        AnswerOrder::Fixed => "in the order they were written",
        AnswerOrder::LocalFirst => "this node's own first, the others beginning anywhere",
    };
    let most = arrangement.answers_max.map(|most| format!(", at most {most} of them")).unwrap_or_default();
    format!("all that are up, {order}{most}")
}
