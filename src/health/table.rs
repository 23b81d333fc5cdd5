//! The table: every target with its verdict and history, and the transitions that the listener has not taken
//! yet.
//!
//! Gives each target its place, and keeps board, reports and transitions in agreement: they change together,
//! under one lock that `engine` holds.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::probe::{Kind, Outcome, Probe, Weight};

use super::belief::Belief;
use super::board::TargetState;
use super::damping::Damping;
use super::force::Rules;
use super::network::{Attribution, Network, Reachability, Scope};
use super::report::{Cause, History, LocalTrouble, Report, Transition};
use super::schedule::silence_max;
use super::verdict::{Effect, Verdict};
use super::{Board, Target, TargetId};

/// The number of a watch: each new target gets the next one, and none is used twice. So a late outcome cannot
/// reach another target that has got the same place since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WatchNumber(u64);

impl WatchNumber {
    /// Behind every target.
    pub(super) const LAST: WatchNumber = WatchNumber(u64::MAX);

    fn next(self) -> Self {
        WatchNumber(self.0 + 1)
    }
}

/// A target that is being watched.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    pub(super) id: TargetId,
    pub(super) number: WatchNumber,
    pub(super) target: Arc<Target>,
}

/// What a new set of targets changed.
pub(super) struct Replaced {
    /// The places of the targets, in the order given.
    pub(super) ids: Vec<TargetId>,
    /// The targets that were not watched before.
    pub(super) started: Vec<Watched>,
    /// The places of those that are not watched any more.
    pub(super) stopped: Vec<TargetId>,
}

/// Every target.
#[derive(Debug)]
pub(super) struct Table {
    places: Vec<BoardPlace>,
    ids: HashMap<Arc<Target>, TargetId>,
    board: Board,
    damping: Damping,
    rules: Rules,
    network: Network,
    /// None: there is none.
    local_trouble: Option<LocalTrouble>,
    /// The number of the next new target.
    upcoming: WatchNumber,
    /// Targets that have no outcome yet.
    unprobed: BTreeSet<WatchNumber>,
    /// Transitions that the listener has not taken yet, by age: at most one for each target, so that their
    /// number is bounded however slow the listener is.
    unsent: BTreeMap<u64, Transition>,
    /// The key of the next unsent transition.
    unsent_next: u64,
}

/// A place on the board.
#[derive(Debug)]
enum BoardPlace {
    /// May be given to a new target.
    Free,
    /// Its target left with the last new set. The board in use before that set may still point here, so the
    /// place rests, with its last verdict, until the next one.
    Resting,
    Taken(Box<Entry>),
}

#[derive(Debug)]
struct Entry {
    watched: Watched,
    belief: Belief,
    reachability: Reachability,
    history: History,
    turn: TurnWait,
    /// The key of its unsent transition.
    unsent: Option<u64>,
}

/// Whether a target waits for a turn.
#[derive(Clone, Copy, Debug)]
enum TurnWait {
    /// It is due, and waits while others are probed.
    Waiting,
    /// It has not waited since then.
    OverSince(Instant),
}

impl Entry {
    /// For how long an outcome is overdue. A target that waits for a turn owes none.
    fn silence(&self, now: Instant) -> Duration {
        match self.turn {
            TurnWait::Waiting => Duration::ZERO,
            TurnWait::OverSince(begun) => {
                self.history.last_probe_age(now).min(now.saturating_duration_since(begun))
            }
        }
    }

    /// What answers are made from.
    fn state(&self) -> TargetState {
        TargetState { weight: self.history.weight.unwrap_or_default(), ..self.belief.state() }
    }
}

/// What a probe asks, whatever patience it has.
type Question = (IpAddr, Option<IpAddr>, Kind);

fn question(probe: &Probe) -> Question {
    (probe.address, probe.source, probe.kind.clone())
}

/// What is known about a question, carried over a reload.
#[derive(Clone, Copy)]
struct Carried {
    verdict: Verdict,
    since: Instant,
    weight: Option<Weight>,
}

impl Table {
    pub(super) fn new(damping: Damping) -> Self {
        Self {
            damping,
            rules: Rules::default(),
            network: Network::default(),
            local_trouble: None,
            places: Vec::new(),
            ids: HashMap::new(),
            board: Board::default(),
            upcoming: WatchNumber(0),
            unprobed: BTreeSet::new(),
            unsent: BTreeMap::new(),
            unsent_next: 0,
        }
    }

    pub(super) fn board(&self) -> Board {
        self.board.clone()
    }

    /// A report on every target, in the order of their places.
    pub(super) fn report(&self) -> Vec<Report> {
        let report = |entry: &Entry| Report {
            id: entry.watched.id,
            target: Arc::clone(&entry.watched.target),
            verdict: entry.belief.verdict(),
            believed: entry.belief.state().verdict,
            forced: entry.belief.forced().cloned(),
            held: entry.belief.is_held(),
            history: entry.history.clone(),
        };
        self.entries().map(report).collect()
    }

