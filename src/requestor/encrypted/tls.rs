//! DNS over TLS (RFC 7858): queries and responses on one stream, matched by their ids.
//!
//! Not responsible for what the handshake demands: that is the room `tls`.

use std::collections::HashMap;

use tokio::io::{AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio_rustls::client::TlsStream;

use super::carrier::{Carrier, Heard, Unanswered};
use super::entry::TransportEntry;
use super::server::{EncryptedServer, Purpose};
use crate::requestor::failure::Failure;
use crate::requestor::framing::{framed, read_frame};
use crate::requestor::query::Query;
use crate::tls::TlsVersions;

pub(super) const ENTRY: TransportEntry = TransportEntry {
    scheme: "tls",
    name: "TLS",
    port: 853,
    barred_port: None,
    path: None,
    carries_transfers: true,
};

/// What a transfer over TLS, and what belongs to it, says that it wants (RFC 9103, section 8.4).
const TRANSFER_PROTOCOL: &str = "dot";

/// Queries that wait for the connection's task, and responses that do.
const WAITING_MAX: usize = 256;

/// A stream, by the way to its task.
pub(super) struct TlsCarrier(mpsc::Sender<Pending>);

/// A query that waits for its response.
struct Pending {
    query: Query,
    reply: oneshot::Sender<Result<Vec<u8>, Failure>>,
}

impl Carrier for TlsCarrier {
    async fn open(server: &EncryptedServer, heard: Heard) -> Result<Self, Failure> {
        let stream = open_stream(server).await?;
        let (sender, requests) = mpsc::channel(WAITING_MAX);
        tokio::spawn(serve(stream, requests, heard));
        Ok(Self(sender))
    }

    async fn ask(&self, query: Query) -> Result<Vec<u8>, Unanswered> {
        let (reply, answered) = oneshot::channel();
        let closed = || Unanswered::Over(Failure::Closed);
        self.0.send(Pending { query, reply }).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?.map_err(Unanswered::Failed)
    }

    fn is_open(&self) -> bool {
        !self.0.is_closed()
    }
}

/// A stream with its handshake, which is stricter where it is about zones.
///
/// # Errors
///
/// When there is none. There is no time limit: the caller drops the future.
pub(in crate::requestor) async fn open_stream(
    server: &EncryptedServer,
) -> Result<TlsStream<TcpStream>, Failure> {
    match server.purpose {
        Purpose::Queries => server.connect(TlsVersions::Usual, &[]).await,
        // RFC 9103, section 7.1: no older version.
        Purpose::Zones { .. } => server.connect(TlsVersions::Newest, &[TRANSFER_PROTOCOL]).await,
    }
}

/// One stream, until the server closes it or nobody asks any more.
async fn serve(stream: TlsStream<TcpStream>, mut requests: mpsc::Receiver<Pending>, heard: Heard) {
    let (reader, writer) = split(stream);
    let (sender, responses) = mpsc::channel(WAITING_MAX);
    let reading = tokio::spawn(read(reader, sender, heard));
    Stream { writer, responses, in_flight: HashMap::new(), next: 0 }.run(&mut requests).await;
    reading.abort();
}

/// Reads until the server closes; in a task of its own, because a message of which a part has been read must
/// not be dropped.
async fn read(mut reader: ReadHalf<TlsStream<TcpStream>>, responses: mpsc::Sender<Vec<u8>>, heard: Heard) {
    while let Ok(message) = read_frame(&mut reader).await {
        heard.now();
        if responses.send(message).await.is_err() {
            return;
        }
    }
}

/// A stream with its queries.
struct Stream {
    writer: WriteHalf<TlsStream<TcpStream>>,
    responses: mpsc::Receiver<Vec<u8>>,
    in_flight: HashMap<u16, Pending>,
    next: u16,
}

impl Stream {
    async fn run(mut self, requests: &mut mpsc::Receiver<Pending>) {
        loop {
            tokio::select! {
                request = requests.recv() => match request {
                    Some(request) => if self.send(request).await.is_err() { return },
                    None => return,
                },
                response = self.responses.recv() => match response {
                    Some(message) => self.give(message),
                    // The server has closed it; those who wait learn by the loss.
                    None => return,
                },
            }
        }
    }

    async fn send(&mut self, mut request: Pending) -> std::io::Result<()> {
        // Ids are only to tell queries of one connection apart. Few wait at a time, and far fewer than there are ids.
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
