//! `name-hashed`: one, by weight and the name that is asked.

use std::net::IpAddr;

use super::super::member::WEIGHTS_MAX;
use super::candidate::{Candidate, sum_weights, written_weight};
use super::choice::{ChoiceAtQuery, ChosenBy};
use super::entry::{Answers, Arrangement, ConfigForm, LuaForm, LuaFunction, SelectorEntry, as_written};

pub(super) const ENTRY: SelectorEntry = SelectorEntry {
    name: "name-hashed",
    help: "one that is up, by weight and the name asked",
    answers: Answers::One,
    config: ConfigForm::Absent,
    idle_keys: &["max-answers", "order"],
    lua_option: None,
    lua_function: Some(LuaFunction {
        name: "picknamehashed",
        form: LuaForm::Weighted { sum_max: WEIGHTS_MAX, place: as_written },
    }),
};

pub(super) fn prepare(_: &Arrangement, candidates: &mut Vec<Candidate<'_>>) -> ChoiceAtQuery {
    ChoiceAtQuery::Weighted(ChosenBy::Name, sum_weights(candidates, written_weight))
}

pub(super) fn explain(_: &Arrangement, _: IpAddr) -> String {
    "one that is up, by weight and the name asked".to_owned()
}
