//! DNS over TCP (RFC 7766): accepting, and who may have how many connections.
//!
//! Responsible for the accept loop of one listen address, its limits and its
//! graceful end.
//! Not responsible for what happens on a connection: that is `connection`.
//!
//! A connection costs at most [`CONNECTION_BYTES_MAX`] bytes here, and in the
//! kernel its two buffers, whose size `listeners` fixes.

mod connection;
mod frames;
mod later;
mod limits;

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

pub use connection::CONNECTION_BYTES_MAX;
pub use frames::{Frame, Input};

use super::Responder;
use crate::sync::lock;
use connection::Connection;
pub use limits::client;
use limits::{Limits, Refusal};

/// Longest DNS message over TCP, in bytes: what the length field can say.
const RESPONSE_LENGTH_MAX: usize = 65_535;

/// First pause after accept(2) was refused for lack of file descriptors or
/// memory; it doubles up to [`ACCEPT_PAUSE_MAX`].
const ACCEPT_PAUSE_MIN: Duration = Duration::from_millis(10);

/// Longest pause between two attempts to accept.
const ACCEPT_PAUSE_MAX: Duration = Duration::from_secs(1);

/// How long connections may take to send what is in flight when their address
/// is not served any more; what is left then is cut.
const DRAIN_MAX: Duration = Duration::from_secs(2);

/// What clients may do over TCP. All limits exist because a connection costs
/// memory that nobody else can use meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpSettings {
    /// Connections in all; for a further one that of a greater holder is closed, if one is idle, or else itself.
    pub connections_max: usize,
    /// Connections of one IPv4 address or one IPv6 /64.
    pub connections_per_client_max: usize,
    /// Longest wait for the next whole query.
    pub idle: Duration,
    /// Longest wait for the first byte.
    pub first_byte: Duration,
    /// Longest life of a connection, however busy.
    pub lifetime: Duration,
    /// Longest wait for a client to take the responses to what it asked.
    pub write: Duration,
}

impl Default for TcpSettings {
    fn default() -> Self {
        Self {
            connections_max: 1000,
            connections_per_client_max: 100,
            idle: Duration::from_secs(10),
            first_byte: Duration::from_secs(5),
            lifetime: Duration::from_secs(600),
            write: Duration::from_secs(5),
        }
    }
}

/// Connections, over all listen addresses.
#[derive(Debug, Default)]
pub struct TcpCounters {
    /// Open now.
    pub open: AtomicUsize,
    /// Served since start.
    pub accepted: AtomicU64,
    /// Closed while idle: all places were taken, and another client came.
    pub evicted: AtomicU64,
    /// Closed at once: there were `connections_max` already, and none could go.
    pub refused: AtomicU64,
    /// Closed at once: the client had `connections_per_client_max` already.
    pub limited: AtomicU64,
    /// Cut: the client did not read.
    pub cut: AtomicU64,
}

/// What all connections of all addresses share.
pub(super) struct Shared<R> {
    pub(super) counters: Arc<TcpCounters>,
    limits: Limits,
    settings: Mutex<TcpSettings>,
    answering: Mutex<Answering<R>>,
}

/// One responder serves all connections in turn: it holds a core for well
/// under a microsecond per query, the system calls around it take many.
struct Answering<R> {
    responder: R,
    response: Box<[u8]>,
}

/// One listen address being served. Dropping it stops accepting and lets the
/// connections end gracefully.
pub(super) struct Service {
    /// Never sent to: its loss is the signal.
    _serving: watch::Sender<()>,
    closed: oneshot::Receiver<()>,
    task: JoinHandle<()>,
}

/// A service that was told to stop.
pub(super) struct Stopping {
    /// Resolves when the port is free.
    pub(super) closed: oneshot::Receiver<()>,
    /// Ends when the last connection has ended.
    pub(super) task: JoinHandle<()>,
}

impl<R: Responder> Shared<R> {
    pub(super) fn new(settings: TcpSettings, responder: R) -> Self {
        let counters = Arc::<TcpCounters>::default();
        Self {
            limits: Limits::default(),
            counters,
            settings: Mutex::new(settings),
            answering: Mutex::new(Answering {
                responder,
                response: vec![0; RESPONSE_LENGTH_MAX].into_boxed_slice(),
            }),
        }
    }

