//! What the rules of `pdns.conf` work on.

use std::net::SocketAddr;
use std::path::Path;

use super::super::address;
use super::super::report::Fate;
use super::super::server_setting::ServerSettings;
use super::super::work::Work;

/// What is between the clients and PowerDNS.
pub(super) enum Front {
    /// Nothing: clients ask PowerDNS.
    None,
    /// A recursor on these addresses, which asks PowerDNS for its zones.
    Recursor(Vec<SocketAddr>),
}

/// What the rules of `pdns.conf` work on.
pub(super) struct Reading<'r> {
    pub(super) work: &'r mut Work,
    pub(super) settings: &'r ServerSettings,
    /// Where `pdns.conf` is.
    pub(super) path: &'r Path,
    /// Where PowerDNS listens.
    pub(super) own: &'r [SocketAddr],
    pub(super) front: &'r Front,
    /// What became of `bind-config`.
    pub(super) zones: Fate,
    /// What became of `bind-dnssec-db`.
    pub(super) signing: Fate,
}

/// Whether clients may ask PowerDNS itself: at the port of DNS, from outside, where no recursor is.
pub(super) fn is_kept(own: SocketAddr, front: &[SocketAddr]) -> bool {
    let is_public = own.port() == address::DNS_PORT && !own.ip().is_loopback() && !own.ip().is_unspecified();
    is_public && !front.iter().any(|front| address::covers(*front, own))
}
