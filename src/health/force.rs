//! Forced verdicts: what an operator sets, whatever probes say.
//!
//! Has the rules, the targets that each one matches, and their end. Pure: time comes in as an argument. A
//! rule ends by the time since boot, which nobody can set: half an hour stays half an hour when chrony steps
//! the system clock.
//!
//! Not responsible for keeping rules on a disk.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::verdict::Verdict;
use crate::pattern::{Pattern, TextError, read_line};

/// Most rules at a time. Each is matched with every target when one of them changes; an operator who needs
/// more wants a wider pattern.
pub const RULES_MAX: usize = 256;

/// What is to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// It is up.
    Up,
    /// It is down.
    Down,
    /// It gets no new answers, and is what its probes say otherwise: never down for that.
    Drain,
    /// What its probes say, whatever earlier rules want.
    Auto,
}

impl Order {
    /// The verdict it demands, if it demands one.
    pub fn verdict(self) -> Option<Verdict> {
        match self {
            Order::Up => Some(Verdict::Up),
            Order::Down => Some(Verdict::Down),
            Order::Drain | Order::Auto => None,
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Order::Up => "up",
            Order::Down => "down",
            Order::Drain => "drain",
            Order::Auto => "auto",
        })
    }
}

impl FromStr for Order {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let all = [Order::Up, Order::Down, Order::Drain, Order::Auto];
        all.into_iter()
            .find(|order| order.to_string() == text)
            .ok_or_else(|| RuleError::UnknownOrder(text.to_owned()))
    }
}

/// Why a rule is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleError {
    /// None of the orders.
    UnknownOrder(String),
    /// The target is not a pattern, or the remark does not fit on one line.
    Text(TextError),
    /// There are [`RULES_MAX`] already.
    TooMany,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RuleError::UnknownOrder(text) => write!(f, "`{text}` is not up, down, drain or auto"),
            RuleError::Text(TextError::Empty) => f.write_str("the target is empty; `*` means all of them"),
            RuleError::Text(error) => error.fmt(f),
            RuleError::TooMany => write!(f, "there are {RULES_MAX} rules already"),
        }
    }
}

impl std::error::Error for RuleError {}

impl From<TextError> for RuleError {
    fn from(error: TextError) -> Self {
        RuleError::Text(error)
    }
}

/// Why an operator forces a verdict, in one line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Remark(String);

impl FromStr for Remark {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        Ok(Remark(read_line(text)?.to_owned()))
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A moment by the time since this system was booted, sleep included (CLOCK_BOOTTIME, clock_gettime(2)),
/// which nobody can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootTime(pub Duration);

impl BootTime {
    /// How long it is until then; nothing when that is over.
    pub fn until(self, then: BootTime) -> Duration {
        then.0.saturating_sub(self.0)
    }
}

/// For how long a rule is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Term {
    /// From the moment when it was said.
    pub lasts: Duration,
    /// When that is over.
    pub ends: BootTime,
}

impl Term {
    /// So long from `now`; none for a time that never ends.
    pub fn of(lasts: Duration, now: BootTime) -> Option<Term> {
        now.0.checked_add(lasts).map(|ends| Term { lasts, ends: BootTime(ends) })
    }
}

/// What an operator has said once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// Of which targets, by their names as they are shown, `https://192.0.2.1:6443/readyz`, or by where they are,
    /// `192.0.2.1:6443`.
    pub pattern: Pattern,
    /// What is to be believed of them.
    pub order: Order,
    /// When it was said.
    pub since: SystemTime,
    /// For how long; none: until an operator ends it.
    pub term: Option<Term>,
    /// Why.
    pub remark: Option<Remark>,
}

impl Rule {
    /// Whether it is said of the target of this name.
    pub fn is_of(&self, name: &str) -> bool {
        self.pattern.matches(name) || self.pattern.matches(place(name))
    }
}

/// Address and port in the name of a target: `192.0.2.1:6443`, whatever is asked for there.
fn place(name: &str) -> &str {
    let rest = name.split_once("://").map_or(name, |(_, rest)| rest);
    rest.split_once(['/', ' ']).map_or(rest, |(place, _)| place)
}

/// As in a log line: `forced down by operator for 30m: kernel update`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.order {
            Order::Auto => f.write_str("left to its probes by operator")?,
            Order::Drain => f.write_str("drained by operator")?,
            Order::Up | Order::Down => write!(f, "forced {} by operator", self.order)?,
        }
        self.term.map_or(Ok(()), |term| write!(f, " for {}", Brief(term.lasts)))?;
        self.remark.as_ref().map_or(Ok(()), |remark| write!(f, ": {remark}"))
    }
}

/// The rules in force, oldest first: of those that match a target the last one counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules(Vec<Arc<Rule>>);

impl Rules {
    /// Adds a rule. Earlier ones that mean nothing but what it means are over: they do not come back when it
    /// ends.
    ///
    /// # Errors
    ///
    /// [`RuleError::TooMany`]; then nothing has changed.
    pub fn add(&mut self, rule: Rule) -> Result<(), RuleError> {
        let mut rules = self.0.clone();
        rules.retain(|earlier| !rule.pattern.covers(&earlier.pattern));
        if rules.len() >= RULES_MAX {
            return Err(RuleError::TooMany);
        }
        rules.push(Arc::new(rule));
        self.0 = rules;
        self.drop_idle();
        Ok(())
    }

    /// Takes out the rules whose time is over, and returns them.
    pub fn expire(&mut self, now: BootTime) -> Vec<Arc<Rule>> {
        let is_over = |rule: &Arc<Rule>| rule.term.is_some_and(|term| term.ends <= now);
        let over = self.0.extract_if(.., |rule| is_over(rule)).collect();
        self.drop_idle();
        over
    }

    /// The rule that forces the target of this name, if one does.
    pub fn forcing(&self, name: &str) -> Option<&Arc<Rule>> {
        let last = self.0.iter().rfind(|rule| rule.is_of(name));
        last.filter(|rule| rule.order != Order::Auto)
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter().map(|rule| &**rule)
    }

    /// An exception without a rule before it says nothing.
    fn drop_idle(&mut self) {
        let idle = self.0.iter().take_while(|rule| rule.order == Order::Auto).count();
        self.0.drain(..idle);
    }
}

/// A duration for a log line: `30m`, `1h30m`, `5s`; below a second it is cut off.
pub(super) struct Brief(pub(super) Duration);

impl fmt::Display for Brief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
        if seconds == 0 {
            return f.write_str("0s");
        }
        parts.iter().filter(|(count, _)| *count > 0).try_for_each(|(count, unit)| write!(f, "{count}{unit}"))
    }
}

#[cfg(test)]
mod tests;
