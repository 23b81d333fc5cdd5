//! Room for the responses to one query, among those that a connection waits for.
//!
//! A slot takes one response, or several in order. What is sent and not yet taken by the connection is
//! bounded: for each slot by [`UNTAKEN_MAX`] messages besides the last, for each connection by its slots.

use std::fmt;
use std::mem;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Messages of one slot that the connection has not taken, besides the last: while some are written, as many
/// are made, so that neither waits for the other after each message.
const UNTAKEN_MAX: usize = 8;

/// Messages of one slot that are handed over together: each time may cost a thread its turn. Half of those that may wait, so
/// that neither end waits for the other.
pub const SENT_AT_ONCE_MAX: usize = UNTAKEN_MAX / 2;

/// The client is gone: nothing reaches it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

/// What comes to a connection.
pub(super) struct SentResponse {
    /// The message; empty: there is none.
    pub(super) message: Box<[u8]>,
    /// Those that follow it.
    pub(super) more: Vec<Box<[u8]>>,
    /// What is given back when this is dropped: room in the slot for one more message, or the slot itself.
    _room: OwnedSemaphorePermit,
}

/// Room for the responses to one query. Given up without a last response, it tells the connection so.
pub(super) struct ResponseSlot {
    to: mpsc::UnboundedSender<SentResponse>,
    /// Held until the last response.
    slot: Option<OwnedSemaphorePermit>,
    /// Made for the first of several messages.
    room: Option<Arc<Semaphore>>,
}

impl ResponseSlot {
    pub(super) fn new(to: mpsc::UnboundedSender<SentResponse>, slot: OwnedSemaphorePermit) -> Self {
        Self { to, slot: Some(slot), room: None }
    }

    /// The only response, or the last.
    pub(super) fn fill(mut self, response: &[u8]) {
        self.end(response.into());
    }

    /// Some of several responses. Waits until the connection has taken those before.
    pub(super) async fn send(&mut self, messages: Vec<Box<[u8]>>) -> Result<(), Gone> {
        let room = self.room.get_or_insert_with(|| Arc::new(Semaphore::new(UNTAKEN_MAX)));
        let mut messages = messages.into_iter();
        while let Some(message) = messages.next() {
            let more: Vec<Box<[u8]>> = messages.by_ref().take(SENT_AT_ONCE_MAX.saturating_sub(1)).collect();
            // As many as are sent at once: a few.
            let count = u32::try_from(more.len().saturating_add(1)).map_err(|_| Gone)?;
            // A connection that ends drops what it was sent, and gives the room back with it.
            let room = Arc::clone(room).acquire_many_owned(count).await.map_err(|_| Gone)?;
            self.to.send(SentResponse { message, more, _room: room }).map_err(|_| Gone)?;
        }
        Ok(())
    }

    fn end(&mut self, message: Box<[u8]>) {
        if let Some(slot) = self.slot.take() {
            // A connection that has ended waits for nothing.
            let _ = self.to.send(SentResponse { message, more: Vec::new(), _room: slot });
        }
    }
}

impl SentResponse {
    /// All its messages, in order.
    pub(super) fn messages(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::once(&*self.message).chain(self.more.iter().map(|message| &**message))
    }

    /// Takes the first of them out.
    pub(super) fn take(&mut self) -> Option<Box<[u8]>> {
        let next = if self.more.is_empty() { Box::default() } else { self.more.remove(0) };
        Some(mem::replace(&mut self.message, next)).filter(|message| !message.is_empty())
    }
}

impl Drop for ResponseSlot {
    /// The connection must learn that nothing more will come.
    fn drop(&mut self) {
        self.end(Box::default());
    }
}

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the client is gone")
    }
}

impl std::error::Error for Gone {}
