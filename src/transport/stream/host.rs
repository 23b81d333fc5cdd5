//! What a listener and its connections run on.

use std::future::pending;
use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::clock::{Clock, TokioClock};

/// What one listener and its connections run on. Dropped, it ends them where they are.
pub(in crate::transport) trait StreamHost: Send + 'static {
    /// A connection that is accepted.
    type Accepted: Send + 'static;

    /// The same, as it is read and written.
    type Stream: Send + 'static;

    /// What its connections tell moments by.
    type Clock: Clock;

    /// A clock of the listener's own.
    fn clock(&self) -> Self::Clock;

    /// Where it listens; none: the listener is closed, or the kernel does not say.
    fn address(&self) -> Option<SocketAddr>;

    /// The next connection, with the client's address. What is dropped while it waits loses none.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Accepted, SocketAddr)>> + Send;

    /// Serves a connection beside the others.
    fn spawn<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        accepted: Self::Accepted,
        serve: impl FnOnce(Self::Stream) -> F,
    );

    /// Closes the listener.
    fn close(&mut self);

    /// Waits until the last connection has ended.
    fn ended(&mut self) -> impl Future<Output = ()> + Send;
}

/// A runtime of tokio.
pub(in crate::transport) struct TokioHost {
    listener: Option<TcpListener>,
    connections: JoinSet<()>,
}

impl TokioHost {
    /// The runtime that is entered.
    pub(in crate::transport) fn new(listener: TcpListener) -> Self {
        Self { listener: Some(listener), connections: JoinSet::new() }
    }
}

impl StreamHost for TokioHost {
    type Accepted = TcpStream;

    type Stream = TcpStream;

    type Clock = TokioClock;

    fn clock(&self) -> TokioClock {
        TokioClock::default()
    }

    fn address(&self) -> Option<SocketAddr> {
        self.listener.as_ref()?.local_addr().ok()
    }

    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        loop {
            let Some(listener) = &self.listener else { return pending().await };
            tokio::select! {
                // In this order: what is left of connections that have ended is freed, though others come and come.
                biased;
                Some(_) = self.connections.join_next() => {}
                accepted = listener.accept() => return accepted,
            }
        }
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        accepted: TcpStream,
        serve: impl FnOnce(TcpStream) -> F,
    ) {
        self.connections.spawn(serve(accepted));
    }

    fn close(&mut self) {
        self.listener = None;
    }

    async fn ended(&mut self) {
        while self.connections.join_next().await.is_some() {}
    }
}

/// Whether an error is only of the new connection, about which Linux reports through accept(2). All other
/// errors are lasting ones of this process, such as EMFILE.
pub(in crate::transport) fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionReset, HostUnreachable, Interrupted, NetworkDown, NetworkUnreachable,
        TimedOut,
    };
    matches!(
        error.kind(),
        ConnectionAborted
            | ConnectionReset
            | HostUnreachable
            | Interrupted
            | NetworkDown
            | NetworkUnreachable
            | TimedOut
    )
}
