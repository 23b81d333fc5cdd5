//! What a TLS client says and demands in a handshake, the configuration made from it, and the handshake.
//!
//! Not responsible for connecting, or for what a failure means: that is up to the room that connects.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::{Resumption, WantsClientCert};
use rustls::version::TLS13;
use rustls::{ClientConfig, ConfigBuilder, SupportedProtocolVersion, pki_types};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::authority::{self, TrustEveryone};
use super::file::FileError;
use super::pair::{parts_of, useless};
use super::pem::{Pem, PemText};
use super::server_name::ServerName;
use crate::crypto;

/// Longest name of an application protocol, in bytes (RFC 7301, section 3.1).
const PROTOCOL_BYTES_MAX: usize = 255;

/// What is said and demanded in a handshake.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Handshake {
    /// The name that is asked for (SNI) and that the certificate must be for; none: the address that is
    /// connected to, which is not sent but must be in the certificate.
    pub server_name: Option<ServerName>,
    /// Who must have issued the certificate.
    pub verify: Verify,
    /// Application protocols to agree on, the best first; none: ALPN is not used. A server that does not use
    /// it either agrees to HTTP/1.1 where that is among them, and to nothing else.
    pub protocols: Vec<AlpnProtocol>,
    /// What the client proves itself with, if the server asks it to.
    pub client: Option<ClientCertificate>,
}

impl Handshake {
    /// One without ALPN: what is spoken is known.
    pub fn without_alpn(
        server_name: Option<ServerName>,
        verify: Verify,
        client: Option<ClientCertificate>,
    ) -> Handshake {
        Handshake { server_name, verify, protocols: Vec::new(), client }
    }
}

/// Which versions of TLS are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersions {
    /// 1.2 and 1.3.
    Usual,
    /// 1.3 alone.
    Newest,
}

/// Who must have issued a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Verify {
    /// Anyone; nor need it be for this name or still be valid.
    Off,
    /// An authority that this system trusts.
    System,
    /// An authority in this file.
    File(AuthorityFile),
    /// An authority in this text.
    Text(PemText),
}

/// By what this side and a server know each other over TLS.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Credentials {
    /// Who must have issued the certificate of the server.
    pub verify: Verify,
    /// What this side proves itself with, if the server asks it to.
    pub client: Option<ClientCertificate>,
}

/// An authority that this system trusts, and nothing to show.
impl Default for Credentials {
    fn default() -> Self {
        Self { verify: Verify::System, client: None }
    }
}

/// A file that held an authority when the configuration was read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AuthorityFile(PathBuf);

impl AuthorityFile {
    /// Looks into the file at `path`.
    ///
    /// # Errors
    ///
    /// When there is no authority in it.
    pub fn new(path: PathBuf) -> Result<Self, FileError> {
        authority::read(&path).map(|_| AuthorityFile(path))
    }
}

/// An application protocol, as `h2`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AlpnProtocol(Box<str>);

impl AlpnProtocol {
    /// A protocol; none for an empty name or one that is too long.
    pub fn new(name: &str) -> Option<Self> {
        (1..=PROTOCOL_BYTES_MAX).contains(&name.len()).then(|| AlpnProtocol(name.into()))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// What a client proves itself with: files that belonged together when the configuration was read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientCertificate {
    certificate: Pem,
    key: Pem,
}

impl ClientCertificate {
    /// Looks into the files: the certificate, with those between it and its authority, and the key.
    ///
    /// # Errors
    ///
    /// When one cannot be used, or the key is not that of the certificate.
    pub fn new(certificate: PathBuf, key: PathBuf) -> Result<Self, FileError> {
        Self::proven(ClientCertificate { certificate: Pem::File(certificate), key: Pem::File(key) })
    }

    /// As [`ClientCertificate::new`], of texts.
    ///
    /// # Errors
    ///
    /// When one cannot be used, or the key is not that of the certificate.
    pub fn of_texts(certificate: PemText, key: PemText) -> Result<Self, FileError> {
        Self::proven(ClientCertificate { certificate: Pem::Text(certificate), key: Pem::Text(key) })
    }

