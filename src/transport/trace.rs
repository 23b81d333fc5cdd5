//! Traces: queries and what they were answered, shown while they come.
//!
//! ```text
//!  Taps::open ─▶ Trace ◀── bounded, never waits ── Tap (one per worker)
//!     └─ generation ─ one load per batch ────────────▲
//! ```
//!
//! Copies the queries that a trace wants, never delays a worker, and costs nothing while no trace is open. The query log is a
//! trace that lasts.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::{Instant, SystemTime};

use tokio::sync::mpsc;

use crate::answer::{Peer, Prefix};
use crate::dns::message::Question;
use crate::dns::{Name, Rtype};
use crate::pattern::{Pattern, TextError};
use crate::sync::lock;

/// Traces at a time: each copies what it wants, and there are few operators.
pub const TRACES_MAX: usize = 4;

/// Queries that wait for the reader of a trace; what comes beyond is left out and counted.
const WAITING_MAX: usize = 256;

/// The same of the query log, which is written while it comes: a burst of some tenths of a second. A sample may be as large.
const LOG_WAITING_MAX: usize = 4_096;

/// Bytes of queries and responses that wait for a reader; a trace leaves out what comes beyond, and counts it. Messages over UDP
/// are short, and reach the limit on their number first. Over TCP a message may have 65,535 bytes, so that some hundred reach this
/// one. A worker reads the sum before it adds to it: workers that do so at the same moment may each go one message beyond.
const WAITING_BYTES_MAX: usize = 8 << 20;

/// Which queries are wanted; by default all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The QNAME.
    pub names: Option<Names>,
    /// The client.
    pub clients: Option<Prefix>,
    /// The QTYPE.
    pub qtype: Option<Rtype>,
}

/// Which names are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    /// This one and all below it.
    Below(Name),
    /// Those that match this pattern, final dot included; an asterisk matches any text.
    Like(Pattern),
}

/// A query and what became of it.
#[derive(Clone, Debug)]
pub struct TraceEvent {
    /// When it was answered.
    pub when: SystemTime,
    /// Who asked, and how.
    pub peer: Peer,
    /// The query as it came.
    pub query: Box<[u8]>,
    /// The response; none: nothing was sent.
    pub response: Option<Box<[u8]>>,
}

/// Where traces are opened, and where taps come from.
#[derive(Clone, Default)]
pub struct Taps {
    list: Arc<TraceList>,
}

#[derive(Default)]
struct TraceList {
    /// Counts every change of `traces`.
    generation: AtomicU64,
    traces: Mutex<Vec<Arc<OpenTrace>>>,
}

/// One trace, as workers see it.
struct OpenTrace {
    filter: Filter,
    /// Of so many queries one is wanted.
    every: NonZeroU32,
    /// How many taps have begun with it.
    taps: AtomicU64,
    /// Bytes that wait for the reader.
    waiting_bytes: AtomicUsize,
    /// When it ends at the latest; none: it is the query log, and lasts.
    until: Option<Instant>,
    seen: mpsc::Sender<TraceEvent>,
    left_out: AtomicU64,
}

/// The operator's end. Dropped, it ends the trace.
pub struct Trace {
    list: Arc<TraceList>,
    trace: Arc<OpenTrace>,
    seen: mpsc::Receiver<TraceEvent>,
}

/// A worker's end.
pub(super) struct Tap {
    list: Arc<TraceList>,
    generation: u64,
    traces: Vec<TappedTrace>,
}

/// A trace, as one worker sees it: workers share no count of the queries that have come.
struct TappedTrace {
    trace: Arc<OpenTrace>,
    /// Queries that are passed over before the next one is taken.
    passed_over: u32,
}

/// How many queries a trace has left out, for whoever has not got the trace.
pub struct LeftOut(Arc<OpenTrace>);

impl LeftOut {
    /// Queries that were wanted and are not shown, because too many came at once.
    pub fn count(&self) -> u64 {
        self.0.left_out.load(Ordering::Relaxed)
    }
}

/// A name, or a text with asterisks or question marks.
impl FromStr for Names {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.contains(['*', '?']) {
            return text.parse().map(Names::Below).map_err(|error| error.to_string());
        }
        let dot = if text.ends_with(['*', '.']) { "" } else { "." };
        format!("{text}{dot}").parse().map(Names::Like).map_err(|error: TextError| error.to_string())
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Names::Below(name) => name.fmt(f),
            Names::Like(pattern) => pattern.fmt(f),
        }
    }
}

