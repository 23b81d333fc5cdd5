//! An upstream over TLS (RFC 7858): one connection, kept, shared by all
//! queries.
//!
//! Responsible for the connection's life, and for giving each response to
//! whoever asked.
//! Not responsible for what TLS demands: that is the room `tls`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::pki_types;
use tokio::io::{AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::asked::Wanted;
use super::chance::Chance;
use super::exchange::{Failure, framed, read_frame};
use super::query::{Case, Form, Query};
use crate::tls::{Handshake, ServerName, Verify};

/// Queries that wait for the connection's task.
const WAITING_MAX: usize = 256;

/// Queries under way over one connection; more wait.
const UNDER_WAY_MAX: usize = 1024;

/// How long a connection is kept without a query.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// Longest wait for a connection with its handshake.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// The way to one upstream.
pub(super) struct Link {
    place: SocketAddr,
    name: Option<ServerName>,
    verify: Verify,
    /// The connection that was opened last.
    open: Mutex<Option<Open>>,
}

/// A connection, or one that is being made.
#[derive(Clone)]
struct Open {
    /// To its task.
    sender: mpsc::Sender<Request>,
    since: Instant,
    /// When something came over it last.
    heard: Arc<Mutex<Option<Instant>>>,
}

impl Open {
    /// Whether nothing has come over it since a moment at which it was open.
    fn is_silent_since(&self, moment: Instant) -> bool {
        let heard = *self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        self.since <= moment && heard.is_none_or(|heard| heard < moment)
    }
}

/// Something has come.
fn hear(heard: &Mutex<Option<Instant>>) {
    *heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
}

struct Request {
    query: Query,
    reply: oneshot::Sender<Result<Vec<u8>, Failure>>,
}

impl Link {
    pub(super) fn new(place: SocketAddr, name: Option<ServerName>, verify: Verify) -> Self {
        Self { place, name, verify, open: Mutex::new(None) }
    }

    /// Asks, over the connection that there is or a new one.
    pub(super) async fn ask(&self, wanted: &Wanted, chance: &Chance) -> Result<Vec<u8>, Failure> {
        // An upstream may end a connection just when it is used; that is no fault of it.
        let (sender, fresh) = self.sender();
        match self.ask_over(&sender, wanted, chance).await {
            Err(Failure::Closed) if fresh == Fresh::No => {
                self.forget(&sender);
                let (sender, _) = self.sender();
                self.ask_over(&sender, wanted, chance).await
            }
            done => done,
        }
    }

    async fn ask_over(
        &self,
        sender: &mpsc::Sender<Request>,
        wanted: &Wanted,
        chance: &Chance,
    ) -> Result<Vec<u8>, Failure> {
        // Nobody can forge what travels encrypted; some servers do not keep the case.
        let query = Query::new(wanted, Form::Padded, Case::Lower, chance);
        let (reply, answered) = oneshot::channel();
        sender.send(Request { query, reply }).await.map_err(|_| Failure::Closed)?;
        answered.await.map_err(|_| Failure::Closed)?
    }

    /// The way to the connection's task; it is started where there is none.
    fn sender(&self) -> (mpsc::Sender<Request>, Fresh) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = open.as_ref().filter(|open| !open.sender.is_closed()) {
            return (open.sender.clone(), Fresh::No);
        }
        let (sender, requests) = mpsc::channel(WAITING_MAX);
        let heard = Arc::<Mutex<Option<Instant>>>::default();
        *open = Some(Open { sender: sender.clone(), since: Instant::now(), heard: Arc::clone(&heard) });
        tokio::spawn(serve(self.place, self.name.clone(), self.verify.clone(), requests, heard));
        (sender, Fresh::Yes)
    }

    /// Lets the connection that is open go if nothing has come over it since
    /// something was asked: nothing comes any more. While other answers come
    /// it is only this one that does not, and a new connection would be as
    /// silent about it.
    pub(super) fn leave_if_silent_since(&self, asked: Instant) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.take_if(|open| open.is_silent_since(asked));
    }

    fn forget(&self, old: &mpsc::Sender<Request>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.as_ref().is_some_and(|open| open.sender.same_channel(old)) {
            *open = None;
        }
    }
}

