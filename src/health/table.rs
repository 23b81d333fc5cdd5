//! The table: every target with its verdict and history, and the transitions that the listener has not taken
//! yet.
//!
//! Gives each target its place, and keeps board, reports and transitions in agreement: they change together,
//! under one lock that `engine` holds.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hashbrown::HashTable;

use crate::probe::{Outcome, Probe, ProbeKind, Reach, Share, Weight};

use super::belief::Belief;
use super::board::{SeenUp, TargetState};
use super::damping::Damping;
use super::force::Rules;
use super::latency::Pace;
use super::network::{Attribution, Network, Reachability, Scope};
use super::place::Place;
use super::report::{History, LocalTrouble, Report, Transition, TransitionCause};
use super::schedule::silence_max;
use super::suspicion::{Hearing, Silent, Suspicion, Turn};
use super::vantages::{Touched, VantageSettings, Vantages, Word};
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

/// What this host sees itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sights {
    /// Whether it trusts itself: it says nothing while it does not.
    pub suspects_itself: bool,
    /// Targets that it sees up or down, each once: [`Probe::subject`].
    pub verdicts: Vec<(Arc<str>, Verdict)>,
}

/// What has come of targets that somebody wants watched.
pub(super) struct Taken {
    /// The places of the targets, in the order given.
    pub(super) ids: Vec<TargetId>,
    /// The targets that were not watched before.
    pub(super) started: Vec<Watched>,
}

/// Every target.
#[derive(Debug)]
pub(super) struct Table {
    places: Vec<BoardPlace>,
    ids: HashMap<Arc<Target>, TargetId>,
    /// The targets that are watched, by what their probes ask.
    questions: HashTable<TargetId>,
    hasher: RandomState,
    /// Places that may be given to new targets.
    free: Vec<TargetId>,
    /// Places that rest, and since when; the longest first.
    resting: VecDeque<(Instant, TargetId)>,
    board: Board,
    damping: Damping,
    rules: Rules,
    network: Network,
    suspicion: Suspicion,
    /// What others see; none: nobody is asked.
    vantages: Option<Vantages>,
    /// The targets that are watched, by what is tested.
    subjects: HashMap<Arc<str>, Vec<TargetId>>,
    /// None: there is none.
    local_trouble: Option<LocalTrouble>,
    /// The number of the next new target.
    upcoming: WatchNumber,
    /// Targets that have no outcome yet.
    unprobed: BTreeSet<WatchNumber>,
    /// Transitions that nobody has been told, by age: one for each target at most, so that they are
    /// bounded by the number of targets however slow the listener is.
    unsent: BTreeMap<u64, Transition>,
    /// The key of the next unsent transition.
    unsent_next: u64,
}

/// A place on the board.
#[derive(Debug)]
enum BoardPlace {
    /// Has no target. What its last one did may still be on its way to the listener, who would take it for
    /// another one's: so it rests for a while, and may then be given to a new target.
    Free,
    Taken(Box<TargetEntry>),
}

#[derive(Debug)]
struct TargetEntry {
    watched: Watched,
    /// How many want it watched: members of pools that it guards.
    users: usize,
    belief: Belief,
    reachability: Reachability,
    place: Place,
    hearing: Hearing,
    /// Whether it stays up for clients elsewhere: it was when this host began to suspect itself.
    is_vouched_for: bool,
    /// What is tested, as other servers call it, too.
    subject: Arc<str>,
    /// By which rules other vantages see it up.
    seen_up: SeenUp,
    history: History,
    /// How long it takes now.
    pace: Pace,
    /// Since when its share grows; none: it has all of it.
    grows_since: Option<Instant>,
    /// How far it has grown.
    grown: Share,
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

impl TargetEntry {
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
        let weight = self.history.weight.unwrap_or_default();
        let state = self.belief.state();
        // The operator's word and damping hold for everybody.
        let is_probed = !self.belief.has_forced_verdict() && !self.belief.is_held();
        let elsewhere = if self.is_vouched_for && is_probed { Verdict::Up } else { state.verdict };
        let counts = is_probed && elsewhere == Verdict::Down;
        let seen_up = if counts { self.seen_up } else { SeenUp::default() };
        TargetState { weight, share: self.share(), latency: self.pace.told(), elsewhere, seen_up, ..state }
    }

