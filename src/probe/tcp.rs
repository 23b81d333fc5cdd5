//! `tcp`: the port accepts a connection.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use super::connect::reach;
use super::entry::{KindEntry, KindForm, Reach};
use super::outcome::{Failure, Phase};
use super::port::Port;
use super::session::{Ends, Evidence, Session};
use super::written::Written;
use crate::setting::{Absent, KeyEntry};
use crate::source::Diagnostics;

const KEY: KeyEntry = KeyEntry::new(
    "tcp",
    Absent::Unset { example: "6443" },
    "a port that must accept connections, or a list of ports that all must; target: the port of each SRV \
         record",
);

pub(super) const ENTRY: KindEntry = KindEntry {
    name: "tcp",
    help: "the port accepts a TCP connection",
    form: KindForm::Ports(&KEY),
    reach: Reach::Network,
};

/// A TCP connection is accepted, and closed at once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tcp {
    /// The port.
    pub port: Port,
}

impl Tcp {
    pub(super) fn fmt_at(&self, address: IpAddr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&SocketAddr::new(address, self.port.get()), f)
    }

    pub(super) fn port(&self) -> Port {
        self.port
    }
}

/// Takes a port of the list.
pub(super) fn read(written: Written<'_, '_>, _: &Path, found: &mut Diagnostics) -> Option<Tcp> {
    written.port(&KEY, found).map(|port| Tcp { port })
}

/// The runs at one target; nothing is kept between them.
pub(super) struct TcpSession {
    port: Port,
}

impl TcpSession {
    pub(super) fn new(test: &Tcp) -> Self {
        Self { port: test.port }
    }
}

impl Session for TcpSession {
    /// Connects, and closes in the ordinary way. A reset (SO_LINGER 0) would spare us TIME_WAIT, but servers
    /// log it as an error of their client, and it is not worth that: at 10,000 probes a second all of `close`
    /// was an eighth of what probing costs, and the reset has a price, too.
    async fn run(&mut self, ends: Ends, _: &mut Phase) -> Result<Evidence, Failure> {
        reach(ends.to(self.port), ends.source).await.map(|()| Evidence::default())
    }
}
