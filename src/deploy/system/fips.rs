//! Whether the host is in FIPS mode, which promises more than this program keeps.

use super::finding::{Finding, Grade};
use super::host::Host;
use super::wanted::Wanted;

const SUBJECT: &str = "fips";

const ENABLED: &str = "/proc/sys/crypto/fips_enabled";

pub(super) fn look(host: &Host, _: &Wanted) -> Vec<Finding> {
    // A kernel without FIPS mode has no such file.
    let Some(enabled) = host.number(ENABLED) else { return Vec::new() };
    if enabled == 0 {
        return vec![Finding::new(SUBJECT, Grade::Fine, "the host is not in FIPS mode")];
    }
    let message = "the host is in FIPS mode, and the cryptography of edgedns is not a validated module";
    vec![
        Finding::new(SUBJECT, Grade::Warning, message)
            .note(
                "it is ring's, linked into the binary, for TLS of probes, encrypted transports, TSIG and DNSSEC; plain DNS and \
                 the probes `tcp` and `http` use none, and everything works as elsewhere",
            )
            .help("where that matters, leave these out, or have it accepted as it is: docs/openshift.md, \"FIPS\""),
    ]
}
