//! The snapshot: everything that is answered from, immutable.

use std::net::IpAddr;
use std::sync::Arc;

use super::cookie::CookieSecret;
use super::forward_table::ForwardTable;
use super::host_addresses::HostAddresses;
use super::message_kind::MessageKinds;
use super::prefix::Prefix;
use super::rate_limit::RateLimit;
use super::zone_table::ZoneTable;

/// Everything that is answered from. A new one is cheap: its parts are shared.
#[derive(Clone, Default)]
pub struct Snapshot {
    /// What the server says of itself.
    pub identity: Arc<Identity>,
    /// The zones, each with its pools. One is replaced without the others.
    pub zones: Arc<ZoneTable>,
    /// Which clients are on this host.
    pub host: Arc<HostAddresses>,
    /// The resolvers that are believed for whom they ask (RFC 7871); none: nobody is.
    pub subnet_from: Option<Arc<[Prefix]>>,
    /// The rate limit, if there is one.
    pub limit: Option<Arc<RateLimit>>,
    /// Names outside the zones that are forwarded, if there are any. Without, they are refused.
    pub forward: Option<Arc<ForwardTable>>,
    /// The messages that somebody takes who is no worker. The others are refused.
    pub handed_over: MessageKinds,
}

impl Snapshot {
    /// Whether a resolver is believed for whom it asks.
    pub fn reads_client_subnet_of(&self, peer: IpAddr) -> bool {
        self.subnet_from.as_ref().is_some_and(|from| from.iter().any(|prefix| prefix.contains(peer)))
    }

    /// The network that a client asks for, where it names one that is not everybody's and is believed.
    pub fn believed(&self, peer: IpAddr, network: Option<Prefix>) -> Option<Prefix> {
        network.filter(|network| network.length() != 0 && self.reads_client_subnet_of(peer))
    }
}

/// What the server says of itself.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// Name server identifier (RFC 5001) and answer to CHAOS `id.server`; if it is answered.
    pub nsid: Option<String>,
    /// Answer to CHAOS `version.bind`; if it is answered.
    pub version: Option<String>,
    /// Secret of DNS cookies. Without, cookies are ignored.
    pub cookies: Option<CookieSecret>,
}
