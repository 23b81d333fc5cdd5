//! `hashed`: one, by the client's address, as PowerDNS chooses it to the bit.

use std::net::IpAddr;

use super::candidate::Candidate;
use super::choice::{ChoiceAtQuery, ChosenBy};
use super::entry::{Answers, Arrangement, ConfigForm, LuaForm, LuaFunction, SelectorEntry};

pub(super) const ENTRY: SelectorEntry = SelectorEntry {
    name: "hashed",
    help: "one that is up, by the client's address",
    answers: Answers::One,
    config: ConfigForm::Word("hashed"),
    idle_keys: &["max-answers", "order"],
    lua_option: Some("hashed"),
    lua_function: Some(LuaFunction { name: "pickhashed", form: LuaForm::Values }),
};

pub(super) fn prepare(_: &Arrangement, _: &mut Vec<Candidate<'_>>) -> ChoiceAtQuery {
    ChoiceAtQuery::One(ChosenBy::Client)
}

pub(super) fn explain(_: &Arrangement, client: IpAddr) -> String {
    format!("one that is up, by the client's address: always this one for {client}")
}
