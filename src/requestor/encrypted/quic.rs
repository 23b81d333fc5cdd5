//! DNS over QUIC (RFC 9250): a stream for each query.
//!
//! A connection has a socket of its own, whose port nobody can guess.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{
    ClientConfig, Connection, ConnectionError, Endpoint, IdleTimeout, ReadError, ReadToEndError, RecvStream,
    TransportConfig, VarInt, WriteError,
};

use super::carrier::{Carrier, Heard, Unanswered};
use super::entry::TransportEntry;
use super::server::EncryptedServer;
use crate::dns::message::MESSAGE_BYTES_MAX;
use crate::requestor::failure::Failure;
use crate::requestor::framing::framed;
use crate::requestor::query::Query;
use crate::tls::TlsVersions;

pub(super) const ENTRY: TransportEntry = TransportEntry {
    scheme: "quic",
    name: "QUIC",
    port: 853,
    // RFC 9250, section 4.1.1.
    barred_port: Some(53),
    path: None,
    carries_transfers: false,
};

/// What is spoken, as TLS names it (RFC 9250, section 4.1).
const PROTOCOL: &str = "doq";

/// A message behind its length, in bytes.
const FRAME_BYTES_MAX: usize = 2 + MESSAGE_BYTES_MAX;

/// What the server may send ahead on one stream, in bytes: the longest response.
const STREAM_WINDOW_BYTES: u32 = 66 << 10;

/// The same on all of them together.
const WINDOW_BYTES: u32 = 1 << 20;

/// Silence that ends a connection without a word, in milliseconds: as long as one is kept without a query.
const SILENCE_MAX_MS: u32 = 30_000;

/// Nobody waits for the response any more (RFC 9250, section 4.3).
const REQUEST_CANCELLED: VarInt = VarInt::from_u32(3);

/// What the server may say when it ends a stream or a connection (RFC 9250, section 8.4).
const CODES: [&str; 6] = [
    "DOQ_NO_ERROR",
    "DOQ_INTERNAL_ERROR",
    "DOQ_PROTOCOL_ERROR",
    "DOQ_REQUEST_CANCELLED",
    "DOQ_EXCESSIVE_LOAD",
    "DOQ_UNSPECIFIED_ERROR",
];

/// A connection of QUIC. The last one who holds it closes it with `DOQ_NO_ERROR`.
pub(super) struct QuicCarrier {
    connection: Connection,
    heard: Heard,
}

impl Carrier for QuicCarrier {
    async fn open(server: &EncryptedServer, heard: Heard) -> Result<Self, Failure> {
        let any = match server.address.ip() {
            IpAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            IpAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let handshake = server.handshake(&[PROTOCOL]);
        let tls = handshake.config_of(TlsVersions::Newest);
        let tls = tls.map_err(|error| Failure::File(error.to_string()))?;
        let tls = QuicClientConfig::try_from(tls).map_err(|error| refused(&error))?;
        let mut config = ClientConfig::new(Arc::new(tls));
        config.transport_config(Arc::new(transport()));
        let endpoint = Endpoint::client(any)?;
        let name = handshake.name_at(server.address.ip());
        let connecting = endpoint.connect_with(config, server.address, &name.to_str());
        let connection = connecting.map_err(|error| refused(&error))?.await;
        let connection = connection.map_err(|error| Failure::NoConnection(told(&error)))?;
        Ok(Self { connection, heard })
    }

    async fn ask(&self, mut query: Query) -> Result<Vec<u8>, Unanswered> {
        // RFC 9250, section 4.2.1.
        query.set_id(0);
        let frame = framed(query.bytes()).map_err(|error| Unanswered::Failed(error.into()))?;
        let (mut stream, response) = self.connection.open_bi().await.map_err(|error| lost(&error))?;
        let mut response = Awaited(response);
        stream.write_all(&frame).await.map_err(|error| unsent(&error))?;
        // It ends only by us.
        let _ = stream.finish();
        // The server ends its side, too, behind the one response (RFC 9250, section 4.2).
        let received = response.0.read_to_end(FRAME_BYTES_MAX).await;
        self.heard.now();
        let message = unframed(received.map_err(|error| unread(&error))?)?;
        query.accept(&message).ok_or(Unanswered::Failed(Failure::Malformed))?;
        Ok(message)
    }

    fn is_open(&self) -> bool {
        self.connection.close_reason().is_none()
    }
}

/// The side of a stream on which the response comes. The server learns when nobody waits for it any more.
struct Awaited(RecvStream);

impl Drop for Awaited {
    fn drop(&mut self) {
        // It may have come to its end.
        let _ = self.0.stop(REQUEST_CANCELLED);
    }
}

/// The one message of a stream.
fn unframed(mut stream: Vec<u8>) -> Result<Vec<u8>, Unanswered> {
    let length = stream.first_chunk().map(|length| usize::from(u16::from_be_bytes(*length)));
    if length.is_none_or(|length| length.checked_add(2) != Some(stream.len())) {
        return Err(Unanswered::Failed(Failure::Malformed));
    }
    stream.drain(..2);
    Ok(stream)
}

fn transport() -> TransportConfig {
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(STREAM_WINDOW_BYTES.into())
        .receive_window(WINDOW_BYTES.into())
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(SILENCE_MAX_MS))));
    transport
}