    /// The part of its share of the answers that it gets.
    fn share(&self) -> Share {
        if self.belief.is_drained() { Share::NONE } else { self.grown }
    }

    /// How long it takes is followed while it passes; after an outage that begins anew.
    fn note_pace(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Pass { latency, .. } if self.watched.target.life.is_timed => self.pace.note(*latency),
            Outcome::Fail { .. } if self.belief.verdict() == Verdict::Down => self.pace = Pace::default(),
            Outcome::Pass { .. } | Outcome::Fail { .. } | Outcome::Local { .. } => {}
        }
    }

    /// What is believed has changed: a target that is up again begins with a small share.
    fn note_return(&mut self, from: Verdict, to: Verdict, at: Instant) {
        self.grows_since = match (from, to) {
            (Verdict::Down, Verdict::Up) => Some(at),
            (Verdict::Up | Verdict::Pending, Verdict::Up) => self.grows_since,
            (_, Verdict::Down | Verdict::Pending) => None,
        };
        self.grow(at);
    }

    /// Lets time pass: whether its share has grown.
    fn grow(&mut self, now: Instant) -> bool {
        let life = &self.watched.target.life;
        let up_for = self.grows_since.map(|since| now.saturating_duration_since(since));
        let grown = up_for.map_or(Share::WHOLE, |up_for| life.share_after(up_for));
        if grown == Share::WHOLE {
            self.grows_since = None;
        }
        std::mem::replace(&mut self.grown, grown) != grown
    }
}

/// How long a place rests. A transition waits for a busy listener for less.
const REST: Duration = Duration::from_secs(10);

/// What a probe asks, whatever patience it has.
fn question(probe: &Probe) -> (IpAddr, Option<IpAddr>, &ProbeKind) {
    (probe.address, probe.source, &probe.kind)
}

/// What is known about a question, handed to another target that asks the same.
#[derive(Clone, Copy)]
struct Carried {
    verdict: Verdict,
    since: Instant,
    weight: Option<Weight>,
}

/// A target that was up and is silent.
fn silent(entry: &TargetEntry) -> Option<(TargetId, Silent)> {
    let Hearing::Silent { since, was: Verdict::Up } = entry.hearing else { return None };
    let Target { probe, interval, .. } = &*entry.watched.target;
    // With the jitter of an interval, and some lateness.
    let noticed_within = (*interval + *interval / 10).saturating_add(probe.timeout);
    Some((entry.watched.id, Silent { address: probe.address, since, noticed_within }))
}

/// By which rules others see a target up.
fn seen_up(vantages: Option<&Vantages>, subject: &str) -> SeenUp {
    vantages.map(|vantages| vantages.seen_up(subject)).unwrap_or_default()
}

