//! Listen addresses, and what is served at one: a row for each combination of protocols, with its key in `[server]`.
//!
//! Another transport over streams is a file of its own, beside `tcp`, a row here, and one of
//! [`Transport`](crate::answer::Transport).

mod tcp;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::runtime::Handle;

use self::tcp::Tcp;
use super::responder::Responder;
use super::stream::{StreamContext, StreamListener};
use crate::setting::{Absent, KeyEntry};

/// A listen address, and what is served there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    /// Address and port.
    pub address: SocketAddr,
    /// What is served there.
    pub protocols: Protocols,
}

/// What is served at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocols {
    /// DNS over UDP and TCP (RFC 1035, section 4.2).
    Plain,
}

/// What there is to say of protocols.
#[derive(Clone, Copy, Debug)]
pub struct ProtocolsEntry {
    /// The key in `[server]` that lists their addresses.
    pub key: KeyEntry,
    /// What people call them.
    pub name: &'static str,
    /// The port that they are usually at.
    pub port: u16,
    /// Where they are served unless the key says otherwise.
    pub absent: &'static [IpAddr],
    /// Whether queries come in datagrams, too.
    pub has_datagrams: bool,
}

const PLAIN: ProtocolsEntry = ProtocolsEntry {
    key: KeyEntry::new(
        "listen",
        Absent::Default(r#"["0.0.0.0:53", "[::]:53"]"#),
        "addresses and ports to serve, UDP and TCP; list single addresses if another server uses port 53; a \
         link-local address needs its interface, as in \"[fe80::1%eth0]:53\"",
    ),
    name: "UDP and TCP",
    port: 53,
    absent: &[IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)],
    has_datagrams: true,
};

impl Protocols {
    /// All of them, in the order in which their keys are shown.
    pub const ALL: &[Protocols] = &[Protocols::Plain];

    /// What there is to say of them.
    pub fn entry(self) -> ProtocolsEntry {
        match self {
            Protocols::Plain => PLAIN,
        }
    }

    /// Where they are served unless the configuration says otherwise.
    pub fn usual_addresses(self) -> impl Iterator<Item = ListenAddress> {
        let ProtocolsEntry { absent, port, .. } = self.entry();
        absent.iter().map(move |&ip| ListenAddress { address: (ip, port).into(), protocols: self })
    }

    /// Serves the connections of a listener.
    pub(super) fn serve<R: Responder>(
        self,
        listener: TcpListener,
        shared: Arc<StreamContext<R>>,
        handle: &Handle,
    ) -> StreamListener {
        match self {
            Protocols::Plain => StreamListener::start(Tcp, listener, shared, handle),
        }
    }
}

/// DNS over UDP and TCP.
impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        ListenAddress { address, protocols: Protocols::Plain }
    }
}
