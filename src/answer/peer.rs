//! Who asks, over what, and what becomes of the query: the two ends of `respond`.

use std::net::IpAddr;

use super::message_kind::MessageKind;
use crate::dns::edns::{Edns, udp_size_limit};
use crate::dns::message::MESSAGE_BYTES_MAX;

/// What becomes of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The first `len` bytes of the buffer go back to the client.
    Send {
        /// Length of the response in bytes.
        len: usize,
    },
    /// Nothing is sent.
    Drop,
    /// The name lies outside our zones and is forwarded for this client: `forward` answers. Only with a
    /// [`ForwardTable`](super::ForwardTable) in the snapshot.
    Forward,
    /// The first `len` bytes of the buffer answer as far as our zones go: to an alias that leads outside
    /// them, to a name that is forwarded for this client. `forward` adds the rest.
    ForwardTail {
        /// Length of the response in bytes.
        len: usize,
    },
    /// It is no plain query: whoever takes its kind treats the whole message. Only of the kinds that the
    /// snapshot names.
    HandOver(MessageKind),
}

/// How the query came. All that depends on it asks one of the questions below, so that another transport is
/// one more row here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// One datagram: the client bounds the size of the response.
    Udp,
    /// A TCP connection.
    Tcp,
    /// A TLS connection (RFC 7858).
    Tls,
    /// An HTTPS connection (RFC 8484): one response to each query.
    Https,
    /// A QUIC connection (RFC 9250).
    Quic,
}

impl Transport {
    /// All of them, in the order in which status and metrics show them.
    pub const ALL: [Transport; 5] =
        [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Https, Transport::Quic];

    /// The name that status, metrics and traces show.
    pub fn name(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
            Transport::Https => "https",
            Transport::Quic => "quic",
        }
    }

    /// Whether queries come over a stream: responses are not bounded, and the client's address is not forged.
    #[inline]
    pub fn is_stream(self) -> bool {
        match self {
            Transport::Udp => false,
            Transport::Tcp | Transport::Tls | Transport::Https | Transport::Quic => true,
        }
    }

    /// Whether queries and responses are encrypted.
    pub fn is_encrypted(self) -> bool {
        match self {
            Transport::Udp | Transport::Tcp => false,
            Transport::Tls | Transport::Https | Transport::Quic => true,
        }
    }

    /// Whether a query may have several responses, as a transfer has.
    pub fn carries_transfers(self) -> bool {
        match self {
            Transport::Udp | Transport::Https => false,
            Transport::Tcp | Transport::Tls | Transport::Quic => true,
        }
    }

    /// Longest response in bytes; `edns` is the client's OPT record.
    #[inline]
    pub fn size_limit(self, edns: Option<&Edns<'_>>) -> usize {
        if self.is_stream() { MESSAGE_BYTES_MAX } else { udp_size_limit(edns) }
    }
}

/// Who asks, and how.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// The client's address.
    pub address: IpAddr,
    /// How the query came.
    pub transport: Transport,
}
