//! Where another server is, and how it is asked.

use std::fmt;
use std::net::SocketAddr;

use crate::tls::ServerName;

/// Another server: its address and the transport to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Remote {
    /// Address and port.
    pub address: SocketAddr,
    /// The transport.
    pub protocol: Protocol,
}

/// How a server is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Over UDP, and over TCP what does not fit (RFC 1035, section 4.2).
    Udp,
    /// Over TCP (RFC 7766), a connection for each query.
    Tcp,
    /// Over TLS (RFC 7858), over a connection that is kept. The certificate must be for this name; none: for
    /// the address.
    Tls(Option<ServerName>),
}

/// As the configuration has it: `192.0.2.53:53`, `tcp://192.0.2.53:53`, `tls://192.0.2.53:853#dns.example`.
impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.protocol {
            Protocol::Udp => write!(f, "{}", self.address),
            Protocol::Tcp => write!(f, "tcp://{}", self.address),
            Protocol::Tls(None) => write!(f, "tls://{}", self.address),
            Protocol::Tls(Some(name)) => write!(f, "tls://{}#{name}", self.address),
        }
    }
}
