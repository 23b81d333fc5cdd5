//! The certificate that a config names, and the files by which it lets clients of the admin listener in, looked at as the
//! server does at its start.

use std::path::PathBuf;
use std::time::SystemTime;

use crate::config::Admin;
use crate::control::{CERTIFICATE_DAYS_SHORT, TokenFile};
use crate::daemon::LoadResult;
use crate::source::{Diagnostic, Severity};
use crate::tls::{ClientAuthorities, FileError, PairFiles, days_until};

/// Adds what is wrong with these files to what is wrong with the config.
pub(super) fn look(reading: &mut LoadResult) {
    let Some(config) = reading.loaded.as_ref().map(|loaded| &loaded.config) else { return };
    let certificate = config.tls.as_ref().and_then(|files| fault(files, SystemTime::now()));
    let admin = admin_faults(&config.admin);
    let clients = config.client_ca.clone().and_then(client_fault);
    certificate.into_iter().chain(admin).chain(clients).for_each(|found| reading.config_faults.push(found));
}

/// What is wrong with the authorities of clients of DNS.
fn client_fault(client_ca: PathBuf) -> Option<Diagnostic> {
    let error = ClientAuthorities::new(client_ca).look()?.err()?;
    let fault = Diagnostic::placeless(Severity::Error, error.to_string());
    Some(fault.remark("who is allowed something as `tls:NAME` is refused meanwhile"))
}

/// What is wrong with the files of the admin listener.
fn admin_faults(admin: &Admin) -> Vec<Diagnostic> {
    let token = admin.token_file.clone().and_then(|path| TokenFile::new(path).look());
    let clients = admin.client_ca.clone().and_then(|path| ClientAuthorities::new(path).look());
    let faults = [token, clients].into_iter().flatten().filter_map(Result::err);
    let fault = |error: FileError| Diagnostic::placeless(Severity::Error, error.to_string());
    faults.map(|error| fault(error).remark("the admin listener serves nobody meanwhile")).collect()
}

/// What is wrong with a certificate; none: nothing is.
fn fault(files: &PairFiles, now: SystemTime) -> Option<Diagnostic> {
    let pair = match files.read() {
        Ok(pair) => pair,
        Err(error) => {
            let fault = Diagnostic::placeless(Severity::Error, error.to_string());
            return Some(fault.remark(
                "a server that runs shows what it has read before; one that starts refuses clients of encrypted \
                 transports",
            ));
        }
    };
    let shown = files.certificate.display();
    let message = match pair.not_after.map(|end| days_until(end, now)) {
        None => format!("nobody can read until when the certificate in {shown} is valid"),
        Some(_) if pair.valid_from(now).is_some() => {
            format!("the certificate in {shown} is not valid yet: clients that look refuse it")
        }
        Some(left) if left < 0 => {
            format!("the certificate in {shown} has expired: clients that look refuse it")
        }
        Some(left) if left < CERTIFICATE_DAYS_SHORT => {
            format!("the certificate in {shown} expires in {left} days")
        }
        Some(_) => return None,
    };
    Some(Diagnostic::placeless(Severity::Warning, message).help("renew it; the files are followed"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::tls::ServerName;
    use crate::tools::{CertificateRequest, make_certificate};

    #[test]
    fn a_token_and_authorities_that_cannot_be_used_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let [token, authorities] = ["token", "clients.pem"].map(|name| folder.path().join(name));
        let (token_file, client_ca) = (Some(token.clone()), Some(authorities.clone()));
        let admin = Admin { token_file, client_ca, ..Admin::default() };
        assert_eq!(admin_faults(&admin).len(), 2);
        std::fs::write(&token, "one").unwrap();
        let files = pair(folder.path(), 8);
        std::fs::copy(&files.certificate, &authorities).unwrap();
        assert!(admin_faults(&admin).is_empty(), "{:?}", admin_faults(&admin));
        std::fs::write(&token, "").unwrap();
        let found = admin_faults(&admin);
        assert!(found.len() == 1 && found[0].message.contains("no token is in it"), "{found:?}");
    }

    fn pair(folder: &Path, days: u16) -> PairFiles {
        let (certificate, key) = (folder.join("tls.crt"), folder.join("tls.key"));
        let names = vec![ServerName::new("ns.lab.example").unwrap()];
        let (to, by) = (certificate.clone(), key.clone());
        make_certificate(&CertificateRequest { names, certificate: to, key: by, days }).unwrap();
        PairFiles { certificate, key }
    }

    #[test]
    fn a_certificate_that_ends_soon_is_a_warning_and_one_that_does_not_do_an_error() {
        let told = |days, key_of: Option<u16>| {
            let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let mut files = pair(folder.path(), days);
            if let Some(days) = key_of {
                files.key = pair(other.path(), days).key;
            }
            fault(&files, SystemTime::now()).map(|fault| (fault.severity, fault.message))
        };
        assert_eq!(told(30, None), None);
        let (severity, message) = told(8, None).unwrap();
        assert!(severity == Severity::Warning && message.ends_with("expires in 7 days"), "{message}");
        let (severity, message) = told(30, Some(30)).unwrap();
        assert!(severity == Severity::Error && message.contains("does not belong"), "{message}");
    }
}
