//! The responses that a connection waits for while it goes on: how many there are at most, and whether the
//! client may still ask.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};

use crate::answer::{MessageKind, Peer};
use crate::dns::message::MESSAGE_BYTES_MAX;
use crate::transport::deferred::{Deferred, HandedOver};
use crate::transport::response_slot::{ResponseSlot, SentResponse};
use crate::transport::session::ClientSession;

/// Queries whose responses one connection waits for at most; further queries stay unread. A client that asks
/// more at a time gains nothing, and what is held for it is bounded: [`WAITING_BYTES_MAX`].
pub(super) const WAITING_MAX: usize = 32;

/// What waits for one connection at most, in bytes, were all of it as long as can be: signed updates, each as it was
/// received and without its signature, or their responses. Transfers hold more for a client that is slow; their number
/// is limited where they are made.
pub(super) const WAITING_BYTES_MAX: usize = WAITING_MAX * 2 * MESSAGE_BYTES_MAX;

/// The responses that are still to come. The channel is made for the first of them.
#[derive(Default)]
pub(super) struct PendingResponses {
    channel: Option<Channel>,
    asking: Asking,
    /// What the connection says of its client.
    session: ClientSession,
}

/// Where responses come in. How many there can be is bounded by the slots, not by the channel.
struct Channel {
    sender: mpsc::UnboundedSender<SentResponse>,
    receiver: mpsc::UnboundedReceiver<SentResponse>,
    /// Those that are free. One is taken until its last response has come.
    free: Arc<Semaphore>,
}

/// Whether the client may ask more.
#[derive(Default, PartialEq, Eq)]
enum Asking {
    #[default]
    Open,
    Over,
}

impl PendingResponses {
    /// Of a connection that says this of its client.
    pub(super) fn of_session(session: ClientSession) -> Self {
        Self { session, ..Self::default() }
    }

    /// A query whose response will come here; none while too many do.
    pub(super) fn defer(&mut self, peer: Peer, query: &[u8]) -> Option<Deferred> {
        Some(Deferred::stream(peer, query, self.slot()?))
    }

    /// A message whose responses will come here; none while too many do.
    pub(super) fn hand_over(&mut self, kind: MessageKind, peer: Peer, message: &[u8]) -> Option<HandedOver> {
        Some(HandedOver::stream(kind, peer, message, self.slot()?).of_session(self.session.clone()))
    }

    fn slot(&mut self) -> Option<ResponseSlot> {
        let channel = self.channel.get_or_insert_with(Channel::new);
        let slot = Arc::clone(&channel.free).try_acquire_owned().ok()?;
        Some(ResponseSlot::new(channel.sender.clone(), slot))
    }

    /// Whether so many are to come that no more queries are taken.
    pub(super) fn is_full(&self) -> bool {
        self.free() == 0
    }

    /// Whether any is to come.
    pub(super) fn is_waiting(&self) -> bool {
        self.free() < WAITING_MAX
    }

    fn free(&self) -> usize {
        self.channel.as_ref().map_or(WAITING_MAX, |channel| channel.free.available_permits())
    }

    /// Whether the client may ask more now.
    pub(super) fn takes_more(&self) -> bool {
        self.asking == Asking::Open && !self.is_full()
    }

    /// The client has ended its side.
    pub(super) fn take_no_more(&mut self) {
        self.asking = Asking::Over;
    }

    /// Whether the client has ended its side and everything has come.
    pub(super) fn is_over(&self) -> bool {
        self.asking == Asking::Over && !self.is_waiting()
    }

    /// The next response; an empty one where a query is not answered, or not any further. Never, where none
    /// is to come.
    pub(super) async fn response(&mut self) -> SentResponse {
        match &mut self.channel {
            Some(channel) => match channel.receiver.recv().await {
                Some(response) => response,
                None => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }

    /// The next response, if it has come already.
    pub(super) fn ready_response(&mut self) -> Option<SentResponse> {
        self.channel.as_mut()?.receiver.try_recv().ok()
    }
}

impl Channel {
    fn new() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self { sender, receiver, free: Arc::new(Semaphore::new(WAITING_MAX)) }
    }
}
