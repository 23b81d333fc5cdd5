//! What a TLS server proves itself with: one certificate for all its listeners.
//!
//! Follows the two files and swaps the pair as a whole, for handshakes that begin afterwards; what cannot be used leaves
//! what is served, and is told. Not responsible for handshakes, and not for when it looks at the files: whoever has it
//! calls [`ServerTls::look`].

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use rustls::pki_types::CertificateDer;
use rustls::server::{
    ClientHello, NoServerSessionStorage, ProducesTickets, ResolvesServerCert, WantsServerCert,
};
use rustls::sign::CertifiedKey;
use rustls::{ConfigBuilder, ServerConfig, WantsVerifier};

use super::client_proof::{AskedClients, ShownCertificate};
use super::client_verifier::ClientAuthorities;
use super::file::{FileError, FileFault, Stamp};
use super::pair::{Pair, PairFiles};
use crate::crypto;
use crate::sync::lock;

/// The certificate of this server, and what its handshakes are made with. Copies share it.
#[derive(Clone)]
pub struct ServerTls {
    cell: Arc<CertificateCell>,
    /// Makes and reads session tickets, for all listeners, so that a client may resume at any of them. None where the
    /// system has no random numbers.
    tickets: Option<Arc<dyn ProducesTickets>>,
    /// Whose certificates clients of DNS are asked for.
    clients: AskedClients,
}

/// What is known of the certificate that is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateStatus {
    /// The file with the certificate.
    pub certificate: PathBuf,
    /// The file with its key.
    pub key: PathBuf,
    /// The last moment at which what is served is valid; none: there is none, or it cannot be read.
    pub not_after: Option<SystemTime>,
    /// Whether anything is served: without, every handshake fails.
    pub standing: CertificateStanding,
    /// Why the files as they are now are not served.
    pub fault: Option<FileError>,
}

/// Whether there is a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateStanding {
    /// One is served.
    Served,
    /// None is, and every handshake fails.
    Missing,
}

/// What a look at the files has led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateChange {
    /// Another pair is served from now on.
    Taken {
        /// Its file.
        certificate: PathBuf,
        /// The last moment at which it is valid.
        not_after: Option<SystemTime>,
    },
    /// The files cannot be used, for another reason than before.
    Refused {
        /// Why.
        fault: FileError,
        /// Whether another one is served still.
        standing: CertificateStanding,
    },
    /// They can be used again, and are what is served.
    Mended,
}

/// The pair that is served.
#[derive(Default)]
struct CertificateCell {
    /// Held for as long as it takes to copy a pointer, by each handshake.
    served: Mutex<Option<Pair>>,
    /// Where it comes from; held for no longer than it takes to copy it.
    followed: Mutex<Followed>,
    /// Held during a look, so that there is one at a time.
    looking: Mutex<()>,
}

/// The files, as they were seen last.
#[derive(Clone, Default)]
struct Followed {
    files: Option<PairFiles>,
    /// Of the pair that is served; none: whatever the files are, they are to be read.
    stamps: Option<[Option<Stamp>; 2]>,
    fault: Option<FileError>,
    /// A fault that was found by one look. A renewal writes one file after the other: what the next look finds as well
    /// is told.
    doubted: Option<FileError>,
}

impl Default for ServerTls {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").field("status", &self.status()).finish()
    }
}

impl ServerTls {
    /// Without a certificate: until there is one, every handshake fails.
    pub fn new() -> Self {
        Self { cell: Arc::default(), tickets: crypto::tickets(), clients: AskedClients::default() }
    }

    /// What handshakes are made with where these application protocols are spoken, the best first. A client that names
    /// none is served as well, one that names others only is refused. It shows whatever certificate is served at the
    /// time of the handshake, so that it is made once for each listener.
    pub fn config(&self, protocols: &[&[u8]]) -> Arc<ServerConfig> {
        self.config_by(builder().with_no_client_auth(), protocols)
    }

    /// The same for clients that are asked for a certificate where there are authorities for them, and are served with any
    /// and without: [`ServerTls::shown`] says what it is worth.
    pub fn config_asking_clients(&self, protocols: &[&[u8]]) -> Arc<ServerConfig> {
        self.config_by(builder().with_client_cert_verifier(Arc::new(self.clients.clone())), protocols)
    }

