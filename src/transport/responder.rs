//! The narrow waist between sockets and answers.
//!
//! Defines the one function that a transport calls per query.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::deferred::{Deferred, HandedOver, MessageTaker};
use super::trace::{Tap, Taps};
use crate::answer::{self, MessageKind, Peer, Reader, Reply, WorkerContext};

/// Answers queries: one per UDP worker, and several that connections share.
pub trait Responder: Send + 'static {
    /// Called before the first query of each batch, and when an idle worker is to let go of what it holds.
    fn begin_batch(&mut self);

    /// Answers `query`, a whole DNS message, into `out`: 1,232 bytes over UDP, 65,535 over TCP. HOT: must not
    /// wait, allocate or panic.
    fn respond(&mut self, peer: Peer, query: &[u8], out: &mut [u8]) -> Reply;

    /// Takes a query for which [`Responder::respond`] has just said [`Reply::Forward`] or
    /// [`Reply::ForwardTail`]. Must not wait.
    fn forward(&mut self, deferred: Deferred) {
        drop(deferred);
    }

    /// Whether somebody takes UPDATE messages now: then they may be longer than queries. Must not wait.
    fn takes_updates(&self) -> bool {
        false
    }

    /// Takes a message for which [`Responder::respond`] has just said [`Reply::HandOver`]. Must not wait.
    fn hand_over(&mut self, message: HandedOver) {
        drop(message);
    }
}

/// Answers queries for names outside our zones, for one worker.
pub trait ForwardResponder: Send {
    /// Called before the first query of each batch, with the time since 1970.
    fn begin_batch(&mut self, now: Duration);

    /// Answers into `out` what is known already; `None`: the query is to be handed over. HOT: must not wait.
    fn respond(&mut self, peer: Peer, query: &[u8], out: &mut [u8]) -> Option<usize>;

    /// Takes a query that is answered later, or not at all. Must not wait.
    fn forward(&mut self, deferred: Deferred);
}

/// Answers from the newest snapshot.
pub struct SnapshotResponder {
    reader: Reader,
    worker: WorkerContext,
    forward: Option<Box<dyn ForwardResponder>>,
    taker: Option<Arc<dyn MessageTaker>>,
    tap: Tap,
}

impl SnapshotResponder {
    /// Answers what `reader` shows, with the buffers and counters of `worker`; traces are opened at `taps`.
    pub fn new(reader: Reader, worker: WorkerContext, taps: &Taps) -> Self {
        Self { reader, worker, forward: None, taker: None, tap: taps.tap() }
    }

    /// Lets `forward` answer for names outside the zones.
    #[must_use]
    pub fn with(mut self, forward: Box<dyn ForwardResponder>) -> Self {
        self.forward = Some(forward);
        self
    }

    /// Lets `taker` treat what is no plain query.
    #[must_use]
    pub fn handing_over_to(mut self, taker: Arc<dyn MessageTaker>) -> Self {
        self.taker = Some(taker);
        self
    }

    /// For a name that is forwarded: at once where the answer is known.
    #[inline(never)]
    fn respond_forwarded(&mut self, peer: Peer, query: &[u8], out: &mut [u8]) -> Reply {
        match &mut self.forward {
            None => Reply::Drop,
            Some(forward) => match forward.respond(peer, query, out) {
                Some(len) => Reply::Send { len },
                None => Reply::Forward,
            },
        }
    }
}

impl Responder for SnapshotResponder {
    fn begin_batch(&mut self) {
        let forwards = self.reader.current().forward.is_some();
        self.tap.look();
        let now = since_1970();
        self.worker.set_now(now);
        if forwards && let Some(forward) = &mut self.forward {
            forward.begin_batch(now);
        }
    }

    #[inline]
    fn respond(&mut self, peer: Peer, query: &[u8], out: &mut [u8]) -> Reply {
        let reply = match answer::respond(self.reader.held(), &mut self.worker, peer, query, out) {
            Reply::Forward => self.respond_forwarded(peer, query, out),
            reply => reply,
        };
        if self.tap.is_open() {
            self.show(peer, query, reply, out);
        }
        reply
    }

    fn forward(&mut self, deferred: Deferred) {
        if let Some(forward) = &mut self.forward {
            forward.forward(deferred);
        }
    }

    fn takes_updates(&self) -> bool {
        self.taker.is_some() && self.reader.held().handed_over.have(MessageKind::Update)
    }

    fn hand_over(&mut self, message: HandedOver) {
        if let Some(taker) = &self.taker {
            taker.take(message);
        }
    }
}

impl SnapshotResponder {
    #[cold]
    fn show(&mut self, peer: Peer, query: &[u8], reply: Reply, out: &[u8]) {
        let response = match reply {
            Reply::Send { len } | Reply::ForwardTail { len } => out.get(..len),
            Reply::Drop | Reply::Forward | Reply::HandOver(_) => None,
        };
        self.tap.show(peer, query, response);
    }
}

/// The time since 1970; none before.
fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
