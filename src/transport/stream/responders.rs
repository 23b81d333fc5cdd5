//! The responders of connections: several, so that connections seldom wait for each other.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::pending::PendingResponses;
use crate::answer::{Peer, Reply};
use crate::dns::message::MESSAGE_BYTES_MAX;
use crate::sync::lock;
use crate::transport::responder::Responder;

/// A responder with room for its response. It serves its connections in turn: a query takes well under a
/// microsecond, the system calls around it take many.
pub(in crate::transport) struct StreamResponder<R> {
    pub(in crate::transport) responder: R,
    pub(in crate::transport) response: Box<[u8]>,
}

impl<R: Responder> StreamResponder<R> {
    /// Answers a query: with a response that is there at once, or with those that will come to `pending`; with neither, it
    /// is not answered.
    pub(super) fn answer(
        &mut self,
        peer: Peer,
        query: &[u8],
        pending: &mut PendingResponses,
    ) -> Option<&[u8]> {
        let Self { responder, response } = self;
        match responder.respond(peer, query, response) {
            Reply::Send { len } => return response.get(..len),
            Reply::Forward => {
                if let Some(deferred) = pending.defer(peer, query) {
                    responder.forward(deferred);
                }
            }
            Reply::ForwardTail { len } => {
                if let Some(deferred) = pending.defer(peer, query) {
                    responder.forward(deferred.with_partial(response.get(..len).unwrap_or_default()));
                }
            }
            Reply::HandOver(kind) => {
                if let Some(message) = pending.hand_over(kind, peer, query) {
                    responder.hand_over(message);
                }
            }
            Reply::Drop => {}
        }
        None
    }
}

/// The responders, of which each connection has one.
pub(super) struct Responders<R> {
    first: Arc<Mutex<StreamResponder<R>>>,
    others: Box<[Arc<Mutex<StreamResponder<R>>>]>,
    /// Connections so far.
    given: AtomicUsize,
}

impl<R: Responder> Responders<R> {
    /// As many as there are.
    pub(super) fn new(first: R, others: impl Iterator<Item = R>) -> Self {
        let with_room = |responder| {
            let response = vec![0; MESSAGE_BYTES_MAX].into_boxed_slice();
            Arc::new(Mutex::new(StreamResponder { responder, response }))
        };
        Self { first: with_room(first), others: others.map(with_room).collect(), given: AtomicUsize::new(0) }
    }

    /// The one for the next connection, in turn.
    pub(super) fn next(&self) -> Arc<Mutex<StreamResponder<R>>> {
        let all = self.others.len().saturating_add(1);
        let turn = self.given.fetch_add(1, Ordering::Relaxed).checked_rem(all).unwrap_or(0);
        let other = turn.checked_sub(1).and_then(|turn| self.others.get(turn));
        Arc::clone(other.unwrap_or(&self.first))
    }

    /// Lets each take the newest snapshot. Waits for no more than the answers of one read.
    pub(super) fn catch_up(&self) {
        let all = std::iter::once(&self.first).chain(&self.others);
        all.for_each(|one| lock(one).responder.begin_batch());
    }
}
