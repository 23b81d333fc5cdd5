//! `grpc`: a server says over gRPC that it serves.
//!
//! Calls `grpc.health.v1.Health/Check` (the gRPC health checking protocol), over HTTP/2 on plain TCP or over TLS. The two
//! messages are a field each: they are written and read by hand.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use hyper::body::Bytes;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request};
use rustls::ClientConfig;
use tokio::time::Instant;

use super::connect::connect;
use super::entry::{KindEntry, KindForm, Reach};
use super::handshake::Handshaker;
use super::handshake_keys::{HANDSHAKE_KEYS, OVER_TLS, read_handshake_if_wanted};
use super::http::{Connection, KeptConnection, OpenConnection, Question, USER_AGENT, host_of};
use super::outcome::{Failure, Phase, Reason};
use super::port::Port;
use super::session::{Ends, Evidence, Session};
use super::written::Written;
use crate::protobuf::{put_bytes, take_varint};
use crate::setting::{Absent, KeyEntry, Value};
use crate::source::{Diagnostic, Diagnostics, words};
use crate::tls::{AlpnProtocol, Handshake};

const PORT: KeyEntry = KeyEntry::new(
    "port",
    Absent::Required { example: "50051" },
    "the port; `grpc = 50051` is the same as a table with nothing else",
);

const SERVICE: KeyEntry = KeyEntry::new(
    "service",
    Absent::Unset { example: r#""etcd""# },
    "service whose health is asked for; without it the server's as a whole",
);

/// Longest name of a service, in bytes: a name with its package is far shorter.
const SERVICE_BYTES_MAX: usize = 255;

/// Longest response, in bytes: a status takes two, and fields that we do not know may follow.
const RESPONSE_BYTES_MAX: usize = 4096;

pub(super) const ENTRY: KindEntry = KindEntry {
    name: "grpc",
    help: "the gRPC health check of a service says SERVING",
    form: KindForm::Table { keys: &[&[PORT, SERVICE, OVER_TLS], HANDSHAKE_KEYS], short: Some(&PORT) },
    reach: Reach::Network,
};

/// A gRPC server says that a service serves.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Grpc {
    /// The port.
    pub port: Port,
    /// The service; empty: the server as a whole.
    pub service: Box<str>,
    /// What is said and demanded in the handshake; none: it is spoken over plain TCP.
    pub handshake: Option<Handshake>,
}

impl Grpc {
    pub(super) fn port(&self) -> Port {
        self.port
    }

    pub(super) fn fmt_at(&self, address: IpAddr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.handshake.is_some() { "grpcs" } else { "grpc" };
        write!(f, "{scheme}://{}/{}", SocketAddr::new(address, self.port.get()), self.service)?;
        let name = self.handshake.as_ref().and_then(|handshake| handshake.server_name.as_ref());
        name.map_or(Ok(()), |name| write!(f, " as {name}"))
    }
}

/// Reads the table of a probe.
pub(super) fn read(written: Written<'_, '_>, folder: &Path, found: &mut Diagnostics) -> Option<Arc<Grpc>> {
    let (port, table) = (written.port(&PORT, found), written.table());
    let service = table.read(SERVICE.name, found, service);
    let protocols = AlpnProtocol::new("h2").into_iter().collect();
    let handshake = read_handshake_if_wanted(&table, protocols, folder, found)?;
    Some(Arc::new(Grpc { port: port?, service: service.unwrap_or_default(), handshake }))
}

fn service(value: Value<'_>) -> Result<Box<str>, Diagnostic> {
    let text = value.text()?;
    if text.len() > SERVICE_BYTES_MAX {
        return Err(value.fault(format!("the name of a service is {SERVICE_BYTES_MAX} bytes at most")));
    }
    Ok(text.into())
}

/// The runs at one target, over a connection that is kept between them.
pub(super) struct GrpcSession {
    caller: Caller,
    kept: KeptConnection,
}

/// What does not change between runs, but for what files say.
struct Caller {
    test: Arc<Grpc>,
    handshaker: Option<Handshaker>,
}

impl GrpcSession {
    pub(super) fn new(test: &Arc<Grpc>) -> Self {
        let handshaker = test.handshake.clone().map(Handshaker::new);
        Self { caller: Caller { test: Arc::clone(test), handshaker }, kept: KeptConnection::default() }
    }
}

