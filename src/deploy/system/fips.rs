//! Whether the host is in FIPS mode, and what this program keeps of what that promises.

use super::finding::{Finding, Grade};
use super::host::Host;
use super::wanted::Wanted;
use crate::crypto::{self, Module, Rules};

const SUBJECT: &str = "fips";

const ENABLED: &str = "/proc/sys/crypto/fips_enabled";

pub(super) fn look(host: &Host, _: &Wanted) -> Vec<Finding> {
    // A kernel without FIPS mode has no such file.
    match host.number(ENABLED) {
        None => Vec::new(),
        Some(0) => vec![Finding::new(SUBJECT, Grade::Fine, "the host is not in FIPS mode")],
        Some(_) => in_fips_mode(crypto::module()),
    }
}

/// What is so in FIPS mode with this module.
pub(super) fn in_fips_mode(module: Module) -> Vec<Finding> {
    match module.rules {
        Rules::Own => {
            let message =
                "the host is in FIPS mode, and the cryptography of edgedns is not a validated module";
            vec![
                Finding::new(SUBJECT, Grade::Warning, message)
                    .note(format!(
                        "it is {}'s, linked into the binary, for TLS of probes, encrypted transports, TSIG and DNSSEC; plain DNS \
                         and the probes `tcp` and `http` use none, and everything works as elsewhere",
                        module.name
                    ))
                    .help(
                        "where that matters, build edgedns with `--features fips`, leave these out, or have it accepted as it is: \
                         docs/openshift.md, \"FIPS\"",
                    ),
            ]
        }
        Rules::Fips140 => vec![
            Finding::new(
                SUBJECT,
                Grade::Fine,
                format!(
                    "the host is in FIPS mode, and edgedns computes with {}; look up at NIST whether this version has a \
                     certificate, and for which systems",
                    module.name
                ),
            ),
            Finding::new(
                SUBJECT,
                Grade::Fine,
                "outside that module stay DNS cookies and digests of files, which are SipHash, and the public keys of ECDSA keys \
                 that are imported without them (docs/openshift.md, \"FIPS\")",
            ),
        ],
    }
}
