//! Verifies certificates of clients with the authorities in a file, which is followed.
//!
//! A handshake reads no file: whoever has the authorities calls [`ClientAuthorities::look`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, SignatureScheme, client::danger::HandshakeSignatureValid,
};

use super::authority;
use super::file::{FileError, FileFault, StrictFile};
use crate::crypto::provider;

/// Takes clients whose certificate is of an authority in the file, and no others; nobody while the file cannot be used.
/// Copies share what was read.
#[derive(Clone, Debug)]
pub struct ClientAuthorities(StrictFile<Arc<dyn ClientCertVerifier>>);

impl ClientAuthorities {
    /// Those in the file at `path`: nobody until the first look.
    pub fn new(path: PathBuf) -> Self {
        Self(StrictFile::new(path))
    }

    /// Where they are.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Reads the file if it has changed. Returns what is new: that it cannot be used, and why, or that it can again. May
    /// wait for a disk, for a second at most.
    pub fn look(&self) -> Option<Result<(), FileError>> {
        self.0.look(|path| {
            let trusted = authority::read(path)?;
            let verifier = WebPkiClientVerifier::builder_with_provider(trusted, provider()).build();
            verifier.map_err(|_| FileFault::BadCertificate.of(path))
        })
    }
}

impl ClientCertVerifier for ClientAuthorities {
    /// None are named: clients have one certificate for this.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verifier = self.0.known().map_err(|fault| Error::General(fault.to_string()))?;
        verifier.verify_client_cert(leaf, between, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        supported_verify_schemes()
    }
}

/// Whether a client of TLS 1.2 has the key of its certificate.
pub(super) fn verify_tls12_signature(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    let algorithms = provider().signature_verification_algorithms;
    rustls::crypto::verify_tls12_signature(message, certificate, signed, &algorithms)
}

/// Whether a client of TLS 1.3 has the key of its certificate.
pub(super) fn verify_tls13_signature(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    let algorithms = provider().signature_verification_algorithms;
    rustls::crypto::verify_tls13_signature(message, certificate, signed, &algorithms)
}

/// How it may sign that.
pub(super) fn supported_verify_schemes() -> Vec<SignatureScheme> {
    provider().signature_verification_algorithms.supported_schemes()
}
