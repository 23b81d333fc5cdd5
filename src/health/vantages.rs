//! Vantages: what other servers see of the targets, as far as they are heard.
//!
//! Each server tells what it sees itself, never what comes of what others tell: so no opinion goes round in a circle. What
//! is heard can keep a target up for clients elsewhere that is down here; it takes nothing from anybody.
//!
//! ```text
//!              the store is read and confirmed                 half of `members` or fewer are there
//!   alone ──────────────────────────────────────▶ heard ◀────────────────────────────────────────▶ minority
//!     ▲                                             │                                                 │
//!     └──── the store is lost, or has confirmed nothing for as long as a lease lasts ─────────────────┘
//! ```
//!
//! Counted are others that are there and say something of the target, or those that `members` names. Pure: time comes in,
//! and it is this host's. Not responsible for how words come here, or for what this host sees.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::board::SeenUp;
use super::verdict::Verdict;

/// Most other vantages that are heard. A store that says more of them is not what it should be.
const VANTAGES_MAX: usize = 64;

/// Most targets that one vantage tells of.
const TARGETS_MAX: usize = 50_000;

/// Who takes part, and for how long a word holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VantageSettings {
    /// What this server is called among the others.
    pub name: String,
    /// All that count, this one among them; empty: whoever is there.
    pub members: BTreeSet<String>,
    /// How long what was heard holds though nobody confirms it.
    pub patience: Duration,
}

/// What is told of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// All that was told before is forgotten: what follows is all there is.
    Anew,
    /// One is there.
    There {
        /// Its name.
        vantage: Arc<str>,
        /// Whether it suspects itself, and therefore says nothing of targets.
        suspects_itself: bool,
    },
    /// One is not there any more, and what it has said does not hold.
    Gone {
        /// Its name.
        vantage: Arc<str>,
    },
    /// One sees a target up or down; anything else: it says nothing of it any more.
    Sees {
        /// Its name.
        vantage: Arc<str>,
        /// What is tested: [`crate::probe::Probe::subject`].
        target: Arc<str>,
        /// What it sees.
        verdict: Verdict,
    },
    /// What was told is what there is.
    Confirmed,
    /// Nothing is heard any more.
    Lost {
        /// Why.
        why: String,
    },
}

/// Whether others count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They do.
    Heard,
    /// No: they are not heard, for this reason.
    Alone {
        /// Why.
        why: String,
    },
    /// No: too few of those that should be there are.
    Minority {
        /// How many are, this one among them.
        there: usize,
        /// How many there should be.
        members: usize,
    },
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Standing::Heard => f.write_str("the verdicts of other vantages are heard"),
            Standing::Alone { why } => write!(f, "no other vantage is heard, this one goes by itself: {why}"),
            Standing::Minority { there, members } => write!(
                f,
                "{there} of {members} vantages are there, no more than half: this one goes by itself"
            ),
        }
    }
}

/// What another one sees of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Its name.
    pub vantage: Arc<str>,
    /// What it sees: up or down.
    pub verdict: Verdict,
    /// When that was heard.
    pub since: Instant,
}

/// Another vantage that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VantageReport {
    /// Its name.
    pub name: Arc<str>,
    /// Since when it is heard.
    pub since: Instant,
    /// When it said something last.
    pub told: Instant,
    /// Whether it suspects itself.
    pub suspects_itself: bool,
    /// How many targets it sees up.
    pub up: usize,
    /// How many it sees down.
    pub down: usize,
}

/// All others, and whether they count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VantagesReport {
    /// What this server is called among them.
    pub name: String,
    /// Whether they count.
    pub standing: Standing,
    /// The others that are there.
    pub others: Vec<VantageReport>,
    /// Words that were not taken: there were too many.
    pub left_out: u64,
}

/// Which targets may be up for clients elsewhere where they were not, or the other way round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Touched {
    /// These.
    Targets(HashSet<Arc<str>>),
    /// Any of them.
    All,
}

