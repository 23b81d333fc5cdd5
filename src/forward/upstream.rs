//! One upstream: its health, and asking it once.
//!
//! Has what is known of it. Health and latency are learned from queries; an upstream that has failed is asked
//! last, until it answers again. Not responsible for which one is asked (`resolve`), or for checks of one
//! that has failed (`watch`).
//!
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::cache_key::CacheKey;
use super::settings::UpstreamProbe;
use super::upstream_health::{FAILURES_UNTIL_DOWN, HealthRecord, Looping, UpstreamHealth};
use crate::dns::Name;
use crate::requestor::{
    Answer, Case, Encoding, Failure, Observed, Progress, Quirks, Remote, Requestor, Shown,
};
use crate::sync::lock;
use crate::tls::{Random, Verify};

/// An upstream.
pub(super) struct Upstream {
    requestor: Requestor,
    /// The zone it is asked for: checks ask for names in it.
    pub(super) below: Name,
    /// What it must answer besides.
    probe: Option<UpstreamProbe>,
    pub(super) counters: UpstreamCounters,
    record: Mutex<HealthRecord>,
    /// Queries of ours that came back to us through it.
    pub(super) looped: AtomicU64,
    /// Whether a task checks it until it is up.
    pub(super) watched: AtomicBool,
    /// Whether a task checks its quirks.
    pub(super) quirks_checked: AtomicBool,
}

/// Counters of an upstream.
#[derive(Debug, Default)]
pub(super) struct UpstreamCounters {
    pub(super) queries: AtomicU64,
    pub(super) answers: AtomicU64,
    pub(super) failures: AtomicU64,
    /// The sum of the latencies of all answers.
    pub(super) nanoseconds: AtomicU64,
}

/// What an upstream is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A client's question.
    Query,
    /// The same, after it has not answered in time.
    QueryAgain,
    /// A check of its record.
    Check,
}

