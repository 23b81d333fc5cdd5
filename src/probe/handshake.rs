//! One TLS handshake, as `tls` and `https` begin with.
//!
//! Responsible for what is said and demanded in it, and for telling why one failed.
//! Not responsible for what is said over the connection afterwards.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{self, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, client::WantsClientCert};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::authority::{self, Anybody};
use super::certificate;
use super::file::{self, FileError, FileFault, FromFiles};
use super::outcome::{Failure, Phase, Reason};

/// Longest name of an application protocol, in bytes (RFC 7301, section 3.1).
const PROTOCOL_BYTES_MAX: usize = 255;

/// What is said and demanded in a handshake.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Handshake {
    /// The name that is asked for (SNI) and that the certificate must be for; none: the address
    /// that is probed, which is not told but must be in the certificate.
    pub server_name: Option<ServerName>,
    /// Whom the certificate must be from.
    pub verify: Verify,
    /// Application protocols to agree on, the best first; none: it is not spoken of. A target that
    /// does not speak of it either agrees to HTTP/1.1 where that is among them, and to nothing else.
    pub protocols: Vec<Protocol>,
    /// What the client proves itself with, where it is asked to.
    pub client: Option<ClientCertificate>,
}

/// A DNS name or an address that a certificate can be for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerName(pki_types::ServerName<'static>);

impl ServerName {
    /// A name; none for a text that is neither a host name nor an address.
    pub fn new(text: &str) -> Option<Self> {
        pki_types::ServerName::try_from(text).ok().map(|name| ServerName(name.to_owned()))
    }

    /// The same as the TLS library knows it.
    pub fn to_pki(&self) -> pki_types::ServerName<'static> {
        self.0.clone()
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_str())
    }
}

/// Whom a certificate must be from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Verify {
    /// Anybody; nor need it be for this name or still be valid.
    Off,
    /// An authority that this system believes.
    System,
    /// An authority in this file.
    File(AuthorityFile),
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
pub struct Protocol(Box<str>);

impl Protocol {
    /// A protocol; none for an empty name or one that is too long.
    pub fn new(name: &str) -> Option<Self> {
        (1..=PROTOCOL_BYTES_MAX).contains(&name.len()).then(|| Protocol(name.into()))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// What a client proves itself with: files that belonged together when the configuration was read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientCertificate {
    certificate: PathBuf,
    key: PathBuf,
}

impl ClientCertificate {
    /// Looks into the files: the certificate, with those between it and its authority, and the key.
    ///
    /// # Errors
    ///
    /// When one is of no use, or the key is not that of the certificate.
    pub fn new(certificate: PathBuf, key: PathBuf) -> Result<Self, FileError> {
        let pair = ClientCertificate { certificate, key };
        pair.prove(builder(&Verify::Off)?)?;
        Ok(pair)
    }

    fn prove(
        &self,
        builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    ) -> Result<ClientConfig, FileError> {
        let chain = authority::certificates(&self.certificate)?;
        if chain.is_empty() {
            return Err(FileFault::NoCertificate.of(&self.certificate));
        }
        let key = PrivateKeyDer::from_pem_slice(&file::read(&self.key)?);
        let key = key.map_err(|_| FileFault::NoKey.of(&self.key))?;
        builder.with_client_auth_cert(chain, key).map_err(|_| FileFault::BadKey.of(&self.key))
    }
}

fn builder(verify: &Verify) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, FileError> {
    // An own provider, so that no other part of the program can change it.
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has what TLS 1.2 and 1.3 need");
    Ok(match verify {
        Verify::Off => builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody)),
        Verify::System => builder.with_root_certificates(authority::read(authority::system_file())?),
        Verify::File(AuthorityFile(path)) => builder.with_root_certificates(authority::read(path)?),
    })
}

impl Handshake {
    /// The files it is made from.
    fn files(&self) -> Vec<&Path> {
        let authorities = match &self.verify {
            Verify::Off => None,
            Verify::System => Some(authority::system_file()),
            Verify::File(AuthorityFile(path)) => Some(path.as_path()),
        };
        let client = self.client.iter().flat_map(|client| [client.certificate.as_path(), &client.key]);
        authorities.into_iter().chain(client).collect()
    }

