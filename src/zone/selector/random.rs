//! `random`: one, at random for each query.

use std::net::IpAddr;

use super::candidate::Candidate;
use super::choice::{ChoiceAtQuery, ChosenBy};
use super::entry::{Answers, Arrangement, ConfigForm, Follows, LuaForm, LuaFunction, SelectorEntry};
use super::shares::even;

pub(super) const ENTRY: SelectorEntry = SelectorEntry {
    name: "random",
    help: "one that is up, at random for each query",
    answers: Answers::One,
    config: ConfigForm::Word("random"),
    idle_keys: &["max-answers", "order"],
    follows: Follows::Verdict,
    lua_option: Some("random"),
    lua_function: Some(LuaFunction { name: "pickrandom", form: LuaForm::Values }),
};

pub(super) fn prepare(arrangement: &Arrangement, candidates: &mut Vec<Candidate<'_>>) -> ChoiceAtQuery {
    even(ChosenBy::Chance, arrangement, candidates)
}

pub(super) fn explain(_: &Arrangement, _: IpAddr) -> String {
    "one that is up, at random for each query".to_owned()
}
