//! Traces: queries and what they were answered, shown while they come.
//!
//! ```text
//!  Taps::open ─▶ Trace ◀── bounded, never waits ── Tap (one per worker)
//!     └─ generation ─ one load per batch ────────────▲
//! ```
//!
//! Responsible for which queries are copied, for never holding a worker up, and for costing nothing while
//! nobody looks.
//! Not responsible for how they are shown.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Instant, SystemTime};

use tokio::sync::mpsc;

use crate::answer::{Peer, Prefix};
use crate::dns::message::Question;
use crate::dns::{Name, Rtype};
use crate::health::force::{Pattern, RuleError};

/// Traces at a time: each copies what it wants, and there are few operators.
pub const TRACES_MAX: usize = 4;

/// Queries that wait for whoever looks; what comes beyond is left out and counted. At most 32 MiB, if each and
/// its response are as long as TCP allows; over UDP a hundredth of that.
const WAITING_MAX: usize = 256;

/// Which queries are wanted. Nothing said: all.
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
    /// Those that look like this, final dot and all; an asterisk stands for any text.
    Like(Pattern),
}

/// A query and what became of it.
#[derive(Clone, Debug)]
pub struct Seen {
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
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Counts every change of `watches`.
    generation: AtomicU64,
    watches: Mutex<Vec<Arc<Watch>>>,
}

/// One trace, as workers see it.
struct Watch {
    filter: Filter,
    /// When it ends at the latest.
    until: Instant,
    seen: mpsc::Sender<Seen>,
    left_out: AtomicU64,
}

/// The operator's end. Dropped, it ends the trace.
pub struct Trace {
    shared: Arc<Shared>,
    watch: Arc<Watch>,
    seen: mpsc::Receiver<Seen>,
}

/// A worker's end.
pub(super) struct Tap {
    shared: Arc<Shared>,
    generation: u64,
    watches: Vec<Arc<Watch>>,
}

/// A name, or a text with asterisks or question marks.
impl FromStr for Names {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.contains(['*', '?']) {
            return text.parse().map(Names::Below).map_err(|error| error.to_string());
        }
        let dot = if text.ends_with(['*', '.']) { "" } else { "." };
        format!("{text}{dot}").parse().map(Names::Like).map_err(|error: RuleError| error.to_string())
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

impl Shared {
    fn watches(&self) -> MutexGuard<'_, Vec<Arc<Watch>>> {
        // Whoever holds the lock only adds or removes a pointer.
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has every tap look at its next batch.
    fn changed(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }
}

impl Taps {
    /// Begins a trace, which sees nothing any more after `until`. None when there are [`TRACES_MAX`] already.
    pub fn open(&self, filter: Filter, until: Instant) -> Option<Trace> {
        let (sender, seen) = mpsc::channel(WAITING_MAX);
        let watch = Arc::new(Watch { filter, until, seen: sender, left_out: AtomicU64::new(0) });
        let mut watches = self.shared.watches();
        if watches.len() >= TRACES_MAX {
            return None;
        }
        watches.push(Arc::clone(&watch));
        drop(watches);
        self.shared.changed();
        Some(Trace { shared: Arc::clone(&self.shared), watch, seen })
    }

    /// Ends the traces whose time is over, whether or not somebody still holds them: one whose reader has come
    /// to a standstill must not keep others out.
    pub fn expire(&self, now: Instant) {
        let mut watches = self.shared.watches();
        let before = watches.len();
        watches.retain(|watch| watch.until > now);
        let over = before.saturating_sub(watches.len());
        drop(watches);
        if over > 0 {
            self.shared.changed();
        }
    }

    /// How many traces there are.
    pub fn open_count(&self) -> usize {
        self.shared.watches().len()
    }

    /// One more worker's end.
    pub(super) fn tap(&self) -> Tap {
        let mut tap = Tap { shared: Arc::clone(&self.shared), generation: 0, watches: Vec::new() };
        tap.look();
        tap
    }
}

impl Trace {
    /// The next query.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Seen>> {
        self.seen.poll_recv(context)
    }

    /// Queries that were wanted and are not shown, because too many came at once.
    pub fn left_out(&self) -> u64 {
        self.watch.left_out.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace").field("filter", &self.watch.filter).finish_non_exhaustive()
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        self.shared.watches().retain(|watch| !Arc::ptr_eq(watch, &self.watch));
        self.shared.changed();
    }
}

impl Tap {
    /// Called before the first query of a batch. HOT: one load while no trace begins or ends. The order does
    /// not matter: one that is seen a batch later begins a batch later.
    #[inline]
    pub(super) fn look(&mut self) {
        let newest = self.shared.generation.load(Ordering::Relaxed);
        if newest != self.generation {
            self.take(newest);
        }
    }

    #[cold]
    fn take(&mut self, newest: u64) {
        self.generation = newest;
        self.watches.clone_from(&self.shared.watches());
    }

    /// Whether somebody looks. HOT.
    #[inline]
    pub(super) fn is_open(&self) -> bool {
        !self.watches.is_empty()
    }

