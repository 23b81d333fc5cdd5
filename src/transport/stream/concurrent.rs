//! Queries of one connection that are answered beside each other, each on a stream of its own: DNS over HTTPS and
//! over QUIC.
//!
//! Bounds what they hold together, whatever the client sends and does not take. Not responsible for how many streams
//! a client may open: that is for the protocol that carries them.

use std::sync::{Arc, Mutex};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::activity::{Activity, Answering, Receiving, Unsent};
use super::frames::QUERY_LENGTH_MAX;
use super::pending::{PendingResponses, WAITING_MAX};
use super::responders::StreamResponder;
use crate::answer::Peer;
use crate::dns::message::{HEADER_BYTES, Header, MESSAGE_BYTES_MAX, Opcode};
use crate::sync::lock;
use crate::transport::responder::Responder;
use crate::transport::response_slot::SentResponse;
use crate::transport::session::ClientSession;

/// Streams of one connection at a time: a query each.
pub(in crate::transport) const STREAMS_MAX: u32 = 100;

/// Bytes of responses that a connection holds until they are sent. Queries are answered while there is room for one
/// more of the longest, so that a client that does not read costs no more than this.
const UNSENT_BYTES_MAX: usize = 256 << 10;

/// Most memory of the queries of one connection, in bytes: each stream receives one, one of them an UPDATE; the responses
/// that are not sent. What it waits for comes on top, and what the protocol that carries the streams receives ahead.
pub(super) const CONCURRENT_BYTES_MAX: usize =
    STREAMS_MAX as usize * QUERY_LENGTH_MAX + MESSAGE_BYTES_MAX + UNSENT_BYTES_MAX;

/// [`MESSAGE_BYTES_MAX`], as permits are counted.
const LONGEST: u32 = 65_535;

/// The queries of one connection.
pub(in crate::transport) struct ConcurrentQueries<R> {
    pub(in crate::transport) activity: Arc<Activity>,
    answering: Arc<Mutex<StreamResponder<R>>>,
    /// What the connection says of its client.
    session: ClientSession,
    /// Queries that may wait for responses which come later.
    waiting: Arc<Semaphore>,
    /// Bytes of responses that may be held.
    unsent: Arc<Semaphore>,
    /// The right to receive a message that is longer than any query: one at a time.
    long: Arc<Semaphore>,
}

/// A message that is longer than what is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transport) struct TooLong;

/// A message that is being received, of which no more than it may have is ever held.
pub(in crate::transport) struct IncomingMessage {
    bytes: Vec<u8>,
    /// Held by one that is longer than any query.
    long: Option<OwnedSemaphorePermit>,
    _receiving: Receiving,
}

/// What one query leads to.
pub(in crate::transport) struct Responses {
    first: Option<HeldResponse>,
    later: Option<(PendingResponses, OwnedSemaphorePermit)>,
    /// What has come later and has not been given out.
    come: Option<SentResponse>,
    activity: Arc<Activity>,
    unsent: Arc<Semaphore>,
    _answering: Answering,
}

/// A response, which its connection holds until this is dropped.
pub(in crate::transport) struct HeldResponse {
    message: Box<[u8]>,
    _room: Option<OwnedSemaphorePermit>,
    _unsent: Unsent,
}

impl<R: Responder> ConcurrentQueries<R> {
    pub(in crate::transport) fn new(
        activity: Arc<Activity>,
        answering: Arc<Mutex<StreamResponder<R>>>,
        session: ClientSession,
    ) -> Self {
        let permits = |count| Arc::new(Semaphore::new(count));
        Self {
            activity,
            answering,
            session,
            waiting: permits(WAITING_MAX),
            unsent: permits(UNSENT_BYTES_MAX),
            long: permits(1),
        }
    }

