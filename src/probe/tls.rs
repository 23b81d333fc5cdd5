//! `tls`: the port accepts a TLS handshake.
//!
//! Responsible for one connection with its handshake. Not responsible for
//! what is demanded in it: that is `handshake`.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::io::AsyncWriteExt;

use super::connect::connect;
use super::entry::KindEntry;
use super::handshake::Handshaker;
use super::outcome::{Failure, Phase};
use super::port::Port;
use super::session::{Ends, Evidence, Session};
use crate::tls::Handshake;

pub(super) const ENTRY: KindEntry = KindEntry {
    name: "tls",
    help: "the port accepts a TLS handshake, with a certificate that can be believed",
};

/// A TLS handshake succeeds. TLS 1.3 lets a target refuse a client's certificate only after that:
/// where this matters, probe with `https`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tls {
    /// The port.
    pub port: Port,
    /// What is said and demanded.
    pub handshake: Handshake,
}

impl Tls {
    pub(super) fn fmt_at(&self, address: IpAddr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tls://{}", SocketAddr::new(address, self.port.get()))?;
        self.handshake.server_name.as_ref().map_or(Ok(()), |name| write!(f, " as {name}"))
    }
}

/// The runs at one target.
pub(super) struct TlsSession {
    port: Port,
    handshaker: Handshaker,
}

impl TlsSession {
    pub(super) fn new(test: &Arc<Tls>) -> Self {
        Self { port: test.port, handshaker: Handshaker::new(test.handshake.clone()) }
    }
}

impl Session for TlsSession {
    async fn run(&mut self, ends: Ends, phase: &mut Phase) -> Result<Evidence, Failure> {
        let config = self.handshaker.config()?;
        let stream = connect(ends.to(self.port), ends.source).await?;
        *phase = Phase::Handshake;
        let mut secured = self.handshaker.shake(config, stream, ends.address).await?;
        // A close_notify spares the target a line in its log. Nothing is learned from its failure.
        let _ = secured.stream.shutdown().await;
        Ok(Evidence { not_after: secured.not_after, weight: None })
    }
}
