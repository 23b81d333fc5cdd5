//! Where another server is, and how it is asked.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::encrypted::{Encrypted, EncryptedServer, Purpose};
use crate::tls::{Credentials, Verify};

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
    /// Over an encrypted connection that is kept.
    Encrypted(Encrypted),
}

impl Protocol {
    /// What people call the transport, where zones are not copied over it; none: they are.
    pub fn without_transfers(&self) -> Option<&'static str> {
        match self {
            Protocol::Udp | Protocol::Tcp => None,
            Protocol::Encrypted(one) => {
                let entry = one.transport.entry();
                (!entry.carries_transfers).then_some(entry.name)
            }
        }
    }

    /// Whether nobody on the way sees or changes what is asked.
    pub fn is_encrypted(&self) -> bool {
        matches!(self, Protocol::Encrypted(_))
    }
}

impl Remote {
    /// The server that is asked over an encrypted transport, with whom its certificate must be from.
    pub(super) fn encrypted_server(&self, encrypted: &Encrypted, verify: &Verify) -> EncryptedServer {
        let Encrypted { name, path, .. } = encrypted.clone();
        let (verify, purpose) = (verify.clone(), Purpose::Queries);
        EncryptedServer { address: self.address, name, path, verify, purpose }
    }

    /// The same of one that zones are copied from, or that is told of them, from an address of this host.
    pub(super) fn encrypted_server_of_zones(
        &self,
        encrypted: &Encrypted,
        credentials: &Credentials,
        source: Option<IpAddr>,
    ) -> EncryptedServer {
        let Credentials { verify, client } = credentials;
        let purpose = Purpose::Zones { client: client.clone(), source };
        EncryptedServer { purpose, ..self.encrypted_server(encrypted, verify) }
    }
}

/// As the configuration has it: `192.0.2.53:53`, `tcp://192.0.2.53:53`, `tls://192.0.2.53:853#dns.example`,
/// `https://192.0.2.53:443/dns-query#dns.example`.
impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.protocol {
            Protocol::Udp => write!(f, "{}", self.address),
            Protocol::Tcp => write!(f, "tcp://{}", self.address),
            Protocol::Encrypted(one) => {
                write!(f, "{}://{}{one}", one.transport.entry().scheme, self.address)
            }
        }
    }
}
