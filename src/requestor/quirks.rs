//! Quirks of a server: what it does not understand, and for how long that is believed.
//!
//! Decides what is learned from which answer. Clients choose names, and the servers of those choose what
//! comes back: such an answer is only a reason for a check with a question of our own, and that decides. Its
//! result is checked again by its user from time to time, and is forgotten when nothing shows it any more.
//! Not responsible for asking.
//!
//! ```text
//!   none ── an answer shows it ──▶ none, but needs a check
//!     ▲  └──────── a check shows it ──▶ learned ─┐
//!     └─ a check does not show it, or LIFETIME ──┘
//! ```

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::query::{Case, Form};
use crate::sync::lock;

/// How long a quirk is believed that no check has shown again: as long as Unbound believes what it knows of a
/// server (`infra-host-ttl`).
const LIFETIME: Duration = Duration::from_secs(15 * 60);

/// What a server does not understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quirk {
    /// It answers queries with EDNS by FORMERR or NOTIMP (RFC 6891, section 7).
    LacksEdns,
    /// It does not repeat the case of a name, or knows names in lower case only.
    LosesCase,
}

impl Quirk {
    /// All of them.
    pub const ALL: [Quirk; 2] = [Quirk::LacksEdns, Quirk::LosesCase];

    /// The word for it in status and metrics.
    pub fn word(self) -> &'static str {
        match self {
            Quirk::LacksEdns => "no-edns",
            Quirk::LosesCase => "loses-case",
        }
    }

    /// What it is, and what follows from it, for the log.
    pub fn description(self) -> &'static str {
        match self {
            Quirk::LacksEdns => {
                "cannot read EDNS: it is asked without, so that no signatures come from it, and what is longer than 512 bytes comes over TCP"
            }
            Quirk::LosesCase => {
                "does not keep the case of names: it is asked in lower case, so that a forged response has one thing less to guess"
            }
        }
    }

    /// What changes when it is gone, for the log.
    pub fn recovery(self) -> &'static str {
        match self {
            Quirk::LacksEdns => "is asked with EDNS again",
            Quirk::LosesCase => "is asked in mixed case again",
        }
    }
}

/// What an exchange shows of a quirk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// Nothing.
    #[default]
    Nothing,
    /// The server does not have it.
    No,
    /// It has.
    Yes,
}

/// What an exchange shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Of [`Quirk::LacksEdns`].
    pub lacks_edns: Shown,
    /// Of [`Quirk::LosesCase`].
    pub loses_case: Shown,
}

impl Observed {
    /// Whether it is a reason to check the server.
    fn is_odd(self) -> bool {
        self.lacks_edns == Shown::Yes || self.loses_case == Shown::Yes
    }
}

/// How a query is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// How it has EDNS.
    pub form: Form,
    /// How the letters of its name are written.
    pub case: Case,
}

impl Encoding {
    /// With EDNS, whatever has been learned: for checks.
    pub fn with_edns(case: Case) -> Self {
        Self { form: Form::WithEdns, case }
    }
}

/// What has been learned of a server.
#[derive(Debug, Default)]
pub struct Quirks {
    /// Since when each was shown last, in the order of [`Quirk::ALL`].
    shown: Mutex<[Option<Instant>; 2]>,
    odd: AtomicBool,
}

impl Quirks {
    /// How queries to it are written.
    pub fn encoding(&self) -> Encoding {
        let form = if self.has(Quirk::LacksEdns) { Form::WithoutEdns } else { Form::WithEdns };
        let case = if self.has(Quirk::LosesCase) { Case::Lower } else { Case::Mixed };
        Encoding { form, case }
    }

    /// Whether it is believed to have a quirk.
    pub fn has(&self, quirk: Quirk) -> bool {
        self.has_at(quirk, Instant::now())
    }

    fn has_at(&self, quirk: Quirk, now: Instant) -> bool {
        let [lacks_edns, loses_case] = *self.shown();
        let since = match quirk {
            Quirk::LacksEdns => lacks_edns,
            Quirk::LosesCase => loses_case,
        };
        since.is_some_and(|since| now.saturating_duration_since(since) < LIFETIME)
    }

    /// Whether it is believed to have any.
    pub fn any(&self) -> bool {
        Quirk::ALL.into_iter().any(|quirk| self.has(quirk))
    }

    /// Notes what an answer to a client's question shows: at most that a check is needed.
    pub fn notice(&self, observed: Observed) {
        if observed.is_odd() {
            self.odd.store(true, Ordering::Release);
        }
    }

    /// Whether a check is needed.
    pub fn needs_check(&self) -> bool {
        self.odd.load(Ordering::Acquire)
    }

    /// Learns what a check shows; returns what is believed now and was not, and the other way round.
    pub fn learn(&self, observed: Observed, now: Instant) -> Vec<(Quirk, Shown)> {
        self.odd.store(false, Ordering::Release);
        let shown = [observed.lacks_edns, observed.loses_case];
        let mut news = Vec::new();
        for ((quirk, shown), since) in Quirk::ALL.into_iter().zip(shown).zip(self.shown().iter_mut()) {
            let lasts = since.is_some_and(|since| now.saturating_duration_since(since) < LIFETIME);
            let before = since.is_some();
            *since = match shown {
                Shown::Yes => Some(now),
                Shown::No => None,
                Shown::Nothing => since.filter(|_| lasts),
            };
            match (before, since.is_some()) {
                (false, true) => news.push((quirk, Shown::Yes)),
                (true, false) => news.push((quirk, Shown::No)),
                (true, true) | (false, false) => {}
            }
        }
        news
    }

    fn shown(&self) -> MutexGuard<'_, [Option<Instant>; 2]> {
        lock(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ODD: Observed = Observed { lacks_edns: Shown::Yes, loses_case: Shown::Yes };

    #[test]
    fn what_a_client_asks_for_teaches_nothing() {
        let quirks = Quirks::default();
        quirks.notice(ODD);
        assert!(quirks.needs_check() && !quirks.any());
        assert_eq!(quirks.encoding(), Encoding { form: Form::WithEdns, case: Case::Mixed });
    }

    #[test]
    fn what_is_not_shown_again_ends_after_a_quarter_of_an_hour() {
        let (quirks, now) = (Quirks::default(), Instant::now());
        let both = Quirk::ALL.map(|quirk| (quirk, Shown::Yes));
        assert_eq!(quirks.learn(ODD, now), both);
        assert_eq!(quirks.encoding(), Encoding { form: Form::WithoutEdns, case: Case::Lower });
        assert_eq!(quirks.learn(Observed::default(), now + LIFETIME / 2), []);
        assert!(!quirks.has_at(Quirk::LacksEdns, now + LIFETIME));
        let over = Quirk::ALL.map(|quirk| (quirk, Shown::No));
        assert_eq!(quirks.learn(Observed::default(), now + LIFETIME), over);
        assert!(!quirks.any());
    }

    #[test]
    fn one_question_of_ours_that_is_answered_as_usual_ends_it() {
        let (quirks, now) = (Quirks::default(), Instant::now());
        quirks.learn(ODD, now);
        let well = Observed { lacks_edns: Shown::No, ..Observed::default() };
        assert_eq!(quirks.learn(well, now), [(Quirk::LacksEdns, Shown::No)]);
        assert!(!quirks.has(Quirk::LacksEdns) && quirks.has(Quirk::LosesCase));
        assert_eq!(quirks.learn(well, now), []);
    }
}
