//! `random`: one, at random for each query.

use std::net::IpAddr;

use super::candidate::Candidate;
use super::choice::{ChoiceAtQuery, ChosenBy};
use super::entry::{Answers, Arrangement, ConfigForm, LuaForm, LuaFunction, SelectorEntry};

pub(super) const ENTRY: SelectorEntry = SelectorEntry {
    name: "random",
    help: "one that is up, at random for each query",
    answers: Answers::One,
    config: ConfigForm::Word("random"),
    idle_keys: &["max-answers", "order"],
    lua_option: Some("random"),
    lua_function: Some(LuaFunction { name: "pickrandom", form: LuaForm::Values }),
};

pub(super) fn prepare(_: &Arrangement, _: &mut Vec<Candidate<'_>>) -> ChoiceAtQuery {
    ChoiceAtQuery::One(ChosenBy::Chance)
}

pub(super) fn explain(_: &Arrangement, _: IpAddr) -> String {
    "one that is up, at random for each query".to_owned()
}
