//! The certificate that a config names, looked at as the server does at its start.

use std::time::SystemTime;

use crate::control::CERTIFICATE_DAYS_SHORT;
use crate::daemon::LoadResult;
use crate::source::{Diagnostic, Severity};
use crate::tls::{PairFiles, days_until};

/// Adds what is wrong with the certificate to what is wrong with the config.
pub(super) fn look(reading: &mut LoadResult) {
    let files = reading.loaded.as_ref().and_then(|loaded| loaded.config.tls.as_ref());
    if let Some(found) = files.and_then(|files| fault(files, SystemTime::now())) {
        reading.config_faults.push(found);
    }
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
