//! The socket of one address: who is let in, and its graceful end.
//!
//! Anybody can write any address on a first packet. So it costs nobody else a place until the client has proven that
//! it is there: by a handshake, or, where many are under way, by a token that it has to bring back (Retry, RFC 9000,
//! section 8.1.2), for which nothing is kept here.

use std::io;
use std::net::{IpAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use quinn::{Connection, ConnectionError, Endpoint, Incoming, TokioRuntime};
use rustls::pki_types::CertificateDer;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::code::{EXCESSIVE_LOAD, NO_ERROR};
use super::lingering::{Lingering, TooMany};
use super::{connection, settings};
use crate::answer::{Peer, Transport};
use crate::tls::ServerTls;
use crate::transport::responder::Responder;
use crate::transport::session::ClientSession;
use crate::transport::stream::{
    Client, ConnectionPermit, DRAIN_MAX, ListenerOwner, Served, StreamContext, StreamListener,
};

/// How long closed connections may take to tell their clients so, before the socket is closed.
const FAREWELL_MAX: Duration = Duration::from_secs(1);

/// Registers a socket with a runtime; what is returned serves it there.
///
/// # Errors
/// When the runtime or the kernel refuses.
pub(in crate::transport) fn register<R: Responder>(
    socket: UdpSocket,
    shared: &Arc<StreamContext<R>>,
    runtime: Handle,
) -> io::Result<impl FnOnce() -> StreamListener + use<R>> {
    let config = settings::server(&shared.tls, settings::SILENCE_MAX)?;
    let entered = runtime.enter();
    let endpoint = Endpoint::new(settings::endpoint(), Some(config), socket, Arc::new(TokioRuntime))?;
    drop(entered);
    let shared = Arc::clone(shared);
    Ok(move || StreamListener::serve(|owner| _ = runtime.spawn(accepting(endpoint, shared, owner))))
}

/// Accepts what comes to `endpoint` and serves it, until its owner stops it.
async fn accepting<R: Responder>(endpoint: Endpoint, shared: Arc<StreamContext<R>>, owner: ListenerOwner) {
    let ListenerOwner { stop, open, running } = owner;
    let (connections, lingering) = (JoinSet::new(), Lingering::default());
    Acceptor { endpoint, shared, stop, connections, lingering }.run(open).await;
    drop(running);
}

struct Acceptor<R> {
    endpoint: Endpoint,
    shared: Arc<StreamContext<R>>,
    stop: watch::Receiver<()>,
    /// Each says in the end whose it was, if its client has proven where it is, and how long a round trip took at most.
    connections: JoinSet<Option<(IpAddr, Duration)>>,
    lingering: Lingering,
}

impl<R: Responder> Acceptor<R> {
    async fn run(mut self, open: oneshot::Sender<()>) {
        loop {
            tokio::select! {
                biased;
                _ = self.stop.changed() => break,
                Some(ended) = self.connections.join_next() => {
                    if let Ok(Some((address, round_trip))) = ended {
                        self.lingering.add(address, round_trip, Instant::now());
                    }
                }
                incoming = self.endpoint.accept() => match incoming {
                    Some(incoming) => self.admit(incoming),
                    None => break,
                },
            }
        }
        let Acceptor { endpoint, mut connections, .. } = self;
        // Who comes now is refused.
        endpoint.set_server_config(None);
        let _ = timeout(DRAIN_MAX, async { while connections.join_next().await.is_some() {} }).await;
        drop(connections);
        endpoint.close(NO_ERROR, b"");
        let _ = timeout(FAREWELL_MAX, endpoint.wait_idle()).await;
        drop((endpoint, open));
    }

    /// Begins a handshake, has the client prove its address first, or refuses it.
    fn admit(&mut self, incoming: Incoming) {
        let address = incoming.remote_address().ip();
        let (counters, settings) = (Arc::clone(&self.shared.counters), self.shared.settings());
        let kept = self.kept();
        let mut permit = None;
        if incoming.remote_address_validated() {
            if let Err(too_many) = self.lingering.look(address, kept, Instant::now()) {
                let count = match too_many {
                    TooMany::InAll => &counters.refused,
                    TooMany::OfClient => &counters.limited,
                };
                count.fetch_add(1, Ordering::Relaxed);
                return incoming.refuse();
            }
            match self.shared.place(address, &settings) {
                Some(place) => permit = Some(place),
                None => return incoming.refuse(),
            }
        } else if self.shared.handshakes.are_crowded(address, kept) {
            counters.handshakes.retried.fetch_add(1, Ordering::Relaxed);
            // One that is not validated may be asked for it.
            let _ = incoming.retry();
            return;
        }
        let slot = permit.as_ref().map_or_else(|| self.shared.limits.slot(), ConnectionPermit::slot);
        let begun = self.shared.handshakes.begin(address, Arc::clone(&slot), &self.shared.limits, &counters);
        let Some(handshake) = begun else { return incoming.ignore() };
        let (shared, mut stop) = (Arc::clone(&self.shared), self.stop.clone());
        // That of another is proven by its handshake.
        let (is_proven, begun) = (permit.is_some(), Instant::now());
        // No round trip of a handshake took longer than the handshake.
        let proven = move || is_proven.then(|| (address, begun.elapsed()));
        self.connections.spawn(async move {
            let accepted = tokio::select! {
                biased;
                accepted = timeout(settings.first_byte, shake_hands(incoming)) => accepted,
                () = slot.evicted() => return proven(),
                _ = stop.changed() => return proven(),
            };
            let accepted = accepted.map(|accepted| accepted.map_err(io::Error::from));
            handshake.end(&accepted);
            let Ok(Ok(connection)) = accepted else { return proven() };
            let Some(permit) = permit.or_else(|| shared.place(address, &settings)) else {
                connection.close(EXCESSIVE_LOAD, b"there are too many connections");
                return Some((address, connection.rtt()));
            };
            let Some(answering) = shared.answering(Transport::Quic) else {
                return Some((address, connection.rtt()));
            };
            let peer = Peer { address, transport: Transport::Quic };
            let session = session(&connection, &shared.tls);
            let client = Client { stream: connection.clone(), peer, session, slot: permit.slot() };
            connection::serve(client, Served { settings, counters, answering, stop }).await;
            Some((address, connection.rtt()))
        });
    }

    /// Connections that have ended, and that the endpoint keeps for some seconds, so that what comes late of one is not
    /// taken for another (RFC 9000, section 10.2).
    fn kept(&self) -> usize {
        // Each task has one, or is about to.
        self.endpoint.open_connections().saturating_sub(self.connections.len())
    }
}

/// What the handshake has said of the client; QUIC has TLS 1.3 alone.
fn session(connection: &Connection, tls: &ServerTls) -> ClientSession {
    let identity = connection.peer_identity();
    let chain = identity.and_then(|identity| identity.downcast::<Vec<CertificateDer<'static>>>().ok());
    let certificate = tls.shown(chain.as_ref().map(|chain| chain.as_slice()));
    ClientSession { transfer_bar: None, certificate }
}

async fn shake_hands(incoming: Incoming) -> Result<Connection, ConnectionError> {
    incoming.accept()?.await
}
