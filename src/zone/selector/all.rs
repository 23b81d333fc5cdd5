//! `all`: every candidate.

use std::net::IpAddr;
use std::num::NonZeroU32;

use super::super::order::AnswerOrder;
use super::candidate::{Candidate, keep_distinct, pin};
use super::choice::ChoiceAtQuery;
use super::entry::{Answers, Arrangement, ConfigForm, SelectorEntry};

pub(super) const ENTRY: SelectorEntry = SelectorEntry {
    name: "all",
    help: "all that are up",
    answers: Answers::Several,
    config: ConfigForm::Word("all"),
    idle_keys: &[],
    lua_option: Some("all"),
    lua_function: None,
};

pub(super) fn prepare(arrangement: &Arrangement, candidates: &mut Vec<Candidate<'_>>) -> ChoiceAtQuery {
    keep_distinct(candidates);
    let pinned = pin(arrangement.order, candidates);
    ChoiceAtQuery::All { pinned, most: arrangement.answers_max.map_or(u32::MAX, NonZeroU32::get) }
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
