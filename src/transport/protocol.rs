//! The protocol of a socket.

use std::fmt;

/// The protocol of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketProtocol {
    /// Datagrams.
    Udp,
    /// Streams.
    Tcp,
}

impl fmt::Display for SocketProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SocketProtocol::Udp => "UDP",
            SocketProtocol::Tcp => "TCP",
        })
    }
}