impl Upstream {
    pub(super) fn new(remote: Remote, verify: Verify, below: Name, probe: Option<UpstreamProbe>) -> Self {
        Self {
            requestor: Requestor::new(remote, verify),
            below,
            probe,
            counters: UpstreamCounters::default(),
            record: Mutex::new(HealthRecord::new()),
            looped: AtomicU64::new(0),
            watched: AtomicBool::new(false),
            quirks_checked: AtomicBool::new(false),
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

    /// What it must answer besides.
    pub(super) fn probe(&self) -> Option<&UpstreamProbe> {
        self.probe.as_ref()
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

    /// Asks once; the message is a response to just this question, and well formed.
    pub(super) async fn ask(
        &self,
        key: &CacheKey,
        purpose: Purpose,
        random: &Random,
        progress: &Progress,
    ) -> Result<Answer, Failure> {
        self.counters.queries.fetch_add(1, Ordering::Relaxed);
        let began = Instant::now();
        let response = self.ask_without_judging(key, self.encoding(purpose), random, progress).await;
        match &response {
            Ok(answer) => {
                if purpose != Purpose::Check {
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
        key: &CacheKey,
        encoding: Encoding,
        random: &Random,
        progress: &Progress,
    ) -> Result<Answer, Failure> {
        self.requestor.ask(&key.request(), encoding, random, progress).await
    }

    /// How queries to it are written.
    fn encoding(&self, purpose: Purpose) -> Encoding {
        match purpose {
            Purpose::Query => self.quirks().encoding(),
            // It may be silent because of the case: resolvers that do not mix it are answered.
            Purpose::QueryAgain => Encoding { case: Case::Lower, ..self.quirks().encoding() },
            Purpose::Check => Encoding::with_edns(Case::Lower),
        }
    }

    /// Learns what a check has shown.
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

    /// Its record.
    pub(super) fn health(&self) -> UpstreamHealth {
        self.record().health()
    }

    /// The same, whatever its probe says.
    pub(super) fn answering(&self) -> UpstreamHealth {
        self.record().answering()
    }

    /// Its smoothed latency; none before its first answer.
    pub(super) fn latency(&self) -> Option<Duration> {
        self.record().smoothed
    }

    /// Its last failure.
    pub(super) fn last_error(&self) -> Option<String> {
        self.record().last_error.clone()
    }

    /// Lowers its smoothed latency a little, so that one that was slow once is tried again some day.
    pub(super) fn fade(&self) {
        let mut record = self.record();
        record.smoothed = record.smoothed.map(|smoothed| smoothed.mul_f64(0.98));
    }

    /// Notes an answer.
    pub(super) fn answered(&self, took: Duration) {
        let mut record = self.record();
        // RFC 6298, section 2: an eighth of the new value.
        record.smoothed = Some(match record.smoothed {
            Some(before) => before.mul_f64(0.875).saturating_add(took.mul_f64(0.125)),
            None => took,
        });
        let before = std::mem::replace(&mut record.failures, 0);
        let lasted = record.since.elapsed();
        if before == 0 {
            return;
        }
        record.since = Instant::now();
        drop(record);
        if before >= FAILURES_UNTIL_DOWN {
            tracing::info!("upstream {} answers again, after {} s", self.remote(), lasted.as_secs());
        }
    }

    /// Notes that it has not answered a query that was sent at `asked`. A connection over which nothing has
    /// come since is left.
    pub(super) fn timed_out(&self, asked: Instant, progress: &Progress, purpose: Purpose) {
        self.requestor.leave_if_silent_since(asked);
        self.failed(&progress.timed_out(), purpose);
    }

    /// Notes a failure. Those of this host say nothing about it.
    pub(super) fn failed(&self, failure: &Failure, purpose: Purpose) {
        if failure.is_local() {
            self.record().last_error = Some(failure.to_string());
            return;
        }
        self.counters.failures.fetch_add(1, Ordering::Relaxed);
        let mut record = self.record();
        let before = record.failures;
        let failures_max = match (purpose, failure) {
            // A server that answers over UDP is up.
            (Purpose::Query | Purpose::QueryAgain, _) | (Purpose::Check, Failure::NoTcp { .. }) => {
                before.max(FAILURES_UNTIL_DOWN.saturating_sub(1))
            }
            (Purpose::Check, _) => FAILURES_UNTIL_DOWN,
        };
        record.failures = before.saturating_add(1).min(failures_max);
        record.last_error = Some(failure.to_string());
        if before == 0 {
            record.since = Instant::now();
        }
        let down = record.failures == FAILURES_UNTIL_DOWN && before < FAILURES_UNTIL_DOWN;
        let news = down && record.looping == Looping::No;
        drop(record);
        if news {
            tracing::warn!(
                "upstream {} is down after {FAILURES_UNTIL_DOWN} failures: {failure}; it gets no more queries until it answers again",
                self.remote()
            );
        }
    }

    /// Notes what a probe has come to.
    pub(super) fn probed(&self, outcome: Result<(), String>) {
        let mut record = self.record();
        let before = record.probe_failures;
        let after = match &outcome {
            Ok(()) => 0,
            Err(_) => before.saturating_add(1).min(FAILURES_UNTIL_DOWN),
        };
        record.probe_failures = after;
        if let Err(why) = &outcome {
            record.last_error = Some(format!("its probe: {why}"));
        }
        drop(record);
        match outcome {
            Err(why) if before < FAILURES_UNTIL_DOWN && after == FAILURES_UNTIL_DOWN => tracing::warn!(
                "upstream {} is down after {FAILURES_UNTIL_DOWN} failures of its probe: {why}; it gets queries only while no other is up",
                self.remote()
            ),
            Ok(()) if before == FAILURES_UNTIL_DOWN => {
                tracing::info!("upstream {} passes its probe again", self.remote());
            }
            Ok(()) | Err(_) => {}
        }
    }

    /// Notes that it has answered with a referral. That is no failure: it was asked for something that it
    /// does not do.
    pub(super) fn refers(&self, key: &CacheKey) {
        let (qname, qtype) = (key.qname(), key.qtype());
        self.record().last_error =
            Some(format!("it does not recurse: its answer to {qname} {qtype} is a referral"));
    }

    /// Notes that a query that we sent it has come back to us.
    pub(super) fn loops(&self) {
        self.looped.fetch_add(1, Ordering::AcqRel);
        let mut record = self.record();
        let before = std::mem::replace(&mut record.looping, Looping::Yes);
        drop(record);
        if before == Looping::No {
            tracing::error!(
                "upstream {} sends our own queries back to us; it gets no more until that ends",
                self.remote()
            );
        }
    }

    /// Notes that queries do not come back any more.
    pub(super) fn loops_no_more(&self) {
        let mut record = self.record();
        let before = std::mem::replace(&mut record.looping, Looping::No);
        drop(record);
        if before == Looping::Yes {
            tracing::info!("upstream {} does not send our queries back any more", self.remote());
        }
    }

    fn record(&self) -> MutexGuard<'_, HealthRecord> {
        lock(&self.record)
    }
}
