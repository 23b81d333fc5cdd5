//! `[tls]`: what the server proves itself with.
//!
//! Reads where the files are. Whether they can be used is found when they are: a certificate that has expired stops no
//! start.

use std::path::Path;

use super::keys::Section;
use super::table::Table;
use crate::setting::{keep, path_in};
use crate::source::Diagnostics;
use crate::tls::PairFiles;
use crate::transport::Protocols;

/// Reads `[tls]`; paths are relative to `folder`.
pub(super) fn read(table: &Table<'_>, folder: &Path, found: &mut Diagnostics) -> Option<PairFiles> {
    let certificate = table.need("certificate", found);
    let key = table.need("key", found);
    let certificate = certificate.and_then(|value| keep(path_in(value, folder), found));
    let key = key.and_then(|value| keep(path_in(value, folder), found));
    Some(PairFiles { certificate: certificate?, key: key? })
}

/// Says which keys of `[server]` need a certificate, where there is no `[tls]`.
pub(super) fn report_absence(server: &Table<'_>, found: &mut Diagnostics) {
    let encrypted =
        Protocols::ALL.iter().map(|protocols| protocols.entry()).filter(|entry| entry.is_encrypted());
    for value in encrypted.filter_map(|entry| server.get(entry.key.name)) {
        let header = Section::Tls.header();
        let fault = value.fault(format!("there is no certificate to serve this with: `{header}` is missing"));
        found.push(fault.help(format!(
            "write `{header}` with `certificate` and `key`; `edgedns certificate` makes a pair for a start"
        )));
    }
}

/// The same of `tls` in `[admin]`.
pub(super) fn report_admin_without(admin: &Table<'_>, found: &mut Diagnostics) {
    let Some(value) = admin.get("tls").filter(|value| value.truth() == Ok(true)) else { return };
    let header = Section::Tls.header();
    let fault = value.fault(format!("there is no certificate for this: `{header}` is missing"));
    found.push(fault.help(format!("write `{header}` with `certificate` and `key`")));
}
