//! One connection of HTTP, from its handshake to its end: time limits, and the ways it ends.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::server::TlsStream;

use super::gathered::Gathered;
use super::request;
use super::returned::Returned;
use crate::transport::responder::Responder;
use crate::transport::stream::{
    Activity, Client, ClientStream, ConcurrentQueries, ConnectionSlot, LINGER_MAX, Overdue, STREAMS_MAX,
    Served, TcpSettings, deadline, linger,
};

/// What is spoken, as TLS names it, the best first (RFC 7301).
pub(in crate::transport) const PROTOCOLS: [&[u8]; 2] = [HTTP2, b"http/1.1"];

/// HTTP/2, as TLS names it.
const HTTP2: &[u8] = b"h2";

/// Longest header list of a request, in bytes, and what is received ahead of HTTP/1.1: twice the longest target.
const HEAD_BYTES_MAX: u32 = 16 << 10;

/// What a client may send ahead on one stream of HTTP/2, in bytes: more than a query is long. What has been read makes room
/// again.
const STREAM_WINDOW_BYTES: u32 = 8 << 10;

/// The same on all of them together: UPDATEs that wait unread until the one before them has come leave room for it.
const WINDOW_BYTES: u32 = 32 * STREAM_WINDOW_BYTES;

/// How a connection ends.
#[derive(Debug, PartialEq, Eq)]
enum HttpEnd {
    /// By the client, by an error, or by HTTP.
    Gone,
    /// By us: in order.
    Over,
    /// By us: the client does not take its responses.
    Cut,
}

/// What decides when a connection ends.
struct ConnectionDriver {
    activity: Arc<Activity>,
    slot: Arc<ConnectionSlot>,
    stop: watch::Receiver<()>,
    settings: TcpSettings,
    /// End of the lifetime.
    last: Instant,
}

/// Serves a connection until the client, a limit or the server ends it.
pub(in crate::transport) async fn serve<R: Responder>(
    client: Client<TlsStream<TcpStream>>,
    served: Served<R>,
) {
    let Client { stream, peer, session, slot } = client;
    let Served { settings, counters, answering, stop } = served;
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(HTTP2);
    let activity = Activity::new(Arc::clone(&slot));
    let queries = Arc::new(ConcurrentQueries::new(Arc::clone(&activity), answering, session));
    let service = service_fn(move |asked| {
        let queries = Arc::clone(&queries);
        async move { Ok::<_, Infallible>(request::respond(asked, &queries, peer, &settings).await) }
    });
    let mut driver = ConnectionDriver { activity, slot, stop, settings, last: deadline(settings.lifetime) };
    let (stream, returned) = Returned::new(stream, Arc::clone(&driver.activity));
    let stream = TokioIo::new(stream);
    let gathered = Gathered::default();
    let end = if is_http2 {
        let connection = http2_settings(gathered.clone()).serve_connection(stream, service);
        driver.drive(connection, &gathered, |connection| connection.graceful_shutdown()).await
    } else {
        let connection = http1_settings().serve_connection(stream, service);
        driver.drive(connection, &gathered, |connection| connection.graceful_shutdown()).await
    };
    if end == HttpEnd::Cut {
        counters.cut.fetch_add(1, Ordering::Relaxed);
    }
    let Ok(mut stream) = returned.await else { return };
    if end == HttpEnd::Cut {
        // Frees what the kernel still holds for this client.
        stream.discard_unsent();
    } else {
        let mut clock = stream.clock();
        linger(&mut stream, &mut clock, Vec::new()).await;
    }
}

/// HTTP/2. The guards of the protocol against streams that are reset at once and headers without an end are left as they
/// are. What waits to be sent is bounded where it is held: by `ConcurrentQueries`.
fn http2_settings(streams: Gathered) -> http2::Builder<Gathered> {
    let mut builder = http2::Builder::new(streams);
    builder
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEAD_BYTES_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES);
    builder
}

/// HTTP/1.1: one request after the other.
fn http1_settings() -> http1::Builder {
    let mut builder = http1::Builder::new();
    // 16 KiB fit. How long a head may take is what a connection may be idle.
    builder.max_buf_size(HEAD_BYTES_MAX as usize).header_read_timeout(None).half_close(true);
    builder
}

impl ConnectionDriver {
    /// Runs a connection, and the streams that it gathers, to its end, which `shut_down` has it come to in order.
    async fn drive<C>(
        &mut self,
        connection: C,
        streams: &Gathered,
        shut_down: impl FnOnce(Pin<&mut C>),
    ) -> HttpEnd
    where
        C: Future<Output = hyper::Result<()>>,
    {
        let mut connection = pin!(connection);
        loop {
            let look = match self.activity.look(&self.settings) {
                Ok(look) => look.min(self.last),
                Err(Overdue::Unread) => return HttpEnd::Cut,
                Err(Overdue::Idle) => break,
            };
            tokio::select! {
                // Polled from above, so that HTTP answers what has come before the server stops or the place goes to another.
                biased;
                _ = poll_fn(|context| streams.poll(connection.as_mut(), context)) => return HttpEnd::Gone,
                _ = self.stop.changed() => break,
                () = self.slot.evicted() => break,
                () = sleep_until(look) => {}
            }
            if Instant::now() >= self.last {
                break;
            }
        }
        shut_down(connection.as_mut());
        let _ = timeout(LINGER_MAX, poll_fn(|context| streams.poll(connection.as_mut(), context))).await;
        HttpEnd::Over
    }
}