    /// A message that begins to come, of this length, or of an unknown one: 0. One that is longer than any query waits
    /// for the one before it, before any of it is received.
    pub(in crate::transport) async fn receive(&self, length: usize) -> Result<IncomingMessage, TooLong> {
        let receiving = self.activity.receive();
        if length > MESSAGE_BYTES_MAX {
            return Err(TooLong);
        }
        let is_long = length > QUERY_LENGTH_MAX;
        let long = if is_long { Arc::clone(&self.long).acquire_owned().await.ok() } else { None };
        Ok(IncomingMessage { bytes: Vec::new(), long, _receiving: receiving })
    }

    /// Adds what has come to a message. What is longer than any query must have said so before, and be an UPDATE that
    /// somebody takes.
    pub(in crate::transport) fn add(
        &self,
        message: &mut IncomingMessage,
        bytes: &[u8],
    ) -> Result<(), TooLong> {
        let (before, limit) = (message.bytes.len(), message.length_max());
        let length = before.saturating_add(bytes.len());
        if length > limit {
            return Err(TooLong);
        }
        message.bytes.reserve_exact(bytes.len());
        message.bytes.extend_from_slice(bytes);
        if message.long.is_some() && (before..length).contains(&(HEADER_BYTES - 1)) {
            let header = Header::read(&message.bytes).ok_or(TooLong)?;
            let is_update = header.opcode() == Opcode::UPDATE && !header.is_response();
            if !is_update || !lock(&self.answering).responder.takes_updates() {
                return Err(TooLong);
            }
        }
        Ok(())
    }

    /// Answers a query, when there is room for it.
    pub(in crate::transport) async fn answer(&self, peer: Peer, query: &[u8]) -> Responses {
        let answering = self.activity.answer();
        // Neither is ever closed: both are there.
        let waiting = Arc::clone(&self.waiting).acquire_owned().await.ok();
        let room = Arc::clone(&self.unsent).acquire_many_owned(LONGEST).await.ok();
        let mut responses = Responses {
            first: None,
            later: None,
            come: None,
            activity: Arc::clone(&self.activity),
            unsent: Arc::clone(&self.unsent),
            _answering: answering,
        };
        let mut pending = PendingResponses::of_session(self.session.clone());
        let mut answering = lock(&self.answering);
        answering.responder.begin_batch();
        if let Some(response) = answering.answer(peer, query, &mut pending) {
            let message: Box<[u8]> = response.into();
            drop(answering);
            responses.first = Some(HeldResponse::new(message, room, &self.activity));
            return responses;
        }
        drop(answering);
        responses.later = waiting.map(|waiting| (pending, waiting));
        responses
    }
}

impl IncomingMessage {
    /// How long it may become.
    fn length_max(&self) -> usize {
        if self.long.is_some() { MESSAGE_BYTES_MAX } else { QUERY_LENGTH_MAX }
    }

    /// What has come of it.
    pub(in crate::transport) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Responses {
    /// The next response; none: there are no more.
    pub(in crate::transport) async fn next(&mut self) -> Option<HeldResponse> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        let (pending, _) = self.later.as_mut()?;
        loop {
            if let Some(message) = self.come.as_mut().and_then(SentResponse::take) {
                let room = Arc::clone(&self.unsent).acquire_many_owned(LONGEST).await.ok();
                return Some(HeldResponse::new(message, room, &self.activity));
            }
            self.come = None;
            if !pending.is_waiting() {
                return None;
            }
            self.come = Some(pending.response().await);
        }
    }
}

impl HeldResponse {
    /// A response in the room that was kept for the longest; gives back what it does not need.
    fn new(message: Box<[u8]>, mut room: Option<OwnedSemaphorePermit>, activity: &Arc<Activity>) -> Self {
        let needed = room.as_mut().and_then(|room| room.split(message.len()));
        Self { message, _room: needed, _unsent: activity.respond() }
    }
}

impl AsRef<[u8]> for HeldResponse {
    fn as_ref(&self) -> &[u8] {
        &self.message
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may stop at an overflow")]
mod tests;
