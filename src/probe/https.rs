//! `https`: a request over TLS is answered as wanted.
//!
//! Responsible for what `http` and `tls` do not have: the two together, and a
//! token that only an encrypted connection may carry.
//! Not responsible for how the question travels: that is `http::exchange`.

use std::fmt;
use std::net::IpAddr;
use std::path::{self, PathBuf};
use std::sync::Arc;

use hyper::header::HeaderValue;

use super::http::{Exchanges, Http, Security};
use super::outcome::{Failure, Phase};
use super::{Ends, Evidence, KindEntry, Session};
use crate::tls::{FileError, FileFault, Handshake, read_file};

/// What is wrong with a file that holds no token: it is empty, or has what cannot stand in an HTTP header.
const NO_TOKEN: FileFault = FileFault::Useless { why: "no token is in it" };

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

/// A file that held a bearer token (RFC 6750) when the configuration was read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Token(PathBuf);

impl Token {
    /// Looks into the file at `path`.
    ///
    /// # Errors
    ///
    /// When there is no token in it.
    pub fn new(path: PathBuf) -> Result<Self, FileError> {
        let token = Token(path);
        token.read().map(|_| token)
    }

    pub(super) fn path(&self) -> &path::Path {
        &self.0
    }

    /// The value of the header `Authorization`.
    pub(super) fn read(&self) -> Result<HeaderValue, FileError> {
        let content = read_file(&self.0)?;
        let bad = || NO_TOKEN.of(&self.0);
        let token = content.trim_ascii();
        if token.is_empty() {
            return Err(bad());
        }
        let value = HeaderValue::from_bytes(&[b"Bearer ", token].concat());
        let mut value = value.map_err(|_| bad())?;
        value.set_sensitive(true);
        Ok(value)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn token(content: &[u8]) -> Result<HeaderValue, FileFault> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let token = Token::new(file.path().to_owned()).map_err(|error| error.fault)?;
        token.read().map_err(|error| error.fault)
    }

    #[test]
    fn a_token_is_sent_without_the_line_end_of_its_file() {
        assert_eq!(token(b"abc.def\n").unwrap(), "Bearer abc.def");
    }

    #[test]
    fn a_file_without_a_token_is_refused() {
        assert_eq!(token(b" \n"), Err(NO_TOKEN));
        assert_eq!(token(b"abc\ndef"), Err(NO_TOKEN));
    }

    #[test]
    fn a_token_is_not_shown() {
        assert_eq!(format!("{:?}", token(b"abc").unwrap()), "Sensitive");
    }
}
