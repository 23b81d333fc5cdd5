//! `first`: the first in the order they were written.

use std::net::IpAddr;

use super::candidate::{Candidate, pin};
use super::choice::ChoiceAtQuery;
use super::entry::{Answers, Arrangement, ConfigForm, SelectorEntry};

pub(super) const ENTRY: SelectorEntry = SelectorEntry {
    name: "first",
    help: "the first that is up",
    answers: Answers::One,
    config: ConfigForm::Word("first"),
    idle_keys: &["max-answers"],
    lua_option: None,
    lua_function: None,
};

pub(super) fn prepare(arrangement: &Arrangement, candidates: &mut Vec<Candidate<'_>>) -> ChoiceAtQuery {
    pin(arrangement.order, candidates);
    candidates.truncate(1);
    ChoiceAtQuery::First
}

pub(super) fn explain(_: &Arrangement, _: IpAddr) -> String {
    "the first that is up".to_owned()
}
