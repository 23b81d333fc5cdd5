//! `edgedns certificate`: makes a certificate that signs itself, for a start without an authority.

use std::fmt;
use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use time::{Duration, OffsetDateTime};

use crate::delivery::{Existing, File, Readers, WriteError, write_files};
use crate::tls::ServerName;

/// What certificate is to be made.
#[derive(Clone, Debug)]
pub struct CertificateRequest {
    /// Names and addresses that it is for, at least one.
    pub names: Vec<ServerName>,
    /// Its file.
    pub certificate: PathBuf,
    /// The file of its key.
    pub key: PathBuf,
    /// For how many days it is valid.
    pub days: u16,
}

/// Why there is no certificate.
#[derive(Debug)]
pub enum CertificateError {
    /// It cannot be made: there is no randomness.
    Made(rcgen::Error),
    /// The files cannot be written.
    Write(WriteError),
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CertificateError::Made(error) => write!(f, "error: the certificate cannot be made: {error}"),
            CertificateError::Write(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CertificateError {}

/// Makes both files; returns what names them in the config file.
///
/// # Errors
///
/// When there is no randomness, or one of the files is there already or cannot be written: then neither is.
pub fn make_certificate(request: &CertificateRequest) -> Result<String, CertificateError> {
    let (certificate, key) = made(request).map_err(CertificateError::Made)?;
    let files = [
        File { readers: Readers::Owner, ..File::of_text(&request.key, key) },
        File::of_text(&request.certificate, certificate),
    ];
    write_files(&files, Path::new(""), Existing::Kept).map_err(CertificateError::Write)?;
    Ok(lines(request))
}

/// Certificate and key in PEM.
fn made(request: &CertificateRequest) -> Result<(String, String), rcgen::Error> {
    let names: Vec<String> = request.names.iter().map(ToString::to_string).collect();
    let common = names.first().cloned().unwrap_or_default();
    let mut wanted = CertificateParams::new(names)?;
    wanted.distinguished_name.push(DnType::CommonName, common);
    wanted.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    // It is good for a secondary that shows it to a primary, too.
    wanted.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    // A client whose clock is behind may have it, too.
    wanted.not_before = OffsetDateTime::now_utc() - Duration::days(1);
    wanted.not_after = OffsetDateTime::now_utc() + Duration::days(request.days.into());
    let key = KeyPair::generate()?;
    Ok((wanted.self_signed(&key)?.pem(), key.serialize_pem()))
}

/// What the config file is told, and how it is tried.
fn lines(request: &CertificateRequest) -> String {
    let CertificateRequest { names, certificate, key, .. } = request;
    let name = names.first().map(ToString::to_string).unwrap_or_default();
    let [shown, key] = [certificate, key].map(|path| format!("{:?}", path.display().to_string()));
    format!(
        "# edgedns, in its config file:\n[tls]\ncertificate = {shown}\nkey = {key}\n\n\
         # A client that trusts this certificate and no other:\n\
         # kdig @ADDRESS +tls-ca={} +tls-hostname={name} {name}\n",
        certificate.display()
    )
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::time::SystemTime;

    use super::*;
    use crate::tls::{PairFiles, days_until};

    fn request(folder: &Path) -> CertificateRequest {
        let names = ["ns1.lab.example", "192.0.2.1"].map(|name| ServerName::new(name).unwrap());
        let (certificate, key) = (folder.join("server.crt"), folder.join("server.key"));
        CertificateRequest { names: names.into(), certificate, key, days: 30 }
    }

    #[test]
    fn the_pair_is_one_that_is_served_and_its_key_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let request = request(folder.path());
        make_certificate(&request).unwrap();
        let files = PairFiles { certificate: request.certificate.clone(), key: request.key.clone() };
        let end = files.read().unwrap().not_after.unwrap();
        assert_eq!(days_until(end, SystemTime::now()), 29);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(&request.key), 0o600);
        assert!(lines(&request).contains("server.key\"\n"));
    }

    #[test]
    fn a_file_that_is_there_is_not_replaced_and_nothing_is_left_beside_it() {
        for there in ["server.crt", "server.key"] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(there), "mine").unwrap();
            let error = make_certificate(&request(folder.path())).unwrap_err();
            assert!(matches!(error, CertificateError::Write(WriteError::Exists(_))));
            assert!(error.to_string().contains(there), "{error}");
            assert_eq!(fs::read_to_string(folder.path().join(there)).unwrap(), "mine");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }
}
