//! The responses that a connection waits for while it goes on: how many there are at most, and whether the
//! client may still ask.

use tokio::sync::mpsc;

use crate::answer::Peer;
use crate::transport::deferred::{Deferred, ResponseSlot};

/// Responses that one connection waits for at most; further queries stay unread. A client that asks more at a
/// time gains nothing, and what is held for it is bounded: 2 MiB, were each as long as can be.
const WAITING_MAX: usize = 32;

/// A response; empty: there is none.
type Message = Box<[u8]>;

/// The responses that are still to come. The channel is made for the first of them.
#[derive(Default)]
pub(super) struct PendingResponses {
    channel: Option<(mpsc::Sender<Message>, mpsc::Receiver<Message>)>,
    asking: Asking,
}

/// Whether the client may ask more.
#[derive(Default, PartialEq, Eq)]
enum Asking {
    #[default]
    Open,
    Over,
}

impl PendingResponses {
    /// A query whose response will come here; none while too many do.
    pub(super) fn defer(&mut self, peer: Peer, query: &[u8]) -> Option<Deferred> {
        let (sender, _) = self.channel.get_or_insert_with(|| mpsc::channel(WAITING_MAX));
        let permit = sender.clone().try_reserve_owned().ok()?;
        Some(Deferred::stream(peer, query, ResponseSlot::new(permit)))
    }

    /// Whether so many are outstanding that no more queries are taken.
    pub(super) fn is_full(&self) -> bool {
        self.channel.as_ref().is_some_and(|(sender, _)| sender.capacity() == 0)
    }

    /// Whether any is to come.
    pub(super) fn is_waiting(&self) -> bool {
        self.channel.as_ref().is_some_and(|(sender, _)| sender.capacity() < WAITING_MAX)
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

    /// The next response; an empty one for a query that is not answered. Never resolves if none is
    /// outstanding.
    pub(super) async fn response(&mut self) -> Box<[u8]> {
        match &mut self.channel {
            Some((_, receiver)) => match receiver.recv().await {
                Some(response) => response,
                None => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }
}
