//! What a client of DNS has shown of itself in its handshake, and what that is worth.
//!
//! Clients may be asked for a certificate, and need not have one: resolvers have none. Whose it is, is looked at when
//! somebody wants something for which that matters, with the authorities and the time of then. So a certificate that is of
//! no use costs nobody an answer, and one that has expired opens no door on a connection that is kept.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::client_verifier::ClientAuthorities;
use super::file::FileError;
use super::server_name::ServerName;
use crate::sync::lock;

/// Asks clients for a certificate, where there are authorities for them. Takes any: that its client has the key is proven
/// in the handshake. Copies share the authorities.
#[derive(Clone, Debug, Default)]
pub(super) struct AskedClients(Arc<Mutex<Option<ClientAuthorities>>>);

/// The certificate that a client has shown, whoever it is from.
#[derive(Clone, Debug)]
pub struct ShownCertificate {
    chain: Box<[CertificateDer<'static>]>,
    asked: AskedClients,
}

/// Who a client has proven to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClientProof {
    /// Anybody: it has shown no certificate, or was not asked for one.
    #[default]
    Nothing,
    /// It has a certificate of an authority, valid now.
    Certificate(CertificateDer<'static>),
    /// Anybody: its certificate is not to be trusted, for this reason.
    Untrusted(String),
    /// One that has a certificate for this name, for the sake of argument.
    Supposed(ServerName),
}

impl AskedClients {
    /// Asks for certificates of the authorities in this file from now on; none: for nothing.
    pub(super) fn follow(&self, authorities: Option<PathBuf>) {
        let mut followed = lock(&self.0);
        if followed.as_ref().map(ClientAuthorities::path) != authorities.as_deref() {
            *followed = authorities.map(ClientAuthorities::new);
        }
    }

    /// Reads the file if it has changed. Returns what is new, as [`ClientAuthorities::look`] does.
    pub(super) fn look(&self) -> Option<Result<(), FileError>> {
        let authorities = lock(&self.0).clone();
        authorities?.look()
    }

    /// What a client has shown.
    pub(super) fn shown(&self, chain: Option<&[CertificateDer<'_>]>) -> Option<Arc<ShownCertificate>> {
        let chain = chain?.iter().map(|one| one.clone().into_owned()).collect();
        Some(Arc::new(ShownCertificate { chain, asked: self.clone() }))
    }
}

impl ClientCertVerifier for AskedClients {
    fn offer_client_auth(&self) -> bool {
        lock(&self.0).is_some()
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// None are named: clients have one certificate for this.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        super::client_verifier::verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        super::client_verifier::verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        super::client_verifier::supported_verify_schemes()
    }
}

impl ShownCertificate {
    /// Who its client has proven to be, at `now`. Verifies a few signatures.
    pub fn judge(&self, now: SystemTime) -> ClientProof {
        let Some((leaf, between)) = self.chain.split_first() else { return ClientProof::Nothing };
        let Some(authorities) = lock(&self.asked.0).clone() else {
            return ClientProof::Untrusted("there are no authorities for it any more".to_owned());
        };
        // A clock before 1970 has every certificate be not valid yet.
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        match authorities.verify_client_cert(leaf, between, UnixTime::since_unix_epoch(since)) {
            Ok(_) => ClientProof::Certificate(leaf.clone()),
            Err(error) => ClientProof::Untrusted(error.to_string()),
        }
    }
}

impl ClientProof {
    /// Whether the client has proven to be this one.
    pub fn is_for(&self, name: &ServerName) -> bool {
        self.mismatch(name).is_none()
    }

    /// Why it has not; none: it has.
    pub fn mismatch(&self, name: &ServerName) -> Option<String> {
        match self {
            ClientProof::Nothing => Some(format!("it has shown no certificate, which must be for {name}")),
            ClientProof::Untrusted(why) => Some(format!("its certificate is not trusted: {why}")),
            ClientProof::Certificate(leaf) => {
                let leaf = ParsedCertificate::try_from(leaf);
                let fits = leaf.and_then(|leaf| verify_server_name(&leaf, &name.to_pki()));
                fits.err().map(|error| format!("its certificate is not for {name}: {error}"))
            }
            ClientProof::Supposed(known) if known == name => None,
            ClientProof::Supposed(known) => Some(format!("its certificate is for {known}, not {name}")),
        }
    }
}
