//! What there is to say of protocols.

use std::net::IpAddr;

use crate::setting::KeyEntry;

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
    /// Whether all is encrypted, so that there must be a certificate. These are served on threads of their own.
    pub is_encrypted: bool,
}
