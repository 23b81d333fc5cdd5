//! What the workers have counted.
//!
//! Has a set of counters for each worker, and adds them up by transport.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::dispatcher::Dispatcher;
use super::settings::random_secret;
use crate::answer::{Count, Counters, Readers, SpreadTotals, Totals, Transport, WorkerContext};
use crate::control::{HandshakesStatus, HistogramStatus, TcpStatus, TransportStatus, UdpStatus};
use crate::forward::Forwarder;
use crate::sync::lock;
use crate::transport::{
    DURATION_BOUNDS, HandshakeCounters, MessageTaker, SnapshotResponder, Taps, TcpCounters, UdpCounters,
    Worker,
};

/// The counters of all workers that there have been: what was counted stays counted.
#[derive(Clone, Default)]
pub(super) struct WorkerCounters {
    workers: Arc<Mutex<Workers>>,
}

/// What each worker serves, and its counters.
type Workers = Vec<(Transport, Arc<Counters>)>;

impl WorkerCounters {
    /// Makes what each worker answers with, and counts with.
    pub(super) fn responders(
        &self,
        readers: Readers,
        forwarder: Forwarder,
        dispatcher: Arc<Dispatcher>,
        taps: Taps,
    ) -> impl Fn(Worker) -> SnapshotResponder + Send + 'static + use<> {
        let counted = self.clone();
        move |worker| {
            let own = Arc::new(Counters::default());
            counted.workers().push((worker.transport, Arc::clone(&own)));
            let seed = random_secret().map_or(1, |secret| secret.seed());
            let frontend = Box::new(forwarder.frontend());
            SnapshotResponder::new(readers.reader(), WorkerContext::new(own, seed), &taps)
                .with(frontend)
                .handing_over_to(Arc::clone(&dispatcher) as Arc<dyn MessageTaker>)
        }
    }

    /// Responses that were sent.
    pub(super) fn answered(&self) -> u64 {
        let totals = Transport::ALL.map(|transport| self.totals(transport));
        totals.iter().flat_map(|totals| Count::RESPONSES.map(|kind| totals.get(kind))).sum()
    }

    /// Queries for other names that were over the rate limit.
    pub(super) fn forward_limited(&self) -> u64 {
        let totals = Transport::ALL.map(|transport| self.totals(transport));
        totals.iter().map(|totals| totals.get(Count::ForwardLimited)).sum()
    }

    /// What came over each transport.
    pub(super) fn status(&self) -> Vec<TransportStatus> {
        Transport::ALL
            .map(|transport| {
                let totals = self.totals(transport);
                TransportStatus {
                    transport: transport.name().to_owned(),
                    queries: totals.get(Count::Queries),
                    dropped: totals.get(Count::Dropped),
                    responses: Count::RESPONSES.map(|kind| (kind.name().to_owned(), totals.get(kind))).into(),
                    truncated: totals.get(Count::Truncated),
                    edns: totals.get(Count::Edns),
                    cookies: totals.get(Count::Cookie),
                    limited: totals.get(Count::RateDropped),
                    slipped: totals.get(Count::Slipped),
                    qtypes: totals.spread.questions().map(named).collect(),
                    rcodes: totals.spread.rcodes().map(named).collect(),
                    sizes: sizes(&totals.spread),
                }
            })
            .into()
    }

    fn totals(&self, wanted: Transport) -> Totals {
        let workers = self.workers();
        workers
            .iter()
            .filter(|(transport, _)| *transport == wanted)
            .map(|(_, counters)| &**counters)
            .collect()
    }

    fn workers(&self) -> MutexGuard<'_, Workers> {
        lock(&self.workers)
    }
}

/// The name something is counted by; none: together with all others.
fn named<N: ToString>((one, count): (Option<N>, u64)) -> (String, u64) {
    (one.map_or_else(|| "other".to_owned(), |one| one.to_string()), count)
}

fn sizes(spread: &SpreadTotals) -> HistogramStatus {
    let (bounds, counts) = spread.sizes().map(|(most, count)| (f64::from(most), count)).unzip();
    // Exact up to 2^53 bytes.
    HistogramStatus { bounds, counts, sum: spread.bytes() as f64 }
}

/// What went wrong with datagrams.
pub(super) fn udp(counters: &UdpCounters) -> UdpStatus {
    UdpStatus {
        oversized: counters.oversized.load(Ordering::Relaxed),
        unsent: counters.unsent.load(Ordering::Relaxed),
        refused: counters.refused.load(Ordering::Relaxed),
        durations: HistogramStatus {
            bounds: DURATION_BOUNDS.iter().map(Duration::as_secs_f64).collect(),
            counts: counters.durations.counts().into(),
            sum: counters.durations.sum().as_secs_f64(),
        },
    }
}

fn handshakes(counters: &HandshakeCounters) -> HandshakesStatus {
    HandshakesStatus {
        under_way: counters.under_way.load(Ordering::Relaxed),
        completed: counters.completed.load(Ordering::Relaxed),
        failed: counters.failed.load(Ordering::Relaxed),
        late: counters.late.load(Ordering::Relaxed),
        evicted: counters.evicted.load(Ordering::Relaxed),
        limited: counters.limited.load(Ordering::Relaxed),
        retried: counters.retried.load(Ordering::Relaxed),
    }
}

/// What has happened to connections.
pub(super) fn tcp(counters: &TcpCounters) -> TcpStatus {
    TcpStatus {
        open: counters.open.load(Ordering::Relaxed),
        accepted: counters.accepted.load(Ordering::Relaxed),
        evicted: counters.evicted.load(Ordering::Relaxed),
        refused: counters.refused.load(Ordering::Relaxed),
        limited: counters.limited.load(Ordering::Relaxed),
        cut: counters.cut.load(Ordering::Relaxed),
        handshakes: handshakes(&counters.handshakes),
    }
}
