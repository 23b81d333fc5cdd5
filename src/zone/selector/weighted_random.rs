//! `weighted-random`: one, at random by weight.

use std::net::IpAddr;

use super::super::member::WEIGHTS_MAX;
use super::candidate::{Candidate, written_weight};
use super::choice::{ChoiceAtQuery, ChosenBy};
use super::entry::{
    Answers, Arrangement, ConfigForm, Follows, LuaForm, LuaFunction, SelectorEntry, as_written,
};
use super::shares::weighted;

pub(super) const ENTRY: SelectorEntry = SelectorEntry {
    name: "weighted-random",
    help: "one that is up, at random by weight",
    answers: Answers::One,
    config: ConfigForm::Weighing("random"),
    idle_keys: &["max-answers", "order"],
    follows: Follows::Verdict,
    lua_option: None,
    lua_function: Some(LuaFunction {
        name: "pickwrandom",
        form: LuaForm::Weighted { sum_max: WEIGHTS_MAX, place: as_written },
    }),
};

pub(super) fn prepare(arrangement: &Arrangement, candidates: &mut Vec<Candidate<'_>>) -> ChoiceAtQuery {
    weighted(ChosenBy::Chance, arrangement, candidates, written_weight)
}

pub(super) fn explain(_: &Arrangement, _: IpAddr) -> String {
    "one that is up, at random by weight".to_owned()
}
