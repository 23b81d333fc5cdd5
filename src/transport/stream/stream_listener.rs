//! The listener of one address: its accept loop, and its graceful end.
//!
//! Not responsible for what happens on a connection: that is `connection`.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use socket2::Socket;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Sleep, sleep, timeout};

use super::client_stream::StreamTransport;
use super::served::{Client, Served};
use super::stream_context::StreamContext;
use crate::answer::Peer;
use crate::transport::responder::Responder;

/// First pause after accept(2) was refused for lack of file descriptors or memory; it doubles up to
/// [`ACCEPT_PAUSE_MAX`].
const ACCEPT_PAUSE_MIN: Duration = Duration::from_millis(10);

/// Longest pause between two attempts to accept.
const ACCEPT_PAUSE_MAX: Duration = Duration::from_secs(1);

/// How long connections may take to send what is in flight when their address is not served any more; what is
/// left then is cut.
pub(in crate::transport) const DRAIN_MAX: Duration = Duration::from_secs(2);

/// While connections are open, the runtime has a timer that is no further away than this. A timer sooner than all others
/// wakes the runtime by a system call, from its own thread, too: the time limit of each new connection would be one.
const NEAREST_TIMER: Duration = Duration::from_millis(250);

/// A listener that is served. Dropping it stops accepting and lets the connections end gracefully.
pub(in crate::transport) struct StreamListener {
    /// Never sent to: its loss is the signal.
    _serving: watch::Sender<()>,
    closed: oneshot::Receiver<()>,
    task: JoinHandle<()>,
}

/// A listener that stops.
pub(in crate::transport) struct Stopping {
    /// Resolves when the port is free.
    pub(in crate::transport) closed: oneshot::Receiver<()>,
    /// Ends when the last connection has ended.
    pub(in crate::transport) task: JoinHandle<()>,
}

impl StreamListener {
    /// Registers `listener` with the runtime that is entered; what is returned serves it.
    ///
    /// # Errors
    /// When the runtime does not take it.
    pub(in crate::transport) fn register<T: StreamTransport, R: Responder>(
        transport: T,
        listener: Socket,
        shared: &Arc<StreamContext<R>>,
    ) -> io::Result<impl FnOnce(&Handle) -> Self + use<T, R>> {
        let listener = TcpListener::from_std(listener.into())?;
        let shared = Arc::clone(shared);
        Ok(move |handle: &Handle| Self::start(transport, listener, shared, handle))
    }

    /// Serves `listener` on the runtime of `handle`.
    pub(super) fn start<T: StreamTransport, R: Responder>(
        transport: T,
        listener: TcpListener,
        shared: Arc<StreamContext<R>>,
        handle: &Handle,
    ) -> Self {
        Self::run(handle, |stop, open| {
            let nearest_timer = NearestTimer::default();
            let connections = JoinSet::new();
            Acceptor { transport, listener, shared, stop, connections, nearest_timer, pause: None }.run(open)
        })
    }

    /// Runs what serves a listener, on the runtime of `handle`: until its watch says that the sender is lost, and
    /// with what it drops when the port is free.
    pub(in crate::transport) fn run<F: Future<Output = ()> + Send + 'static>(
        handle: &Handle,
        serve: impl FnOnce(watch::Receiver<()>, oneshot::Sender<()>) -> F,
    ) -> Self {
        let (serving, stop) = watch::channel(());
        let (open, closed) = oneshot::channel();
        Self { _serving: serving, closed, task: handle.spawn(serve(stop, open)) }
    }

    pub(in crate::transport) fn stop(self) -> Stopping {
        Stopping { closed: self.closed, task: self.task }
    }
}

struct Acceptor<T, R> {
    transport: T,
    listener: TcpListener,
    shared: Arc<StreamContext<R>>,
    stop: watch::Receiver<()>,
    connections: JoinSet<()>,
    nearest_timer: NearestTimer,
    /// The last pause, while accept(2) is being refused.
    pause: Option<Duration>,
}

/// The timer that is nearer than those of connections; it runs while there are any.
#[derive(Default)]
struct NearestTimer(Option<Pin<Box<Sleep>>>);

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

