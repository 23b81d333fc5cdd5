//! One upstream: where it is, how it is doing, and asking it once.
//!
//! Responsible for what is believed of it. Health and time are learned from
//! queries; an upstream that has failed is asked last, until it answers again.
//! Not responsible for which one is asked (`resolve`), or for finding out
//! whether one that failed is back (`watch`).
//!
//! ```text
//!   Well ── a failure ──▶ Suspect ── FAILURES_UNTIL_DOWN in a row ──▶ Down
//!     ▲                      │                                         │
//!     └────── an answer ─────┴──────────────── an answer ──────────────┘
//!   any ── a query of ours comes back ──▶ Looping ── an answer without that ──▶ Well
//! ```

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::asked::Wanted;
use crate::dns::Name;
use crate::requestor::{
    Answer, Case, Encoding, Failure, Observed, Progress, Quirks, Remote, Requestor, Shown,
};
use crate::tls::{Random, Verify};

/// Failures in a row after which an upstream is not asked any more, but for
/// finding out whether it is back. One datagram may be lost, and another; and
/// the last failure must be with a question that any server answers at once:
/// a name whose own servers are silent says nothing about the upstream.
const FAILURES_UNTIL_DOWN: u32 = 3;

/// An upstream.
pub(super) struct Upstream {
    requestor: Requestor,
    /// Where names that find out whether it is back are made.
    pub(super) below: Name,
    pub(super) counters: UpstreamCounters,
    health: Mutex<Health>,
    /// Queries of ours that it has sent back to us.
    pub(super) looped: AtomicU64,
    /// Somebody is finding out whether it is back.
    pub(super) watched: AtomicBool,
    /// Somebody is finding out whether what has been learned of it still holds.
    pub(super) retested: AtomicBool,
}

/// What has happened with an upstream.
#[derive(Debug, Default)]
pub(super) struct UpstreamCounters {
    pub(super) queries: AtomicU64,
    pub(super) answers: AtomicU64,
    pub(super) failures: AtomicU64,
    /// Nanoseconds that all answers took together.
    pub(super) nanoseconds: AtomicU64,
}

/// What an upstream is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Its answer.
    Query,
    /// The same, after it has not answered in time.
    QueryAgain,
    /// Finding out whether it answers.
    Watch,
}

/// What is believed of it.
#[derive(Debug)]
struct Health {
    failures: u32,
    looping: Looping,
    /// Smoothed time of an answer; none yet.
    smoothed: Option<Duration>,
    last_error: Option<String>,
    since: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looping {
    Yes,
    No,
}

/// What is believed of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// It answers.
    Well,
    /// It has just not answered: asked last.
    Suspect,
    /// It does not answer.
    Down,
    /// What it is asked, it asks us.
    Looping,
}

impl Standing {
    /// The word for it in the status.
    pub(super) fn word(self) -> &'static str {
        match self {
            Standing::Well => "up",
            Standing::Suspect => "suspect",
            Standing::Down => "down",
            Standing::Looping => "looping",
        }
    }
}

impl Upstream {
    pub(super) fn new(remote: Remote, verify: Verify, below: Name) -> Self {
        let health = Health {
            failures: 0,
            looping: Looping::No,
            smoothed: None,
            last_error: None,
            since: Instant::now(),
        };
        Self {
            requestor: Requestor::new(remote, verify),
            below,
            counters: UpstreamCounters::default(),
            health: Mutex::new(health),
            looped: AtomicU64::new(0),
            watched: AtomicBool::new(false),
            retested: AtomicBool::new(false),
        }
    }

    /// Where it is, and how it is asked.
    pub(super) fn remote(&self) -> &Remote {
        self.requestor.remote()
    }

    /// Whom its certificate must be from.
    pub(super) fn verify(&self) -> &Verify {
        self.requestor.verify()
    }

    /// What it does not understand.
    pub(super) fn quirks(&self) -> &Quirks {
        self.requestor.quirks()
    }

    /// Datagrams that were no response to what was asked.
    pub(super) fn mismatched(&self) -> u64 {
        self.requestor.mismatched()
    }

    /// Queries that were asked again over TCP.
    pub(super) fn over_tcp(&self) -> u64 {
        self.requestor.over_tcp()
    }

    /// Asks once; the message is a response to just this question, and well
    /// formed. Dropped, it asks no longer.
    pub(super) async fn ask(
        &self,
        wanted: &Wanted,
        purpose: Purpose,
        random: &Random,
        progress: &Progress,
    ) -> Result<Answer, Failure> {
        self.counters.queries.fetch_add(1, Ordering::Relaxed);
        let began = Instant::now();
        let response = self.ask_without_judging(wanted, self.encoding(purpose), random, progress).await;
        match &response {
            Ok(answer) => {
                if purpose != Purpose::Watch {
                    self.quirks().notice(answer.observed);
                }
                self.counters.answers.fetch_add(1, Ordering::Relaxed);
                let took = began.elapsed();
                // A duration for statistics: 64 bits of nanoseconds are 584 years.
                let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
                self.counters.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
                self.answered(took);
            }
            Err(failure) => self.failed(failure, purpose),
        }
        response
    }

    /// Asks something whose answer, or lack of one, says nothing about the health of the upstream.
    pub(super) async fn ask_without_judging(
        &self,
        wanted: &Wanted,
        encoding: Encoding,
        random: &Random,
        progress: &Progress,
    ) -> Result<Answer, Failure> {
        self.requestor.ask(&wanted.request(), encoding, random, progress).await
    }