/// What others see.
#[derive(Debug)]
pub(super) struct Vantages {
    settings: VantageSettings,
    standing: Standing,
    /// When the store has confirmed last that what is known holds; none: it is lost, for this reason.
    confirmed: Result<Instant, String>,
    others: BTreeMap<Arc<str>, Other>,
    tallies: HashMap<Arc<str>, Tally>,
    left_out: u64,
}

/// Another vantage.
#[derive(Debug)]
struct Other {
    since: Instant,
    told: Instant,
    suspects_itself: bool,
    sees: HashMap<Arc<str>, (Verdict, Instant)>,
}

/// How many others see a target up, and down.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    up: usize,
    down: usize,
}

impl Tally {
    fn of(&mut self, verdict: Verdict) -> Option<&mut usize> {
        match verdict {
            Verdict::Up => Some(&mut self.up),
            Verdict::Down => Some(&mut self.down),
            Verdict::Pending => None,
        }
    }
}

impl Vantages {
    /// Nothing is heard yet.
    pub(super) fn new(settings: VantageSettings) -> Vantages {
        let why = "it was not asked yet".to_owned();
        Vantages {
            settings,
            standing: Standing::Alone { why: why.clone() },
            confirmed: Err(why),
            others: BTreeMap::new(),
            tallies: HashMap::new(),
            left_out: 0,
        }
    }

    /// Who takes part.
    pub(super) fn settings(&self) -> &VantageSettings {
        &self.settings
    }

    /// Whether others count.
    pub(super) fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Takes in what is told, one word after the other.
    pub(super) fn hear(&mut self, words: impl IntoIterator<Item = Word>, now: Instant) -> Touched {
        let mut touched = Touched::Targets(HashSet::new());
        for word in words {
            self.take(word, now, &mut touched);
        }
        if self.settle(now) { Touched::All } else { touched }
    }

    /// Lets time pass: what nobody has confirmed for long does not hold. Whether that changes anything.
    pub(super) fn tend(&mut self, now: Instant) -> bool {
        self.settle(now)
    }

    /// By which rules others see a target up.
    pub(super) fn seen_up(&self, target: &str) -> SeenUp {
        let tally = match self.standing {
            Standing::Heard => self.tallies.get(target).copied().unwrap_or_default(),
            Standing::Alone { .. } | Standing::Minority { .. } => Tally::default(),
        };
        let Tally { up, down } = tally;
        // This server is one of all, and does not see it up where that matters.
        let all = if self.settings.members.is_empty() { 1 + up + down } else { self.settings.members.len() };
        SeenUp { any: up > 0, quorum: 2 * up > all, all: up > 0 && up + 1 == all }
    }

    /// Who of the others sees what of a target.
    pub(super) fn sightings(&self, target: &str) -> Vec<Sighting> {
        let sighting = |(name, other): (&Arc<str>, &Other)| {
            let (verdict, since) = *other.sees.get(target)?;
            Some(Sighting { vantage: Arc::clone(name), verdict, since })
        };
        self.others.iter().filter_map(sighting).collect()
    }

    /// All there is to say.
    pub(super) fn report(&self) -> VantagesReport {
        let other = |(name, other): (&Arc<str>, &Other)| {
            let seen = |wanted| other.sees.values().filter(|(verdict, _)| *verdict == wanted).count();
            VantageReport {
                name: Arc::clone(name),
                since: other.since,
                told: other.told,
                suspects_itself: other.suspects_itself,
                up: seen(Verdict::Up),
                down: seen(Verdict::Down),
            }
        };
        VantagesReport {
            name: self.settings.name.clone(),
            standing: self.standing.clone(),
            others: self.others.iter().map(other).collect(),
            left_out: self.left_out,
        }
    }

