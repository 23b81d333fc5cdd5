//! DNS over HTTPS (RFC 8484): a POST over HTTP/2 for each query.
//!
//! A redirect is not followed: it would lead to a server that nobody has named.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http2;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::carrier::{Carrier, Heard, Unanswered};
use super::entry::TransportEntry;
use super::server::EncryptedServer;
use crate::dns::message::MESSAGE_BYTES_MAX;
use crate::requestor::failure::Failure;
use crate::requestor::query::Query;
use crate::tls::TlsVersions;

pub(super) const ENTRY: TransportEntry = TransportEntry {
    scheme: "https",
    name: "HTTPS",
    port: 443,
    barred_port: None,
    path: Some("/dns-query"),
    carries_transfers: false,
};

/// What is spoken, as TLS names it. HTTP/1.1 would take a connection for each query that waits.
const PROTOCOL: &str = "h2";

/// What queries and responses are (RFC 8484, section 6).
const MEDIA_TYPE: &str = "application/dns-message";

/// What the server may send ahead on one stream, in bytes: the longest response.
const STREAM_WINDOW_BYTES: u32 = 64 << 10;

/// The same on all of them together.
const WINDOW_BYTES: u32 = 1 << 20;

/// Longest header list of a response, in bytes.
const HEAD_BYTES_MAX: u32 = 16 << 10;

/// How long a connection that nobody asks over any more may take to say so.
const FAREWELL_MAX: Duration = Duration::from_secs(1);

/// A connection of HTTP/2.
pub(super) struct HttpsCarrier {
    sender: http2::SendRequest<Full<Bytes>>,
    target: Uri,
    heard: Heard,
    /// Its end has the connection closed.
    _open: oneshot::Sender<Infallible>,
}

impl Carrier for HttpsCarrier {
    async fn open(server: &EncryptedServer, heard: Heard) -> Result<Self, Failure> {
        let target = target(server).map_err(|error| Failure::NoConnection(format!("HTTPS: {error}")))?;
        let stream = server.connect(TlsVersions::Usual, &[PROTOCOL]).await?;
        if stream.get_ref().1.alpn_protocol() != Some(PROTOCOL.as_bytes()) {
            return Err(Failure::NoConnection("HTTPS: the server does not speak HTTP/2".to_owned()));
        }
        let (sender, connection) = settings()
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| Failure::NoConnection(told(&error)))?;
        let (open, over) = oneshot::channel::<Infallible>();
        tokio::spawn(async move {
            let mut connection = pin!(connection);
            tokio::select! {
                // Whoever waits for a response hears of its end.
                _ = &mut connection => {}
                _ = over => {
                    let _ = timeout(FAREWELL_MAX, connection).await;
                }
            }
        });
        Ok(Self { sender, target, heard, _open: open })
    }

    async fn ask(&self, mut query: Query) -> Result<Vec<u8>, Unanswered> {
        // So that the same query is the same request (RFC 8484, section 4.1).
        query.set_id(0);
        let request = Request::post(self.target.clone())
            .header(CONTENT_TYPE, MEDIA_TYPE)
            .header(ACCEPT, MEDIA_TYPE)
            .body(Full::from(query.bytes().to_vec()))
            .map_err(|error| Unanswered::Failed(Failure::Protocol(format!("HTTPS: {error}"))))?;
        let response = self.sender.clone().send_request(request).await.map_err(|error| unanswered(&error))?;
        self.heard.now();
        let message = self.read(response).await?;
        query.accept(&message).ok_or(Unanswered::Failed(Failure::Malformed))?;
        Ok(message)
    }

    fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }
}

impl HttpsCarrier {
    /// The message that a response has.
    async fn read(&self, response: Response<Incoming>) -> Result<Vec<u8>, Unanswered> {
        let (head, mut body) = response.into_parts();
        if head.status != StatusCode::OK {
            return Err(Unanswered::Failed(Failure::Status(head.status.as_u16())));
        }
        if !is_dns(&head.headers) {
            return Err(Unanswered::Failed(Failure::MediaType));
        }
        let mut message = Vec::new();
        // What it says beforehand; 64 bits hold a length.
        let mut is_too_long = body.size_hint().lower() > MESSAGE_BYTES_MAX as u64;
        while !is_too_long && let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| unanswered(&error))?;
            self.heard.now();
            let Some(bytes) = frame.data_ref() else { continue };
            is_too_long = message.len().saturating_add(bytes.len()) > MESSAGE_BYTES_MAX;
            if !is_too_long {
                message.extend_from_slice(bytes);
            }
        }
        if is_too_long { Err(Unanswered::Failed(Failure::TooLong)) } else { Ok(message) }
    }
}

