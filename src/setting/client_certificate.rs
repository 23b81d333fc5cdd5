//! Two keys that name one thing together: a client certificate and its key.

use std::path::Path;

use super::table::{Faulty, Table, path_in};
use super::value::{Value, keep};
use crate::source::Diagnostics;
use crate::tls::ClientCertificate;

/// The values of two keys that need each other; none where neither is given.
///
/// # Errors
///
/// [`Faulty`], when one of them is alone, which has been pushed to `found`.
pub fn both<'t>(
    table: &Table<'t>,
    one: &'static str,
    other: &'static str,
    found: &mut Diagnostics,
) -> Result<Option<(Value<'t>, Value<'t>)>, Faulty> {
    let (value, alone, missing) = match (table.get(one), table.get(other)) {
        (None, None) => return Ok(None),
        (Some(first), Some(second)) => return Ok(Some((first, second))),
        (Some(value), None) => (value, one, other),
        (None, Some(value)) => (value, other, one),
    };
    found.push(value.fault(format!("`{alone}` has no effect without `{missing}`")));
    Err(Faulty)
}

/// The certificate in the file that `certificate` names, with its key in the file of `key`, relative to `folder`; none
/// where neither is given.
///
/// # Errors
///
/// [`Faulty`], when the fault has been pushed to `found`.
pub fn client_certificate(
    table: &Table<'_>,
    (certificate, key): (&'static str, &'static str),
    folder: &Path,
    found: &mut Diagnostics,
) -> Result<Option<ClientCertificate>, Faulty> {
    let Some((certificate, key)) = both(table, certificate, key, found)? else { return Ok(None) };
    let paths = (keep(path_in(certificate, folder), found), keep(path_in(key, folder), found));
    let (Some(certificate_path), Some(key_path)) = paths else { return Err(Faulty) };
    let read = ClientCertificate::new(certificate_path.clone(), key_path);
    let told = read.map_err(|error| {
        let value = if error.path == certificate_path { certificate } else { key };
        value.fault(error.to_string())
    });
    keep(told, found).map(Some).ok_or(Faulty)
}
