//! `tcp`: the port accepts a connection.
//!
//! Responsible for one connection attempt. Not responsible for its meaning.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::connect::connect;
use super::entry::KindEntry;
use super::outcome::{Failure, Phase};
use super::port::Port;
use super::session::{Ends, Evidence, Session};

pub(super) const ENTRY: KindEntry = KindEntry { name: "tcp", help: "the port accepts a TCP connection" };

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
    /// log it as an error of their client, and it is not worth that: at 10,000 probes a second all of
    /// `close` was an eighth of what probing costs, and the reset has a price, too.
    async fn run(&mut self, ends: Ends, _: &mut Phase) -> Result<Evidence, Failure> {
        connect(ends.to(self.port), ends.source).await.map(|_| Evidence::default())
    }
}
