//! `hashed`: one, by the client's address, as PowerDNS chooses it to the bit.

use std::net::IpAddr;

use super::candidate::Candidate;
use super::choice::{ChoiceAtQuery, ChosenBy};
use super::entry::{Answers, Arrangement, ConfigForm, Follows, LuaForm, LuaFunction, SelectorEntry};
use super::shares::even;

pub(super) const ENTRY: SelectorEntry = SelectorEntry {
    name: "hashed",
    help: "one that is up, by the client's address",
    answers: Answers::One,
    config: ConfigForm::Word("hashed"),
    idle_keys: &["max-answers", "order"],
    follows: Follows::Verdict,
    lua_option: Some("hashed"),
    lua_function: Some(LuaFunction { name: "pickhashed", form: LuaForm::Values }),
};

pub(super) fn prepare(arrangement: &Arrangement, candidates: &mut Vec<Candidate<'_>>) -> ChoiceAtQuery {
    even(ChosenBy::Client, arrangement, candidates)
}

pub(super) fn explain(_: &Arrangement, client: IpAddr) -> String {
    format!("one that is up, by the client's address: always this one for {client}")
}