    /// The number of the next new target: all that are watched now have a lower one.
    pub(super) fn upcoming(&self) -> WatchNumber {
        self.upcoming
    }

    /// The oldest target that has no outcome yet; [`WatchNumber::LAST`] when all have one.
    pub(super) fn oldest_unprobed(&self) -> WatchNumber {
        self.unprobed.first().copied().unwrap_or(WatchNumber::LAST)
    }

    /// Replaces the set of targets.
    ///
    /// A new target takes over the verdict of another one with the same question that is watched, or was
    /// until now: a changed interval does not make every pool pending.
    pub(super) fn replace(&mut self, targets: &[Target], now: Instant) -> Replaced {
        let known = self.known();
        let stopped = self.stop_all_but(targets);
        let mut started = Vec::new();
        let mut free = self.free_places().into_iter();
        let mut ids = Vec::with_capacity(targets.len());
        for target in targets {
            let id = self.ids.get(target).copied().unwrap_or_else(|| {
                let id = free.next().unwrap_or_else(|| TargetId::at(self.places.len()));
                started.push(self.start(id, target, known.get(&question(&target.probe)).copied(), now));
                id
            });
            ids.push(id);
        }
        Replaced { ids, started, stopped }
    }

    /// A target's probe is due, but waits for its turn.
    pub(super) fn wait(&mut self, of: &Watched) {
        self.set_turn(of, TurnWait::Waiting);
    }

    /// The wait is over.
    pub(super) fn begin(&mut self, of: &Watched, now: Instant) {
        self.set_turn(of, TurnWait::OverSince(now));
    }

    fn set_turn(&mut self, of: &Watched, turn: TurnWait) {
        if let Some(BoardPlace::Taken(entry)) = self.places.get_mut(of.id.index())
            && entry.watched.number == of.number
        {
            entry.turn = turn;
        }
    }

    /// Takes in an outcome; none when its target is not watched any more.
    pub(super) fn record(&mut self, of: &Watched, outcome: &Outcome, ended: Instant) -> Option<Effect> {
        let Some(BoardPlace::Taken(entry)) = self.places.get_mut(of.id.index()) else { return None };
        if entry.watched.number != of.number {
            return None;
        }
        self.unprobed.remove(&of.number);
        let attribution = self.network.note(&mut entry.reachability, outcome, ended);
        entry.history.note(outcome, ended);
        let (effect, cause) = match attribution {
            Attribution::Counts => entry.belief.observe(outcome, ended, self.damping),
            Attribution::Undecided => (Effect::Doubted, None),
            Attribution::Local => (Effect::Ignored, None),
        };
        if cause.is_some() {
            entry.history.since = ended;
            entry.history.transitions += 1;
        }
        self.note_local_trouble(of, outcome, ended);
        match cause {
            Some(cause) => self.update_board(of.id, cause, ended),
            None => self.update_weight(of.id, ended),
        }
        Some(effect)
    }

    /// Lets time pass: finds the targets whose prober is stuck, and those that have become steady. `awake` is
    /// since when this has been called as often as it should be: silence while the machine slept proves
    /// nothing.
    pub(super) fn tend(&mut self, now: Instant, awake: Instant) {
        let damping = self.damping;
        self.update_all(now, |entry| {
            let Target { interval, probe, .. } = &*entry.watched.target;
            let silence = entry.silence(now).min(now.saturating_duration_since(awake));
            let cause = entry.belief.tend(now, silence, silence_max(*interval, probe.timeout), damping)?;
            if let Cause::Silent { .. } = cause {
                entry.history.since = now;
                entry.history.transitions += 1;
            }
            Some(cause)
        });
    }

    /// Applies these rules from now on.
    pub(super) fn force(&mut self, rules: &Rules, now: Instant) {
        self.rules = rules.clone();
        self.update_all(now, |entry| {
            let name = entry.watched.target.probe.to_string();
            entry.belief.force(rules.forcing(&name))
        });
    }

    /// Applies this damping from now on.
    pub(super) fn damp(&mut self, damping: Damping) {
        self.damping = damping;
    }

    /// Trouble on this host, as far as outcomes show it.
    pub(super) fn local_trouble(&self) -> Option<&LocalTrouble> {
        self.local_trouble.as_ref()
    }

    /// The oldest transition that the listener has not taken yet.
    pub(super) fn take_unsent(&mut self) -> Option<Transition> {
        let (_, transition) = self.unsent.pop_first()?;
        if let Some(BoardPlace::Taken(entry)) = self.places.get_mut(transition.target.index()) {
            entry.unsent = None;
        }
        Some(transition)
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.places.iter().filter_map(|place| match place {
            BoardPlace::Taken(entry) => Some(&**entry),
            BoardPlace::Free | BoardPlace::Resting => None,
        })
    }

    fn known(&self) -> HashMap<Question, Carried> {
        let mut known = HashMap::new();
        for entry in self.entries().filter(|entry| entry.belief.verdict() != Verdict::Pending) {
            let History { since, weight, .. } = entry.history;
            let latest = Carried { verdict: entry.belief.verdict(), since, weight };
            known.entry(question(&entry.watched.target.probe)).or_insert(latest);
        }
        known
    }

