//! What there is to say of protocols.

use std::net::IpAddr;

use crate::answer::Transport;
use crate::setting::KeyEntry;
use crate::transport::protocol::SocketProtocol;

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
    /// Whether queries come in datagrams, too: workers serve these, at the same address.
    pub has_datagrams: bool,
    /// The protocol of the socket that connections come to.
    pub socket: SocketProtocol,
    /// A port at which they are not to be served.
    pub barred_port: Option<u16>,
    /// What comes over their connections, as responders know it.
    pub transport: Transport,
}

impl ProtocolsEntry {
    /// Whether all is encrypted, so that there must be a certificate. These are served on threads of their own.
    pub fn is_encrypted(&self) -> bool {
        self.transport.is_encrypted()
    }

    /// Whether they have a socket of this protocol, so that no other can have one at the same address.
    pub fn takes(&self, protocol: SocketProtocol) -> bool {
        match protocol {
            SocketProtocol::Tcp => self.socket == SocketProtocol::Tcp,
            SocketProtocol::Udp => self.has_datagrams || self.socket == SocketProtocol::Udp,
        }
    }
}