impl Caller {
    /// Asks over a connection that was kept; none where that fails, as a new one tells what a client would see.
    async fn ask_again(
        &self,
        open: Option<OpenConnection>,
        ends: Ends,
    ) -> Option<(Result<(), Reason>, OpenConnection)> {
        let mut open = open?;
        let asked = self.ask(&mut open.connection, ends).await.ok()?;
        Some((asked, open))
    }

    async fn open(
        &self,
        ends: Ends,
        config: Option<Arc<ClientConfig>>,
        phase: &mut Phase,
    ) -> Result<OpenConnection, Failure> {
        *phase = Phase::Connect;
        let since = Instant::now();
        let stream = connect(ends.to(self.test.port), ends.source).await?;
        let (Some(handshaker), Some(config)) = (&self.handshaker, config) else {
            return Ok(OpenConnection::new(Connection::http2(stream).await?, None, None, since));
        };
        *phase = Phase::Handshake;
        let secured = handshaker.shake(Arc::clone(&config), stream, ends.address).await?;
        let connection = Connection::http2(secured.stream).await?;
        Ok(OpenConnection::new(connection, Some(config), secured.not_after, since))
    }

    /// What the server says, once it has said something.
    async fn ask(&self, connection: &mut Connection, ends: Ends) -> Result<Result<(), Reason>, Reason> {
        let response = connection.ask(self.question(ends)?).await?;
        let (head, body) = response.into_parts();
        if head.status != hyper::StatusCode::OK {
            return Ok(Err(Reason::Status { code: head.status.as_u16() }));
        }
        let (message, trailers) = connection.read_with_trailers(body, RESPONSE_BYTES_MAX).await?;
        // A call that fails at once has its status in the head ("Trailers-Only").
        let status = status(&trailers).or_else(|| status(&head.headers));
        Ok(status.unwrap_or(Err(Reason::BrokenGrpc { why: "no status behind the response" })).and_then(
            |()| match serving(&message)? {
                1 => Ok(()),
                other => Err(Reason::NotServing { said: serving_word(other) }),
            },
        ))
    }

    fn question(&self, ends: Ends) -> Result<Question, Reason> {
        let (scheme, usual) = if self.handshaker.is_some() { ("https", 443) } else { ("http", 80) };
        let name = self.test.handshake.as_ref().and_then(|handshake| handshake.server_name.as_ref());
        let host =
            name.map_or_else(|| host_of(ends.address, self.test.port.get(), usual), ToString::to_string);
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{scheme}://{host}/grpc.health.v1.Health/Check"))
            .header(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"))
            .header(header::TE, HeaderValue::from_static("trailers"))
            .header(header::USER_AGENT, USER_AGENT);
        let request = request.body(Bytes::from(framed(&health_request(&self.test.service))).into());
        request.map_err(|error| Reason::BrokenHttp { why: error.to_string().into() })
    }
}

impl Session for GrpcSession {
    async fn run(&mut self, ends: Ends, phase: &mut Phase) -> Result<Evidence, Failure> {
        let kept = std::mem::take(&mut self.kept);
        let config = self.caller.handshaker.as_mut().map(Handshaker::config).transpose()?;
        let kept = kept.into_open(config.as_ref());
        *phase = Phase::Response;
        let (said, mut open) = match self.caller.ask_again(kept, ends).await {
            Some(asked) => asked,
            None => {
                let mut open = self.caller.open(ends, config, phase).await?;
                *phase = Phase::Response;
                (self.caller.ask(&mut open.connection, ends).await?, open)
            }
        };
        said?;
        let not_after = open.not_after;
        let is_reusable = open.connection.is_reusable().await;
        self.kept = KeptConnection::new(is_reusable.then_some(open));
        Ok(Evidence { not_after, weight: None })
    }

