//! `tcp`: the port accepts a connection.
//!
//! Responsible for one connection attempt. Not responsible for its meaning.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::connect::connect;
use super::outcome::Failure;
use super::{KindEntry, Port};

pub(super) const ENTRY: KindEntry = KindEntry { name: "tcp", help: "the port accepts a TCP connection" };

/// A TCP connection is accepted, and closed at once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tcp {
    /// The port.
    pub port: Port,
}

impl Tcp {
    /// Connects, and closes in the ordinary way: a reset (SO_LINGER 0) would spare us TIME_WAIT,
    /// but servers log it as an error of their client.
    pub(super) async fn run(&self, address: IpAddr, source: Option<IpAddr>) -> Result<(), Failure> {
        connect(self.at(address), source).await.map(drop)
    }

    pub(super) fn fmt_at(&self, address: IpAddr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.at(address), f)
    }

    fn at(&self, address: IpAddr) -> SocketAddr {
        SocketAddr::new(address, self.port.get())
    }
}
