//! Which members of a pool may be answered, given the board.
//!
//! Has the verdicts of members, groups and thresholds, and what is answered when none is up. Pure. Not
//! responsible for choosing among them at a query: that is `pools`.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use crate::dns::Ttl;
use crate::health::{Board, TargetId, Verdict};
use crate::probe::Share;
use crate::zone::{
    AllDown, Candidate, ChoiceAtQuery, Guard, Member, Network, Pass, Passes, Pool, Selector, View, WhileAny,
    WhilePending,
};

/// The targets of a pool's members: for each group, for each member, the target of each of its guards.
#[derive(Clone, Debug, Default)]
pub struct PoolTargets {
    groups: Vec<Vec<MemberTargets>>,
}

/// The target of each guard of a member, in the order of the guards.
type MemberTargets = Box<[TargetId]>;

impl PoolTargets {
    fn take(pool: &Pool, ids: &mut impl Iterator<Item = TargetId>) -> PoolTargets {
        let mut of_member = |member: &Member| ids.by_ref().take(member.guards.len()).collect();
        let groups = pool.groups.iter().map(|group| group.iter().map(&mut of_member).collect());
        PoolTargets { groups: groups.collect() }
    }

    /// The targets of each member, group by group.
    pub fn members(&self) -> impl Iterator<Item = &[TargetId]> {
        self.groups.iter().flatten().map(|targets| &**targets)
    }

    /// All targets.
    pub fn iter(&self) -> impl Iterator<Item = TargetId> {
        self.members().flatten().copied()
    }

    fn groups(&self) -> impl Iterator<Item = impl Iterator<Item = &[TargetId]>> {
        self.groups.iter().map(|group| group.iter().map(|targets| &**targets))
    }
}

/// A pool whose members know their targets.
#[derive(Clone)]
pub struct BoundPool {
    /// The pool.
    pub pool: Arc<Pool>,
    /// The targets of its members.
    pub targets: PoolTargets,
}

/// What a pool is answered from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolState {
    /// Members that are up.
    Up,
    /// No member is known to be up or down yet.
    Pending,
    /// Every member is down, or too many.
    AllDown,
}

/// A member and its targets.
#[derive(Clone, Copy)]
struct BoundMember<'p> {
    /// How many of its guards must pass.
    pass: Pass,
    member: &'p Member,
    targets: &'p [TargetId],
    /// Its rank among those that are answered: see [`Candidate::rank`].
    rank: u32,
}

/// From which members an answer is chosen.
#[derive(Clone, Copy)]
enum Choosing {
    /// From these, by the selector.
    Select(Selector),
    /// From none: SERVFAIL.
    ServFail,
}

/// What a pool is answered from.
pub(super) struct Chosen<'p> {
    pub(super) state: PoolState,
    /// What the choice at a query is made among.
    pub(super) candidates: Vec<Candidate<'p>>,
    pub(super) choice: ChoiceAtQuery,
}

impl<'p> BoundMember<'p> {
    fn verdict(self, board: &Board) -> Verdict {
        BoundPool::verdict(self.pass, self.member, self.targets, board)
    }

    fn candidate(self, board: &Board) -> Candidate<'p> {
        let weights = self.targets.iter().map(|target| board.weight(*target));
        Candidate {
            member: self.member,
            // Where all report 0 and are answered after all, they are alike.
            reported_weight: weights.min().unwrap_or_default().get().max(1),
            share: self.share(board).get(),
            latency: self.targets.iter().filter_map(|target| board.latency(*target)).max(),
            rank: self.rank,
        }
    }

    fn share(self, board: &Board) -> Share {
        BoundPool::share(self.member, self.targets, board)
    }
}

impl BoundPool {
    /// Binds a pool to the next targets of `ids`: one for each guard, in the order of groups, members and
    /// guards.
    pub fn new(pool: Arc<Pool>, ids: &mut impl Iterator<Item = TargetId>) -> BoundPool {
        let targets = PoolTargets::take(&pool, ids);
        BoundPool { pool, targets }
    }

    /// The state of the pool. Prepares no choice, which for a consistent hash would sort its ring.
    pub fn state(&self, board: &Board) -> PoolState {
        let (state, _, _) = self.eligible(board);
        state
    }

    /// The state of the pool and the members that it answers now, each once: with a selector that answers the
    /// first that one, with others all among which a query chooses.
    pub fn answered(&self, board: &Board) -> (PoolState, Vec<&Member>) {
        let Chosen { state, candidates, .. } = self.choose(board);
        let mut seen = HashSet::new();
        let members = candidates.into_iter().map(|candidate| candidate.member);
        (state, members.filter(|member| seen.insert(&member.rdata)).collect())
    }

