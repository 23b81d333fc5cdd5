//! Certificate authorities, from files, and the verifier that trusts everyone.
//!
//! Reads each file of authorities once, however many servers are verified with it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, Weak};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::file::{FileError, FileFault, Stamp};
use super::pem::Pem;
use crate::crypto::provider;
use crate::sync::lock;

/// Where systems keep the authorities they trust: Red Hat, Debian, SUSE, Alpine.
const SYSTEM_FILES: &[&str] = &[
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The file of this system's authorities; if there is none, the first place where it would be.
pub(super) fn system_file() -> &'static Path {
    first_present(SYSTEM_FILES)
}

fn first_present(files: &'static [&'static str]) -> &'static Path {
    let present = files.iter().find(|file| Path::new(file).is_file());
    Path::new(present.or(files.first()).copied().unwrap_or_default())
}

/// The bundles in use, and of which version of its file each one is.
type Bundles = HashMap<PathBuf, (Stamp, Weak<RootCertStore>)>;

/// The authorities in a file. A bundle is some 150 of them in 100 KiB, so that servers share it.
///
/// # Errors
///
/// When the file cannot be read, or no certificate in it can be used.
pub(super) fn read(path: &Path) -> Result<Arc<RootCertStore>, FileError> {
    static IN_USE: LazyLock<Mutex<Bundles>> = LazyLock::new(Mutex::default);
    let stamp = Stamp::of(path);
    let mut in_use = lock(&IN_USE);
    if let Some((read_at, known)) = in_use.get(path)
        && Some(*read_at) == stamp
        && let Some(known) = known.upgrade()
    {
        return Ok(known);
    }
    let fresh = Arc::new(parse(&Pem::File(path.to_owned()))?);
    in_use.retain(|_, (_, known)| known.strong_count() > 0);
    if let Some(stamp) = stamp {
        in_use.insert(path.into(), (stamp, Arc::downgrade(&fresh)));
    }
    Ok(fresh)
}

/// The authorities in PEM.
pub(super) fn parse(pem: &Pem) -> Result<RootCertStore, FileError> {
    let mut authorities = RootCertStore::empty();
    // A bundle may hold one that is too odd for us; the others still stand.
    let (taken, odd) = authorities.add_parsable_certificates(certificates(pem)?);
    match (taken, odd) {
        (0, 0) => Err(FileFault::NoCertificate.of(pem.path())),
        (0, _) => Err(FileFault::BadCertificate.of(pem.path())),
        _ => Ok(authorities),
    }
}

/// Every certificate in PEM, in its order.
pub(super) fn certificates(pem: &Pem) -> Result<Vec<CertificateDer<'static>>, FileError> {
    let text = pem.read()?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    found.map_err(|_| FileFault::BadCertificate.of(pem.path()))
}

/// Trusts everyone: for servers whose certificate proves nothing, as those of a cluster's own routers and
/// masters.
#[derive(Debug)]
pub(super) struct TrustEveryone;

impl ServerCertVerifier for TrustEveryone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    // A signature is worth what the certificate is, and looking at it would only refuse the odd ones (version
    // 1, unknown extensions).
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority() -> String {
        let key = rcgen::KeyPair::generate().unwrap();
        let wanted = rcgen::CertificateParams::new(Vec::new()).unwrap();
        wanted.self_signed(&key).unwrap().pem()
    }

    #[test]
    fn a_bundle_is_shared_while_it_is_in_use_and_read_anew_when_it_changes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), authority()).unwrap();
        let first = read(file.path()).unwrap();
        assert!(Arc::ptr_eq(&first, &read(file.path()).unwrap()));
        std::fs::write(file.path(), authority() + &authority()).unwrap();
        assert_eq!((first.len(), read(file.path()).unwrap().len()), (1, 2));
    }

    #[test]
    fn a_file_without_a_certificate_is_refused() {
        let fault = |text: &str| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), text).unwrap();
            read(file.path()).unwrap_err().fault
        };
        assert_eq!(fault("nothing"), FileFault::NoCertificate);
        let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(fault(damaged), FileFault::BadCertificate);
        assert_eq!(fault("-----BEGIN CERTIFICATE-----\nAA"), FileFault::BadCertificate);
    }

    #[test]
    fn the_first_place_that_exists_is_the_systems() {
        assert_eq!(first_present(&["/nonexistent/a", "/etc/passwd", "/etc/group"]), Path::new("/etc/passwd"));
        assert_eq!(first_present(&["/nonexistent/a", "/nonexistent/b"]), Path::new("/nonexistent/a"));
    }
}
