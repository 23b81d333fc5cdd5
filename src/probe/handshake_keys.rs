//! The keys of a TLS handshake, which `tls` and `https` share; and the kinds that may be spoken over TLS, and need not.

use std::path::Path;

use super::http::Host;
use crate::setting::{Absent, Holds, KeyEntry, Table, Value, client_certificate, server_name};
use crate::source::Diagnostics;
use crate::tls::{AlpnProtocol, AuthorityFile, Handshake, ServerName, Verify};

/// The keys that every kind with a handshake has.
pub(super) const HANDSHAKE_KEYS: &[KeyEntry] = &[
    KeyEntry::new(
        "verify",
        Absent::Default(r#"true"#),
        "whether the certificate must be trusted, valid and for the right name; false accepts any",
    ),
    KeyEntry::new(
        "ca",
        Absent::Unset { example: r#""ca.pem""# },
        "file with the authorities to trust; without it those of the system",
    )
    .holding(Holds::File),
    KeyEntry::new(
        "server-name",
        Absent::Unset { example: r#""api.ocp4.example.com""# },
        "name to ask for (SNI), which the certificate must be for; without it `host` if there is one, otherwise the address",
    ),
    CERT,
    KEY,
];

const CERT: KeyEntry = KeyEntry::new(
    "cert",
    Absent::Unset { example: r#""client.pem""# },
    "file with the client certificate, with `key`; read again when it changes",
)
.holding(Holds::File);

const KEY: KeyEntry =
    KeyEntry::new("key", Absent::Unset { example: r#""client.key""# }, "file with the key of `cert`")
        .holding(Holds::SecretFile);

/// Whether there is a handshake at all, for kinds that may do without one.
pub(super) const OVER_TLS: KeyEntry = KeyEntry::new(
    "tls",
    Absent::Default("false"),
    "whether it is spoken over TLS; the keys about certificates are for that",
);

/// What is said and demanded in the handshake of a kind that may do without one; `Some(None)` where it does.
pub(super) fn read_handshake_if_wanted(
    table: &Table<'_>,
    protocols: Vec<AlpnProtocol>,
    folder: &Path,
    found: &mut Diagnostics,
) -> Option<Option<Handshake>> {
    if table.read(OVER_TLS.name, found, Value::truth).unwrap_or(false) {
        return read_handshake(table, protocols, None, folder, found).map(Some);
    }
    let idle: Vec<Value<'_>> = HANDSHAKE_KEYS.iter().filter_map(|key| table.get(key.name)).collect();
    for value in &idle {
        found.push(value.fault("this has no effect without TLS").help("add `tls = true`"));
    }
    idle.is_empty().then_some(None)
}

/// What is said and demanded in the handshake; `host` is the name where no other is given.
pub(super) fn read_handshake(
    table: &Table<'_>,
    protocols: Vec<AlpnProtocol>,
    host: Option<&Host>,
    folder: &Path,
    found: &mut Diagnostics,
) -> Option<Handshake> {
    let server_name = table.read("server-name", found, server_name);
    let server_name = server_name.or_else(|| ServerName::new(host?.name()));
    let verify = read_verify(table, folder, found);
    let client = client_certificate(table, (CERT.name, KEY.name), folder, found);
    Some(Handshake { server_name, verify: verify?, protocols, client: client.ok()? })
}

fn read_verify(table: &Table<'_>, folder: &Path, found: &mut Diagnostics) -> Option<Verify> {
    let is_wanted = table.read("verify", found, Value::truth).unwrap_or(true);
    let authority = table.read_file("ca", folder, found, AuthorityFile::new).ok()?;
    match (is_wanted, authority) {
        (true, Some(file)) => Some(Verify::File(file)),
        (true, None) => Some(Verify::System),
        (false, None) => Some(Verify::Off),
        (false, Some(_)) => {
            let (ca, verify) = (table.get("ca")?, table.get("verify")?);
            let fault = ca.fault("`ca` has no effect without verification");
            found.push(fault.and_at(verify.span(), "switched off here").help("leave one of them out"));
            None
        }
    }
}
