//! One connection of QUIC, behind its handshake: its streams, its time limits, and the ways it ends.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use quinn::{Connection, RecvStream, SendStream, VarInt};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::code::{EXCESSIVE_LOAD, NO_ERROR, PROTOCOL_ERROR, UNSPECIFIED_ERROR};
use super::query_stream::{self, Violation};
use crate::answer::Peer;
use crate::transport::responder::Responder;
use crate::transport::stream::{
    Activity, Client, ConcurrentQueries, LINGER_MAX, Overdue, STREAMS_MAX, Served, TcpSettings, deadline,
};

/// How a connection ends.
#[derive(Debug)]
enum QuicEnd {
    /// By the client, or by an error.
    Gone,
    /// By us: in order, and the client is told why.
    Over(VarInt),
    /// By us: the client does not take its responses.
    Cut,
    /// By us: the client does not keep to the protocol.
    Violated(Violation),
}

/// The streams of a connection, each with a task of its own.
struct Streams<R> {
    tasks: JoinSet<Result<(), Violation>>,
    queries: Arc<ConcurrentQueries<R>>,
    peer: Peer,
    settings: TcpSettings,
}

/// Serves a connection until the client, a limit or the server ends it.
pub(super) async fn serve<R: Responder>(client: Client<Connection>, served: Served<R>) {
    let Client { stream: connection, peer, session, slot } = client;
    let Served { settings, counters, answering, mut stop } = served;
    let activity = Activity::new(Arc::clone(&slot));
    let queries = Arc::new(ConcurrentQueries::new(Arc::clone(&activity), answering, session));
    let mut streams = Streams { tasks: JoinSet::new(), queries, peer, settings };
    let last = deadline(settings.lifetime);
    let end = loop {
        let look = match activity.look(&settings) {
            Ok(look) if Instant::now() < last => look.min(last),
            Ok(_) | Err(Overdue::Idle) => break QuicEnd::Over(NO_ERROR),
            Err(Overdue::Unread) => break QuicEnd::Cut,
        };
        tokio::select! {
            // Polled from above, so that a client that never pauses is stopped and evicted like any other.
            biased;
            _ = stop.changed() => break QuicEnd::Over(NO_ERROR),
            () = slot.evicted() => break QuicEnd::Over(EXCESSIVE_LOAD),
            Some(ended) = streams.tasks.join_next() => {
                if let Ok(Err(violation)) = ended {
                    break QuicEnd::Violated(violation);
                }
            }
            stream = connection.accept_bi() => match stream {
                Ok(stream) => streams.begin(stream),
                Err(_) => break QuicEnd::Gone,
            },
            () = sleep_until(look) => {}
        }
    };
    match end {
        QuicEnd::Gone => {}
        QuicEnd::Over(code) => {
            streams.end(&connection).await;
            connection.close(code, b"");
        }
        QuicEnd::Cut => {
            counters.cut.fetch_add(1, Ordering::Relaxed);
            connection.close(UNSPECIFIED_ERROR, b"the responses are not taken");
        }
        QuicEnd::Violated(violation) => connection.close(PROTOCOL_ERROR, violation.text().as_bytes()),
    }
}

impl<R: Responder> Streams<R> {
    fn begin(&mut self, stream: (SendStream, RecvStream)) {
        let (queries, peer, settings) = (Arc::clone(&self.queries), self.peer, self.settings);
        self.tasks.spawn(async move { query_stream::serve(stream, &queries, peer, &settings).await });
    }

    /// Answers what the client has sent already, and waits a little until it has all answers: closing a connection
    /// takes back what is not acknowledged.
    async fn end(&mut self, connection: &Connection) {
        for _ in 0..STREAMS_MAX {
            // What is there is there at once.
            match timeout(Duration::ZERO, connection.accept_bi()).await {
                Ok(Ok(stream)) => self.begin(stream),
                Ok(Err(_)) | Err(_) => break,
            }
        }
        let _ = timeout(LINGER_MAX, async { while self.tasks.join_next().await.is_some() {} }).await;
    }
}