    /// What handshakes are made with, from the files as they are now.
    ///
    /// # Errors
    ///
    /// When a file is of no use.
    pub fn config(&self) -> Result<Arc<ClientConfig>, FileError> {
        let builder = builder(&self.verify)?;
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

/// What is spoken where nothing was agreed on.
const UNSPOKEN: &str = "http/1.1";

/// Shakes hands with one target, time and again.
pub(super) struct Handshaker {
    handshake: Handshake,
    config: FromFiles<Arc<ClientConfig>>,
}

/// A connection after its handshake.
pub(super) struct Secured {
    pub(super) stream: TlsStream<TcpStream>,
    /// When the target's certificate ends.
    pub(super) not_after: Option<SystemTime>,
}

impl Handshaker {
    pub(super) fn new(handshake: Handshake) -> Self {
        Self { handshake, config: FromFiles::new() }
    }

    /// What the next handshake is made with: another one only after a file has changed.
    pub(super) fn config(&mut self) -> Result<Arc<ClientConfig>, FileError> {
        let handshake = &self.handshake;
        self.config.current(&handshake.files(), || handshake.config())
    }

    /// Shakes hands over `stream`, which leads to `address`.
    pub(super) async fn shake(
        &self,
        config: Arc<ClientConfig>,
        stream: TcpStream,
        address: IpAddr,
    ) -> Result<Secured, Failure> {
        let own = self.handshake.server_name.as_ref().map(|name| name.0.clone());
        let name = own.unwrap_or_else(|| pki_types::ServerName::IpAddress(address.into()));
        let shaken = TlsConnector::from(config).connect(name.clone(), stream).await;
        let stream = shaken.map_err(|error| of_handshake(&error, &name))?;
        let (_, session) = stream.get_ref();
        let wanted = &self.handshake.protocols;
        let may_be_silent = wanted.is_empty() || wanted.iter().any(|one| one.name() == UNSPOKEN);
        if session.alpn_protocol().is_none() && !may_be_silent {
            return Err(Reason::NoCommonProtocol.into());
        }
        let leaf = session.peer_certificates().and_then(|chain| chain.first());
        let not_after = leaf.and_then(|leaf| certificate::not_after(leaf));
        Ok(Secured { stream, not_after })
    }
}

/// Why a handshake failed.
fn of_handshake(error: &io::Error, name: &pki_types::ServerName<'_>) -> Failure {
    match tls_error(error) {
        Some(rustls::Error::InvalidCertificate(fault)) => of_certificate(fault, name).into(),
        Some(fault) => of_tls(fault).into(),
        None => Reason::of_stream(error, Phase::Handshake).into(),
    }
}

fn of_certificate(fault: &rustls::CertificateError, name: &pki_types::ServerName<'_>) -> Reason {
    use rustls::CertificateError as Fault;
    match fault {
        Fault::Expired | Fault::ExpiredContext { .. } => Reason::Expired,
        Fault::NotValidYet | Fault::NotValidYetContext { .. } => Reason::NotYetValid,
        Fault::UnknownIssuer => Reason::UnknownIssuer,
        // As after a cluster was set up anew: its authority has the name of the old one.
        Fault::BadSignature => {
            Reason::BadCertificate { why: "not signed by the authority whose name it bears".into() }
        }
        Fault::NotValidForName | Fault::NotValidForNameContext { .. } => {
            Reason::WrongName { name: name.to_str().into() }
        }
        other => Reason::BadCertificate { why: other.to_string().into() },
    }
}

/// The fault of TLS that an error of a stream stands for.
pub(super) fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// What a fault of TLS means.
pub(super) fn of_tls(fault: &rustls::Error) -> Reason {
    match fault {
        rustls::Error::AlertReceived(rustls::AlertDescription::NoApplicationProtocol) => {
            Reason::NoCommonProtocol
        }
        rustls::Error::AlertReceived(alert) => Reason::Alert { alert: format!("{alert:?}").into() },
        rustls::Error::InvalidMessage(fault) => of_message(fault),
        other => Reason::BrokenTls { why: other.to_string().into() },
    }
}

/// What it means that a message cannot be read. Of what is not TLS at all not
/// even the head of a record can.
fn of_message(fault: &rustls::InvalidMessage) -> Reason {
    use rustls::InvalidMessage as Fault;
    match fault {
        Fault::InvalidContentType
        | Fault::UnknownProtocolVersion
        | Fault::MessageTooLarge
        | Fault::InvalidEmptyPayload => Reason::NotTls,
        Fault::HandshakePayloadTooLarge | Fault::CertificatePayloadTooLarge => Reason::BrokenTls {
            why: "a message of the handshake, as its certificate, is longer than 64 kB".into(),
        },
        other => Reason::BrokenTls { why: format!("a message that cannot be read: {other:?}").into() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_speaks_tls_badly_is_told_from_what_is_not_tls() {
        use rustls::InvalidMessage as Fault;
        assert_eq!(of_message(&Fault::InvalidContentType), Reason::NotTls);
        for (fault, told) in [
            (Fault::HandshakePayloadTooLarge, "longer than 64 kB"),
            (Fault::CertificatePayloadTooLarge, "longer than 64 kB"),
            (Fault::UnsupportedCompression, "UnsupportedCompression"),
        ] {
            let reason = of_tls(&rustls::Error::InvalidMessage(fault)).to_string();
            assert!(reason.starts_with("broken TLS: ") && reason.contains(told), "{reason}");
        }
    }

    #[test]
    fn names_are_host_names_and_addresses() {
        for good in ["api.lab.example", "localhost", "192.0.2.1", "2001:db8::1"] {
            assert_eq!(ServerName::new(good).unwrap().to_string(), good);
        }
        for bad in ["", "api lab", "*.lab.example", "api.lab.example:6443", "-"] {
            assert_eq!(ServerName::new(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_protocol_has_a_name_that_fits() {
        assert_eq!(Protocol::new("h2").unwrap().name(), "h2");
        assert!(Protocol::new("").is_none() && Protocol::new(&"x".repeat(256)).is_none());
    }
}
