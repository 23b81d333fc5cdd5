//! The listener of one address: its accept loop, and its graceful end.
//!
//! Not responsible for what happens on a connection: that is `connection`.

use std::io;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use socket2::Socket;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use tracing::field::display;

use super::client_stream::StreamTransport;
use super::clock::{Clock, after, by};
use super::host::{StreamHost, TokioHost, concerns_one_connection};
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

/// A listener that is served. Dropping it stops accepting and lets the connections end gracefully.
pub(in crate::transport) struct StreamListener {
    /// Never sent to: its loss is the signal.
    _serving: watch::Sender<()>,
    closed: oneshot::Receiver<()>,
    ended: oneshot::Receiver<()>,
}

/// The owner of a listener, as the task knows it that serves the listener.
pub(in crate::transport) struct ListenerOwner {
    /// Whether the listener is to be served: its sender is lost when it is not.
    pub(in crate::transport) stop: watch::Receiver<()>,
    /// Dropped when the port is free.
    pub(in crate::transport) open: oneshot::Sender<()>,
    /// Dropped when the last connection has ended.
    pub(in crate::transport) running: oneshot::Sender<()>,
}

/// A listener that stops.
pub(in crate::transport) struct Stopping {
    /// Resolves when the port is free.
    pub(in crate::transport) closed: oneshot::Receiver<()>,
    /// Resolves when the last connection has ended.
    pub(in crate::transport) ended: oneshot::Receiver<()>,
}

impl StreamListener {
    /// Registers `listener` with a runtime; what is returned serves it there.
    ///
    /// # Errors
    /// When the runtime does not take it.
    pub(in crate::transport) fn register<T: StreamTransport<Host = TokioHost>, R: Responder>(
        transport: T,
        listener: Socket,
        shared: &Arc<StreamContext<R>>,
        runtime: Handle,
    ) -> io::Result<impl FnOnce() -> Self + use<T, R>> {
        let entered = runtime.enter();
        let host = TokioHost::new(TcpListener::from_std(listener.into())?);
        drop(entered);
        let shared = Arc::clone(shared);
        Ok(move || Self::serve(|owner| _ = runtime.spawn(Self::accepting(transport, host, shared, owner))))
    }

    /// Accepts what comes to `host` and serves it, until its owner stops it.
    pub(in crate::transport) async fn accepting<T: StreamTransport, R: Responder>(
        transport: T,
        host: T::Host,
        shared: Arc<StreamContext<R>>,
        owner: ListenerOwner,
    ) {
        let ListenerOwner { stop, open, running } = owner;
        Acceptor { transport, host, shared, stop, pause: None }.run(open).await;
        drop(running);
    }

    /// The owner's end of what `start` starts.
    pub(in crate::transport) fn serve(start: impl FnOnce(ListenerOwner)) -> Self {
        let (serving, stop) = watch::channel(());
        let (open, closed) = oneshot::channel();
        let (running, ended) = oneshot::channel();
        start(ListenerOwner { stop, open, running });
        Self { _serving: serving, closed, ended }
    }

    pub(in crate::transport) fn stop(self) -> Stopping {
        Stopping { closed: self.closed, ended: self.ended }
    }
}

struct Acceptor<T: StreamTransport, R> {
    transport: T,
    host: T::Host,
    shared: Arc<StreamContext<R>>,
    stop: watch::Receiver<()>,
    /// The last pause, while accept(2) is being refused.
    pause: Option<Duration>,
}

impl<T: StreamTransport, R: Responder> Acceptor<T, R> {
    async fn run(mut self, open: oneshot::Sender<()>) {
        while let ControlFlow::Continue(()) = self.accept_next().await {}
        self.host.close();
        drop(open);
        self.shared.limits.call_all();
        // What is left after the limit is aborted when the host is dropped.
        let mut clock = self.host.clock();
        let limit = after(clock.now(), DRAIN_MAX);
        by(&mut clock, limit, self.host.ended()).await;
    }

    /// Accepts the next connection, or ends where the listener is not to be served any more.
    async fn accept_next(&mut self) -> ControlFlow<()> {
        if self.stop.has_changed().is_err() {
            return ControlFlow::Break(());
        }
        let accepted = tokio::select! {
            // In this order: the end is waited for only where nobody comes.
            biased;
            accepted = self.host.accept() => accepted,
            _ = self.stop.changed() => return ControlFlow::Break(()),
        };
        match accepted {
            Ok((accepted, peer)) => {
                if self.pause.take().is_some() {
                    let address = self.host.address().map(display);
                    tracing::info!(address, "accepting TCP connections again");
                }
                self.admit(accepted, peer);
                ControlFlow::Continue(())
            }
            Err(error) if concerns_one_connection(&error) => ControlFlow::Continue(()),
            Err(error) => self.wait_out(&error).await,
        }
    }

    /// Waits before accept(2) is tried again, longer each time.
    async fn wait_out(&mut self, error: &io::Error) -> ControlFlow<()> {
        if self.pause.is_none() {
            let address = self.host.address().map(display);
            tracing::warn!(
                address,
                %error,
                "cannot accept TCP connections; serving those that are open, and trying again"
            );
        }
        let pause = self.pause.map_or(ACCEPT_PAUSE_MIN, |last| last.saturating_mul(2).min(ACCEPT_PAUSE_MAX));
        self.pause = Some(pause);
        let mut clock = self.host.clock();
        let until = after(clock.now(), pause);
        match by(&mut clock, until, self.stop.changed()).await {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    }

    /// Serves the connection, or closes it at once. Clients that are being served stay so under a flood:
    /// where all places are taken only idle connections go, as RFC 7766, section 6.2.3, lets any server close
    /// them.
    fn admit(&mut self, accepted: <T::Host as StreamHost>::Accepted, peer: SocketAddr) {
        let Some(answering) = self.shared.answering(T::TRANSPORT) else { return };
        let (settings, counters) = (self.shared.settings(), Arc::clone(&self.shared.counters));
        let Some(permit) = self.shared.place(peer.ip(), &settings) else { return };
        let (slot, limits) = (permit.slot(), &self.shared.limits);
        let handshake = if T::TRANSPORT.is_encrypted() {
            let begun = self.shared.handshakes.begin(peer.ip(), Arc::clone(&slot), limits, &counters);
            let Some(begun) = begun else { return };
            Some(begun)
        } else {
            None
        };
        let (transport, mut stop) = (self.transport.clone(), self.stop.clone());
        self.host.spawn(accepted, |stream| async move {
            let accepting = transport.clone().accept(stream);
            let stream = if let Some(handshake) = handshake {
                // A handshake counts as a connection, must come as soon as a first byte, and loses its
                // place like one that is idle.
                let accepted = tokio::select! {
                    biased;
                    accepted = timeout(settings.first_byte, accepting) => accepted,
                    () = slot.evicted() => return,
                    _ = stop.changed() => return,
                };
                handshake.end(&accepted);
                accepted.ok().and_then(Result::ok)
            } else {
                accepting.await.ok()
            };
            if let Some(stream) = stream {
                let peer = Peer { address: peer.ip(), transport: T::TRANSPORT };
                let session = transport.session(&stream);
                let client = Client { stream, peer, session, slot };
                T::serve(client, Served { settings, counters, answering, stop }).await;
            }
            drop(permit);
        });
    }
}
