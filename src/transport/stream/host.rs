//! What a listener and its connections run on.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Sleep, sleep};

use super::clock::{Clock, TokioClock};

/// While connections are open, the runtime has a timer that is no further away than this. A timer sooner than all others
/// wakes the runtime by a system call, from its own thread, too: the time limit of each new connection would be one.
const NEAREST_TIMER: Duration = Duration::from_millis(250);

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
    nearest_timer: NearestTimer,
}

/// The timer that is nearer than those of connections; it runs while there are any.
#[derive(Default)]
struct NearestTimer(Option<Pin<Box<Sleep>>>);

impl TokioHost {
    /// The runtime that is entered.
    pub(in crate::transport) fn new(listener: TcpListener) -> Self {
        Self { listener: Some(listener), connections: JoinSet::new(), nearest_timer: NearestTimer::default() }
    }

    /// Frees what is left of connections that have ended: when the next one comes, or soon. To be woken by the end of each
    /// one costs more.
    fn forget_ended(&mut self) {
        while self.connections.try_join_next().is_some() {}
    }
}

impl StreamHost for TokioHost {
    type Accepted = TcpStream;

    type Stream = TcpStream;

    type Clock = TokioClock;

    fn clock(&self) -> TokioClock {
        TokioClock::default()
    }

    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        loop {
            let Some(listener) = &self.listener else { return pending().await };
            tokio::select! {
                biased;
                () = self.nearest_timer.ended() => {}
                accepted = listener.accept() => return accepted,
            }
            self.forget_ended();
            if !self.connections.is_empty() {
                self.nearest_timer.run();
            }
        }
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        accepted: TcpStream,
        serve: impl FnOnce(TcpStream) -> F,
    ) {
        self.forget_ended();
        self.nearest_timer.run();
        self.connections.spawn(serve(accepted));
    }

    fn close(&mut self) {
        self.listener = None;
    }

    async fn ended(&mut self) {
        while self.connections.join_next().await.is_some() {}
    }
}

impl NearestTimer {
    fn run(&mut self) {
        self.0.get_or_insert_with(|| Box::pin(sleep(NEAREST_TIMER)));
    }

    /// Waits for its end; never ends where it does not run.
    async fn ended(&mut self) {
        match &mut self.0 {
            Some(timer) => timer.await,
            None => pending().await,
        }
        self.0 = None;
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
