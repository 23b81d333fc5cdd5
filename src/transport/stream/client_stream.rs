//! What a connection needs of a stream, and how a transport makes one.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};

use super::clock::Clock;
use super::host::StreamHost;
use super::served::{Client, Served};
use crate::answer::Transport;
use crate::transport::responder::Responder;
use crate::transport::session::ClientSession;

/// The stream of a client.
pub(in crate::transport) trait ClientStream:
    AsyncRead + AsyncWrite + Unpin + Send + 'static
{
    /// What its connection tells moments by.
    type Clock: Clock;

    /// A clock for its connection.
    fn clock(&self) -> Self::Clock;

    /// Reads what has come already.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] when there is nothing.
    fn read_now(&mut self, space: &mut [u8]) -> io::Result<usize>;

    /// Makes closing it throw away what the kernel still holds for the client.
    fn discard_unsent(&self);
}

/// A transport over streams: makes the stream of a client from its TCP connection, and serves it.
pub(in crate::transport) trait StreamTransport: Clone + Send + 'static {
    /// How responders know it.
    const TRANSPORT: Transport;

    /// What its listeners run on.
    type Host: StreamHost;

    /// What it makes.
    type Stream: Send + 'static;

    /// Makes the stream of a client that has connected; a handshake belongs here.
    fn accept(
        self,
        stream: <Self::Host as StreamHost>::Stream,
    ) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// What a handshake has said of the client.
    fn session(&self, stream: &Self::Stream) -> ClientSession {
        let _ = stream;
        ClientSession::default()
    }

    /// Serves it until the client, a limit or the server ends it.
    fn serve<R: Responder>(
        client: Client<Self::Stream>,
        served: Served<R>,
    ) -> impl Future<Output = ()> + Send;
}
