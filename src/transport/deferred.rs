//! A query that is answered later, with the way back to its client: the response leaves from where the query
//! came in, the same socket and address, or the same connection.
//!
//! One that is forwarded gets one response. A message that is handed over may get several over a stream, in
//! order; whoever sends them waits while the client is slow, so that what is held for it is bounded. All of
//! them are signed if the message was: whoever sends them knows nothing of it.

use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use socket2::Socket;

use super::mmsg::{self, Arrival, ReturnAddress};
use super::response_slot::{Gone, ResponseSlot};
use super::session::ClientSession;
use crate::answer::{MessageKind, Peer, Requester};
use crate::dns::edns::udp_size_limit;
use crate::dns::message::MESSAGE_BYTES_MAX;
use crate::dns::truncation::{find_opt, truncate};
use crate::tls::ClientProof;
use crate::tsig::{KeyName, Time, TooLong, Verified};

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

/// A message that is no plain query, with the way back. Dropped, it is not answered, or not any further.
pub struct HandedOver {
    /// What it is.
    pub kind: MessageKind,
    /// The whole DNS message.
    pub message: Box<[u8]>,
    /// Who sent it, and how.
    pub peer: Peer,
    /// The same with its TSIG, where that was taken off.
    received: Option<Box<[u8]>>,
    /// Signs what is sent; none: the message was not signed.
    signature: Option<Verified>,
    /// What its connection says of who sent it.
    session: ClientSession,
    way: Way,
}

/// Takes what is handed over: all workers and connections have the same.
pub trait MessageTaker: Send + Sync {
    /// Takes a message, whose kind is one that the snapshot names. Called on workers: must not wait.
    fn take(&self, message: HandedOver);
}

enum Way {
    /// The socket is closed when its address is not served any more; no response is sent then.
    Datagram {
        socket: Weak<Socket>,
        to: Box<ReturnAddress>,
    },
    Stream(ResponseSlot),
}

impl Deferred {
    /// One that came in a datagram, at `socket`.
    pub(super) fn datagram(peer: Peer, arrival: &Arrival<'_>, socket: &Arc<Socket>) -> Self {
        Self { query: arrival.query.into(), peer, partial: None, way: Way::datagram(arrival, socket) }
    }

    /// One that came over a connection, which has kept `slot` for what is sent.
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
        self.way.end(response)
    }
}

impl HandedOver {
    /// One that came in a datagram, at `socket`.
    pub(super) fn datagram(
        kind: MessageKind,
        peer: Peer,
        arrival: &Arrival<'_>,
        socket: &Arc<Socket>,
    ) -> Self {
        Self {
            kind,
            message: arrival.query.into(),
            peer,
            received: None,
            signature: None,
            session: ClientSession::default(),
            way: Way::datagram(arrival, socket),
        }
    }

    /// One that came over a connection, which has kept `slot` for what is sent.
    pub(super) fn stream(kind: MessageKind, peer: Peer, message: &[u8], slot: ResponseSlot) -> Self {
        let way = Way::Stream(slot);
        let (received, signature, session) = (None, None, ClientSession::default());
        Self { kind, message: message.into(), peer, received, signature, session, way }
    }

    /// The same, from a connection that says this.
    #[must_use]
    pub(super) fn of_session(mut self, session: ClientSession) -> Self {
        self.session = session;
        self
    }

    /// Who has sent it. Verifies the certificate that the client has shown, if there is one.
    pub fn requester(&self) -> Requester {
        let shown = self.session.certificate.as_ref();
        let proof = shown.map_or(ClientProof::Nothing, |shown| shown.judge(SystemTime::now()));
        Requester { address: self.peer.address, key: self.key().cloned(), proof }
    }