fn refused(error: &impl std::error::Error) -> Failure {
    Failure::NoConnection(format!("QUIC: {error}"))
}

/// A connection that has ended; most do so in order.
fn lost(error: &ConnectionError) -> Unanswered {
    let is_usual = match error {
        ConnectionError::ApplicationClosed(close) => close.error_code == VarInt::from_u32(0),
        ConnectionError::Reset | ConnectionError::TimedOut | ConnectionError::LocallyClosed => true,
        _ => false,
    };
    Unanswered::Over(if is_usual { Failure::Closed } else { Failure::Protocol(told(error)) })
}

fn unsent(error: &WriteError) -> Unanswered {
    match error {
        WriteError::ConnectionLost(error) => lost(error),
        WriteError::Stopped(code) => ended(*code),
        WriteError::ClosedStream | WriteError::ZeroRttRejected => Unanswered::Over(Failure::Closed),
    }
}

fn unread(error: &ReadToEndError) -> Unanswered {
    match error {
        ReadToEndError::TooLong => Unanswered::Failed(Failure::TooLong),
        ReadToEndError::Read(ReadError::ConnectionLost(error)) => lost(error),
        ReadToEndError::Read(ReadError::Reset(code)) => ended(*code),
        ReadToEndError::Read(_) => Unanswered::Over(Failure::Closed),
    }
}

/// A stream that the server has ended.
fn ended(code: VarInt) -> Unanswered {
    Unanswered::Failed(Failure::Protocol(format!("QUIC: the query is refused: {}", code_name(code))))
}

/// What has happened, without words of the server's.
fn told(error: &ConnectionError) -> String {
    match error {
        ConnectionError::ApplicationClosed(close) => {
            format!("QUIC: closed by the server: {}", code_name(close.error_code))
        }
        ConnectionError::ConnectionClosed(close) => {
            format!("QUIC: closed by the server: {}", close.error_code)
        }
        ConnectionError::TimedOut => "timed out".to_owned(),
        error => format!("QUIC: {error}"),
    }
}

fn code_name(code: VarInt) -> String {
    let known = usize::try_from(code.into_inner()).ok().and_then(|code| CODES.get(code));
    known.map_or_else(|| format!("{code:#x}", code = code.into_inner()), |name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_has_one_message_and_no_more() {
        assert_eq!(unframed(vec![0, 3, 7, 8, 9]).unwrap(), [7, 8, 9]);
        for bad in [&[][..], &[0], &[0, 1], &[0, 1, 7, 0, 1, 8]] {
            assert!(matches!(unframed(bad.to_vec()), Err(Unanswered::Failed(Failure::Malformed))), "{bad:?}");
        }
    }

    #[test]
    fn codes_have_their_names() {
        assert_eq!(code_name(VarInt::from_u32(4)), "DOQ_EXCESSIVE_LOAD");
        assert_eq!(code_name(VarInt::from_u32(6)), "0x6");
    }
}
