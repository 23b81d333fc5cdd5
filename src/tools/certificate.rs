//! `edgedns certificate`: makes a certificate that signs itself, for a start without an authority.

use std::fs::{OpenOptions, remove_file};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use time::{Duration, OffsetDateTime};

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

/// Makes both files, and writes to standard output what names them in the config file.
///
/// # Errors
///
/// When there is no randomness, one of the files is there already or cannot be written, or the output cannot be.
pub fn make_certificate(request: &CertificateRequest) -> io::Result<()> {
    let (certificate, key) = made(request).map_err(io::Error::other)?;
    write_new(&request.key, &key, Readers::Owner)?;
    if let Err(error) = write_new(&request.certificate, &certificate, Readers::All) {
        // A key without a certificate is of no use, and would be in the way.
        let _ = remove_file(&request.key);
        return Err(error);
    }
    io::stdout().lock().write_all(lines(request).as_bytes())
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

/// Who may read a file.
#[derive(Clone, Copy)]
enum Readers {
    Owner,
    All,
}

/// Writes a file that is not there yet.
fn write_new(path: &Path, text: &str, readers: Readers) -> io::Result<()> {
    let mode = match readers {
        Readers::Owner => 0o600,
        Readers::All => 0o644,
    };
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|error| io::Error::new(error.kind(), format!("cannot write {}: {error}", path.display())))
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
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
            assert!(error.to_string().contains(there), "{error}");
            assert_eq!(fs::read_to_string(folder.path().join(there)).unwrap(), "mine");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }
}
