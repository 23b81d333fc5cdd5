//! `[[zone]]`: which zones are served, and from which files.
//!
//! Responsible for names and paths. Not responsible for what is in the files.

use std::path::{Path, PathBuf};

use super::keys::Section;
use super::probe::Probe;
use super::table::{Table, keep};
use super::zone_probe::ZoneProbe;
use crate::dns::{Name, NameRef};
use crate::source::{Diagnostics, Span};

/// A zone to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its apex; no two zones have the same.
    pub name: Name,
    /// Where it is named.
    pub name_span: Span,
    /// Its zone file; if it was written relative, below the config file's folder.
    pub file: PathBuf,
    /// Where the file is named.
    pub file_span: Span,
    /// `[[zone.probe]]`: what guards plain RRsets, in the order of the file.
    /// Probes of blocks that name the same owner must all pass.
    pub guards: Vec<ZoneProbe>,
}

/// Reads every `[[zone]]`.
pub(super) fn read_all(
    root: &Table<'_>,
    folder: &Path,
    defaults: &Probe,
    found: &mut Diagnostics,
) -> Vec<Zone> {
    // Also of zones that are faulty otherwise, so that the second run brings no surprise.
    let mut names: Vec<(Name, Span)> = Vec::new();
    let mut zones = Vec::new();
    for table in root.tables(Section::Zone, found) {
        let name = read_name(&table, &names, found);
        names.extend(name.clone());
        let file = read_file(&table, folder, found);
        let apex = name.as_ref().map(|(apex, _)| apex.as_ref());
        let blocks = table.tables(Section::ZoneProbe, found);
        let guards =
            blocks.iter().filter_map(|block| ZoneProbe::read(block, apex, defaults, folder, found)).collect();
        if let (Some((name, name_span)), Some((file, file_span))) = (name, file) {
            zones.push(Zone { name, name_span, file, file_span, guards });
        }
    }
    zones
}

/// The apex, which none of the `earlier` zones has.
fn read_name(table: &Table<'_>, earlier: &[(Name, Span)], found: &mut Diagnostics) -> Option<(Name, Span)> {
    let value = table.need("name", found)?;
    if value.text() == Ok("@") {
        found.push(value.fault("`@` names no zone here").help("the root zone is \".\""));
        return None;
    }
    let name = keep(value.name(NameRef::ROOT), found)?;
    if let Some((_, first)) = earlier.iter().find(|(known, _)| *known == name) {
        found.push(value.fault(format!("zone `{name}` is given twice")).and_at(*first, "first given here"));
        return None;
    }
    Some((name, value.span()))
}

fn read_file(table: &Table<'_>, folder: &Path, found: &mut Diagnostics) -> Option<(PathBuf, Span)> {
    let value = table.need("file", found)?;
    let text = keep(value.text(), found)?;
    if text.is_empty() {
        found.push(value.fault("`file` is empty"));
        return None;
    }
    Some((folder.join(text), value.span()))
}
