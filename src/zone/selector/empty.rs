//! `empty`: no candidate, hence NODATA.

use std::net::IpAddr;

use super::candidate::Candidate;
use super::choice::ChoiceAtQuery;
use super::entry::{Answers, Arrangement, ConfigForm, Follows, SelectorEntry};

pub(super) const ENTRY: SelectorEntry = SelectorEntry {
    name: "empty",
    help: "none of them: no record",
    answers: Answers::Nothing,
    config: ConfigForm::Absent,
    idle_keys: &["max-answers", "order"],
    follows: Follows::Verdict,
    lua_option: Some("empty"),
    lua_function: None,
};

pub(super) fn prepare(_: &Arrangement, candidates: &mut Vec<Candidate<'_>>) -> ChoiceAtQuery {
    candidates.clear();
    ChoiceAtQuery::First
}

pub(super) fn explain(_: &Arrangement, _: IpAddr) -> String {
    "none of them: no record".to_owned()
}