    /// The first of the groups that it answers from now.
    pub fn group_answered(&self, board: &Board) -> usize {
        let (_, members, _) = self.eligible(board);
        let first = members.first().map(|one| one.member);
        let holds = |group: &Vec<Member>| group.iter().any(|member| Some(member) == first);
        self.pool.groups.iter().position(holds).unwrap_or(0)
    }

    /// The part of its share of the answers that a member gets: the least of its targets'. None where it is drained, be it by
    /// a weight of 0 that a target reports.
    pub fn share(member: &Member, targets: &[TargetId], board: &Board) -> Share {
        if member.is_drained {
            return Share::NONE;
        }
        if targets.iter().any(|target| board.weight(*target).get() == 0) {
            return Share::NONE;
        }
        targets.iter().map(|target| board.share(*target)).min().unwrap_or_default()
    }

    /// What the guards of a member come to: at each address up if so many are up as `pass` says, else pending if those
    /// that are pending would do, too, else down; and the best of the addresses, or the worst where all are to pass.
    pub fn verdict(pass: Pass, member: &Member, targets: &[TargetId], board: &Board) -> Verdict {
        if member.guards.is_empty() {
            return Verdict::Up;
        }
        let probed = |guard: &Guard| guard.probe.address;
        let is_alone =
            || member.guards.iter().zip(member.guards.iter().skip(1)).all(|(a, b)| probed(a) == probed(b));
        if pass == Pass::All && (member.passes == Passes::AtAllAddresses || is_alone()) {
            // Whatever is tested where, all of it must pass.
            return targets.iter().map(|target| board.verdict(*target)).fold(Verdict::Up, worse);
        }
        let at_address = |address: IpAddr| {
            let guards = member.guards.iter().zip(targets);
            let own = guards.filter(|(guard, _)| guard.probe.address == address);
            let (mut all, mut up, mut pending) = (0_usize, 0_usize, 0_usize);
            for (_, target) in own {
                // Counts of guards in memory.
                let verdict = board.verdict(*target);
                all = all.saturating_add(1);
                up = up.saturating_add(usize::from(verdict == Verdict::Up));
                pending = pending.saturating_add(usize::from(verdict == Verdict::Pending));
            }
            match pass.of(all) {
                needed if up >= needed => Verdict::Up,
                needed if up.saturating_add(pending) >= needed => Verdict::Pending,
                _ => Verdict::Down,
            }
        };
        // Each address once: most often those of one follow each other.
        let is_first = |place: usize, address: IpAddr| {
            let before = member.guards.get(..place).unwrap_or_default();
            !before.iter().rev().any(|guard| guard.probe.address == address)
        };
        let each = member.guards.iter().map(probed).enumerate();
        let verdicts = each
            .filter(|(place, address)| is_first(*place, *address))
            .map(|(_, address)| at_address(address));
        match member.passes {
            Passes::AtOneAddress => verdicts.fold(Verdict::Down, better),
            Passes::AtAllAddresses => verdicts.fold(Verdict::Up, worse),
        }
    }

