//! Who asks, over what, and what becomes of the query: the two ends of `respond`.

use std::net::IpAddr;

use crate::dns::edns::{Edns, udp_size_limit};

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
}

/// How the query came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// One datagram: the client bounds the size of the response.
    Udp,
    /// A stream.
    Tcp,
}

impl Transport {
    /// Longest response in bytes; `edns` is the client's OPT record.
    #[inline]
    pub fn size_limit(self, edns: Option<&Edns<'_>>) -> usize {
        match self {
            Transport::Tcp => usize::from(u16::MAX),
            Transport::Udp => udp_size_limit(edns),
        }
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
