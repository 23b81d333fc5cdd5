//! An upstream over HTTPS.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use h2::server::{Connection, SendResponse};
use h2::{Reason, RecvStream};
use hyper::body::Bytes;
use hyper::{Method, Request, Response, StatusCode};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::*;

/// The first label of a name says what becomes of its query.
const NO_RESPONSES: [(&str, &str); 7] = [
    ("status503.test.", "the HTTP status is 503, not 200"),
    ("redirect.test.", "the HTTP status is 307, not 200"),
    ("html.test.", "the content type of the response is not application/dns-message"),
    ("long.test.", "the response is longer than 65,535 bytes"),
    ("other.test.", "the reply is not a DNS response"),
    ("id.test.", "the reply is not a DNS response"),
    ("reset.test.", "HTTP/2: unexpected internal error encountered"),
];

/// What a query does to its connection.
enum End {
    /// GOAWAY; what is under way is answered.
    InOrder,
    /// GOAWAY with an error; nothing more is answered.
    Abrupt,
    /// None: TCP is closed.
    HangUp,
}

/// Ends each connection after this many queries, and speaks these protocols.
fn start_with(protocols: &[&str], queries_of_connection: usize) -> Server {
    let identity = Identity::new();
    let server = Server::new("https", &identity);
    let acceptor = TlsAcceptor::from(Arc::new(identity.config(protocols)));
    let listener = TcpListener::bind(server.place).expect("a free port");
    listener.set_nonblocking(true).expect("a listener");
    let (counts, port) = (Arc::clone(&server.counts), server.place.port());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, counts) = (acceptor.clone(), Arc::clone(&counts));
                let authority = format!("dns.test:{port}");
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let Ok(connection) = h2::server::handshake(stream).await else { return };
                    counts.connections.fetch_add(1, Ordering::Relaxed);
                    serve(connection, &counts, &authority, queries_of_connection).await;
                });
            }
        });
    });
    server
}

fn start(queries_of_connection: usize) -> Server {
    start_with(&["h2"], queries_of_connection)
}

async fn serve(
    mut connection: Connection<TlsStream<TcpStream>, Bytes>,
    counts: &Arc<Counts>,
    authority: &str,
    queries: usize,
) {
    let (ends, mut ended) = mpsc::channel(100);
    let is_mute = Arc::new(AtomicBool::new(false));
    let (mut number, mut held) = (0, Vec::new());
    loop {
        tokio::select! {
            accepted = connection.accept() => {
                let Some(Ok((request, respond))) = accepted else { return };
                assert_eq!(request.method(), Method::POST);
                assert_eq!(request.uri().to_string(), format!("https://{authority}/dns-query"));
                assert_eq!(request.headers()["content-type"], "application/dns-message");
                assert_eq!(request.headers()["accept"], "application/dns-message");
                number += 1;
                let query = Query { number, request, respond, is_mute: Arc::clone(&is_mute) };
                let (ends, counts) = (ends.clone(), Arc::clone(counts));
                tokio::spawn(async move {
                    let mut query = query;
                    if let Some(end) = query.answer(&counts, queries).await {
                        // Its stream goes with the connection: by itself it would be told to be cancelled.
                        let _ = ends.send((end, query)).await;
                    }
                });
            }
            Some((end, query)) = ended.recv() => {
                held.push(query);
                match end {
                    End::InOrder => connection.graceful_shutdown(),
                    End::Abrupt => connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM),
                    End::HangUp => return,
                }
            }
        }
    }
}

/// A query on its stream.
struct Query {
    /// Which one it is of its connection.
    number: usize,
    request: Request<RecvStream>,
    respond: SendResponse<Bytes>,
    is_mute: Arc<AtomicBool>,
}

impl Query {
    /// Answers as the name says, and says how the connection ends by that.
    async fn answer(&mut self, counts: &Counts, queries: usize) -> Option<End> {
        let (mut bytes, body) = (Vec::new(), self.request.body_mut());
        while let Some(Ok(part)) = body.data().await {
            bytes.extend_from_slice(&part);
        }
        assert_eq!(bytes[..2], [0, 0], "the id is 0");
        let query = counts.read(&bytes);
        let what = query.qname.split('.').next().unwrap_or_default();
        let is_mute = self.is_mute.fetch_or(what == "mute", Ordering::Relaxed) || what == "mute";
        if is_mute || what.starts_with("silent") {
            // Held open for as long as the other side waits.
            let reset = std::future::poll_fn(|context| self.respond.poll_reset(context)).await;
            if reset.is_ok_and(|reason| reason == Reason::CANCEL) {
                counts.cancelled.fetch_add(1, Ordering::Relaxed);
            }
            return None;
        }
        let mut response = query.address(300, ADDRESS);
        let mut head = Response::builder().header("content-type", "application/dns-message");
        match what {
            "status503" => head = head.status(StatusCode::SERVICE_UNAVAILABLE),
            "redirect" => {
                head = head.status(StatusCode::TEMPORARY_REDIRECT).header("location", "https://127.9.9.9/");
            }
            "html" => head = Response::builder().header("content-type", "text/html"),
            "long" => response.resize(70_000, 0),
            "other" => response[13] = b'x',
            "id" => response[1] = 7,
            "reset" => {
                self.respond.send_reset(Reason::INTERNAL_ERROR);
                return None;
            }
            // The first one of a connection is answered.
            "refused" if self.number > 1 => {
                self.respond.send_reset(Reason::REFUSED_STREAM);
                return None;
            }
            "abrupt" if self.number > 1 => return Some(End::Abrupt),
            "hangup" if self.number > 1 => return Some(End::HangUp),
            _ => {}
        }
        let mut stream = self.respond.send_response(head.body(()).expect("a head"), false).ok()?;
        // What is too long is refused before it is sent to its end.
        let _ = stream.send_data(response.into(), true);
        (self.number >= queries).then_some(End::InOrder)
    }
}

test_kept_connection!(start: start, upstream: "https://{}/dns-query#other.test");
test_streams!(start: start);

#[test]
fn a_stream_that_is_refused_and_a_connection_that_breaks_are_no_failures_of_the_upstream() {
    what_ends_a_connection_is_asked_over_the_next(
        &start(usize::MAX),
        &["refused.test.", "abrupt.test.", "hangup.test."],
    );
}

#[test]
fn a_server_that_does_not_speak_http_2_is_told_so() {
    for protocols in [&["http/1.1"][..], &[]] {
        let server = start_with(protocols, usize::MAX);
        let lab = server.lab("dns.test");
        let program = lab.site.start();
        assert_eq!(code(&ask(program.listen(), "www.test.")), ResponseCode::ServFail);
        let error = last_error(&lab);
        let told = if protocols.is_empty() { "does not speak HTTP/2" } else { "NoApplicationProtocol" };
        assert!(error.contains(told), "{error}");
        assert_eq!(server.queries(), 0);
        program.stop();
    }
}
