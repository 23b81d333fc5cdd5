//! `consistent-hashed`: one, by the client's address, such that few clients change when a candidate comes or goes.

use std::net::IpAddr;

use super::super::member::Member;
use super::candidate::Candidate;
use super::choice::ChoiceAtQuery;
use super::entry::{Answers, Arrangement, ConfigForm, Follows, LuaForm, LuaFunction, SelectorEntry};

/// Most points on a ring, one per unit of weight: they are sorted anew whenever verdicts change.
const RING_POINTS_MAX: u32 = 65_536;

pub(super) const ENTRY: SelectorEntry = SelectorEntry {
    name: "consistent-hashed",
    help: "one that is up, by the client's address on a ring",
    answers: Answers::One,
    config: ConfigForm::Absent,
    idle_keys: &["max-answers", "order"],
    follows: Follows::Verdict,
    lua_option: None,
    lua_function: Some(LuaFunction {
        name: "pickchashed",
        form: LuaForm::Weighted { sum_max: RING_POINTS_MAX, place: Member::on_ring },
    }),
};

pub(super) fn prepare(_: &Arrangement, candidates: &mut Vec<Candidate<'_>>) -> ChoiceAtQuery {
    let points = |(place, one): (u32, &Candidate<'_>)| {
        one.member.ring.iter().map(move |point| (*point, place)).collect::<Vec<_>>()
    };
    let mut ring: Vec<(u32, u32)> = (0..).zip(&*candidates).flat_map(points).collect();
    ring.sort_unstable();
    ChoiceAtQuery::Ring(ring.into_boxed_slice())
}

pub(super) fn explain(_: &Arrangement, client: IpAddr) -> String {
    format!("one that is up, by the client's address on a ring: always this one for {client}")
}
