//! Which members of a pool may be answered, given the board.
//!
//! Responsible for verdicts of members, for groups and thresholds, and for what
//! is answered when none is up. Pure.
//! Not responsible for choosing among them at a query: that is `pools`.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use crate::health::{Board, TargetId, Verdict};
use crate::zone::{AllDown, Member, Pool, Selector, WhilePending};

/// A pool whose members know their targets.
#[derive(Clone)]
pub struct BoundPool {
    /// The pool.
    pub pool: Arc<Pool>,
    /// For each group, for each member, the target of each of its guards.
    pub targets: Vec<Vec<Vec<TargetId>>>,
}

/// How a pool stands: what it is answered from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Members that are up.
    Up,
    /// No member is known to be up or down yet.
    Pending,
    /// Every member is down, or too many.
    AllDown,
}

/// A member that may be answered, and its targets.
#[derive(Clone, Copy)]
pub(super) struct Candidate<'p> {
    pub(super) member: &'p Member,
    targets: &'p [TargetId],
}

impl Candidate<'_> {
    /// What its targets say of its share: the least, where several say something.
    pub(super) fn told_weight(&self, board: &Board) -> u32 {
        self.targets.iter().map(|target| board.weight(*target)).min().unwrap_or_default().get()
    }
}

/// What is done with candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Select(Selector),
    ServFail,
}

impl BoundPool {
    /// How the pool stands and which members it may answer with, each once.
    pub fn candidates(&self, board: &Board) -> (Standing, Vec<&Member>) {
        let (standing, candidates, how) = self.choose(board);
        let shown =
            if matches!(how, How::ServFail | How::Select(Selector::Empty)) { Vec::new() } else { candidates };
        (standing, distinct(shown).into_iter().map(|candidate| candidate.member).collect())
    }

    /// What the guards of a member come to: at each address down if one is
    /// down, else pending if one is pending; and the best of the addresses.
    pub fn verdict(member: &Member, targets: &[TargetId], board: &Board) -> Verdict {
        if member.guards.is_empty() {
            return Verdict::Up;
        }
        let at_address = |address: IpAddr| {
            let guards = member.guards.iter().zip(targets);
            let own = guards.filter(|(guard, _)| guard.probe.address == address);
            own.map(|(_, target)| board.verdict(*target)).fold(Verdict::Up, worse)
        };
        let verdicts = member.guards.iter().map(|guard| at_address(guard.probe.address));
        verdicts.fold(Verdict::Down, better)
    }

    /// The members of each group.
    fn groups(&self) -> impl Iterator<Item = impl Iterator<Item = Candidate<'_>>> {
        let groups = self.pool.groups.iter().zip(&self.targets);
        groups.map(|(members, targets)| {
            members.iter().zip(targets).map(|(member, targets)| Candidate { member, targets })
        })
    }

    /// The members of the first group that has enough whose verdicts will do.
    fn enough(&self, will_do: fn(Verdict) -> bool, board: &Board) -> Option<Vec<Candidate<'_>>> {
        let passes = |one: &Candidate<'_>| will_do(Self::verdict(one.member, one.targets, board));
        let mut groups = self.pool.groups.iter().zip(self.groups()).enumerate();
        groups.find_map(|(place, (group, candidates))| {
            let needed = if place == 0 { self.pool.min_up.of(group.len()) } else { 1 };
            Some(candidates.filter(passes).collect::<Vec<_>>()).filter(|passing| passing.len() >= needed)
        })
    }

    /// How the pool stands, the members it may answer with, and what is done with them.
    pub(super) fn choose(&self, board: &Board) -> (Standing, Vec<Candidate<'_>>, How) {
        if !self.pool.views.is_empty() {
            let all = self.groups().flatten().collect();
            return (Standing::Up, all, How::Select(self.pool.selector));
        }
        let is_up = |verdict| verdict == Verdict::Up;
        // One that changes too often, and passes just now, is better than none.
        if let Some(up) = self.enough(is_up, board).or_else(|| self.enough(is_up, &board.unheld())) {
            return (Standing::Up, up, How::Select(self.pool.selector));
        }
        if let Some(pending) = self.enough(|verdict| verdict != Verdict::Down, board) {
            return match self.pool.while_pending {
                WhilePending::ServFail => (Standing::Pending, Vec::new(), How::ServFail),
                WhilePending::NoData => (Standing::Pending, Vec::new(), How::Select(Selector::Empty)),
                WhilePending::Select => (Standing::Pending, pending, How::Select(self.pool.selector)),
            };
        }
        match self.pool.all_down {
            AllDown::ServFail => (Standing::AllDown, Vec::new(), How::ServFail),
            AllDown::Select(selector) => {
                let first = self.groups().map(Iterator::collect).find(|all: &Vec<_>| !all.is_empty());
                (Standing::AllDown, first.unwrap_or_default(), How::Select(selector))
            }
        }
    }

    /// Whether some member is down.
    pub(super) fn is_degraded(&self, board: &Board) -> bool {
        let is_down = |one: Candidate<'_>| Self::verdict(one.member, one.targets, board) == Verdict::Down;
        self.groups().flatten().any(is_down)
    }
}

fn worse(one: Verdict, other: Verdict) -> Verdict {
    match (one, other) {
        (Verdict::Down, _) | (_, Verdict::Down) => Verdict::Down,
        (Verdict::Pending, _) | (_, Verdict::Pending) => Verdict::Pending,
        (Verdict::Up, Verdict::Up) => Verdict::Up,
    }
}

fn better(one: Verdict, other: Verdict) -> Verdict {
    match (one, other) {
        (Verdict::Up, _) | (_, Verdict::Up) => Verdict::Up,
        (Verdict::Pending, _) | (_, Verdict::Pending) => Verdict::Pending,
        (Verdict::Down, Verdict::Down) => Verdict::Down,
    }
}

/// Each record once: an address that is tested at two ports is two members.
pub(super) fn distinct(candidates: Vec<Candidate<'_>>) -> Vec<Candidate<'_>> {
    let mut seen = HashSet::new();
    candidates.into_iter().filter(|candidate| seen.insert(&candidate.member.rdata)).collect()
}
