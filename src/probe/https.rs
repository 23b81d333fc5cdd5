//! `https`: a request over TLS is answered as wanted.
//!
//! Has what `http` and `tls` do not: the two together, and a token that only an encrypted connection may
//! carry. `http::exchange` sends the request.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use super::entry::{KindEntry, KindForm, Reach};
use super::handshake_keys::{HANDSHAKE_KEYS, read_handshake};
use super::http::{Exchanges, Http, REQUEST_KEYS, Security, read_request};
use super::outcome::{Failure, Phase};
use super::port::Port;
use super::session::{Ends, Evidence, Session};
use super::token::Token;
use super::written::Written;
use crate::setting::{Absent, Holds, KeyEntry, read_each};
use crate::source::{Diagnostic, Diagnostics};
use crate::tls::{AlpnProtocol, Handshake, Verify};

/// The port.
const PORT: KeyEntry = KeyEntry::new(
    "port",
    Absent::Required { example: "6443" },
    "the port; `https = 6443` is the same as a table with nothing else",
);

const ALPN: KeyEntry = KeyEntry::new(
    "alpn",
    Absent::Default(r#"["h2", "http/1.1"]"#),
    "versions of HTTP to agree on, the best first",
);

const TOKEN: KeyEntry = KeyEntry::new(
    "token",
    Absent::Unset { example: r#""token""# },
    "file with a bearer token to send; read again when it changes",
)
.holding(Holds::SecretFile);

/// The versions of HTTP that can be spoken over TLS, the best first.
const VERSIONS: &[(&str, &str)] = &[("h2", "h2"), ("http/1.1", "http/1.1")];

pub(super) const ENTRY: KindEntry = KindEntry {
    name: "https",
    help: "as http, over TLS with a certificate that can be believed",
    form: KindForm::Table {
        keys: &[&[PORT], REQUEST_KEYS, HANDSHAKE_KEYS, &[ALPN, TOKEN]],
        short: Some(&PORT),
    },
    reach: Reach::Network,
};

/// A request over TLS is answered as wanted, over HTTP/2 or HTTP/1.1 as the handshake decides.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Https {
    /// What is asked, and which responses pass.
    pub http: Http,
    /// What is said and demanded before.
    pub handshake: Handshake,
    /// What is sent as `Authorization: Bearer`.
    pub token: Option<Token>,
}

impl Https {
    pub(super) fn port(&self) -> Port {
        self.http.port
    }

    pub(super) fn fmt_at(&self, address: IpAddr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://")?;
        self.http.fmt_behind_scheme(address, f)
    }
}

/// Reads the table of a probe.
pub(super) fn read(written: Written<'_, '_>, folder: &Path, found: &mut Diagnostics) -> Option<Arc<Https>> {
    let (port, table) = (written.port(&PORT, found), written.table());
    // The rest is read in any case, so that its faults are told, too.
    let http = read_request(port.unwrap_or(Port::MIN), &table, found);
    let versions = table.get("alpn").map(|value| read_each(value, found, |item| item.word(VERSIONS)));
    let versions = versions.unwrap_or_else(|| VERSIONS.iter().map(|&(name, _)| name).collect());
    let protocols = versions.into_iter().filter_map(AlpnProtocol::new).collect();
    let host = http.as_ref().and_then(|http| http.host.as_ref());
    let handshake = read_handshake(&table, protocols, host, folder, found);
    let token = table.read_file("token", folder, found, Token::new);
    if let (Some(written), Some(Handshake { verify: Verify::Off, .. })) = (table.get("token"), &handshake) {
        found.push(
            Diagnostic::warning(
                written.span(),
                "the token is sent to any server that answers: `verify` is off",
            )
            .help("name the authority of the target: `ca = \"ca.pem\"`"),
        );
    }
    let (_, token) = (port?, token.ok()?);
    Some(Arc::new(Https { http: http?, handshake: handshake?, token }))
}

/// The runs at one target.
pub(super) struct HttpsSession(Exchanges);

impl HttpsSession {
    pub(super) fn new(test: &Arc<Https>) -> Self {
        let Https { http, handshake, token } = Https::clone(test);
        Self(Exchanges::new(http, Some(Security::new(handshake, token))))
    }
}

impl Session for HttpsSession {
    async fn run(&mut self, ends: Ends, phase: &mut Phase) -> Result<Evidence, Failure> {
        self.0.run(ends, phase).await
    }

    async fn ended(&mut self) {
        self.0.ended().await;
    }
}
