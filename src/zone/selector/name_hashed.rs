//! `name-hashed`: one, by weight and the name that is asked.

use std::net::IpAddr;

use super::super::member::WEIGHTS_MAX;
use super::candidate::{Candidate, written_weight};
use super::choice::{ChoiceAtQuery, ChosenBy};
use super::entry::{
    Answers, Arrangement, ConfigForm, Follows, LuaForm, LuaFunction, SelectorEntry, as_written,
};
use super::shares::weighted;

pub(super) const ENTRY: SelectorEntry = SelectorEntry {
    name: "name-hashed",
    help: "one that is up, by weight and the name asked",
    answers: Answers::One,
    config: ConfigForm::Absent,
    idle_keys: &["max-answers", "order"],
    follows: Follows::Verdict,
    lua_option: None,
    lua_function: Some(LuaFunction {
        name: "picknamehashed",
        form: LuaForm::Weighted { sum_max: WEIGHTS_MAX, place: as_written },
    }),
};

pub(super) fn prepare(arrangement: &Arrangement, candidates: &mut Vec<Candidate<'_>>) -> ChoiceAtQuery {
    weighted(ChosenBy::Name, arrangement, candidates, written_weight)
}

pub(super) fn explain(_: &Arrangement, _: IpAddr) -> String {
    "one that is up, by weight and the name asked".to_owned()
}
