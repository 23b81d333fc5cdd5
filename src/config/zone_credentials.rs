//! `ca`, `client-cert` and `client-key`: by what the other servers of a zone and this one know each other over TLS.
//!
//! Reads these keys of `[[zone]]` and `[[catalog]]`. Which servers there are is for `primary` and `notify` to say.

use std::path::Path;

use super::table::Table;
use crate::setting::client_certificate;
use crate::source::Diagnostics;
use crate::tls::{AuthorityFile, Credentials, Verify};

/// What a catalog says, or a zone, whose files are relative to `folder`; none where that is faulty.
pub(super) fn read(table: &Table<'_>, folder: &Path, found: &mut Diagnostics) -> Option<Credentials> {
    let authorities = table.read_file("ca", folder, found, AuthorityFile::new);
    let client = client_certificate(table, ("client-cert", "client-key"), folder, found);
    let verify = authorities.ok()?.map_or(Verify::System, Verify::File);
    Some(Credentials { verify, client: client.ok()? })
}

/// What a zone says; where it names no other server, that is said instead.
pub(super) fn read_of_zone(zone: &Table<'_>, folder: &Path, found: &mut Diagnostics) -> Option<Credentials> {
    if ["primary", "notify"].into_iter().any(|servers| zone.get(servers).is_some()) {
        return read(zone, folder, found);
    }
    for key in ["ca", "client-cert", "client-key"] {
        let message =
            || format!("`{key}` is for servers over TLS, and there is no `primary` and no `notify`");
        found.extend(zone.get(key).map(|value| value.fault(message())));
    }
    None
}