impl<T: StreamTransport, R: Responder> Acceptor<T, R> {
    async fn run(mut self, open: oneshot::Sender<()>) {
        while let ControlFlow::Continue(()) = self.accept_next().await {}
        let Acceptor { listener, mut connections, .. } = self;
        drop(listener);
        drop(open);
        // What is left after the limit is aborted when the set is dropped.
        let _ = timeout(DRAIN_MAX, async { while connections.join_next().await.is_some() {} }).await;
    }

    /// Accepts the next connection, or ends where the listener is not to be served any more.
    async fn accept_next(&mut self) -> ControlFlow<()> {
        let accepted = tokio::select! {
            biased;
            _ = self.stop.changed() => return ControlFlow::Break(()),
            () = self.nearest_timer.ended() => {
                self.forget_ended();
                if !self.connections.is_empty() {
                    self.nearest_timer.run();
                }
                return ControlFlow::Continue(());
            }
            accepted = self.listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                if self.pause.take().is_some() {
                    tracing::info!("accepting TCP connections again");
                }
                self.admit(stream, peer);
                ControlFlow::Continue(())
            }
            Err(error) if concerns_one_connection(&error) => ControlFlow::Continue(()),
            Err(error) => self.wait_out(&error).await,
        }
    }

    /// Frees what is left of connections that have ended: when the next one comes, or soon. To be woken by the end of each
    /// one costs more.
    fn forget_ended(&mut self) {
        while self.connections.try_join_next().is_some() {}
    }

    /// Waits before accept(2) is tried again, longer each time.
    async fn wait_out(&mut self, error: &io::Error) -> ControlFlow<()> {
        if self.pause.is_none() {
            tracing::warn!(%error, "cannot accept TCP connections; serving those that are open, and trying again");
        }
        let pause = self.pause.map_or(ACCEPT_PAUSE_MIN, |last| last.saturating_mul(2).min(ACCEPT_PAUSE_MAX));
        self.pause = Some(pause);
        match timeout(pause, self.stop.changed()).await {
            Ok(_) => ControlFlow::Break(()),
            Err(_) => ControlFlow::Continue(()),
        }
    }

    /// Serves the connection, or closes it at once. Clients that are being served stay so under a flood:
    /// where all places are taken only idle connections go, as RFC 7766, section 6.2.3, lets any server close
    /// them.
    fn admit(&mut self, stream: TcpStream, peer: SocketAddr) {
        let Some(answering) = self.shared.answering(T::TRANSPORT) else { return };
        let Some(permit) = self.shared.place(peer.ip()) else { return };
        let (settings, counters) = (self.shared.settings(), Arc::clone(&self.shared.counters));
        let (slot, limits) = (permit.slot(), &self.shared.limits);
        let handshake = if T::TRANSPORT.is_encrypted() {
            let begun = self.shared.handshakes.begin(peer.ip(), Arc::clone(&slot), limits, &counters);
            let Some(begun) = begun else { return };
            Some(begun)
        } else {
            None
        };
        self.forget_ended();
        self.nearest_timer.run();
        let (transport, mut stop) = (self.transport.clone(), self.stop.clone());
        self.connections.spawn(async move {
            // A handshake counts as a connection, must come as soon as a first byte, and loses its
            // place like one that is idle.
            let accepted = tokio::select! {
                // In this order: a stream without a handshake is served in any case, to its end.
                biased;
                accepted = timeout(settings.first_byte, transport.clone().accept(stream)) => accepted,
                () = slot.evicted() => return,
                _ = stop.changed() => return,
            };
            if let Some(handshake) = handshake {
                handshake.end(&accepted);
            }
            if let Ok(Ok(stream)) = accepted {
                let peer = Peer { address: peer.ip(), transport: T::TRANSPORT };
                let session = transport.session(&stream);
                let client = Client { stream, peer, session, slot };
                T::serve(client, Served { settings, counters, answering, stop }).await;
            }
            drop(permit);
        });
    }
}

/// Whether an error is only of the new connection, about which Linux reports through accept(2). All other
/// errors are lasting ones of this process, such as EMFILE.
fn concerns_one_connection(error: &io::Error) -> bool {
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
