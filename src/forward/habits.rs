//! What an upstream does not understand, and for how long that is believed.
//!
//! Responsible for what is learned from which answer. A client chooses its
//! names, and whoever serves those chooses what comes back: such an answer
//! only makes us ask questions of our own, and these decide. What they say is
//! asked again, soon and then every minute, and is over by itself when that
//! finds nothing out.
//! Not responsible for asking (`watch`).
//!
//! ```text
//!   usual ── a client's question shows it ──▶ usual, but to be looked at
//!     ▲  └───────── our own question shows it ──▶ learned ─┐
//!     └─ our own question shows it no more, or LIFETIME ───┘
//! ```

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::query::{Case, Form};

/// How long something is believed that no question of ours has shown again:
/// as long as Unbound believes what it knows of a server (`infra-host-ttl`).
const LIFETIME: Duration = Duration::from_secs(15 * 60);

/// What an upstream does not understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    /// It answers queries with EDNS by FORMERR or NOTIMP (RFC 6891, section 7).
    LacksEdns,
    /// It does not give the case of a name back, or does not know the name
    /// but in lower case.
    LosesCase,
}

impl Habit {
    /// All of them.
    pub(super) const ALL: [Habit; 2] = [Habit::LacksEdns, Habit::LosesCase];

    /// The word for it in status and metrics.
    pub(super) fn word(self) -> &'static str {
        match self {
            Habit::LacksEdns => "no-edns",
            Habit::LosesCase => "loses-case",
        }
    }

    /// What it is, and what follows from it, for the log.
    pub(super) fn told(self) -> &'static str {
        match self {
            Habit::LacksEdns => {
                "cannot read EDNS: it is asked without, so that no signatures come from it, and what is longer than 512 bytes comes over TCP"
            }
            Habit::LosesCase => {
                "does not keep the case of names: it is asked in lower case, so that a forged response has one thing less to guess"
            }
        }
    }

    /// That it is over, for the log.
    pub(super) fn told_over(self) -> &'static str {
        match self {
            Habit::LacksEdns => "is asked with EDNS again",
            Habit::LosesCase => "is asked in mixed case again",
        }
    }
}

/// What an exchange shows of a habit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Shown {
    /// Nothing.
    #[default]
    Nothing,
    /// The upstream does not have it.
    No,
    /// It has.
    Yes,
}

/// What an exchange shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sight {
    pub(super) lacks_edns: Shown,
    pub(super) loses_case: Shown,
}

impl Sight {
    /// Whether the upstream is to be looked at because of it.
    fn is_odd(self) -> bool {
        self.lacks_edns == Shown::Yes || self.loses_case == Shown::Yes
    }
}

/// How a query is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Manner {
    pub(super) form: Form,
    pub(super) case: Case,
}

impl Manner {
    /// As questions of our own are, whatever has been learned.
    pub(super) fn own(case: Case) -> Self {
        Self { form: Form::Usual, case }
    }
}

/// What has been learned of an upstream.
#[derive(Debug, Default)]
pub(super) struct Habits {
    /// Since when each was shown last, in the order of [`Habit::ALL`].
    shown: Mutex<[Option<Instant>; 2]>,
    odd: AtomicBool,
}

impl Habits {
    /// How it is to be asked.
    pub(super) fn manner(&self) -> Manner {
        let form = if self.has(Habit::LacksEdns) { Form::Plain } else { Form::Usual };
        let case = if self.has(Habit::LosesCase) { Case::Lower } else { Case::Mixed };
        Manner { form, case }
    }

    /// Whether it is believed to have a habit.
    pub(super) fn has(&self, habit: Habit) -> bool {
        self.has_at(habit, Instant::now())
    }

    fn has_at(&self, habit: Habit, now: Instant) -> bool {
        let [lacks_edns, loses_case] = *self.shown();
        let since = match habit {
            Habit::LacksEdns => lacks_edns,
            Habit::LosesCase => loses_case,
        };
        since.is_some_and(|since| now.saturating_duration_since(since) < LIFETIME)
    }

    /// Whether it is believed to have any.
    pub(super) fn any(&self) -> bool {
        Habit::ALL.into_iter().any(|habit| self.has(habit))
    }

    /// What a client's question has shown: reason to look.
    pub(super) fn noticed(&self, sight: Sight) {
        if sight.is_odd() {
            self.odd.store(true, Ordering::Release);
        }
    }

    /// Whether there is reason to look.
    pub(super) fn to_be_looked_at(&self) -> bool {
        self.odd.load(Ordering::Acquire)
    }

    /// What our own questions have shown; returns what is believed that was
    /// not, and what is over.
    pub(super) fn learn(&self, sight: Sight, now: Instant) -> Vec<(Habit, Shown)> {
        self.odd.store(false, Ordering::Release);
        let shown = [sight.lacks_edns, sight.loses_case];
        let mut news = Vec::new();
        for ((habit, shown), since) in Habit::ALL.into_iter().zip(shown).zip(self.shown().iter_mut()) {
            let lasts = since.is_some_and(|since| now.saturating_duration_since(since) < LIFETIME);
            let before = since.is_some();
            *since = match shown {
                Shown::Yes => Some(now),
                Shown::No => None,
                Shown::Nothing => since.filter(|_| lasts),
            };
            match (before, since.is_some()) {
                (false, true) => news.push((habit, Shown::Yes)),
                (true, false) => news.push((habit, Shown::No)),
                (true, true) | (false, false) => {}
            }
        }
        news
    }

    fn shown(&self) -> MutexGuard<'_, [Option<Instant>; 2]> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ODD: Sight = Sight { lacks_edns: Shown::Yes, loses_case: Shown::Yes };

    #[test]
    fn what_a_client_asks_for_teaches_nothing() {
        let habits = Habits::default();
        habits.noticed(ODD);
        assert!(habits.to_be_looked_at() && !habits.any());
        assert_eq!(habits.manner(), Manner { form: Form::Usual, case: Case::Mixed });
    }

    #[test]
    fn what_is_not_shown_again_ends_after_a_quarter_of_an_hour() {
        let (habits, now) = (Habits::default(), Instant::now());
        let both = Habit::ALL.map(|habit| (habit, Shown::Yes));
        assert_eq!(habits.learn(ODD, now), both);
        assert_eq!(habits.manner(), Manner { form: Form::Plain, case: Case::Lower });
        assert_eq!(habits.learn(Sight::default(), now + LIFETIME / 2), []);
        assert!(!habits.has_at(Habit::LacksEdns, now + LIFETIME));
        let over = Habit::ALL.map(|habit| (habit, Shown::No));
        assert_eq!(habits.learn(Sight::default(), now + LIFETIME), over);
        assert!(!habits.any());
    }

    #[test]
    fn one_question_of_ours_that_is_answered_as_usual_ends_it() {
        let (habits, now) = (Habits::default(), Instant::now());
        habits.learn(ODD, now);
        let well = Sight { lacks_edns: Shown::No, ..Sight::default() };
        assert_eq!(habits.learn(well, now), [(Habit::LacksEdns, Shown::No)]);
        assert!(!habits.has(Habit::LacksEdns) && habits.has(Habit::LosesCase));
        assert_eq!(habits.learn(well, now), []);
    }
}
