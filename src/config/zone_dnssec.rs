//! `[zone.dnssec]`: how a zone is signed.
//!
//! Reads these keys. Key files are read when the zone is.

use std::path::Path;

use super::keys::Section;
use super::table::Table;
use crate::setting::{Value, keep, path_in};
use crate::source::{Diagnostic, Diagnostics};
use crate::zones::DnssecSettings;

/// Ways to say that there is no such name or type.
const DENIALS: [&str; 1] = ["nsec"];

/// Reads the table of a zone, if it has one.
pub(super) fn read(zone: &Table<'_>, folder: &Path, found: &mut Diagnostics) -> Option<DnssecSettings> {
    if !zone.has(Section::ZoneDnssec) {
        return None;
    }
    let table = zone.table(Section::ZoneDnssec, found)?;
    table.read("denial", found, denial);
    let value = table.need("keys", found)?;
    let keys = keep(path_in(value, folder), found)?;
    Some(DnssecSettings { keys })
}

fn denial(value: Value<'_>) -> Result<(), Diagnostic> {
    let text = value.text()?;
    if DENIALS.contains(&text) {
        return Ok(());
    }
    Err(value.fault(format!("`{text}` is no way of denial here")).help("write \"nsec\", or leave it out"))
}