impl Table {
    pub(super) fn new(damping: Damping) -> Self {
        Self {
            damping,
            rules: Rules::default(),
            network: Network::default(),
            suspicion: Suspicion::default(),
            vantages: None,
            subjects: HashMap::new(),
            local_trouble: None,
            places: Vec::new(),
            ids: HashMap::new(),
            questions: HashTable::new(),
            hasher: RandomState::new(),
            free: Vec::new(),
            resting: VecDeque::new(),
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
    pub(super) fn report(&self, now: Instant) -> Vec<Report> {
        let report = |entry: &TargetEntry| Report {
            id: entry.watched.id,
            target: Arc::clone(&entry.watched.target),
            verdict: entry.belief.verdict(),
            believed: entry.belief.state().verdict,
            elsewhere: entry.state().elsewhere,
            sightings: self
                .vantages
                .as_ref()
                .map(|vantages| vantages.sightings(&entry.subject))
                .unwrap_or_default(),
            forced: entry.belief.forced().cloned(),
            held: entry.belief.is_held(),
            share: entry.share(),
            is_unjudged: entry.belief.is_unjudged(now),
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

    /// Takes these targets up, each once more for whoever wants it.
    ///
    /// A target that was not watched begins with the verdict of another one that asks the same and
    /// is watched: who changes an interval does not want to see every pool pending.
    pub(super) fn watch(&mut self, targets: &[Target], now: Instant) -> Taken {
        let mut started = Vec::new();
        let mut ids = Vec::with_capacity(targets.len());
        for target in targets {
            let id = self.ids.get(target).copied().unwrap_or_else(|| {
                let watched = self.start(target, now);
                let id = watched.id;
                started.push(watched);
                id
            });
            if let Some(BoardPlace::Taken(entry)) = self.places.get_mut(id.index()) {
                entry.users += 1;
            }
            ids.push(id);
        }
        Taken { ids, started }
    }

    /// Lets go of targets, each once; those that nobody wants any more are returned, and watched no more.
    pub(super) fn release(&mut self, ids: impl IntoIterator<Item = TargetId>, now: Instant) -> Vec<TargetId> {
        ids.into_iter().filter(|id| self.release_one(*id, now)).collect()
    }

    /// Those of the targets that have no outcome yet.
    pub(super) fn unprobed_of(&self, ids: &[TargetId]) -> Vec<Watched> {
        let mut watched: Vec<Watched> =
            ids.iter().filter_map(|id| self.entry(*id)).map(|entry| entry.watched.clone()).collect();
        self.retain_unprobed(&mut watched);
        watched
    }

    /// Leaves those that are watched and have no outcome yet.
    pub(super) fn retain_unprobed(&self, watched: &mut Vec<Watched>) {
        watched.retain(|watched| self.unprobed.contains(&watched.number));
    }

    /// How many targets have had their first outcome so far, or went without.
    pub(super) fn probed(&self) -> u64 {
        // Each was unprobed once, and numbers begin at 0.
        self.upcoming.0 - self.unprobed.len() as u64
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
        let attribution = self.network.note(&mut entry.reachability, outcome, ended);
        let before = entry.belief.verdict();
        entry.history.note(outcome, ended);
        entry.note_pace(outcome);
        let (effect, cause) = match attribution {
            Attribution::Counts => entry.belief.observe(outcome, ended, self.damping),
            Attribution::Undecided => (Effect::Doubted, None),
            Attribution::Local => (Effect::Ignored, None),
        };
        if cause.is_some() {
            entry.history.since = ended;
            entry.history.transitions += 1;
        }
        let verdicts = (before, entry.belief.verdict());
        let turn = self.suspicion.note(&mut entry.hearing, entry.place, outcome, verdicts, ended);
        // After the suspicion each is what its next outcome says: all together would be down for a moment.
        entry.is_vouched_for &= self.suspicion.is_on() && matches!(entry.hearing, Hearing::Silent { .. });
        self.unprobed.remove(&of.number);
        match cause {
            Some(cause) => self.update_board(of.id, cause, ended),
            None => {
                self.update_weight(of.id, ended);
                self.update_beside(of.id, |state| state.latency, TransitionCause::Paced, ended);
            }
        }
        self.update_elsewhere(of.id, ended);
        if turn == Turn::AllSilent {
            self.suspect(ended);
        }
        self.note_local_trouble(of, outcome, ended);
        Some(effect)
    }

    /// Where a target lies.
    pub(super) fn set_place(&mut self, of: &Watched, place: Place) {
        if let Some(BoardPlace::Taken(entry)) = self.places.get_mut(of.id.index())
            && entry.watched.number == of.number
        {
            entry.place = place;
        }
    }

    /// Nobody beyond this host is heard: if that came at once, those that were up are vouched for.
    fn suspect(&mut self, now: Instant) {
        let silent: Vec<(TargetId, Silent)> = self.entries().filter_map(silent).collect();
        let (ids, silent): (Vec<TargetId>, Vec<Silent>) = silent.into_iter().unzip();
        let vouched_for = self.suspicion.begins(&silent, now);
        for (id, _) in ids.into_iter().zip(vouched_for).filter(|(_, is_vouched_for)| *is_vouched_for) {
            if let Some(BoardPlace::Taken(entry)) = self.places.get_mut(id.index()) {
                entry.is_vouched_for = true;
            }
            self.update_elsewhere(id, now);
        }
    }

    /// Heeds others by these settings from now on; none: nobody. Who takes part as before is heard as before.
    pub(super) fn follow_vantages(&mut self, settings: Option<VantageSettings>, now: Instant) {
        if self.vantages.as_ref().map(Vantages::settings) == settings.as_ref() {
            return;
        }
        self.vantages = settings.map(Vantages::new);
        self.apply_seen(Touched::All, now);
    }

    /// Takes in what is told of others.
    pub(super) fn hear(&mut self, words: impl IntoIterator<Item = Word>, now: Instant) {
        let Some(vantages) = &mut self.vantages else { return };
        let touched = vantages.hear(words, now);
        self.apply_seen(touched, now);
    }

    /// What others see, and whether it counts.
    pub(super) fn vantages(&self) -> Option<&Vantages> {
        self.vantages.as_ref()
    }

    /// What this host sees itself, each target once by what is tested: of several that test the same the worst. Nothing
    /// while it suspects itself, or reaches nobody: what it believes then is no sight.
    pub(super) fn sights(&self) -> Sights {
        let suspects_itself = self.suspicion.is_on() || self.network.scope() == Scope::All;
        let verdict = |ids: &[TargetId]| {
            let mut verdicts = ids.iter().filter_map(|id| Some(self.entry(*id)?.belief.verdict()));
            let first = verdicts.next()?;
            let worst = verdicts.fold(first, |one, other| match (one, other) {
                (Verdict::Down, _) | (_, Verdict::Down) => Verdict::Down,
                (Verdict::Pending, _) | (_, Verdict::Pending) => Verdict::Pending,
                (Verdict::Up, Verdict::Up) => Verdict::Up,
            });
            (worst != Verdict::Pending).then_some(worst)
        };
        let seen = self.subjects.iter().filter(|_| !suspects_itself);
        let verdicts = seen.filter_map(|(subject, ids)| Some((Arc::clone(subject), verdict(ids)?)));
        Sights { suspects_itself, verdicts: verdicts.collect() }
    }

    /// Writes to the board what has become of what others see.
    fn apply_seen(&mut self, touched: Touched, now: Instant) {
        let ids: Vec<TargetId> = match touched {
            Touched::All => self.subjects.values().flatten().copied().collect(),
            Touched::Targets(targets) => {
                targets.iter().filter_map(|target| self.subjects.get(target)).flatten().copied().collect()
            }
        };
        for id in ids {
            let Some(BoardPlace::Taken(entry)) = self.places.get_mut(id.index()) else { continue };
            entry.seen_up = seen_up(self.vantages.as_ref(), &entry.subject);
            self.update_elsewhere(id, now);
        }
    }

    /// Lets time pass: finds the targets whose prober is stuck, and those that have become steady. `awake` is
    /// since when this has been called as often as it should be: silence while the machine slept proves
    /// nothing.
    pub(super) fn tend(&mut self, now: Instant, awake: Instant) {
        let rested = |since: &Instant| now.saturating_duration_since(*since) >= REST;
        while let Some((_, id)) = self.resting.pop_front_if(|(since, _)| rested(since)) {
            self.free.push(id);
        }
        if self.vantages.as_mut().is_some_and(|vantages| vantages.tend(now)) {
            self.apply_seen(Touched::All, now);
        }
        let damping = self.damping;
        self.update_all(now, |entry| {
            let target = &entry.watched.target;
            let silence_max = silence_max(target.interval_max(), target.probe.timeout);
            let silence = entry.silence(now).min(now.saturating_duration_since(awake));
            let cause = entry.belief.tend(now, silence, silence_max, damping)?;
            if let TransitionCause::Silent { .. } = cause {
                entry.history.since = now;
                entry.history.transitions += 1;
            }
            Some(cause)
        });
        for index in 0..self.places.len() {
            if let Some(BoardPlace::Taken(entry)) = self.places.get_mut(index)
                && entry.grow(now)
            {
                let share = |state: &TargetState| state.share;
                self.update_beside(TargetId::at(index), share, TransitionCause::Grown, now);
            }
        }
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

    fn entries(&self) -> impl Iterator<Item = &TargetEntry> {
        self.places.iter().filter_map(|place| match place {
            BoardPlace::Taken(entry) => Some(&**entry),
            BoardPlace::Free => None,
        })
    }

    fn entry(&self, id: TargetId) -> Option<&TargetEntry> {
        match self.places.get(id.index())? {
            BoardPlace::Taken(entry) => Some(entry),
            BoardPlace::Free => None,
        }
    }

    /// What is known of what the probe asks.
    fn known(&self, probe: &Probe) -> Option<Carried> {
        let same = self.questions.iter_hash(self.hasher.hash_one(question(probe)));
        let same = same.filter_map(|id| self.entry(*id));
        let mut same = same.filter(|entry| question(&entry.watched.target.probe) == question(probe));
        let entry = same.find(|entry| entry.belief.verdict() != Verdict::Pending)?;
        let History { since, weight, .. } = entry.history;
        Some(Carried { verdict: entry.belief.verdict(), since, weight })
    }

    /// Whether nobody wants the target any more.
    fn release_one(&mut self, id: TargetId, now: Instant) -> bool {
        let Some(place) = self.places.get_mut(id.index()) else { return false };
        let BoardPlace::Taken(entry) = place else { return false };
        entry.users = entry.users.saturating_sub(1);
        if entry.users > 0 {
            return false;
        }
        let BoardPlace::Taken(entry) = std::mem::replace(place, BoardPlace::Free) else { return false };
        let target = &entry.watched.target;
        self.ids.remove(target);
        let hash = self.hasher.hash_one(question(&target.probe));
        if let Ok(known) = self.questions.find_entry(hash, |known| *known == id) {
            known.remove();
        }
        if let Some(same) = self.subjects.get_mut(&entry.subject) {
            same.retain(|other| *other != id);
            if same.is_empty() {
                self.subjects.remove(&entry.subject);
            }
        }
        self.unprobed.remove(&entry.watched.number);
        self.network.forget(entry.reachability);
        self.suspicion.forget(entry.hearing);
        entry.unsent.and_then(|key| self.unsent.remove(&key));
        self.resting.push_back((now, id));
        true
    }

    fn start(&mut self, target: &Target, now: Instant) -> Watched {
        let known = self.known(&target.probe);
        let id = self.free.pop().unwrap_or_else(|| TargetId::at(self.places.len()));
        let watched = Watched { id, number: self.upcoming, target: Arc::new(target.clone()) };
        self.upcoming = watched.number.next();
        self.unprobed.insert(watched.number);
        self.ids.insert(Arc::clone(&watched.target), id);
        let pending = Carried { verdict: Verdict::Pending, since: now, weight: None };
        let Carried { verdict, since, weight } = known.unwrap_or(pending);
        let forced = self.rules.forcing(&target.probe.to_string()).cloned();
        let belief =
            Belief::new(verdict, target.thresholds(), forced).unjudged_until(now + target.life.startup);
        let reach = target.probe.kind.entry().reach;
        let subject: Arc<str> = target.probe.subject().into();
        self.subjects.entry(Arc::clone(&subject)).or_default().push(id);
        let entry = TargetEntry {
            watched: watched.clone(),
            users: 0,
            belief,
            reachability: match reach {
                Reach::Network => self.network.begin(),
                Reach::Hearsay => Reachability::Apart,
            },
            place: match reach {
                Reach::Network => Place::default(),
                Reach::Hearsay => Place::Here,
            },
            hearing: Hearing::Nothing,
            is_vouched_for: false,
            seen_up: seen_up(self.vantages.as_ref(), &subject),
            subject,
            history: History { weight, ..History::new(since, now) },
            pace: Pace::default(),
            grows_since: None,
            grown: Share::WHOLE,
            turn: TurnWait::OverSince(now),
            unsent: None,
        };
        self.board.set(id, entry.state());
        let place = BoardPlace::Taken(Box::new(entry));
        match self.places.get_mut(id.index()) {
            Some(free) => *free = place,
            None => self.places.push(place),
        }
        let (places, hasher) = (&self.places, &self.hasher);
        let hash = |id: &TargetId| match places.get(id.index()) {
            Some(BoardPlace::Taken(entry)) => hasher.hash_one(question(&entry.watched.target.probe)),
            // Whoever leaves is taken out first.
            Some(BoardPlace::Free) | None => 0,
        };
        self.questions.insert_unique(hash(&id), id, hash);
        watched
    }

    /// Applies `change` to every target, and writes the results to the board.
    fn update_all(&mut self, at: Instant, change: impl Fn(&mut TargetEntry) -> Option<TransitionCause>) {
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
    fn update_board(&mut self, id: TargetId, cause: TransitionCause, at: Instant) {
        let Some(BoardPlace::Taken(entry)) = self.places.get_mut(id.index()) else { return };
        let from = self.board.state(id).verdict;
        entry.note_return(from, entry.belief.state().verdict, at);
        let state = entry.state();
        self.board.set(id, state);
        let probe = entry.watched.target.probe.clone();
        let key = *entry.unsent.get_or_insert(self.unsent_next);
        self.unsent_next = self.unsent_next.max(key + 1);
        self.unsent.insert(key, Transition { target: id, probe, from, to: state.verdict, cause, at });
    }

    /// Writes what clients elsewhere are to have to the board.
    fn update_elsewhere(&mut self, id: TargetId, at: Instant) {
        self.update_beside(id, |state| state.elsewhere, TransitionCause::Elsewhere, at);
        self.update_beside(id, |state| state.seen_up, TransitionCause::SeenUp, at);
    }

    /// Writes the weight that a target reports to the board.
    fn update_weight(&mut self, id: TargetId, at: Instant) {
        self.update_beside(id, |state| state.weight, TransitionCause::Weighed, at);
    }

    /// Writes what is known of a target beside its verdict to the board, if it has changed. Its transition waits behind
    /// the others and replaces none: a listener that takes another one of this target sees it, too.
    fn update_beside<T: PartialEq>(
        &mut self,
        id: TargetId,
        of: impl Fn(&TargetState) -> T,
        cause: impl FnOnce(T) -> TransitionCause,
        at: Instant,
    ) {
        let Some(BoardPlace::Taken(entry)) = self.places.get_mut(id.index()) else { return };
        let known = of(&entry.state());
        if of(&self.board.state(id)) == known {
            return;
        }
        match entry.unsent {
            Some(_) => self.board.set(id, entry.state()),
            None => self.update_board(id, cause(known), at),
        }
    }

    fn note_local_trouble(&mut self, of: &Watched, outcome: &Outcome, at: Instant) {
        let scope = match self.network.scope() {
            Scope::None | Scope::Some if self.suspicion.is_on() => Scope::Beyond,
            scope => scope,
        };
        let before = self.local_trouble.as_ref().map_or(Scope::None, |trouble| trouble.scope);
        match (before, scope) {
            (_, Scope::None) => self.local_trouble = None,
            // From all to some is neither new trouble nor its end.
            (Scope::Some, Scope::Some)
            | (Scope::Beyond, Scope::Some | Scope::Beyond)
            | (Scope::All, Scope::Some | Scope::All) => {}
            (Scope::None, Scope::Some | Scope::Beyond | Scope::All)
            | (Scope::Some, Scope::Beyond | Scope::All)
            | (Scope::Beyond, Scope::All)
            | (Scope::All, Scope::Beyond) => {
                let (probe, outcome) = (of.target.probe.clone(), outcome.clone());
                self.local_trouble = Some(LocalTrouble { scope, probe, outcome, since: at });
            }
        }
    }
}

#[cfg(test)]
mod tests;