    /// For the connections accepted from now on.
    pub(super) fn set_settings(&self, settings: TcpSettings) {
        *lock(&self.settings) = settings;
    }

    fn settings(&self) -> TcpSettings {
        *lock(&self.settings)
    }
}

impl<R: Responder> Shared<R> {
    /// Lets the responder look at what is newest. Waits for no more than the answers of one read.
    pub(super) fn catch_up(&self) {
        lock(&self.answering).responder.begin_batch();
    }
}

impl Service {
    /// Serves `listener` on the runtime of `handle`.
    pub(super) fn start<R: Responder>(
        listener: TcpListener,
        shared: Arc<Shared<R>>,
        handle: &Handle,
    ) -> Self {
        let (serving, stop) = watch::channel(());
        let (open, closed) = oneshot::channel();
        let acceptor = Acceptor { listener, shared, stop, connections: JoinSet::new(), pause: None };
        let task = handle.spawn(acceptor.run(open));
        Self { _serving: serving, closed, task }
    }

    pub(super) fn stop(self) -> Stopping {
        Stopping { closed: self.closed, task: self.task }
    }
}

struct Acceptor<R> {
    listener: TcpListener,
    shared: Arc<Shared<R>>,
    stop: watch::Receiver<()>,
    connections: JoinSet<()>,
    /// The last pause, while accept(2) is being refused.
    pause: Option<Duration>,
}

/// Whether the listener is still to be served.
enum Turn {
    Go,
    Stop,
}

impl<R: Responder> Acceptor<R> {
    async fn run(mut self, open: oneshot::Sender<()>) {
        while let Turn::Go = self.turn().await {}
        let Acceptor { listener, mut connections, .. } = self;
        drop(listener);
        drop(open);
        // What is left after the limit is aborted when the set is dropped.
        let _ = timeout(DRAIN_MAX, async { while connections.join_next().await.is_some() {} }).await;
    }

    async fn turn(&mut self) -> Turn {
        let accepted = tokio::select! {
            biased;
            _ = self.stop.changed() => return Turn::Stop,
            Some(_) = self.connections.join_next() => return Turn::Go,
            accepted = self.listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                if self.pause.take().is_some() {
                    tracing::info!("TCP connections are accepted again");
                }
                self.admit(stream, peer);
                Turn::Go
            }
            Err(error) if concerns_one_connection(&error) => Turn::Go,
            Err(error) => self.wait_out(&error).await,
        }
    }

    /// Waits before accept(2) is tried again, longer each time.
    async fn wait_out(&mut self, error: &io::Error) -> Turn {
        if self.pause.is_none() {
            tracing::warn!(%error, "TCP connections cannot be accepted; those open are served, and it is tried on");
        }
        let pause = self.pause.map_or(ACCEPT_PAUSE_MIN, |last| last.saturating_mul(2).min(ACCEPT_PAUSE_MAX));
        self.pause = Some(pause);
        match timeout(pause, self.stop.changed()).await {
            Ok(_) => Turn::Stop,
            Err(_) => Turn::Go,
        }
    }

    /// Serves the connection, or closes it at once. Who is being served stays so under a flood: where all
    /// places are taken only idle connections go, as RFC 7766, section 6.2.3, lets any server close them.
    fn admit(&mut self, stream: TcpStream, peer: SocketAddr) {
        let settings = self.shared.settings();
        let counters = &self.shared.counters;
        match self.shared.limits.admit(peer.ip(), &settings, counters) {
            Ok(admission) => {
                counters.accepted.fetch_add(1, Ordering::Relaxed);
                let shared = Arc::clone(&self.shared);
                let from = (stream, peer.ip(), admission.seat());
                let connection = Connection::new(from, settings, shared, self.stop.clone());
                self.connections.spawn(async move {
                    connection.serve().await;
                    drop(admission);
                });
            }
            Err(Refusal::Full) => {
                counters.refused.fetch_add(1, Ordering::Relaxed);
            }
            Err(Refusal::ClientFull) => {
                counters.limited.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Linux reports through accept(2) what happened to the new connection; all
/// other errors are lasting ones of ours, such as EMFILE.
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