    /// How it is asked.
    fn encoding(&self, purpose: Purpose) -> Encoding {
        match purpose {
            Purpose::Query => self.quirks().encoding(),
            // It may be silent because of the case: others do not mix it, and are answered.
            Purpose::QueryAgain => Encoding { case: Case::Lower, ..self.quirks().encoding() },
            Purpose::Watch => Encoding::with_edns(Case::Lower),
        }
    }

    /// Believes what our own questions have shown.
    pub(super) fn learn(&self, observed: Observed) {
        for (quirk, shown) in self.quirks().learn(observed, Instant::now()) {
            match shown {
                Shown::Yes => tracing::warn!("upstream {} {}", self.remote(), quirk.description()),
                Shown::No | Shown::Nothing => {
                    tracing::info!("upstream {} {}", self.remote(), quirk.recovery());
                }
            }
        }
    }

    /// What is believed of it.
    pub(super) fn standing(&self) -> Standing {
        let health = self.health();
        match (health.looping, health.failures) {
            (Looping::Yes, _) => Standing::Looping,
            (Looping::No, 0) => Standing::Well,
            (Looping::No, failures) if failures < FAILURES_UNTIL_DOWN => Standing::Suspect,
            (Looping::No, _) => Standing::Down,
        }
    }

    /// How long it usually takes; nothing, where it has never answered.
    pub(super) fn smoothed(&self) -> Option<Duration> {
        self.health().smoothed
    }

    /// Its last failure.
    pub(super) fn last_error(&self) -> Option<String> {
        self.health().last_error.clone()
    }

    /// Lets what it usually takes fade, so that one that was slow once is
    /// tried again some day.
    pub(super) fn fade(&self) {
        let mut health = self.health();
        health.smoothed = health.smoothed.map(|smoothed| smoothed.mul_f64(0.98));
    }

    /// It has answered.
    pub(super) fn answered(&self, took: Duration) {
        let mut health = self.health();
        // RFC 6298, section 2: an eighth of the new value.
        health.smoothed = Some(match health.smoothed {
            Some(before) => before.mul_f64(0.875).saturating_add(took.mul_f64(0.125)),
            None => took,
        });
        let before = std::mem::replace(&mut health.failures, 0);
        let lasted = health.since.elapsed();
        if before == 0 {
            return;
        }
        health.since = Instant::now();
        drop(health);
        if before >= FAILURES_UNTIL_DOWN {
            tracing::info!("upstream {} answers again, after {} s", self.remote(), lasted.as_secs());
        }
    }

    /// It has not answered what it was asked then. Over a connection over
    /// which nothing has come since, nothing will.
    pub(super) fn timed_out(&self, asked: Instant, progress: &Progress, purpose: Purpose) {
        self.requestor.close_if_silent_since(asked);
        self.failed(&progress.timed_out(), purpose);
    }

    /// It has not answered. Trouble of this host says nothing about it.
    pub(super) fn failed(&self, failure: &Failure, purpose: Purpose) {
        if failure.is_local() {
            self.health().last_error = Some(failure.to_string());
            return;
        }
        self.counters.failures.fetch_add(1, Ordering::Relaxed);
        let mut health = self.health();
        let before = health.failures;
        let most = match (purpose, failure) {
            // What answers over UDP is there.
            (Purpose::Query | Purpose::QueryAgain, _) | (Purpose::Watch, Failure::NoTcp { .. }) => {
                before.max(FAILURES_UNTIL_DOWN.saturating_sub(1))
            }
            (Purpose::Watch, _) => FAILURES_UNTIL_DOWN,
        };
        health.failures = before.saturating_add(1).min(most);
        health.last_error = Some(failure.to_string());
        if before == 0 {
            health.since = Instant::now();
        }
        let down = health.failures == FAILURES_UNTIL_DOWN && before < FAILURES_UNTIL_DOWN;
        let news = down && health.looping == Looping::No;
        drop(health);
        if news {
            tracing::warn!(
                "upstream {} is down after {FAILURES_UNTIL_DOWN} failures: {failure}; it is asked no more until it answers again",
                self.remote()
            );
        }
    }

    /// It has answered a question by saying who else is to be asked. That is
    /// no failure: it is asked for what it does not do.
    pub(super) fn sends_elsewhere(&self, wanted: &Wanted) {
        let (qname, qtype) = (wanted.qname(), wanted.qtype());
        self.health().last_error =
            Some(format!("it does not recurse: its answer to {qname} {qtype} is a referral"));
    }

    /// A query that we sent it has come back to us.
    pub(super) fn loops(&self) {
        self.looped.fetch_add(1, Ordering::AcqRel);
        let mut health = self.health();
        let before = std::mem::replace(&mut health.looping, Looping::Yes);
        drop(health);
        if before == Looping::No {
            tracing::error!(
                "upstream {} sends our own queries back to us: it is asked no more until that ends",
                self.remote()
            );
        }
    }

    /// Queries do not come back any more.
    pub(super) fn loops_no_more(&self) {
        let mut health = self.health();
        let before = std::mem::replace(&mut health.looping, Looping::No);
        drop(health);
        if before == Looping::Yes {
            tracing::info!("upstream {} does not send our queries back any more", self.remote());
        }
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
