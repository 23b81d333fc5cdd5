//! The narrow waist between sockets and answers.
//!
//! Responsible for the one function a transport calls per query.
//! Not responsible for sockets above it or for answers below it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Deferred;
use super::trace::{Tap, Taps};
use crate::answer::{self, Peer, Reader, Reply, Scratch};

/// Answers queries: one per UDP worker, and one for all TCP connections.
pub trait Responder: Send + 'static {
    /// Called before the first query of each batch, and when an idle worker is to let go of what it holds.
    fn begin_batch(&mut self);

    /// Answers `query`, a whole DNS message, into `out`: 1,232 bytes over
    /// UDP, 65,535 over TCP. HOT: must not wait, allocate or panic.
    fn respond(&mut self, peer: Peer, query: &[u8], out: &mut [u8]) -> Reply;

    /// Takes a query for which [`Responder::respond`] has just said
    /// [`Reply::Elsewhere`] or [`Reply::Begun`]. Must not wait.
    fn hand_over(&mut self, deferred: Deferred) {
        drop(deferred);
    }
}

/// Answers queries for names outside our zones, for one worker.
pub trait Elsewhere: Send {
    /// Called before the first query of each batch, with the time since 1970.
    fn begin_batch(&mut self, now: Duration);

    /// Answers into `out` what is known already; `None`: the query is to be
    /// handed over. HOT: must not wait.
    fn respond(&mut self, peer: Peer, query: &[u8], out: &mut [u8]) -> Option<usize>;

    /// Takes a query that is answered later, or not at all. Must not wait.
    fn hand_over(&mut self, deferred: Deferred);
}

/// Answers from the newest snapshot.
pub struct SnapshotResponder {
    reader: Reader,
    scratch: Scratch,
    elsewhere: Option<Box<dyn Elsewhere>>,
    tap: Tap,
}

impl SnapshotResponder {
    /// Answers what `reader` shows, with the buffers and counters of `scratch`; traces are opened at `taps`.
    pub fn new(reader: Reader, scratch: Scratch, taps: &Taps) -> Self {
        Self { reader, scratch, elsewhere: None, tap: taps.tap() }
    }

    /// Lets `elsewhere` answer for names outside the zones.
    #[must_use]
    pub fn with(mut self, elsewhere: Box<dyn Elsewhere>) -> Self {
        self.elsewhere = Some(elsewhere);
        self
    }

    /// For a name that is forwarded: at once where the answer is known.
    #[inline(never)]
    fn respond_elsewhere(&mut self, peer: Peer, query: &[u8], out: &mut [u8]) -> Reply {
        match &mut self.elsewhere {
            None => Reply::Drop,
            Some(elsewhere) => match elsewhere.respond(peer, query, out) {
                Some(len) => Reply::Send { len },
                None => Reply::Elsewhere,
            },
        }
    }
}

impl Responder for SnapshotResponder {
    fn begin_batch(&mut self) {
        let forwards = self.reader.current().outside.is_some();
        self.tap.look();
        let now = since_1970();
        self.scratch.set_now(now);
        if forwards && let Some(elsewhere) = &mut self.elsewhere {
            elsewhere.begin_batch(now);
        }
    }

    #[inline]
    fn respond(&mut self, peer: Peer, query: &[u8], out: &mut [u8]) -> Reply {
        let reply = match answer::respond(self.reader.held(), &mut self.scratch, peer, query, out) {
            Reply::Elsewhere => self.respond_elsewhere(peer, query, out),
            reply => reply,
        };
        if self.tap.is_open() {
            self.show(peer, query, reply, out);
        }
        reply
    }

    fn hand_over(&mut self, deferred: Deferred) {
        if let Some(elsewhere) = &mut self.elsewhere {
            elsewhere.hand_over(deferred);
        }
    }
}

impl SnapshotResponder {
    #[cold]
    fn show(&self, peer: Peer, query: &[u8], reply: Reply, out: &[u8]) {
        let response = match reply {
            Reply::Send { len } | Reply::Begun { len } => out.get(..len),
            Reply::Drop | Reply::Elsewhere => None,
        };
        self.tap.show(peer, query, response);
    }
}

/// The time since 1970; none before.
fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
