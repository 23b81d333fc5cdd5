//! `least-loaded`: one, at random by what the targets themselves say of their weight: who has more room says more.
//!
//! Not the one with the most room alone: until its next probe it would get everybody.

use std::net::IpAddr;

use super::candidate::Candidate;
use super::choice::{ChoiceAtQuery, ChosenBy};
use super::entry::{Answers, Arrangement, ConfigForm, Follows, SelectorEntry};
use super::shares::weighted;

pub(super) const ENTRY: SelectorEntry = SelectorEntry {
    name: "least-loaded",
    help: "one that is up, at random by the weight it reports",
    answers: Answers::One,
    config: ConfigForm::Word("least-loaded"),
    idle_keys: &["max-answers", "order"],
    follows: Follows::Weight,
    lua_option: None,
    lua_function: None,
};

pub(super) fn prepare(arrangement: &Arrangement, candidates: &mut Vec<Candidate<'_>>) -> ChoiceAtQuery {
    weighted(ChosenBy::Chance, arrangement, candidates, |one| one.reported_weight)
}

pub(super) fn explain(_: &Arrangement, _: IpAddr) -> String {
    "one that is up, at random by the weight it reports".to_owned()
}