/// Where queries go. A server is named as its certificate is.
fn target(server: &EncryptedServer) -> Result<Uri, hyper::http::Error> {
    let host = match (&server.name, server.address.ip()) {
        (Some(name), _) => name.to_string(),
        (None, IpAddr::V4(address)) => address.to_string(),
        (None, IpAddr::V6(address)) => format!("[{address}]"),
    };
    let port = server.address.port();
    let authority = if port == ENTRY.port { host } else { format!("{host}:{port}") };
    let path = server.path.as_ref().map(|path| path.as_str()).or(ENTRY.path).unwrap_or_default();
    Uri::builder().scheme("https").authority(authority).path_and_query(path).build()
}

fn settings() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .max_header_list_size(HEAD_BYTES_MAX);
    builder
}

/// Whether the body is a DNS message, whatever parameters its type has.
fn is_dns(headers: &HeaderMap) -> bool {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = given.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(MEDIA_TYPE))
}

/// What an error means for the query that met it.
fn unanswered(error: &hyper::Error) -> Unanswered {
    let failure = |text| Failure::Protocol(text);
    match h2_error(error) {
        // RFC 9113, section 8.7: it was not looked at.
        Some(reset) if reset.is_reset() && reset.reason() == Some(h2::Reason::REFUSED_STREAM) => {
            Unanswered::Over(failure(told(error)))
        }
        Some(reset) if reset.is_reset() => Unanswered::Failed(failure(told(error))),
        Some(end) if end.is_go_away() && end.reason() != Some(h2::Reason::NO_ERROR) => {
            Unanswered::Over(failure(told(error)))
        }
        Some(_) => Unanswered::Over(Failure::Closed),
        None if error.is_canceled() || error.is_closed() || error.is_incomplete_message() => {
            Unanswered::Over(Failure::Closed)
        }
        None => Unanswered::Over(failure(told(error))),
    }
}

/// What has happened, without words of the server's.
fn told(error: &hyper::Error) -> String {
    let reason = h2_error(error).and_then(h2::Error::reason);
    match reason {
        Some(reason) => format!("HTTP/2: {}", reason.description()),
        None => format!("HTTP/2: {error}"),
    }
}

fn h2_error(error: &hyper::Error) -> Option<&h2::Error> {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        source = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Path;
    use crate::requestor::encrypted::server::Purpose;
    use crate::tls::{ServerName, Verify};

    #[test]
    fn a_server_is_asked_by_its_name_and_at_its_port() {
        let told = |address: &str, name: Option<&str>, path: &str| {
            let server = EncryptedServer {
                address: address.parse().unwrap(),
                name: name.and_then(ServerName::new),
                path: Path::new(path),
                verify: Verify::Off,
                purpose: Purpose::Queries,
            };
            target(&server).unwrap().to_string()
        };
        let named = Some("dns.example");
        assert_eq!(told("192.0.2.1:443", named, "/dns-query"), "https://dns.example/dns-query");
        assert_eq!(told("192.0.2.1:8443", named, "/q"), "https://dns.example:8443/q");
        assert_eq!(told("192.0.2.1:443", None, "/dns-query"), "https://192.0.2.1/dns-query");
        assert_eq!(told("[2001:db8::1]:8443", None, "/dns-query"), "https://[2001:db8::1]:8443/dns-query");
    }

    #[test]
    fn a_type_may_have_parameters_and_any_case() {
        let is_dns = |given: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, given.parse().unwrap());
            super::is_dns(&headers)
        };
        assert!(is_dns("application/dns-message") && is_dns("Application/DNS-Message; charset=utf-8"));
        assert!(!is_dns("application/dns-json") && !is_dns("") && !super::is_dns(&HeaderMap::new()));
    }
}
