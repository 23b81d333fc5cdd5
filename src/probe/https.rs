//! `https`: a request over TLS is answered as wanted.
//!
//! Responsible for what `http` and `tls` do not have: the two together, and a
//! token that only an encrypted connection may carry.
//! Not responsible for how the question travels: that is `http::exchange`.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::entry::KindEntry;
use super::http::{Exchanges, Http, Security};
use super::outcome::{Failure, Phase};
use super::session::{Ends, Evidence, Session};
use super::token::Token;
use crate::tls::Handshake;

pub(super) const ENTRY: KindEntry =
    KindEntry { name: "https", help: "as http, over TLS with a certificate that can be believed" };

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
    pub(super) fn fmt_at(&self, address: IpAddr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://")?;
        self.http.fmt_behind_scheme(address, f)
    }
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
