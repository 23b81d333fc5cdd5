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
    /// A path that cannot be sent.
    Path,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UrlError::Endpoint(error) => error.fmt(f),
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
        let behind_scheme = text.find("://").map_or(0, |at| at.saturating_add(3));
        let path_at = text.get(behind_scheme..).and_then(|rest| rest.find('/'));
        let split = path_at.map_or(text.len(), |at| at.saturating_add(behind_scheme));
        let (server, path) = text.split_at_checked(split).unwrap_or((text, ""));
        let port = if text.starts_with("http://") { 80 } else { 443 };
        let endpoint = Endpoint::read(server, port).map_err(UrlError::Endpoint)?;
        let path = if path.is_empty() { "/" } else { path };
        let is_sent = path
            .parse::<hyper::Uri>()
            .is_ok_and(|uri| uri.path_and_query().is_some_and(|all| all.as_str() == path));
        if is_sent { Ok(Url { endpoint, path: path.to_owned() }) } else { Err(UrlError::Path) }
    }

    /// Whether what is told can be read on the way.
    pub fn is_plain(&self) -> bool {
        self.endpoint.scheme == Scheme::Http
    }
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
        Handshake {
            server_name: self.server_name.clone(),
            verify: self.verify.clone(),
            protocols: Vec::new(),
            client: self.certificate.clone(),
        }
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
    }
}