    /// Lets go of every target that is not wanted, and frees the places that have rested.
    fn stop_all_but(&mut self, wanted: &[Target]) -> Vec<TargetId> {
        let wanted: HashSet<&Target> = wanted.iter().collect();
        let mut stopped = Vec::new();
        for (index, place) in self.places.iter_mut().enumerate() {
            let BoardPlace::Taken(entry) = place else {
                *place = BoardPlace::Free;
                continue;
            };
            if wanted.contains(&*entry.watched.target) {
                continue;
            }
            self.ids.remove(&entry.watched.target);
            self.unprobed.remove(&entry.watched.number);
            self.network.forget(entry.reachability);
            entry.unsent.and_then(|key| self.unsent.remove(&key));
            *place = BoardPlace::Resting;
            stopped.push(TargetId::at(index));
        }
        stopped
    }

    fn free_places(&self) -> Vec<TargetId> {
        let is_free = |(index, place)| matches!(place, &BoardPlace::Free).then(|| TargetId::at(index));
        self.places.iter().enumerate().filter_map(is_free).collect()
    }

    fn start(&mut self, id: TargetId, target: &Target, known: Option<Carried>, now: Instant) -> Watched {
        let watched = Watched { id, number: self.upcoming, target: Arc::new(target.clone()) };
        self.upcoming = watched.number.next();
        self.unprobed.insert(watched.number);
        self.ids.insert(Arc::clone(&watched.target), id);
        let pending = Carried { verdict: Verdict::Pending, since: now, weight: None };
        let Carried { verdict, since, weight } = known.unwrap_or(pending);
        let forced = self.rules.forcing(&target.probe.to_string()).cloned();
        let belief = Belief::new(verdict, target.thresholds(), forced);
        let entry = Entry {
            watched: watched.clone(),
            belief,
            reachability: self.network.begin(),
            history: History { weight, ..History::new(since, now) },
            turn: TurnWait::OverSince(now),
            unsent: None,
        };
        self.board.set(id, entry.state());
        let place = BoardPlace::Taken(Box::new(entry));
        match self.places.get_mut(id.index()) {
            Some(free) => *free = place,
            None => self.places.push(place),
        }
        watched
    }

    /// Applies `change` to every target, and writes the results to the board.
    fn update_all(&mut self, at: Instant, change: impl Fn(&mut Entry) -> Option<Cause>) {
        for index in 0..self.places.len() {
            let Some(BoardPlace::Taken(entry)) = self.places.get_mut(index) else { continue };
            if let Some(cause) = change(entry) {
                self.update_board(TargetId::at(index), cause, at);
            }
        }
    }

    /// Writes the verdict on a target to the board, and keeps the transition until the listener takes it. It
    /// replaces one of the same target that has not been taken, even if the verdict is back where the
    /// listener knows it: the listener may have read the board in between, for another target's sake, with
    /// the other verdict.
    fn update_board(&mut self, id: TargetId, cause: Cause, at: Instant) {
        let Some(BoardPlace::Taken(entry)) = self.places.get_mut(id.index()) else { return };
        let (from, state) = (self.board.state(id).verdict, entry.state());
        self.board.set(id, state);
        let probe = entry.watched.target.probe.clone();
        let key = *entry.unsent.get_or_insert(self.unsent_next);
        self.unsent_next = self.unsent_next.max(key + 1);
        self.unsent.insert(key, Transition { target: id, probe, from, to: state.verdict, cause, at });
    }

    /// Writes the weight that a target reports to the board, if it has changed. Its transition waits behind
    /// the others and replaces none: a listener that takes another one of this target sees the weight, too.
    fn update_weight(&mut self, id: TargetId, at: Instant) {
        let Some(BoardPlace::Taken(entry)) = self.places.get_mut(id.index()) else { return };
        let weight = entry.state().weight;
        if self.board.state(id).weight == weight {
            return;
        }
        match entry.unsent {
            Some(_) => self.board.set(id, entry.state()),
            None => self.update_board(id, Cause::Weighed(weight), at),
        }
    }

    fn note_local_trouble(&mut self, of: &Watched, outcome: &Outcome, at: Instant) {
        let scope = self.network.scope();
        let before = self.local_trouble.as_ref().map_or(Scope::None, |trouble| trouble.scope);
        match (before, scope) {
            (Scope::None | Scope::Some | Scope::All, Scope::None) => self.local_trouble = None,
            // From all to some is neither new trouble nor its end.
            (Scope::Some, Scope::Some) | (Scope::All, Scope::Some | Scope::All) => {}
            (Scope::None, Scope::Some | Scope::All) | (Scope::Some, Scope::All) => {
                let (probe, outcome) = (of.target.probe.clone(), outcome.clone());
                self.local_trouble = Some(LocalTrouble { scope, probe, outcome, since: at });
            }
        }
    }
}

#[cfg(test)]
mod tests;
