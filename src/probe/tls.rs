//! `tls`: the port accepts a TLS handshake.
//!
//! Makes one connection with its handshake. `handshake` has what is demanded in it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use tokio::io::AsyncWriteExt;

use super::connect::connect;
use super::entry::{KindEntry, KindForm, Reach};
use super::handshake::Handshaker;
use super::handshake_keys::{HANDSHAKE_KEYS, read_handshake};
use super::outcome::{Failure, Phase};
use super::port::Port;
use super::session::{Ends, Evidence, Session};
use super::written::Written;
use crate::setting::{Absent, KeyEntry, read_each};
use crate::source::Diagnostics;
use crate::tls::{AlpnProtocol, Handshake};

/// The port.
const PORT: KeyEntry = KeyEntry::new(
    "port",
    Absent::Required { example: "8443" },
    "the port; `tls = 8443` is the same as a table with nothing else",
);

const ALPN: KeyEntry = KeyEntry::new(
    "alpn",
    Absent::Unset { example: r#"["h2"]"# },
    "application protocols of which the target must speak one; without it none is asked for",
);

pub(super) const ENTRY: KindEntry = KindEntry {
    name: "tls",
    help: "the port accepts a TLS handshake, with a certificate that can be believed",
    form: KindForm::Table { keys: &[&[PORT], HANDSHAKE_KEYS, &[ALPN]], short: Some(&PORT) },
    reach: Reach::Network,
};

/// A TLS handshake succeeds. TLS 1.3 lets a target refuse a client's certificate only after that: where this
/// matters, probe with `https`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tls {
    /// The port.
    pub port: Port,
    /// What is said and demanded.
    pub handshake: Handshake,
}

impl Tls {
    pub(super) fn port(&self) -> Port {
        self.port
    }

    pub(super) fn fmt_at(&self, address: IpAddr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tls://{}", SocketAddr::new(address, self.port.get()))?;
        self.handshake.server_name.as_ref().map_or(Ok(()), |name| write!(f, " as {name}"))
    }
}

/// Reads the table of a probe.
pub(super) fn read(written: Written<'_, '_>, folder: &Path, found: &mut Diagnostics) -> Option<Arc<Tls>> {
    let (port, table) = (written.port(&PORT, found), written.table());
    let protocols = table.get("alpn").map(|value| {
        read_each(value, found, |item| {
            let bad = || item.fault("an application protocol is 1 to 255 bytes");
            AlpnProtocol::new(item.text()?).ok_or_else(bad)
        })
    });
    let handshake = read_handshake(&table, protocols.unwrap_or_default(), None, folder, found)?;
    Some(Arc::new(Tls { port: port?, handshake }))
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
