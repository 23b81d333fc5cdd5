//! Who is told, and how it is proven who tells.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::http_client::{Endpoint, EndpointError, Scheme};
use crate::tls::{ClientCertificate, FileError, FileFault, Handshake, ServerName, Verify, read_file};

/// Shortest secret, in bytes: half of what HMAC-SHA256 makes of it (RFC 2104, section 3, wants no less than that of a hash that
/// is cut to half).
pub const SECRET_BYTES_MIN: usize = 16;

/// Where changes are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSettings {
    /// Where to.
    pub url: Url,
    /// The file with the secret; it is read for each letter.
    pub secret_file: PathBuf,
    /// The name that the certificate must be for, and that the request is for; none: the address.
    pub server_name: Option<ServerName>,
    /// Whom to trust.
    pub verify: Verify,
    /// What we prove ourselves with.
    pub certificate: Option<ClientCertificate>,
}

/// A URL whose host is an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Where, and what is spoken there.
    pub endpoint: Endpoint,
    /// What is asked for, with its query; it begins with a slash.
    pub path: String,
}

/// Why a text is no such URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UrlError {
    /// No endpoint.
    Endpoint(EndpointError),
    /// A user or a password in front of the address.
    UserInfo,
    /// A path that cannot be sent.
    Path,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UrlError::Endpoint(error) => error.fmt(f),
            UrlError::UserInfo => f.write_str("a user and a password are not sent: letters are signed"),
            UrlError::Path => f.write_str("its path cannot be sent"),
        }
    }
}

impl std::error::Error for UrlError {}

impl Url {
    /// Reads `https://192.0.2.7:8443/hooks/edgedns`.
    ///
    /// # Errors
    ///
    /// When it is none, or names a host.
    pub fn read(text: &str) -> Result<Url, UrlError> {
        let (server, path) = split(text);
        if server.contains('@') {
            return Err(UrlError::UserInfo);
        }
        let port = if text.starts_with("http://") { 80 } else { 443 };
        let endpoint = Endpoint::read(server, port).map_err(UrlError::Endpoint)?;
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let is_sent = path
            .parse::<hyper::Uri>()
            .is_ok_and(|uri| uri.path_and_query().is_some_and(|all| all.as_str() == path));
        if is_sent { Ok(Url { endpoint, path }) } else { Err(UrlError::Path) }
    }

    /// As much of a text as can be told, which need not be a URL: path, query and password may be secrets.
    pub fn told(text: &str) -> String {
        let (server, rest) = split(text);
        let scheme = server.find("://").map_or(0, |at| at.saturating_add(3));
        let (scheme, server) = server.split_at_checked(scheme).unwrap_or_default();
        // A password with a slash in it: where it ends is where the address begins.
        if rest.contains('@') {
            return format!("{scheme}…");
        }
        let address = server.rsplit('@').next().unwrap_or_default();
        let more = if rest.is_empty() { "" } else { "/…" };
        format!("{scheme}{address}{more}")
    }

    /// Whether what is told can be read on the way.
    pub fn is_plain(&self) -> bool {
        self.endpoint.scheme == Scheme::Http
    }
}

/// The server of a URL with its scheme, and what is behind it.
fn split(text: &str) -> (&str, &str) {
    let behind_scheme = text.find("://").map_or(0, |at| at.saturating_add(3));
    let path = text.get(behind_scheme..).and_then(|rest| rest.find(['/', '?', '#']));
    let end = path.map_or(text.len(), |at| at.saturating_add(behind_scheme));
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Without its query, which may have a token in it.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.split_once('?') {
            Some((path, _)) => write!(f, "{}{path}?…", self.endpoint),
            None => write!(f, "{}{}", self.endpoint, self.path),
        }
    }
}

impl WebhookSettings {
    /// What is said and demanded in the handshake.
    pub(super) fn handshake(&self) -> Handshake {
        Handshake::without_alpn(self.server_name.clone(), self.verify.clone(), self.certificate.clone())
    }

    /// What the request is for.
    pub(super) fn host(&self) -> String {
        let address = self.url.endpoint.address;
        self.server_name
            .as_ref()
            .map_or_else(|| address.to_string(), |name| format!("{name}:{}", address.port()))
    }

    /// The secret, as it is now.
    pub(super) fn secret(&self) -> Result<Vec<u8>, FileError> {
        read_secret(&self.secret_file)
    }
}

/// Looks into a file for a secret.
///
/// # Errors
///
/// When there is none in it, or a short one.
pub fn look_at_secret(path: PathBuf) -> Result<PathBuf, FileError> {
    read_secret(&path).map(|_| path)
}

/// What is in the file, without the end of its line.
fn read_secret(path: &Path) -> Result<Vec<u8>, FileError> {
    let secret = read_file(path)?.trim_ascii().to_vec();
    if secret.len() < SECRET_BYTES_MIN {
        return Err(FileFault::Useless {
            why: "a secret is 16 bytes at least, as `openssl rand -hex 32` makes it",
        }
        .of(path));
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_an_address_and_a_path() {
        let shown = |text| Url::read(text).map(|url| url.to_string());
        assert_eq!(
            shown("https://192.0.2.7:8443/hooks/edgedns?a=b").unwrap(),
            "https://192.0.2.7:8443/hooks/edgedns?…"
        );
        assert_eq!(shown("https://192.0.2.7").unwrap(), "https://192.0.2.7:443/");
        assert_eq!(shown("http://[2001:db8::7]/x").unwrap(), "http://[2001:db8::7]:80/x");
        assert!(matches!(
            shown("https://hooks.example.com/x"),
            Err(UrlError::Endpoint(EndpointError::Name { .. }))
        ));
        assert_eq!(shown("192.0.2.7/x"), Err(UrlError::Endpoint(EndpointError::Scheme)));
        assert_eq!(shown("https:///x"), Err(UrlError::Endpoint(EndpointError::Address)));
        assert_eq!(shown("https://192.0.2.7/a b"), Err(UrlError::Path));
        assert_eq!(shown("https://192.0.2.7?a=b").unwrap(), "https://192.0.2.7:443/?…");
        assert_eq!(shown("https://me:secret@192.0.2.7/"), Err(UrlError::UserInfo));
    }

    #[test]
    fn nothing_of_a_url_is_told_that_may_be_a_secret() {
        for (text, told) in [
            ("https://hooks.example.com/services/T0/SECRET", "https://hooks.example.com/…"),
            ("https://me:SECRET@hooks.example.com?token=SECRET", "https://hooks.example.com/…"),
            ("https://me:SECRET@a@b", "https://b"),
            ("https://me:SEC/SECRET@hooks.example.com/", "https://…"),
            ("hooks.example.com/SECRET", "hooks.example.com/…"),
            ("", ""),
        ] {
            assert_eq!(Url::told(text), told);
            if let Err(error) = Url::read(text) {
                assert!(!error.to_string().contains("SECRET"), "{error}");
            }
        }
    }
}
