//! What a config asks of the host it is served on.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::dns::Name;
use crate::transport::SocketProtocol;

/// What a config asks of the host it is served on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Where DNS is to be served, over UDP and TCP.
    pub listen: Vec<SocketAddr>,
    /// Where encrypted transports are to be served, and by which sockets.
    pub encrypted: Vec<(SocketAddr, SocketProtocol)>,
    /// Where the page and the metrics are to be served.
    pub admin: Option<SocketAddr>,
    /// Every file that is read and is no secret: config, zones, what they include, and what probes are run with. Absolute
    /// paths.
    pub files: Vec<PathBuf>,
    /// Every file that is read and that others must not see: keys, tokens. Absolute paths.
    pub secrets: Vec<PathBuf>,
    /// Where what outlives a restart is to be kept; none: where systemd says.
    pub state_directory: Option<PathBuf>,
    /// The control socket; none: where systemd says.
    pub socket: Option<PathBuf>,
    /// Domains that this host searches, each with the wildcard that answers for every name in it.
    pub wildcards: Vec<(Name, Name)>,
}

impl Wanted {
    /// Every address and port at which something is to be served.
    pub(super) fn places(&self) -> impl Iterator<Item = SocketAddr> {
        let encrypted = self.encrypted.iter().map(|(place, _)| *place);
        self.listen.iter().copied().chain(encrypted).chain(self.admin)
    }
}