    async fn ended(&mut self) {
        self.kept.ended().await;
    }
}

/// A message as gRPC sends it: not compressed, with its length.
fn framed(message: &[u8]) -> Vec<u8> {
    // A name of 255 bytes, and four before it.
    let length = u32::try_from(message.len()).unwrap_or(0).to_be_bytes();
    [&[0], &length[..], message].concat()
}

/// `HealthCheckRequest { service = 1 }`. A field that is empty is left out, as proto3 wants.
fn health_request(service: &str) -> Vec<u8> {
    if service.is_empty() {
        return Vec::new();
    }
    let mut message = Vec::new();
    put_bytes(1, service.as_bytes(), &mut message);
    message
}

/// The field `status` of a framed `HealthCheckResponse`; 0 where it is left out.
fn serving(framed: &[u8]) -> Result<u64, Reason> {
    let broken = |why| Reason::BrokenGrpc { why };
    let Some((&[compressed, a, b, c, d], message)) = framed.split_first_chunk() else {
        return Err(broken("no message in the response"));
    };
    if compressed != 0 {
        return Err(broken("the response is compressed"));
    }
    if u32::from_be_bytes([a, b, c, d]) as usize != message.len() {
        return Err(broken("the response is cut short, or more than one message"));
    }
    status_field(message).ok_or(broken("the response is no HealthCheckResponse"))
}

/// Field 1 of a message, a number; 0 where it is left out, none where the message cannot be read.
fn status_field(mut message: &[u8]) -> Option<u64> {
    let mut status = 0;
    while !message.is_empty() {
        let (tag, rest) = take_varint(message)?;
        let (field, wire_type) = (tag >> 3, tag & 7);
        message = match wire_type {
            0 => {
                let (number, rest) = take_varint(rest)?;
                if field == 1 {
                    status = number;
                }
                rest
            }
            1 => rest.get(8..)?,
            2 => {
                let (length, rest) = take_varint(rest)?;
                rest.get(usize::try_from(length).ok()?..)?
            }
            5 => rest.get(4..)?,
            _ => return None,
        };
    }
    Some(status)
}

/// `ServingStatus` in words.
fn serving_word(status: u64) -> &'static str {
    match status {
        0 => "UNKNOWN",
        1 => "SERVING",
        2 => "NOT_SERVING",
        3 => "SERVICE_UNKNOWN",
        _ => "a status of no meaning",
    }
}

/// What `grpc-status` says; none where it is not there.
fn status(fields: &HeaderMap) -> Option<Result<(), Reason>> {
    let code = fields.get("grpc-status")?.to_str().ok().and_then(|code| code.parse().ok());
    Some(match code {
        Some(0) => Ok(()),
        Some(code) => {
            let message = fields.get("grpc-message").map(|value| String::from_utf8_lossy(value.as_bytes()));
            Err(Reason::Grpc { code, message: words(&message.unwrap_or_default()).into() })
        }
        None => Err(Reason::BrokenGrpc { why: "a status that is no number" }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_its_service() {
        assert_eq!(framed(&health_request("")), [0, 0, 0, 0, 0]);
        assert_eq!(framed(&health_request("etcd")), *b"\0\0\0\0\x06\x0a\x04etcd");
        let long = health_request(&"x".repeat(200));
        assert_eq!(long.get(..3), Some(&[0x0a, 0xc8, 0x01][..]));
    }

    #[test]
    fn what_a_server_says_of_its_status_is_told_in_one_short_line() {
        let said = |message: Vec<u8>| {
            let mut fields = HeaderMap::new();
            fields.insert("grpc-status", HeaderValue::from_static("14"));
            fields.insert("grpc-message", HeaderValue::from_bytes(&message).unwrap());
            match status(&fields) {
                Some(Err(Reason::Grpc { code: 14, message })) => message.to_string(),
                other => panic!("{other:?}"),
            }
        };
        // A tab and what is no ASCII may stand in a header; U+0085 ends a line for some.
        assert_eq!(said("no\tleader\u{85}".into()), "no\u{fffd}leader\u{fffd}");
        assert!(said(vec![b'x'; 5000]).chars().count() <= 201);
    }

    #[test]
    fn only_the_field_of_the_status_counts_and_others_are_skipped() {
        let read = |message: &[u8]| serving(&framed(message)).ok();
        assert_eq!(read(&[]), Some(0));
        assert_eq!(read(&[8, 1]), Some(1));
        assert_eq!(read(&[8, 2]), Some(2));
        // A text, a number of eight bytes, one of four, and a field of another number.
        assert_eq!(
            read(&[0x12, 2, 8, 1, 0x19, 1, 2, 3, 4, 5, 6, 7, 8, 0x25, 1, 2, 3, 4, 0x28, 3, 8, 1]),
            Some(1)
        );
        for broken in [&[8][..], &[8, 0x80], &[0x12, 9, 1], &[0x0b], &[0xff; 11]] {
            assert_eq!(read(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn a_response_that_is_no_single_whole_message_is_broken() {
        for framed in [
            &b""[..],
            b"\0\0\0\0",
            b"\x01\0\0\0\x02\x08\x01",
            b"\0\0\0\0\x03\x08\x01",
            b"\0\0\0\0\x01\x08\x01",
        ] {
            assert!(matches!(serving(framed), Err(Reason::BrokenGrpc { .. })), "{framed:?}");
        }
    }
}
