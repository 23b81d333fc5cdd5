//! `sample`: some, at random for each query, none twice and in random order.

use std::net::IpAddr;
use std::num::NonZeroU32;

use super::candidate::{Candidate, keep_distinct};
use super::choice::ChoiceAtQuery;
use super::entry::{Answers, Arrangement, ConfigForm, Follows, LuaForm, LuaFunction, SelectorEntry};

pub(super) const ENTRY: SelectorEntry = SelectorEntry {
    name: "sample",
    help: "as many as are asked for of those that are up, at random for each query",
    answers: Answers::Several,
    config: ConfigForm::Absent,
    idle_keys: &["max-answers", "order"],
    follows: Follows::Verdict,
    lua_option: None,
    lua_function: Some(LuaFunction { name: "pickrandomsample", form: LuaForm::Sample }),
};

pub(super) fn prepare(
    count: NonZeroU32,
    _: &Arrangement,
    candidates: &mut Vec<Candidate<'_>>,
) -> ChoiceAtQuery {
    keep_distinct(candidates);
    ChoiceAtQuery::Sample(count.get())
}

pub(super) fn explain(count: NonZeroU32, _: &Arrangement, _: IpAddr) -> String {
    format!("{count} that are up, at random for each query")
}