    fn proven(pair: ClientCertificate) -> Result<Self, FileError> {
        pair.prove(builder(&Verify::Off, TlsVersions::Usual)?)?;
        Ok(pair)
    }

    fn prove(
        &self,
        builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    ) -> Result<ClientConfig, FileError> {
        let (chain, key) = parts_of(&self.certificate, &self.key)?;
        let proven = builder.with_client_auth_cert(chain, key);
        proven.map_err(|error| useless(&error, self.certificate.path(), self.key.path()))
    }
}

/// The newest version alone.
static NEWEST: &[&SupportedProtocolVersion] = &[&TLS13];

fn builder(
    verify: &Verify,
    versions: TlsVersions,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, FileError> {
    let versions = match versions {
        TlsVersions::Usual => rustls::DEFAULT_VERSIONS,
        TlsVersions::Newest => NEWEST,
    };
    let builder = ClientConfig::builder_with_provider(crypto::provider())
        .with_protocol_versions(versions)
        .expect("every module has what TLS 1.2 and 1.3 need");
    Ok(match verify {
        Verify::Off => builder.dangerous().with_custom_certificate_verifier(Arc::new(TrustEveryone)),
        Verify::System => builder.with_root_certificates(authority::read(authority::system_file())?),
        Verify::File(AuthorityFile(path)) => builder.with_root_certificates(authority::read(path)?),
        Verify::Text(text) => builder.with_root_certificates(authority::parse(&Pem::Text(text.clone()))?),
    })
}

impl Handshake {
    /// The files it is made from.
    pub fn files(&self) -> Vec<&Path> {
        let authorities = match &self.verify {
            Verify::Off | Verify::Text(_) => None,
            Verify::System => Some(authority::system_file()),
            Verify::File(AuthorityFile(path)) => Some(path.as_path()),
        };
        let client = self.client.iter().flat_map(|client| [client.certificate.path(), client.key.path()]);
        authorities.into_iter().chain(client).collect()
    }

    /// The name that the certificate of a server at `address` must be for.
    pub fn name_at(&self, address: IpAddr) -> pki_types::ServerName<'static> {
        let name = self.server_name.as_ref().map(|name| name.to_pki());
        name.unwrap_or_else(|| pki_types::ServerName::IpAddress(address.into()))
    }

    /// Shakes hands over `stream`, which leads to `address`, with what [`Handshake::config`] made.
    ///
    /// # Errors
    ///
    /// When the stream ends, or one side refuses the other.
    pub async fn shake<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        config: Arc<ClientConfig>,
        stream: S,
        address: IpAddr,
    ) -> io::Result<TlsStream<S>> {
        TlsConnector::from(config).connect(self.name_at(address), stream).await
    }

    /// What handshakes of the usual versions are made with, from the files as they are now.
    ///
    /// # Errors
    ///
    /// When a file cannot be used.
    pub fn config(&self) -> Result<Arc<ClientConfig>, FileError> {
        self.config_of(TlsVersions::Usual)
    }

    /// What handshakes of these versions are made with, from the files as they are now.
    ///
    /// # Errors
    ///
    /// When a file cannot be used.
    pub fn config_of(&self, versions: TlsVersions) -> Result<Arc<ClientConfig>, FileError> {
        let builder = builder(&self.verify, versions)?;
        let mut config = match &self.client {
            Some(client) => client.prove(builder)?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self.protocols.iter().map(|one| one.name().into()).collect();
        // A resumed session would show no certificate, hence not that it has expired.
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_has_a_name_that_fits() {
        assert_eq!(AlpnProtocol::new("h2").unwrap().name(), "h2");
        assert!(AlpnProtocol::new("").is_none() && AlpnProtocol::new(&"x".repeat(256)).is_none());
    }
}