/// Whether a connection was opened for just this query.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fresh {
    Yes,
    No,
}

/// One connection, from its first query to its end.
async fn serve(
    place: SocketAddr,
    name: Option<ServerName>,
    verify: Verify,
    mut requests: mpsc::Receiver<Request>,
    heard_at: Arc<Mutex<Option<Instant>>>,
) {
    match timeout(CONNECT_MAX, connect(place, name, verify)).await {
        Ok(Ok(stream)) => {
            hear(&heard_at);
            let (reader, writer) = split(stream);
            let (heard, responses) = mpsc::channel(WAITING_MAX);
            let reading = tokio::spawn(read(reader, heard, heard_at));
            Connection { writer, responses, under_way: HashMap::new(), next: 0 }.run(&mut requests).await;
            reading.abort();
        }
        Ok(Err(failure)) => refuse(&mut requests, &failure),
        Err(_) => refuse(&mut requests, &Failure::TimedOut),
    }
}

/// Tells everybody who waits why there is no connection.
fn refuse(requests: &mut mpsc::Receiver<Request>, failure: &Failure) {
    requests.close();
    while let Ok(request) = requests.try_recv() {
        let told = if failure.is_local() {
            Failure::File(failure.to_string())
        } else {
            Failure::Tls(failure.to_string())
        };
        // Whoever asked may have gone.
        let _ = request.reply.send(Err(told));
    }
}

async fn connect(
    place: SocketAddr,
    name: Option<ServerName>,
    verify: Verify,
) -> Result<TlsStream<TcpStream>, Failure> {
    let name = name.map(|name| name.to_pki());
    let handshake = Handshake { server_name: None, verify, protocols: Vec::new(), client: None };
    let config = handshake.config().map_err(|error| Failure::File(error.to_string()))?;
    let stream = TcpStream::connect(place).await?;
    stream.set_nodelay(true)?;
    let name = name.unwrap_or_else(|| pki_types::ServerName::IpAddress(place.ip().into()));
    let secured = TlsConnector::from(config).connect(name, stream).await;
    secured.map_err(|error| Failure::Tls(format!("TLS: {error}")))
}

/// Reads until the upstream ends; in a task of its own, because a message
/// that has been read half must not be dropped.
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
    under_way: HashMap<u16, Request>,
    next: u16,
}

impl Connection {
    async fn run(mut self, requests: &mut mpsc::Receiver<Request>) {
        loop {
            let takes_more = self.under_way.len() < UNDER_WAY_MAX;
            tokio::select! {
                request = requests.recv(), if takes_more => match request {
                    Some(request) => if self.send(request).await.is_err() { return },
                    None => return,
                },
                response = self.responses.recv() => match response {
                    Some(message) => self.give(message),
                    // The upstream has ended it; whoever waits learns by the loss.
                    None => return,
                },
                () = tokio::time::sleep(IDLE_MAX) => {
                    self.under_way.retain(|_, request| !request.reply.is_closed());
                    if self.under_way.is_empty() {
                        requests.close();
                        return;
                    }
                }
            }
        }
    }

    async fn send(&mut self, mut request: Request) -> std::io::Result<()> {
        // Ids are only to tell queries of one connection apart.
        self.under_way.retain(|_, request| !request.reply.is_closed());
        while self.under_way.contains_key(&self.next) {
            self.next = self.next.wrapping_add(1);
        }
        request.query.set_id(self.next);
        let bytes = framed(&request.query.bytes);
        self.under_way.insert(self.next, request);
        self.next = self.next.wrapping_add(1);
        self.writer.write_all(&bytes).await?;
        self.writer.flush().await
    }

    fn give(&mut self, message: Vec<u8>) {
        let Some(id) = message.first_chunk().copied().map(u16::from_be_bytes) else { return };
        let Some(request) = self.under_way.remove(&id) else { return };
        let fit = request.query.take(&message);
        let response = fit.map(|_| message).ok_or(Failure::Nonsense);
        // Whoever asked may have gone.
        let _ = request.reply.send(response);
    }
}
