//! `weighted-hashed`: one, by weight and the client's address.

use std::net::IpAddr;

use super::super::member::WEIGHTS_MAX;
use super::candidate::{Candidate, written_weight};
use super::choice::{ChoiceAtQuery, ChosenBy};
use super::entry::{
    Answers, Arrangement, ConfigForm, Follows, LuaForm, LuaFunction, SelectorEntry, as_written,
};
use super::shares::weighted;

pub(super) const ENTRY: SelectorEntry = SelectorEntry {
    name: "weighted-hashed",
    help: "one that is up, by weight and the client's address",
    answers: Answers::One,
    config: ConfigForm::Weighing("hashed"),
    idle_keys: &["max-answers", "order"],
    follows: Follows::Verdict,
    lua_option: None,
    lua_function: Some(LuaFunction {
        name: "pickwhashed",
        form: LuaForm::Weighted { sum_max: WEIGHTS_MAX, place: as_written },
    }),
};

pub(super) fn prepare(arrangement: &Arrangement, candidates: &mut Vec<Candidate<'_>>) -> ChoiceAtQuery {
    weighted(ChosenBy::Client, arrangement, candidates, written_weight)
}

pub(super) fn explain(_: &Arrangement, client: IpAddr) -> String {
    format!("one that is up, by weight and the client's address: always this one for {client}")
}
