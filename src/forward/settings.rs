//! What is forwarded where, and how long answers are cached, with the defaults.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::answer::CookieSecret;
use crate::dns::Name;
use crate::probe::DnsQuestion;
use crate::requestor::Remote;
use crate::tls::Verify;

/// Most upstreams of one zone; with more, the last ones are never asked.
pub const UPSTREAMS_MAX: usize = 16;

/// Most attempts for one query: with each of the usual timeout, clients have given up long before.
pub const ATTEMPTS_MAX: u32 = 10;

/// Everything that is forwarded.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The longest that holds a name counts.
    pub zones: Vec<ForwardZone>,
    /// How answers are kept, of all zones together.
    pub cache: CacheSettings,
    /// What cookies of clients are answered with; none: they are ignored.
    pub cookies: Option<CookieSecret>,
    /// Where this server listens: it is never an upstream of its own.
    pub own: OwnAddresses,
    /// The zones it serves itself: their addresses may be private.
    pub own_zones: Vec<Name>,
}

/// A name whose whole subtree is forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardZone {
    /// Its apex.
    pub apex: Name,
    /// The upstreams.
    pub upstreams: Upstreams,
    /// Which upstream is asked first.
    pub policy: Policy,
    /// After how long without an answer the next upstream is asked, too. The one before may still answer.
    pub ask_next_after: Duration,
    /// How often an upstream is asked for one query, all upstreams together.
    pub attempts: u32,
    /// Whether answers may lead into private networks.
    pub rebinding: Rebinding,
    /// Who must have issued the certificates of upstreams.
    pub verify: Verify,
    /// By what it is decided which upstreams are up; none: by whether they answer.
    pub probe: Option<UpstreamProbe>,
}

/// What an upstream must answer, whatever else it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamProbe {
    /// What it is asked.
    pub question: DnsQuestion,
    /// From one question to the next.
    pub interval: Duration,
}

impl ForwardZone {
    /// A zone with the usual settings.
    pub fn new(apex: Name, upstreams: Upstreams) -> Self {
        Self {
            apex,
            upstreams,
            policy: Policy::Fastest,
            ask_next_after: Duration::from_secs(1),
            attempts: 3,
            rebinding: Rebinding::Allowed,
            verify: Verify::System,
            probe: None,
        }
    }
}

/// The upstreams of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upstreams {
    /// These, in this order.
    Listed(Vec<Remote>),
    /// Those in a file as resolv.conf(5), which is followed.
    System(PathBuf),
}

/// Which upstream is asked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The one that has answered the fastest lately.
    Fastest,
    /// The first one, while it answers.
    InOrder,
}

/// Whether answers may lead into private networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rebinding {
    /// They may.
    Allowed,
    /// An answer with a private address is refused: a web page could reach what is there in the name of its
    /// reader.
    Refused,
}

/// How answers are cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    /// Most answers.
    pub entries: usize,
    /// Most memory of all of them, in bytes.
    pub bytes: usize,
    /// TTLs below are raised to this.
    pub ttl_min: Duration,
    /// TTLs above are lowered to this.
    pub ttl_max: Duration,
    /// The same for answers that there is nothing (RFC 2308, section 5).
    pub negative_ttl_max: Duration,
    /// RFC 8767's maximum stale timer: how long a stale answer is kept for the case that no upstream answers;
    /// zero: not at all.
    pub serve_stale: Duration,
    /// Whether names in use are refreshed before they are stale.
    pub prefetch: Prefetch,
}

impl Default for CacheSettings {
    fn default() -> Self {
        const HOUR: u64 = 3600;
        Self {
            entries: 10_000,
            bytes: 16 << 20,
            ttl_min: Duration::ZERO,
            ttl_max: Duration::from_secs(24 * HOUR),
            negative_ttl_max: Duration::from_secs(HOUR),
            serve_stale: Duration::from_secs(24 * HOUR),
            prefetch: Prefetch::On,
        }
    }
}

/// Whether names in use are refreshed before they are stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefetch {
    /// In the last tenth of their lifetime, when they have been asked for twice.
    On,
    /// No.
    Off,
}

/// Where this server listens.
#[derive(Clone)]
pub struct OwnAddresses {
    /// As in the configuration; an unspecified address means all.
    pub listen: Vec<SocketAddr>,
    /// The addresses of this host now: those of a cluster come and go.
    pub addresses: fn() -> Arc<[IpAddr]>,
}

impl Default for OwnAddresses {
    fn default() -> Self {
        Self { listen: Vec::new(), addresses: || Arc::new([]) }
    }
}

impl fmt::Debug for OwnAddresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.listen).finish()
    }
}

impl OwnAddresses {
    /// Whether this server would ask itself there.
    pub fn include(&self, place: SocketAddr) -> bool {
        let same_port = self.listen.iter().filter(|listen| listen.port() == place.port());
        same_port.into_iter().any(|listen| {
            let everywhere = listen.ip().is_unspecified() && listen.is_ipv4() == place.is_ipv4();
            listen.ip() == place.ip() || everywhere && self.is_own(place.ip())
        })
    }

    fn is_own(&self, address: IpAddr) -> bool {
        address.is_loopback() || address.is_unspecified() || (self.addresses)().contains(&address)
    }
}