impl Filter {
    /// Whether a query is wanted. One whose question cannot be read is wanted where names and types do not
    /// matter.
    fn wants(&self, peer: Peer, query: &[u8]) -> bool {
        if self.clients.is_some_and(|clients| !clients.contains(peer.address)) {
            return false;
        }
        if self.names.is_none() && self.qtype.is_none() {
            return true;
        }
        let Some((question, _)) = Question::read(query) else { return false };
        let right_type = self.qtype.is_none_or(|qtype| qtype == question.qtype);
        right_type
            && match &self.names {
                None => true,
                Some(Names::Below(name)) => question.qname.is_at_or_below(name.as_ref()),
                Some(Names::Like(pattern)) => pattern.matches(&question.qname.to_string()),
            }
    }
}

/// 2^64 divided by the golden ratio: its multiples are spread evenly, however many there are (Knuth, section 6.4).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl OpenTrace {
    /// How many queries another tap passes over before its first one. Were it none, a sample would have the first query of
    /// each worker, however few of them come.
    fn begin(&self) -> u32 {
        let spread = self.taps.fetch_add(1, Ordering::Relaxed).wrapping_mul(GOLDEN);
        let passed_over = u128::from(spread).saturating_mul(u128::from(self.every.get())) >> u64::BITS;
        // A fraction of a number of 32 bits has no more.
        u32::try_from(passed_over).unwrap_or(0)
    }

    /// Copies a query and its response for the reader, if there is room for them.
    fn send(&self, peer: Peer, query: &[u8], response: Option<&[u8]>) -> Option<()> {
        let bytes = query.len().saturating_add(response.map_or(0, <[u8]>::len));
        let waiting = self.waiting_bytes.load(Ordering::Relaxed);
        if waiting.saturating_add(bytes) > WAITING_BYTES_MAX {
            return None;
        }
        let place = self.seen.try_reserve().ok()?;
        self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        place.send(TraceEvent {
            when: SystemTime::now(),
            peer,
            query: query.into(),
            response: response.map(Into::into),
        });
        Some(())
    }
}

impl TappedTrace {
    fn new(trace: &Arc<OpenTrace>) -> TappedTrace {
        TappedTrace { trace: Arc::clone(trace), passed_over: trace.begin() }
    }

    /// Whether a query is wanted, and its turn in the sample has come.
    fn takes(&mut self, peer: Peer, query: &[u8]) -> bool {
        if !self.trace.filter.wants(peer, query) {
            return false;
        }
        match self.passed_over.checked_sub(1) {
            Some(left) => {
                self.passed_over = left;
                false
            }
            None => {
                self.passed_over = self.trace.every.get().saturating_sub(1);
                true
            }
        }
    }
}

impl TraceEvent {
    fn bytes(&self) -> usize {
        self.query.len().saturating_add(self.response.as_ref().map_or(0, |response| response.len()))
    }
}

impl TraceList {
    fn traces(&self) -> MutexGuard<'_, Vec<Arc<OpenTrace>>> {
        lock(&self.traces)
    }

    /// Has every tap look at its next batch.
    fn changed(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }
}

impl Taps {
    /// Begins a trace, which sees nothing any more after `until`. None when there are [`TRACES_MAX`] already.
    pub fn open(&self, filter: Filter, until: Instant) -> Option<Trace> {
        let mut traces = self.list.traces();
        if traces.iter().filter(|trace| trace.until.is_some()).count() >= TRACES_MAX {
            return None;
        }
        Some(self.begin(&mut traces, filter, NonZeroU32::MIN, Some(until), WAITING_MAX))
    }

    /// Begins the query log, which sees one of so many queries until it is dropped. One that there is already ends with the
    /// same change: a worker shows each query to one of the two, and never to both. What the old one has seen can still be taken.
    pub fn log(&self, every: NonZeroU32) -> Trace {
        let mut traces = self.list.traces();
        traces.retain(|trace| trace.until.is_some());
        self.begin(&mut traces, Filter::default(), every, None, LOG_WAITING_MAX)
    }