    /// Copies a query and its response for whoever wants it; never waits.
    #[cold]
    pub(super) fn show(&self, peer: Peer, query: &[u8], response: Option<&[u8]>) {
        for watch in self.watches.iter().filter(|watch| watch.filter.wants(peer, query)) {
            match watch.seen.try_reserve() {
                Ok(place) => place.send(Seen {
                    when: SystemTime::now(),
                    peer,
                    query: query.into(),
                    response: response.map(Into::into),
                }),
                Err(_) => {
                    watch.left_out.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may stop at an overflow")]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    use super::*;
    use crate::answer::Transport;

    const PEER: Peer = Peer { address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)), transport: Transport::Udp };

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn query(qname: &str, qtype: Rtype) -> Vec<u8> {
        let name: Name = qname.parse().unwrap();
        let header: &[u8] = &[0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        [header, name.as_ref().wire(), &qtype.0.to_be_bytes(), &[0, 1]].concat()
    }

    fn received(trace: &mut Trace) -> usize {
        std::iter::from_fn(|| trace.seen.try_recv().ok()).count()
    }

    #[test]
    fn a_filter_wants_what_all_of_it_fits() {
        let below = Names::Below("apps.example".parse().unwrap());
        let like = |text: &str| Names::Like(text.parse().unwrap());
        for (filter, wanted) in [
            (Filter::default(), true),
            (Filter { names: Some(below.clone()), ..Filter::default() }, true),
            (
                Filter { names: Some(Names::Below("api.example".parse().unwrap())), ..Filter::default() },
                false,
            ),
            (Filter { names: Some(like("*.APPS.*")), ..Filter::default() }, true),
            (Filter { names: Some(like("api*")), ..Filter::default() }, false),
            (Filter { clients: Some("192.0.2.0/24".parse().unwrap()), ..Filter::default() }, true),
            (Filter { clients: Some("192.0.2.8".parse().unwrap()), ..Filter::default() }, false),
            (Filter { qtype: Some(Rtype::A), ..Filter::default() }, true),
            (Filter { qtype: Some(Rtype::AAAA), names: Some(below), ..Filter::default() }, false),
        ] {
            assert_eq!(filter.wants(PEER, &query("X.Apps.example", Rtype::A)), wanted, "{filter:?}");
        }
        assert!(Filter::default().wants(PEER, b"nonsense"));
        assert!(!Filter { qtype: Some(Rtype::A), ..Filter::default() }.wants(PEER, b"nonsense"));
    }

    #[test]
    fn a_name_means_all_below_it_and_an_asterisk_any_text() {
        let read = |text: &str| text.parse::<Names>().map(|names| names.to_string());
        assert_eq!(read("apps.example"), Ok("apps.example.".to_owned()));
        assert_eq!(read("*.apps.example"), Ok("*.apps.example.".to_owned()));
        assert_eq!(read("api*"), Ok("api*".to_owned()));
        assert!(read("a..b").is_err());
    }

    #[test]
    fn a_tap_shows_nothing_before_a_trace_begins_and_after_it_ends() {
        let taps = Taps::default();
        let mut tap = taps.tap();
        tap.look();
        assert!(!tap.is_open());
        let mut trace = taps.open(Filter::default(), later()).unwrap();
        assert!(!tap.is_open(), "a batch that has begun goes on as it was");
        tap.look();
        assert!(tap.is_open());
        tap.show(PEER, &query("www.example", Rtype::A), None);
        assert_eq!(received(&mut trace), 1);
        drop(trace);
        tap.look();
        assert!(!tap.is_open());
    }

    #[test]
    fn what_nobody_takes_in_time_is_left_out_and_counted() {
        let taps = Taps::default();
        let mut trace = taps.open(Filter::default(), later()).unwrap();
        let tap = taps.tap();
        for _ in 0..WAITING_MAX + 7 {
            tap.show(PEER, &query("www.example", Rtype::A), None);
        }
        assert_eq!((received(&mut trace), trace.left_out()), (WAITING_MAX, 7));
    }

    #[test]
    fn a_trace_ends_with_its_time_whoever_holds_it() {
        let taps = Taps::default();
        let now = Instant::now();
        let (one, other) = (now + Duration::from_secs(1), now + Duration::from_secs(2));
        let _held = [one, other].map(|until| taps.open(Filter::default(), until).unwrap());
        let mut tap = taps.tap();
        taps.expire(one);
        assert_eq!(taps.open_count(), 1);
        taps.expire(other);
        tap.look();
        assert!(!tap.is_open());
    }

    #[test]
    fn there_are_only_so_many_traces() {
        let taps = Taps::default();
        let mut traces: Vec<Trace> =
            (0..TRACES_MAX).map(|_| taps.open(Filter::default(), later()).unwrap()).collect();
        assert!(taps.open(Filter::default(), later()).is_none());
        traces.pop();
        assert_eq!(taps.open_count(), TRACES_MAX - 1);
        assert!(taps.open(Filter::default(), later()).is_some());
    }
}