    /// What a client has shown in a handshake of that.
    pub fn shown(&self, chain: Option<&[CertificateDer<'_>]>) -> Option<Arc<ShownCertificate>> {
        self.clients.shown(chain)
    }

    /// Asks clients for certificates of the authorities in this file from now on; none: for nothing. Nobody is one of theirs
    /// until the next look.
    pub fn follow_clients(&self, authorities: Option<PathBuf>) {
        self.clients.follow(authorities);
    }

    /// Reads that file if it has changed. Returns what is new: that it cannot be used, and why, or that it can again. May wait
    /// for a disk, for a second at most.
    pub fn look_at_clients(&self) -> Option<Result<(), FileError>> {
        self.clients.look()
    }

    /// The same for clients with a certificate of one of these authorities, as they are at the time of the handshake. No
    /// session is resumed: a certificate that is revoked by another file of authorities would go on.
    pub fn config_for_clients_of(
        &self,
        authorities: &ClientAuthorities,
        protocols: &[&[u8]],
    ) -> Arc<ServerConfig> {
        let unresumed = Self { tickets: None, ..self.clone() };
        unresumed.config_by(builder().with_client_cert_verifier(Arc::new(authorities.clone())), protocols)
    }

    fn config_by(
        &self,
        builder: ConfigBuilder<ServerConfig, WantsServerCert>,
        protocols: &[&[u8]],
    ) -> Arc<ServerConfig> {
        let resolver = Arc::clone(&self.cell) as Arc<dyn ResolvesServerCert>;
        let mut config = builder.with_cert_resolver(resolver);
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        if let Some(tickets) = &self.tickets {
            config.ticketer = Arc::clone(tickets);
        } else {
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Arc::new(config)
    }

    /// Takes the certificate from these files from the next look on; none: there is none any more. What is served stays
    /// until other files can be used.
    pub fn follow(&self, files: Option<PairFiles>) {
        let mut followed = lock(&self.cell.followed);
        if followed.files == files {
            return;
        }
        if files.is_none() {
            *lock(&self.cell.served) = None;
        }
        *followed = Followed { files, ..Followed::default() };
    }

    /// Reads the files if they have changed, and serves them if they can be used. One that has expired, or is not valid yet,
    /// takes the place of none, or of one that is not valid either. May wait for a disk, for a second at most.
    pub fn look(&self, now: SystemTime) -> Option<CertificateChange> {
        let _one_at_a_time = lock(&self.cell.looking);
        let before = lock(&self.cell.followed).clone();
        let files = before.files.clone()?;
        // Before they are read: a change in between is then found next time.
        let stamps = files.paths().map(Stamp::of);
        let is_as_served = before.stamps == Some(stamps);
        if is_as_served && before.fault.is_none() && before.doubted.is_none() {
            return None;
        }
        let found = files.read().and_then(|pair| self.may_be_served(pair, &files, now));
        let mut followed = lock(&self.cell.followed);
        // Somebody else's files are to be followed meanwhile.
        if followed.files != before.files {
            return None;
        }
        match found {
            Ok(_) if is_as_served => {
                (followed.fault, followed.doubted) = (None, None);
                before.fault.map(|_| CertificateChange::Mended)
            }
            Ok(pair) => {
                let not_after = pair.not_after;
                *lock(&self.cell.served) = Some(pair);
                let certificate = files.certificate.clone();
                *followed = Followed { files: Some(files), stamps: Some(stamps), ..Followed::default() };
                Some(CertificateChange::Taken { certificate, not_after })
            }
            Err(fault) => {
                let standing = self.standing();
                // Where there is none to stay with, nobody waits for a second look.
                let is_sure =
                    standing == CertificateStanding::Missing || before.doubted.as_ref() == Some(&fault);
                followed.doubted = Some(fault.clone());
                if !is_sure || before.fault.as_ref() == Some(&fault) {
                    return None;
                }
                followed.fault = Some(fault.clone());
                Some(CertificateChange::Refused { fault, standing })
            }
        }
    }

    /// What is known of it; none where no files are followed.
    pub fn status(&self) -> Option<CertificateStatus> {
        let Followed { files, fault, .. } = lock(&self.cell.followed).clone();
        let PairFiles { certificate, key } = files?;
        let not_after = lock(&self.cell.served).as_ref().and_then(|pair| pair.not_after);
        Some(CertificateStatus { certificate, key, not_after, standing: self.standing(), fault })
    }

    fn standing(&self) -> CertificateStanding {
        match &*lock(&self.cell.served) {
            Some(_) => CertificateStanding::Served,
            None => CertificateStanding::Missing,
        }
    }

    /// Whether a pair is better than what is served.
    fn may_be_served(&self, pair: Pair, files: &PairFiles, now: SystemTime) -> Result<Pair, FileError> {
        let served = lock(&self.cell.served);
        let is_valid = |pair: &Pair| pair.expired_for(now).is_none() && pair.valid_from(now).is_none();
        if !served.as_ref().is_some_and(is_valid) {
            return Ok(pair);
        }
        let fault = pair.expired_for(now).map(FileFault::expired);
        let fault = fault.or_else(|| pair.valid_from(now).map(|from| FileFault::NotYet { from }));
        fault.map_or(Ok(pair), |fault| Err(fault.of(&files.certificate)))
    }
}

fn builder() -> ConfigBuilder<ServerConfig, WantsVerifier> {
    ServerConfig::builder_with_provider(crypto::provider())
        .with_protocol_versions(rustls::DEFAULT_VERSIONS)
        .expect("every module has what TLS 1.2 and 1.3 need")
}

impl fmt::Debug for CertificateCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CertificateCell(…)")
    }
}

impl ResolvesServerCert for CertificateCell {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        lock(&self.served).as_ref().map(|pair| Arc::clone(&pair.certified))
    }
}

#[cfg(test)]
mod tests;
