//! The state of forwarding, for status and metrics.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::counters::{Count, WorkerCounters};
use super::forward_state::ForwardState;
use super::routing::RoutedZone;
use super::settings::{ForwardZone, Policy};
use super::upstream::Upstream;
use crate::requestor::Quirk;

/// How forwarding is doing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ForwardStatus {
    /// The longest first.
    pub zones: Vec<ForwardZoneStatus>,
    /// Every upstream once.
    pub upstreams: Vec<UpstreamStatus>,
    /// The cache.
    pub cache: ForwardCacheStatus,
    /// Questions asked of upstreams.
    pub questions: u64,
    /// Queries that joined a question in flight.
    pub joined: u64,
    /// Questions asked ahead of time.
    pub prefetches: u64,
    /// Questions that no upstream answered.
    pub failed: u64,
    /// Queries dropped: the queue of the dispatcher was full.
    pub dropped: u64,
    /// Queries answered SERVFAIL: too many were in flight.
    pub full: u64,
    /// The same: the client had too many.
    pub client_full: u64,
    /// Queries over the rate limit, dropped or answered with TC.
    pub rate_limited: u64,
    /// Answers with private addresses that were refused.
    pub rebinding: u64,
    /// Queries of ours that came back.
    pub looped: u64,
    /// Responses that the kernel did not take.
    pub unsent: u64,
    /// Questions in flight now.
    pub under_way: u64,
    /// Queries that wait for them.
    pub waiting: u64,
}

/// A zone that is forwarded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ForwardZoneStatus {
    /// Its apex.
    pub zone: String,
    /// Which upstream is asked first: `fastest` or `in-order`.
    pub policy: String,
    /// Its upstreams, as written in the configuration or in resolv.conf.
    pub upstreams: Vec<String>,
}

/// An upstream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UpstreamStatus {
    /// As it is written in the configuration.
    pub address: String,
    /// `up`, `suspect` (has just not answered, and is asked last), `down` or `looping`.
    pub standing: String,
    /// How long it usually takes.
    pub latency_ms: Option<f64>,
    /// How often it was asked.
    pub queries: u64,
    /// How often it answered.
    pub answers: u64,
    /// How often it did not.
    pub failures: u64,
    /// Datagrams that were no response to what was asked.
    pub mismatched: u64,
    /// Asked again over TCP.
    pub over_tcp: u64,
    /// What all answers took together.
    pub answer_seconds: f64,
    /// What it does not understand, as our own questions have shown: `no-edns`, `loses-case`.
    pub quirks: Vec<String>,
    /// Its last failure, however long ago.
    pub last_error: Option<String>,
}

/// The cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ForwardCacheStatus {
    /// How many.
    pub entries: usize,
    /// The most there may be.
    pub entries_max: usize,
    /// The memory they take.
    pub bytes: usize,
    /// The most it may be.
    pub bytes_max: usize,
    /// Queries answered from it.
    pub hits: u64,
    /// Queries that had to be asked on.
    pub misses: u64,
    /// Queries answered with a stale answer, because no upstream answered.
    pub stale: u64,
    /// Answers that were evicted.
    pub evicted: u64,
}

impl ForwardStatus {
    /// The state of forwarding; none where nothing is forwarded. The rate limit is not of this room, so that its
    /// queries are left at 0.
    pub(super) fn of(shared: &Arc<ForwardState>) -> Option<Self> {
        let routing = shared.routing();
        if routing.zones.is_empty() {
            return None;
        }
        let counters = &shared.counters;
        let workers = shared.workers();
        let sum = |count: fn(&WorkerCounters) -> &Count| {
            workers.iter().fold(0_u64, |sum, worker| sum.saturating_add(count(worker).get()))
        };
        let (entries, bytes, evicted) = shared.cache.totals();
        let cache = ForwardCacheStatus {
            entries,
            entries_max: routing.cache.entries,
            bytes,
            bytes_max: routing.cache.bytes,
            hits: sum(|worker| &worker.hits).saturating_add(counters.hits.get()),
            misses: sum(|worker| &worker.misses).saturating_sub(counters.hits.get()),
            stale: sum(|worker| &worker.stale).saturating_add(counters.stale.get()),
            evicted,
        };
        Some(Self {
            zones: routing.zones.iter().map(|zone| self::zone(zone)).collect(),
            upstreams: routing.upstreams().iter().map(|upstream| self::upstream(upstream)).collect(),
            cache,
            questions: counters.questions.get(),
            joined: counters.joined.get(),
            prefetches: counters.prefetches.get(),
            failed: counters.failed.get(),
            dropped: sum(|worker| &worker.dropped),
            full: counters.full.get(),
            client_full: counters.client_full.get(),
            rate_limited: 0,
            rebinding: counters.rebinding.get(),
            looped: counters.looped.get(),
            unsent: counters.unsent.get(),
            under_way: counters.in_flight.get(),
            waiting: counters.waiting.get(),
        })
    }
}

fn zone(zone: &RoutedZone) -> ForwardZoneStatus {
    let ForwardZone { apex, policy, .. } = &zone.settings;
    ForwardZoneStatus {
        zone: apex.to_string(),
        policy: match policy {
            Policy::Fastest => "fastest".to_owned(),
            Policy::InOrder => "in-order".to_owned(),
        },
        upstreams: zone.upstreams().iter().map(|upstream| upstream.remote().to_string()).collect(),
    }
}

fn upstream(upstream: &Upstream) -> UpstreamStatus {
    let counters = &upstream.counters;
    UpstreamStatus {
        address: upstream.remote().to_string(),
        standing: upstream.health().word().to_owned(),
        latency_ms: upstream.latency().map(|latency| latency.as_secs_f64() * 1e3),
        queries: counters.queries.load(Ordering::Relaxed),
        answers: counters.answers.load(Ordering::Relaxed),
        failures: counters.failures.load(Ordering::Relaxed),
        mismatched: upstream.mismatched(),
        over_tcp: upstream.over_tcp(),
        answer_seconds: Duration::from_nanos(counters.nanoseconds.load(Ordering::Relaxed)).as_secs_f64(),
        quirks: Quirk::ALL
            .into_iter()
            .filter(|quirk| upstream.quirks().has(*quirk))
            .map(|quirk| quirk.word().to_owned())
            .collect(),
        last_error: upstream.last_error(),
    }
}
