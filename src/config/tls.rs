//! `[tls]`: what the server proves itself with.
//!
//! Reads where the files are. Whether they can be used is found when they are: a certificate that has expired stops no
//! start.

use std::path::{Path, PathBuf};

use super::catalog::Catalog;
use super::keys::Section;
use super::server::Server;
use super::table::Table;
use super::zone::Zone;
use crate::answer::{Allowed, Transport};
use crate::setting::{keep, path_in};
use crate::source::{Diagnostic, Diagnostics};
use crate::tls::PairFiles;
use crate::transport::{ListenAddress, Protocols};

/// Reads `[tls]`; paths are relative to `folder`.
pub(super) fn read(table: &Table<'_>, folder: &Path, found: &mut Diagnostics) -> Option<PairFiles> {
    let certificate = table.need("certificate", found);
    let key = table.need("key", found);
    let certificate = certificate.and_then(|value| keep(path_in(value, folder), found));
    let key = key.and_then(|value| keep(path_in(value, folder), found));
    Some(PairFiles { certificate: certificate?, key: key? })
}

/// Reads where the authorities are of whose certificates clients of DNS are asked for.
pub(super) fn read_client_ca(table: &Table<'_>, folder: &Path, found: &mut Diagnostics) -> Option<PathBuf> {
    table.read("client-ca", found, |value| path_in(value, folder))
}

/// Warns of the first entry of each list that wants a certificate which no client is asked for: `client_ca` is not given, or
/// nothing is served over TLS or QUIC.
pub(super) fn report_unasked(
    client_ca: Option<&Path>,
    server: &Server,
    (zones, catalogs): (&[Zone], &[Catalog]),
    found: &mut Diagnostics,
) {
    let is_asking =
        |one: &ListenAddress| matches!(one.protocols.entry().transport, Transport::Tls | Transport::Quic);
    let help = match client_ca {
        None => "write `client-ca` in `[tls]`: the authorities of clients' certificates",
        Some(_) if !server.listen.iter().any(is_asking) => "write `listen-tls` in `[server]`",
        Some(_) => return,
    };
    let of_zones = zones.iter().map(|zone| (zone.name_span, &zone.transfer, &zone.updates));
    let groups = catalogs.iter().flat_map(|catalog| {
        catalog.groups.iter().map(|(_, group)| group).chain(std::iter::once(&catalog.others))
    });
    let of_groups = groups.map(|group| (group.span, &group.transfer, &group.updates));
    for (span, transfer, updates) in of_zones.chain(of_groups) {
        let lists = std::iter::once(&transfer.allow).chain(updates.iter().map(|grant| &grant.allow));
        let wanting = |list: &Vec<Allowed>| list.iter().find(|one| one.certificate.is_some()).cloned();
        for entry in lists.filter_map(wanting) {
            let message = format!("`{entry}` holds nobody: no client is asked for a certificate");
            found.push(Diagnostic::warning(span, message).help(help));
        }
    }
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
