//! `self-weighted`: one, by the client's address and by what the targets themselves say of their weight.

use std::net::IpAddr;

use super::candidate::Candidate;
use super::choice::{ChoiceAtQuery, ChosenBy};
use super::entry::{Answers, Arrangement, ConfigForm, Follows, LuaForm, LuaFunction, SelectorEntry};
use super::shares::weighted;

pub(super) const ENTRY: SelectorEntry = SelectorEntry {
    name: "self-weighted",
    help: "one that is up, by the weight it reports and the client's address",
    answers: Answers::One,
    config: ConfigForm::Absent,
    idle_keys: &["max-answers", "order"],
    follows: Follows::Weight,
    lua_option: None,
    lua_function: Some(LuaFunction { name: "pickselfweighted", form: LuaForm::Probed }),
};

pub(super) fn prepare(arrangement: &Arrangement, candidates: &mut Vec<Candidate<'_>>) -> ChoiceAtQuery {
    weighted(ChosenBy::Client, arrangement, candidates, |one| one.reported_weight)
}

pub(super) fn explain(_: &Arrangement, client: IpAddr) -> String {
    format!("one that is up, by the weight it reports and the client's address: always this one for {client}")
}
