//! What there is to say of a selector: its names, its documentation, and how zone text and configuration write it.

use std::num::NonZeroU32;

use super::super::member::Member;
use super::super::order::AnswerOrder;
use super::super::share_max::ShareMax;

/// A selector as help, documentation, configuration and zone text know it.
#[derive(Clone, Copy, Debug)]
pub struct SelectorEntry {
    /// What it is called.
    pub name: &'static str,
    /// What it answers, in one line.
    pub help: &'static str,
    /// How many candidates it answers.
    pub answers: Answers,
    /// How `selector` of `[[zone.probe]]` names it.
    pub config: ConfigForm,
    /// Keys of `[[zone.probe]]` that mean nothing with it.
    pub idle_keys: &'static [&'static str],
    /// What it must know of a member.
    pub follows: Follows,
    /// The word for it in the options of LUA functions and in `[lua]`.
    pub lua_option: Option<&'static str>,
    /// The LUA function that chooses by it.
    pub lua_function: Option<LuaFunction>,
}

/// What a selector must know of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follows {
    /// Whether they are up.
    Verdict,
    /// How long their probes take.
    Latency,
    /// What they say of their weight.
    Weight,
}

/// How many candidates a selector answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// More than one.
    Several,
    /// One.
    One,
    /// None: NODATA.
    Nothing,
}

/// How the configuration names a selector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigForm {
    /// By a word of its own.
    Word(&'static str),
    /// By the word of another selector, where weights are given.
    Weighing(&'static str),
    /// Not at all.
    Absent,
}

/// A LUA function that chooses.
#[derive(Clone, Copy, Debug)]
pub struct LuaFunction {
    /// Its name, PowerDNS's where it has one.
    pub name: &'static str,
    /// What it takes.
    pub form: LuaForm,
}

/// What a LUA function that chooses takes.
#[derive(Clone, Copy, Debug)]
pub enum LuaForm {
    /// A list of values.
    Values,
    /// A number and a list of values.
    Sample,
    /// A list of weights and values.
    Weighted {
        /// Most that the weights may add up to.
        sum_max: u32,
        /// What is made of a member and of the text it was written as.
        place: fn(Member, &[u8]) -> Member,
    },
    /// A URL and addresses, as `ifurlup`.
    Probed,
}

/// What else a pool says of choosing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrangement {
    /// In which order several are answered.
    pub order: AnswerOrder,
    /// Most that are answered; none: all there are.
    pub answers_max: Option<NonZeroU32>,
    /// Most of the answers that one gets; none: no limit.
    pub share_max: Option<ShareMax>,
}

/// A member as it is written.
pub(super) fn as_written(member: Member, _: &[u8]) -> Member {
    member
}
