//! `first`: the first in the order they were written.

use std::net::IpAddr;

use super::candidate::{Candidate, pin};
use super::choice::ChoiceAtQuery;
use super::entry::{Answers, Arrangement, ConfigForm, Follows, SelectorEntry};
use super::shares::in_order;

pub(super) const ENTRY: SelectorEntry = SelectorEntry {
    name: "first",
    help: "the first that is up",
    answers: Answers::One,
    config: ConfigForm::Word("first"),
    idle_keys: &["max-answers"],
    follows: Follows::Verdict,
    lua_option: None,
    lua_function: None,
};

pub(super) fn prepare(arrangement: &Arrangement, candidates: &mut Vec<Candidate<'_>>) -> ChoiceAtQuery {
    pin(arrangement.order, candidates);
    in_order(arrangement, candidates)
}

pub(super) fn explain(_: &Arrangement, _: IpAddr) -> String {
    "the first that is up".to_owned()
}