    fn begin(
        &self,
        traces: &mut Vec<Arc<OpenTrace>>,
        filter: Filter,
        every: NonZeroU32,
        until: Option<Instant>,
        waiting_max: usize,
    ) -> Trace {
        let (sender, seen) = mpsc::channel(waiting_max);
        let trace = Arc::new(OpenTrace {
            filter,
            every,
            taps: AtomicU64::new(0),
            waiting_bytes: AtomicUsize::new(0),
            until,
            seen: sender,
            left_out: AtomicU64::new(0),
        });
        traces.push(Arc::clone(&trace));
        self.list.changed();
        Trace { list: Arc::clone(&self.list), trace, seen }
    }

    /// Ends the traces whose time is over, whether or not a reader still holds them: one whose reader has
    /// come to a standstill must not keep others out.
    pub fn expire(&self, now: Instant) {
        let mut traces = self.list.traces();
        let before = traces.len();
        traces.retain(|trace| trace.until.is_none_or(|until| until > now));
        let over = before.saturating_sub(traces.len());
        drop(traces);
        if over > 0 {
            self.list.changed();
        }
    }

    /// How many traces there are, the query log not counted.
    pub fn open_count(&self) -> usize {
        self.list.traces().iter().filter(|trace| trace.until.is_some()).count()
    }

    /// One more worker's end.
    pub(super) fn tap(&self) -> Tap {
        let mut tap = Tap { list: Arc::clone(&self.list), generation: 0, traces: Vec::new() };
        tap.look();
        tap
    }
}

impl Trace {
    /// The next query.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<TraceEvent>> {
        let next = self.seen.poll_recv(context);
        if let Poll::Ready(Some(event)) = &next {
            self.note_taken(event);
        }
        next
    }

    /// The next query, if one has come.
    pub fn try_next(&mut self) -> Option<TraceEvent> {
        let next = self.seen.try_recv().ok()?;
        self.note_taken(&next);
        Some(next)
    }

    fn note_taken(&self, event: &TraceEvent) {
        self.trace.waiting_bytes.fetch_sub(event.bytes(), Ordering::Relaxed);
    }

    /// Has it see nothing more; what it has seen can still be taken.
    pub fn end(&self) {
        self.list.traces().retain(|trace| !Arc::ptr_eq(trace, &self.trace));
        self.list.changed();
    }

    /// How many it leaves out, also from now on.
    pub fn losses(&self) -> LeftOut {
        LeftOut(Arc::clone(&self.trace))
    }

    /// Queries that were wanted and are not shown, because too many came at once.
    pub fn left_out(&self) -> u64 {
        self.trace.left_out.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace").field("filter", &self.trace.filter).finish_non_exhaustive()
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        self.end();
    }
}

impl Tap {
    /// Called before the first query of a batch. HOT: one load while no trace begins or ends. The order does
    /// not matter: one that is seen a batch later begins a batch later.
    #[inline]
    pub(super) fn look(&mut self) {
        let newest = self.list.generation.load(Ordering::Relaxed);
        if newest != self.generation {
            self.take(newest);
        }
    }

    #[cold]
    fn take(&mut self, newest: u64) {
        self.generation = newest;
        let before = std::mem::take(&mut self.traces);
        let known = |trace: &Arc<OpenTrace>| before.iter().find(|tapped| Arc::ptr_eq(&tapped.trace, trace));
        let tapped = |trace| match known(trace) {
            Some(&TappedTrace { passed_over, .. }) => TappedTrace { trace: Arc::clone(trace), passed_over },
            None => TappedTrace::new(trace),
        };
        self.traces = self.list.traces().iter().map(tapped).collect();
    }

    /// Whether a trace is open. HOT.
    #[inline]
    pub(super) fn is_open(&self) -> bool {
        !self.traces.is_empty()
    }

    /// Copies a query and its response for the traces that want it; never waits.
    #[cold]
    pub(super) fn show(&mut self, peer: Peer, query: &[u8], response: Option<&[u8]>) {
        for tapped in &mut self.traces {
            if tapped.takes(peer, query) && tapped.trace.send(peer, query, response).is_none() {
                tapped.trace.left_out.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may stop at an overflow")]
mod tests;
