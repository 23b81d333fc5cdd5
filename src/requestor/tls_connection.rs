//! A server over TLS (RFC 7858): one connection that is kept and shared by all queries.
//!
//! Opens, keeps and closes the connection, and matches responses to queries. Not responsible for what the
//! handshake demands: that is the room `tls`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use super::failure::Failure;
use super::framing::{framed, read_frame};
use super::query::Query;
use crate::sync::lock;
use crate::tls::{AlpnProtocol, Handshake, ServerName, TlsVersions, Verify};

/// Queries that wait for the connection's task.
const WAITING_MAX: usize = 256;

/// Queries in flight over one connection; more wait.
const IN_FLIGHT_MAX: usize = 1024;

/// How long a connection is kept without a query.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// Longest wait for a connection with its handshake.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// The connection to one server, opened again whenever it is needed.
pub(super) struct TlsConnection {
    address: SocketAddr,
    name: Option<ServerName>,
    verify: Verify,
    /// The connection that was opened last.
    open: Mutex<Option<OpenStream>>,
}

/// A connection, or one that is being made.
#[derive(Clone)]
struct OpenStream {
    /// To its task.
    sender: mpsc::Sender<Pending>,
    since: Instant,
    /// When something came over it last.
    heard: Arc<Mutex<Option<Instant>>>,
}

impl OpenStream {
    /// Whether nothing has come over it since a moment at which it was open.
    fn is_silent_since(&self, moment: Instant) -> bool {
        let heard = *lock(&self.heard);
        self.since <= moment && heard.is_none_or(|heard| heard < moment)
    }
}

/// Notes that something has come.
fn hear(heard: &Mutex<Option<Instant>>) {
    *lock(heard) = Some(Instant::now());
}

/// A query that waits for its response.
struct Pending {
    query: Query,
    reply: oneshot::Sender<Result<Vec<u8>, Failure>>,
}

impl TlsConnection {
    /// Nothing is opened yet. The certificate must be for `name`; none: for the address.
    pub(super) fn new(address: SocketAddr, name: Option<ServerName>, verify: Verify) -> Self {
        Self { address, name, verify, open: Mutex::new(None) }
    }

    /// Asks over the connection that is open, or a new one. The response has the id that the query had.
    ///
    /// # Errors
    ///
    /// When there is no connection, or no response over it. Only connecting has a time limit: the caller
    /// drops the future.
    pub(super) async fn ask(&self, query: Query) -> Result<Vec<u8>, Failure> {
        let id = query.bytes().first_chunk::<2>().copied().unwrap_or_default();
        let (sender, fresh) = self.sender();
        let done = match self.ask_over(&sender, query.clone()).await {
            // A server may close a connection just when it is used; that is no failure of its.
            Err(Failure::Closed) if fresh == FreshConnection::No => {
                self.forget(&sender);
                let (sender, _) = self.sender();
                self.ask_over(&sender, query).await
            }
            done => done,
        };
        done.map(|mut response| {
            // Over the connection it had another one.
            if let Some(place) = response.first_chunk_mut() {
                *place = id;
            }
            response
        })
    }

    async fn ask_over(&self, sender: &mpsc::Sender<Pending>, query: Query) -> Result<Vec<u8>, Failure> {
        let (reply, answered) = oneshot::channel();
        sender.send(Pending { query, reply }).await.map_err(|_| Failure::Closed)?;
        answered.await.map_err(|_| Failure::Closed)?
    }

    /// The channel to the connection's task, which is started if there is none.
    fn sender(&self) -> (mpsc::Sender<Pending>, FreshConnection) {
        let mut open = lock(&self.open);
        if let Some(open) = open.as_ref().filter(|open| !open.sender.is_closed()) {
            return (open.sender.clone(), FreshConnection::No);
        }
        let (sender, requests) = mpsc::channel(WAITING_MAX);
        let heard = Arc::<Mutex<Option<Instant>>>::default();
        *open = Some(OpenStream { sender: sender.clone(), since: Instant::now(), heard: Arc::clone(&heard) });
        tokio::spawn(serve(self.address, self.name.clone(), self.verify.clone(), requests, heard));
        (sender, FreshConnection::Yes)
    }

    /// Closes the open connection if nothing has come over it since a query was sent: it is dead. While other
    /// responses come only this one is missing, and it would be missing over a new connection, too.
    pub(super) fn close_if_silent_since(&self, asked: Instant) {
        let mut open = lock(&self.open);
        open.take_if(|open| open.is_silent_since(asked));
    }

    fn forget(&self, old: &mpsc::Sender<Pending>) {
        let mut open = lock(&self.open);
        if open.as_ref().is_some_and(|open| open.sender.same_channel(old)) {
            *open = None;
        }
    }
}