    fn take(&mut self, word: Word, now: Instant, touched: &mut Touched) {
        match word {
            Word::Anew => {
                self.others.clear();
                self.tallies.clear();
                *touched = Touched::All;
            }
            Word::There { vantage, suspects_itself } => {
                if let Some(other) = self.other(&vantage, now) {
                    (other.suspects_itself, other.told) = (suspects_itself, now);
                }
            }
            Word::Gone { vantage } => {
                for (target, (verdict, _)) in
                    self.others.remove(&vantage).into_iter().flat_map(|other| other.sees)
                {
                    self.uncount(&target, verdict);
                    touched.note(target);
                }
            }
            Word::Sees { vantage, target, verdict } => self.see(&vantage, target, verdict, now, touched),
            Word::Confirmed => self.confirmed = Ok(now),
            Word::Lost { why } => {
                self.others.clear();
                self.tallies.clear();
                self.confirmed = Err(why);
                *touched = Touched::All;
            }
        }
    }

    /// Takes in what one sees of a target.
    fn see(
        &mut self,
        vantage: &Arc<str>,
        target: Arc<str>,
        verdict: Verdict,
        now: Instant,
        touched: &mut Touched,
    ) {
        // Of one that has gone, each of its words is taken back, too.
        if verdict == Verdict::Pending && !self.others.contains_key(vantage) {
            return;
        }
        let Some(other) = self.other(vantage, now) else { return };
        other.told = now;
        let is_new = !other.sees.contains_key(&target);
        if is_new && other.sees.len() >= TARGETS_MAX && verdict != Verdict::Pending {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        let before = match verdict {
            Verdict::Pending => other.sees.remove(&target).map(|(before, _)| before),
            Verdict::Up | Verdict::Down => match other.sees.get_mut(&target) {
                // It has seen it so for longer.
                Some((before, _)) if *before == verdict => return,
                Some(seen) => Some(std::mem::replace(seen, (verdict, now)).0),
                None => {
                    other.sees.insert(Arc::clone(&target), (verdict, now));
                    None
                }
            },
        };
        if let Some(before) = before {
            self.uncount(&target, before);
        }
        if let Some(count) = self.tallies.entry(Arc::clone(&target)).or_default().of(verdict) {
            *count += 1;
        }
        touched.note(target);
    }

    /// One that counts, new or known.
    fn other(&mut self, vantage: &Arc<str>, now: Instant) -> Option<&mut Other> {
        let VantageSettings { name, members, .. } = &self.settings;
        let counts = **vantage != **name && (members.is_empty() || members.contains(&**vantage));
        if !counts {
            return None;
        }
        if !self.others.contains_key(vantage) && self.others.len() >= VANTAGES_MAX {
            self.left_out = self.left_out.saturating_add(1);
            return None;
        }
        Some(self.others.entry(Arc::clone(vantage)).or_insert_with(|| Other {
            since: now,
            told: now,
            suspects_itself: false,
            sees: HashMap::new(),
        }))
    }

    fn uncount(&mut self, target: &Arc<str>, verdict: Verdict) {
        let Some(tally) = self.tallies.get_mut(target) else { return };
        if let Some(count) = tally.of(verdict) {
            *count = count.saturating_sub(1);
        }
        if (tally.up, tally.down) == (0, 0) {
            self.tallies.remove(target);
        }
    }

    /// Works out whether others count. Whether that is news to what is answered.
    fn settle(&mut self, now: Instant) -> bool {
        let patience = self.settings.patience;
        if let Ok(confirmed) = self.confirmed
            && now.saturating_duration_since(confirmed) > patience
        {
            self.others.clear();
            self.tallies.clear();
            self.confirmed = Err(format!("etcd has confirmed nothing for {} s", patience.as_secs()));
        }
        let (there, members) = (1 + self.others.len(), self.settings.members.len());
        let standing = match &self.confirmed {
            Err(why) => Standing::Alone { why: why.clone() },
            Ok(_) if members > 0 && 2 * there <= members => Standing::Minority { there, members },
            Ok(_) => Standing::Heard,
        };
        let before = std::mem::replace(&mut self.standing, standing);
        (before == Standing::Heard) != (self.standing == Standing::Heard)
    }
}

impl Touched {
    fn note(&mut self, target: Arc<str>) {
        match self {
            Touched::Targets(targets) => {
                targets.insert(target);
            }
            Touched::All => {}
        }
    }
}

#[cfg(test)]
mod tests;
