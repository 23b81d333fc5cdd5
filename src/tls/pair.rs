//! A certificate with its key, from two files.
//!
//! Says what is wrong with the two: one that cannot be read or used, a key of another certificate, one that has expired or
//! is not valid yet.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::Error;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::authority;
use super::certificate::{not_after, not_before};
use super::file::{FileError, FileFault};
use super::pem::Pem;
use crate::crypto;

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
    /// The first moment at which it is valid; none if that cannot be read.
    pub not_before: Option<SystemTime>,
    /// The last moment at which it is valid; none if that cannot be read.
    pub not_after: Option<SystemTime>,
}

impl PairFiles {
    /// The pair as the files are now.
    ///
    /// # Errors
    ///
    /// When one of them cannot be used, or the key is not that of the certificate. One that has expired or is not valid yet
    /// can be used.
    pub fn read(&self) -> Result<Pair, FileError> {
        let (chain, key) = self.parts()?;
        let leaf = chain.first();
        let (not_before, not_after) =
            (leaf.and_then(|leaf| not_before(leaf)), leaf.and_then(|leaf| not_after(leaf)));
        let certified = CertifiedKey::from_der(chain, key, &crypto::provider());
        let certified = certified.map_err(|error| useless(&error, &self.certificate, &self.key))?;
        Ok(Pair { certified: Arc::new(certified), not_before, not_after })
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

/// Why a certificate and a key that can be read cannot be used together.
pub(super) fn useless(error: &Error, certificate: &Path, key: &Path) -> FileError {
    match error {
        Error::InconsistentKeys(_) => FileFault::OtherKey.of(key),
        Error::InvalidCertificate(_) => FileFault::BadCertificate.of(certificate),
        // The library has more errors than this has, and says of a key that it cannot use what it likes.
        _ => FileFault::BadKey.of(key),
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
    /// When it becomes valid; none: it is so at `now`, or was.
    pub fn valid_from(&self, now: SystemTime) -> Option<SystemTime> {
        self.not_before.filter(|from| *from > now)
    }

    /// For how long it has been expired at `now`; none while it is valid.
    pub fn expired_for(&self, now: SystemTime) -> Option<Duration> {
        self.not_after.and_then(|end| now.duration_since(end).ok())
    }
}