/// Whether a connection is opened for just this query.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FreshConnection {
    Yes,
    No,
}

/// One connection, from its first query to its end.
async fn serve(
    address: SocketAddr,
    name: Option<ServerName>,
    verify: Verify,
    mut requests: mpsc::Receiver<Pending>,
    heard_at: Arc<Mutex<Option<Instant>>>,
) {
    match timeout(CONNECT_MAX, connect(address, name, verify, TlsVersions::Usual, Vec::new())).await {
        Ok(Ok(stream)) => {
            hear(&heard_at);
            let (reader, writer) = split(stream);
            let (heard, responses) = mpsc::channel(WAITING_MAX);
            let reading = tokio::spawn(read(reader, heard, heard_at));
            Connection { writer, responses, in_flight: HashMap::new(), next: 0 }.run(&mut requests).await;
            reading.abort();
        }
        Ok(Err(failure)) => refuse(&mut requests, &failure),
        Err(_) => refuse(&mut requests, &Failure::TimedOut),
    }
}

/// Fails the queries that wait for a connection: there is none.
fn refuse(requests: &mut mpsc::Receiver<Pending>, failure: &Failure) {
    requests.close();
    while let Ok(request) = requests.try_recv() {
        let failure = if failure.is_local() {
            Failure::File(failure.to_string())
        } else {
            Failure::Tls(failure.to_string())
        };
        // The asker may have given up.
        let _ = request.reply.send(Err(failure));
    }
}

/// A connection with its handshake, of one of these versions, in which one of these protocols is offered, if any.
pub(super) async fn connect(
    address: SocketAddr,
    name: Option<ServerName>,
    verify: Verify,
    versions: TlsVersions,
    protocols: Vec<AlpnProtocol>,
) -> Result<TlsStream<TcpStream>, Failure> {
    let handshake = Handshake { server_name: name, verify, protocols, client: None };
    let config = handshake.config_of(versions).map_err(|error| Failure::File(error.to_string()))?;
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let secured = handshake.shake(config, stream, address.ip()).await;
    secured.map_err(|error| Failure::Tls(format!("TLS: {error}")))
}

/// Reads until the server closes; in a task of its own, because a message of which a part has been read must
/// not be dropped.
async fn read(
    mut reader: ReadHalf<TlsStream<TcpStream>>,
    heard: mpsc::Sender<Vec<u8>>,
    heard_at: Arc<Mutex<Option<Instant>>>,
) {
    while let Ok(message) = read_frame(&mut reader).await {
        hear(&heard_at);
        if heard.send(message).await.is_err() {
            return;
        }
    }
}

/// A connection with its queries.
struct Connection {
    writer: WriteHalf<TlsStream<TcpStream>>,
    responses: mpsc::Receiver<Vec<u8>>,
    in_flight: HashMap<u16, Pending>,
    next: u16,
}

impl Connection {
    async fn run(mut self, requests: &mut mpsc::Receiver<Pending>) {
        loop {
            let takes_more = self.in_flight.len() < IN_FLIGHT_MAX;
            tokio::select! {
                request = requests.recv(), if takes_more => match request {
                    Some(request) => if self.send(request).await.is_err() { return },
                    None => return,
                },
                response = self.responses.recv() => match response {
                    Some(message) => self.give(message),
                    // The server has closed it; those who wait learn by the loss.
                    None => return,
                },
                () = tokio::time::sleep(IDLE_MAX) => {
                    self.in_flight.retain(|_, request| !request.reply.is_closed());
                    if self.in_flight.is_empty() {
                        requests.close();
                        return;
                    }
                }
            }
        }
    }

    async fn send(&mut self, mut request: Pending) -> std::io::Result<()> {
        // Ids are only to tell queries of one connection apart.
        self.in_flight.retain(|_, request| !request.reply.is_closed());
        while self.in_flight.contains_key(&self.next) {
            self.next = self.next.wrapping_add(1);
        }
        request.query.set_id(self.next);
        let bytes = framed(request.query.bytes())?;
        self.in_flight.insert(self.next, request);
        self.next = self.next.wrapping_add(1);
        self.writer.write_all(&bytes).await?;
        self.writer.flush().await
    }

    fn give(&mut self, message: Vec<u8>) {
        let Some(id) = message.first_chunk().copied().map(u16::from_be_bytes) else { return };
        let Some(request) = self.in_flight.remove(&id) else { return };
        let fit = request.query.accept(&message);
        let response = fit.map(|_| message).ok_or(Failure::Malformed);
        // The asker may have given up.
        let _ = request.reply.send(response);
    }
}