    /// Why no zone may be sent to its sender; none: its connection bars none.
    pub fn transfer_bar(&self) -> Option<&'static str> {
        self.session.transfer_bar
    }

    /// The same with its TSIG taken off: what is sent is signed from now on.
    #[must_use]
    pub fn verified(mut self, message: Vec<u8>, signature: Verified) -> Self {
        let received = std::mem::replace(&mut self.message, message.into_boxed_slice());
        (self.received, self.signature) = (Some(received), Some(signature));
        self
    }

    /// It, as it was received: with its TSIG, if it had one.
    pub fn as_received(&self) -> &[u8] {
        self.received.as_deref().unwrap_or(&self.message)
    }

    /// Sends what another server has made of the message as it was received, as it is: that one has signed it.
    ///
    /// # Errors
    /// Those of sendmsg(2); a full buffer is not waited for. To a connection that has ended nothing is sent.
    pub fn pass_back(self, response: &[u8]) -> io::Result<()> {
        self.way.end(response)
    }

    /// The key that its sender has; none: it is not signed.
    pub fn key(&self) -> Option<&KeyName> {
        self.signature.as_ref().map(Verified::key)
    }

    /// What tells it from another message with the same key and id: its MAC; empty: it is not signed.
    pub fn mac(&self) -> &[u8] {
        self.signature.as_ref().map_or(&[], |signature| signature.mac().as_bytes())
    }

    /// Longest response, in bytes, without the signature that is added to it.
    pub fn response_bytes_max(&self) -> usize {
        let signature = self.signature.as_ref().map_or(0, Verified::signature_bytes);
        self.bytes_max().saturating_sub(signature)
    }

    /// Longest response with its signature.
    fn bytes_max(&self) -> usize {
        if self.peer.transport.is_stream() {
            return MESSAGE_BYTES_MAX;
        }
        udp_size_limit(find_opt(&self.message).map(|(_, edns)| edns).as_ref())
    }

    /// Sends the only response, or the last one; what has no room for its signature, with TC.
    ///
    /// # Errors
    /// Those of sendmsg(2); a full buffer is not waited for. To a connection that has ended nothing is sent.
    pub fn answer(mut self, response: &[u8]) -> io::Result<()> {
        if self.signature.is_none() {
            return self.way.end(response);
        }
        let mut response = response.to_vec();
        if response.len() > self.response_bytes_max() {
            truncate(&mut response);
        }
        self.sign(&mut response).map_err(io::Error::other)?;
        self.way.end(&response)
    }

    /// Signs a response, if the message was signed.
    fn sign(&mut self, response: &mut Vec<u8>) -> Result<(), TooLong> {
        match &mut self.signature {
            Some(signature) => signature.sign(response, Time::of(SystemTime::now())),
            None => Ok(()),
        }
    }

    /// Sends responses that may be followed by others, in order: over a stream. It waits while the client
    /// has not taken those before; a client that takes none within the write limit of its connection loses
    /// that. Datagrams are sent at once. As many as [`SENT_AT_ONCE_MAX`](super::SENT_AT_ONCE_MAX) are handed to the
    /// connection together.
    ///
    /// # Errors
    /// When nothing reaches the client any more; or a response is longer than
    /// [`HandedOver::response_bytes_max`], which cannot be signed and ends what is sent.
    pub async fn send(&mut self, mut responses: Vec<Box<[u8]>>) -> Result<(), Gone> {
        if self.signature.is_some() {
            for response in &mut responses {
                let mut signed = std::mem::take(response).into_vec();
                self.sign(&mut signed).map_err(|TooLong| Gone)?;
                *response = signed.into();
            }
        }
        match &mut self.way {
            Way::Datagram { socket, to } => {
                let socket = socket.upgrade().ok_or(Gone)?;
                let mut sent = responses.iter().map(|response| mmsg::send_one(socket.as_fd(), to, response));
                sent.try_for_each(|sent| sent.map_err(|_| Gone))
            }
            Way::Stream(slot) => slot.send(responses).await,
        }
    }
}

impl Way {
    fn datagram(arrival: &Arrival<'_>, socket: &Arc<Socket>) -> Self {
        Way::Datagram { socket: Arc::downgrade(socket), to: Box::new(arrival.return_address()) }
    }

    fn end(self, response: &[u8]) -> io::Result<()> {
        match self {
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
