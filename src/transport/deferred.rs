//! A query that is answered later, with the way back to its client: the response leaves from where the query
//! came in, the same socket and address, or the same connection.

use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, Weak};

use socket2::Socket;
use tokio::sync::mpsc::OwnedPermit;

use super::mmsg::{self, Arrival, ReturnAddress};
use crate::answer::Peer;

/// A query that is answered later. Dropped, it is not answered.
pub struct Deferred {
    /// The query, a whole DNS message.
    pub query: Box<[u8]>,
    /// The client, and how it asked.
    pub peer: Peer,
    /// The partial answer of our zones, if they have begun one.
    pub partial: Option<Box<[u8]>>,
    way: Way,
}

enum Way {
    /// The socket is closed when its address is not served any more; no response is sent then.
    Datagram {
        socket: Weak<Socket>,
        to: Box<ReturnAddress>,
    },
    Stream(ResponseSlot),
}

/// Room for one of the responses that a connection waits for.
pub(super) struct ResponseSlot(Option<OwnedPermit<Box<[u8]>>>);

impl Deferred {
    /// One that came in a datagram, at `socket`.
    pub(super) fn datagram(peer: Peer, arrival: &Arrival<'_>, socket: &Arc<Socket>) -> Self {
        let way = Way::Datagram { socket: Arc::downgrade(socket), to: Box::new(arrival.return_address()) };
        Self { query: arrival.query.into(), peer, partial: None, way }
    }

    /// One that came over a connection, which has kept `slot` for the response.
    pub(super) fn stream(peer: Peer, query: &[u8], slot: ResponseSlot) -> Self {
        Self { query: query.into(), peer, partial: None, way: Way::Stream(slot) }
    }

    /// The same with a partial answer.
    pub(super) fn with_partial(mut self, response: &[u8]) -> Self {
        self.partial = Some(response.into());
        self
    }

    /// Sends the response. To a connection that has ended nothing is sent.
    ///
    /// # Errors
    /// Those of sendmsg(2); a full buffer is not waited for.
    pub fn answer(self, response: &[u8]) -> io::Result<()> {
        match self.way {
            Way::Datagram { socket, to } => match socket.upgrade() {
                Some(socket) => mmsg::send_one(socket.as_fd(), &to, response),
                None => Ok(()),
            },
            Way::Stream(slot) => {
                slot.fill(response);
                Ok(())
            }
        }
    }
}

impl ResponseSlot {
    pub(super) fn new(permit: OwnedPermit<Box<[u8]>>) -> Self {
        Self(Some(permit))
    }

    fn fill(mut self, response: &[u8]) {
        if let Some(permit) = self.0.take() {
            permit.send(response.into());
        }
    }
}

impl Drop for ResponseSlot {
    /// The connection must learn that nothing will come.
    fn drop(&mut self) {
        if let Some(permit) = self.0.take() {
            permit.send(Box::default());
        }
    }
}
