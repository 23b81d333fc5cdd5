//! An upstream over QUIC.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{
    Connection, Endpoint, EndpointConfig, RecvStream, SendStream, ServerConfig, TokioRuntime, VarInt,
};

use super::*;

/// The first label of a name says what becomes of its query.
const NO_RESPONSES: [(&str, &str); 6] = [
    ("long.test.", "the response is longer than 65,535 bytes"),
    ("two.test.", "the reply is not a DNS response"),
    ("empty.test.", "the reply is not a DNS response"),
    ("other.test.", "the reply is not a DNS response"),
    ("id.test.", "the reply is not a DNS response"),
    ("reset.test.", "QUIC: the query is refused: DOQ_EXCESSIVE_LOAD"),
];

/// Ends each connection after this many queries, and speaks this protocol.
fn start_with(protocol: &'static str, queries_of_connection: usize) -> Server {
    let identity = Identity::new();
    let server = Server::new("quic", &identity);
    let tls = QuicServerConfig::try_from(identity.config(&[protocol])).expect("a cipher to begin with");
    let config = ServerConfig::with_crypto(Arc::new(tls));
    let socket = UdpSocket::bind(server.place).expect("a free port");
    let counts = Arc::clone(&server.counts);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let endpoint = EndpointConfig::default();
            let endpoint = Endpoint::new(endpoint, Some(config), socket, Arc::new(TokioRuntime));
            let endpoint = endpoint.expect("an endpoint");
            while let Some(incoming) = endpoint.accept().await {
                let counts = Arc::clone(&counts);
                tokio::spawn(async move {
                    let Ok(connection) = incoming.await else { return };
                    counts.connections.fetch_add(1, Ordering::Relaxed);
                    serve(connection, &counts, queries_of_connection).await;
                });
            }
        });
    });
    server
}

fn start(queries_of_connection: usize) -> Server {
    start_with("doq", queries_of_connection)
}

async fn serve(connection: Connection, counts: &Arc<Counts>, queries: usize) {
    let is_mute = Arc::new(AtomicBool::new(false));
    let mut number = 0;
    while let Ok((send, receive)) = connection.accept_bi().await {
        number += 1;
        let query = Query { number, send, receive, is_mute: Arc::clone(&is_mute) };
        let (connection, counts) = (connection.clone(), Arc::clone(counts));
        tokio::spawn(async move {
            if let Some(code) = query.answer(&counts, queries).await {
                connection.close(VarInt::from_u32(code), b"words of the server's");
            }
        });
    }
}

/// A query on its stream.
struct Query {
    /// Which one it is of its connection.
    number: usize,
    send: SendStream,
    receive: RecvStream,
    is_mute: Arc<AtomicBool>,
}

impl Query {
    /// Answers as the name says, and says by which code the connection ends by that.
    async fn answer(mut self, counts: &Counts, queries: usize) -> Option<u32> {
        let bytes = self.receive.read_to_end(65_537).await.ok()?;
        let (length, bytes) = bytes.split_at(2);
        assert_eq!(usize::from(u16::from_be_bytes([length[0], length[1]])), bytes.len());
        assert_eq!(bytes[..2], [0, 0], "the id is 0");
        let query = counts.read(bytes);
        let what = query.qname.split('.').next().unwrap_or_default();
        let is_mute = self.is_mute.fetch_or(what == "mute", Ordering::Relaxed) || what == "mute";
        if is_mute || what.starts_with("silent") {
            // Held open for as long as the other side waits.
            let code = self.send.stopped().await.ok()??;
            // DOQ_REQUEST_CANCELLED.
            if code == VarInt::from_u32(3) {
                counts.cancelled.fetch_add(1, Ordering::Relaxed);
            }
            return None;
        }
        let mut response = query.address(300, ADDRESS);
        match what {
            "other" => response[13] = b'x',
            "id" => response[1] = 7,
            "reset" => {
                let _ = self.send.reset(VarInt::from_u32(4));
                return None;
            }
            // The first one of a connection is answered.
            "hangup" if self.number > 1 => return Some(0),
            "load" if self.number > 1 => return Some(4),
            _ => {}
        }
        let length = u16::try_from(response.len()).expect("a short response").to_be_bytes();
        let mut stream = [&length[..], &response].concat();
        match what {
            "two" => stream = stream.repeat(2),
            "empty" => stream.clear(),
            "long" => stream.resize(70_000, 0),
            _ => {}
        }
        // What is too long is not taken to its end.
        let _ = self.send.write_all(&stream).await;
        let _ = self.send.finish();
        let _ = self.send.stopped().await;
        (self.number >= queries).then_some(0)
    }
}

test_kept_connection!(start: start, upstream: "quic://{}#other.test");
test_streams!(start: start);

#[test]
fn a_connection_that_breaks_is_no_failure_of_the_upstream() {
    what_ends_a_connection_is_asked_over_the_next(&start(usize::MAX), &["hangup.test.", "load.test."]);
}

#[test]
fn a_server_of_another_protocol_and_one_that_is_not_there_are_told_apart() {
    let other = start_with("h3", usize::MAX);
    let lab = other.lab("dns.test");
    let program = lab.site.start();
    assert_eq!(code(&ask(program.listen(), "www.test.")), ResponseCode::ServFail);
    let error = last_error(&lab);
    assert!(error.starts_with("QUIC: ") && !error.contains("words"), "{error}");
    program.stop();
    let nobody = Server::new("quic", &Identity::new());
    let lab = nobody.lab("dns.test");
    let program = lab.site.start();
    assert_eq!(code(&ask(program.listen(), "www.test.")), ResponseCode::ServFail);
    assert_eq!(last_error(&lab), "timed out");
    program.stop();
}
