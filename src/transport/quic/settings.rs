//! What clients may do over QUIC.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{EndpointConfig, ServerConfig, TransportConfig, VarInt};

use crate::tls::ServerTls;
use crate::transport::stream::STREAMS_MAX;

/// What is spoken, as TLS names it (RFC 9250, section 4.1).
const PROTOCOL: &[u8] = b"doq";

/// Version 1 (RFC 9000).
const VERSION: u32 = 1;

/// What a client may send ahead on one stream, in bytes: more than a query is long. What has been read makes room again.
const STREAM_WINDOW_BYTES: u32 = 8 << 10;

/// The same on all of them together.
const WINDOW_BYTES: u32 = 128 << 10;

/// Silence that ends a connection without a word.
pub(super) const SILENCE_MAX: Duration = Duration::from_secs(30);

/// First packets that wait to be looked at; each is looked at once, at once.
const INCOMING_MAX: usize = 1024;

/// What is received of a connection before that, in bytes: a greeting in several packets.
const INCOMING_BYTES: u64 = 16 << 10;

/// An endpoint of version 1 alone.
pub(super) fn endpoint() -> EndpointConfig {
    let mut config = EndpointConfig::default();
    config.supported_versions(vec![VERSION]);
    config
}

/// What a connection is served with, which `silence` ends. What is sent and not acknowledged is bounded where it is held: by
/// `ConcurrentQueries`.
///
/// # Errors
/// When `tls` has no cipher that QUIC begins with; every module of ours has it.
pub(super) fn server(tls: &ServerTls, silence: Duration) -> io::Result<ServerConfig> {
    let tls = QuicServerConfig::try_from(tls.config_asking_clients(&[PROTOCOL])).map_err(io::Error::other)?;
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(STREAMS_MAX.into())
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(STREAM_WINDOW_BYTES.into())
        .receive_window(WINDOW_BYTES.into())
        .max_idle_timeout(Some(silence.try_into().map_err(io::Error::other)?));
    let mut config = ServerConfig::with_crypto(Arc::new(tls));
    config
        .transport_config(Arc::new(transport))
        .max_incoming(INCOMING_MAX)
        .incoming_buffer_size(INCOMING_BYTES)
        .incoming_buffer_size_total(INCOMING_BYTES * 256)
        // Who may ask what goes by address: it is the one that the handshake has validated, to the end.
        .migration(false);
    Ok(config)
}

#[cfg(test)]
mod tests;
