//! A certificate with its key, from two files.
//!
//! Says what is wrong with the two: one that cannot be read, a key of another certificate, one that has expired.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::authority;
use super::certificate::not_after;
use super::file::{FileError, FileFault};
use super::pem::Pem;

/// The files of a certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PairFiles {
    /// The certificate in PEM, and behind it those between it and its authority.
    pub certificate: PathBuf,
    /// Its key in PEM.
    pub key: PathBuf,
}

/// A certificate with its key, which belong together.
#[derive(Clone, Debug)]
pub struct Pair {
    pub(super) certified: Arc<CertifiedKey>,
    /// The last moment at which it is valid; none if that cannot be read.
    pub not_after: Option<SystemTime>,
}

impl PairFiles {
    /// The pair as the files are now.
    ///
    /// # Errors
    ///
    /// When one of them cannot be used, or the key is not that of the certificate. One that has expired can be used.
    pub fn read(&self) -> Result<Pair, FileError> {
        let (chain, key) = self.parts()?;
        let not_after = chain.first().and_then(|leaf| not_after(leaf));
        let certified = CertifiedKey::from_der(chain, key, &ring::default_provider());
        // Whatever it is, the operator must look at both.
        let certified = certified.map_err(|_| FileFault::BadKey.of(&self.key))?;
        Ok(Pair { certified: Arc::new(certified), not_after })
    }

    /// Both, whether or not they belong together.
    pub(super) fn parts(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), FileError> {
        parts_of(&Pem::File(self.certificate.clone()), &Pem::File(self.key.clone()))
    }

    /// The two files.
    pub fn paths(&self) -> [&Path; 2] {
        [&self.certificate, &self.key]
    }
}

/// A certificate with those behind it, and a key, whether or not they belong together.
pub(super) fn parts_of(
    certificate: &Pem,
    key: &Pem,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), FileError> {
    let chain = authority::certificates(certificate)?;
    if chain.is_empty() {
        return Err(FileFault::NoCertificate.of(certificate.path()));
    }
    let read = PrivateKeyDer::from_pem_slice(&key.read()?);
    Ok((chain, read.map_err(|_| FileFault::NoKey.of(key.path()))?))
}

impl Pair {
    /// For how long it has been expired at `now`; none while it is valid.
    pub fn expired_for(&self, now: SystemTime) -> Option<Duration> {
        self.not_after.and_then(|end| now.duration_since(end).ok())
    }
}
