//! `[zone.dnssec]`: how a zone is signed.
//!
//! Reads these keys. Key files are read when the zone is.

use std::path::Path;

use super::keys::Section;
use super::table::Table;
use crate::dnssec::DenialKind;
use crate::setting::{Value, keep, path_in};
use crate::source::{Diagnostic, Diagnostics};
use crate::zones::DnssecSettings;

/// Reads the table of a zone, if it has one.
pub(super) fn read(zone: &Table<'_>, folder: &Path, found: &mut Diagnostics) -> Option<DnssecSettings> {
    if !zone.has(Section::ZoneDnssec) {
        return None;
    }
    let table = zone.table(Section::ZoneDnssec, found)?;
    let denial = table.read("denial", found, denial).unwrap_or_default();
    let value = table.need("keys", found)?;
    let keys = keep(path_in(value, folder), found)?;
    Some(DnssecSettings { keys, denial })
}

/// How it is said that there is no such name or type.
fn denial(value: Value<'_>) -> Result<DenialKind, Diagnostic> {
    let text = value.text()?;
    DenialKind::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
        let names = DenialKind::ALL.map(|kind| format!("\"{}\"", kind.name())).join(", ");
        value.fault(format!("`{text}` is no way of denial")).help(format!("write one of {names}"))
    })
}