    /// What it answers from, given the board.
    pub(super) fn choose(&self, board: &Board) -> Chosen<'_> {
        if let Some(computed) = &self.pool.computed {
            let choice = ChoiceAtQuery::Computed(Arc::clone(computed));
            return Chosen { state: PoolState::Up, candidates: Vec::new(), choice };
        }
        let (state, members, choosing) = self.eligible(board);
        let mut candidates: Vec<Candidate<'_>> =
            members.into_iter().map(|one| one.candidate(board)).collect();
        level(&mut candidates);
        let choice = match choosing {
            Choosing::ServFail => ChoiceAtQuery::ServFail,
            Choosing::Select(_) if !self.pool.views.is_empty() => ChoiceAtQuery::Views(views(&self.pool)),
            Choosing::Select(selector) => selector.prepare(&self.pool.arrangement(), &mut candidates),
        };
        Chosen { state, candidates, choice }
    }

    /// The board as clients elsewhere are to have it for this pool; none: it is the same to them.
    pub fn elsewhere(&self, board: &Board) -> Option<Board> {
        let rule = self.pool.vantage;
        let is_other = self.targets.iter().any(|target| board.is_other_elsewhere(target, rule));
        is_other.then(|| board.elsewhere(rule))
    }

    /// Whether every member is up.
    pub fn is_all_up(&self, board: &Board) -> bool {
        self.groups().flatten().all(|one| one.verdict(board) == Verdict::Up)
    }

    /// The TTL of what it answers now.
    pub fn ttl(&self, board: &Board) -> Ttl {
        if self.is_degraded(board) { self.pool.ttl_degraded } else { self.pool.ttl }
    }

    /// Whether some member is down.
    fn is_degraded(&self, board: &Board) -> bool {
        self.groups().flatten().any(|one| one.verdict(board) == Verdict::Down)
    }

    /// The state of the pool, the members to choose among, and how.
    fn eligible(&self, board: &Board) -> (PoolState, Vec<BoundMember<'_>>, Choosing) {
        let selected = Choosing::Select(self.pool.selector);
        // Nobody probes what is computed.
        if !self.pool.views.is_empty() || self.pool.computed.is_some() {
            return (PoolState::Up, self.groups().flatten().collect(), selected);
        }
        let is_up = |verdict| verdict == Verdict::Up;
        // One that changes too often, and passes just now, is better than none.
        if let Some(up) = self.enough(is_up, board).or_else(|| self.enough(is_up, &board.unheld())) {
            return (PoolState::Up, up, selected);
        }
        if let Some(pending) = self.enough(|verdict| verdict != Verdict::Down, board) {
            return match self.pool.while_pending {
                WhilePending::ServFail => (PoolState::Pending, Vec::new(), Choosing::ServFail),
                WhilePending::NoData => (PoolState::Pending, Vec::new(), Choosing::Select(Selector::Empty)),
                WhilePending::Select => (PoolState::Pending, pending, selected),
            };
        }
        match self.pool.all_down {
            AllDown::ServFail => (PoolState::AllDown, Vec::new(), Choosing::ServFail),
            AllDown::Select(selector) => {
                let first = self.groups().map(Iterator::collect).find(|all: &Vec<_>| !all.is_empty());
                let (open, drained) = undrained(first.unwrap_or_default(), board);
                let all = if open.is_empty() { drained } else { open };
                (PoolState::AllDown, all, Choosing::Select(selector))
            }
        }
    }

    /// The members of the first group that has enough whose verdicts will do, and of those behind it where none may have
    /// so much that these could take all. One that is drained counts as what it is, and is answered where there is no
    /// other.
    fn enough(&self, will_do: fn(Verdict) -> bool, board: &Board) -> Option<Vec<BoundMember<'_>>> {
        let mut answered: Vec<BoundMember<'_>> = Vec::new();
        let mut only_drained = None;
        let groups = self.pool.groups.iter().zip(self.groups()).enumerate();
        for (place, (group, members)) in groups {
            let needed = if place == 0 { self.pool.min_up.of(group.len()) } else { 1 };
            let all: Vec<(bool, BoundMember<'_>)> =
                members.map(|one| (will_do(one.verdict(board)), one)).collect();
            if all.iter().filter(|(passes, _)| *passes).count() < needed {
                continue;
            }
            let is_given = |passes: bool| passes || self.pool.while_any == WhileAny::All;
            let given = all.into_iter().filter(|(passes, _)| is_given(*passes)).map(|(_, one)| one).collect();
            let (open, drained) = undrained(given, board);
            if open.is_empty() {
                only_drained.get_or_insert(drained);
                continue;
            }
            // A place among `MEMBERS_MAX` groups.
            let rank = u32::try_from(place).unwrap_or(u32::MAX);
            answered.extend(open.into_iter().map(|one| BoundMember { rank, ..one }));
            if self.pool.share_max.is_none_or(|most| most.is_enough(answered.len())) {
                break;
            }
        }
        if answered.is_empty() { only_drained } else { Some(answered) }
    }

    /// The members of each group.
    fn groups(&self) -> impl Iterator<Item = impl Iterator<Item = BoundMember<'_>>> {
        let groups = self.pool.groups.iter().zip(self.targets.groups());
        groups.map(|(members, targets)| {
            let pass = self.pool.pass;
            let bound = move |(member, targets)| BoundMember { pass, member, targets, rank: 0 };
            members.iter().zip(targets).map(bound)
        })
    }
}

/// Those that may get answers, and those that are drained.
fn undrained<'p>(
    members: Vec<BoundMember<'p>>,
    board: &Board,
) -> (Vec<BoundMember<'p>>, Vec<BoundMember<'p>>) {
    members.into_iter().partition(|one| one.share(board) != Share::NONE)
}

/// Shares that grow are parts of what a member gets beside others: where all of them have come back just now, all are
/// alike.
fn level(candidates: &mut [Candidate<'_>]) {
    let most = candidates.iter().map(|one| one.share).max().unwrap_or(100);
    for one in candidates.iter_mut().filter(|_| most < 100) {
        let share = u32::from(one.share).saturating_mul(100).checked_div(u32::from(most)).unwrap_or(100);
        // At most 100, since none is above the most.
        one.share = u8::try_from(share).unwrap_or(100).max(1);
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

/// Which members each client is for.
fn views(pool: &Pool) -> Box<[View]> {
    let mut from = 0_u32;
    let view = |(networks, group): (&Vec<Network>, &Vec<Member>)| {
        // A thousand at most: `MEMBERS_MAX`, over all groups of a view.
        let to = from.saturating_add(u32::try_from(group.len()).unwrap_or(0));
        let places = from..to;
        from = to;
        View { networks: networks.clone().into_boxed_slice(), places }
    };
    pool.views.iter().zip(&pool.groups).map(view).collect()
}
