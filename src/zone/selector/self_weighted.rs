//! `self-weighted`: one, by the client's address and by what the targets themselves say of their weight.

use std::net::IpAddr;

use super::candidate::{Candidate, sum_weights};
use super::choice::{ChoiceAtQuery, ChosenBy};
use super::entry::{Answers, Arrangement, ConfigForm, LuaForm, LuaFunction, SelectorEntry};

pub(super) const ENTRY: SelectorEntry = SelectorEntry {
    name: "self-weighted",
    help: "one that is up, by the weight it reports and the client's address",
    answers: Answers::One,
    config: ConfigForm::Absent,
    idle_keys: &["max-answers", "order"],
    lua_option: None,
    lua_function: Some(LuaFunction { name: "pickselfweighted", form: LuaForm::Probed }),
};

pub(super) fn prepare(_: &Arrangement, candidates: &mut Vec<Candidate<'_>>) -> ChoiceAtQuery {
    let sums = sum_weights(candidates, |one| one.reported_weight);
    ChoiceAtQuery::Weighted(ChosenBy::Client, sums)
}

pub(super) fn explain(_: &Arrangement, client: IpAddr) -> String {
    format!("one that is up, by the weight it reports and the client's address: always this one for {client}")
}
