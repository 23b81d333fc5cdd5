//! The kinds of probe in `[[zone.probe]]`: what is tested at an address.
//!
//! Each kind declares its keys and reads its table itself (`probe`); here they are found in the block, as ports or as
//! tables.

use std::path::Path;

use super::keys::Section;
use super::table::{Part, Table};
use crate::probe::{KINDS, KindForm, ProbeKind, Written};
use crate::setting::{Value, list};
use crate::source::{Diagnostic, Diagnostics, Span};

/// Every probe of a block, and where it is written. That there is none is a fault.
pub(super) fn read_all(table: &Table<'_>, folder: &Path, found: &mut Diagnostics) -> Vec<(ProbeKind, Span)> {
    let mut kinds = Kinds { list: Vec::new() };
    for kind in KINDS {
        let section = Section::Kind(kind.entry.name);
        match kind.entry.form {
            KindForm::Ports(key) => {
                for item in table.get(key.name).map(|value| items(value, key.name, found)).unwrap_or_default()
                {
                    let read = (kind.read)(Written::Value(item), folder, found);
                    kinds.add(read, item.span(), found);
                }
            }
            KindForm::Table { short, .. } => {
                for part in table.parts(section, found) {
                    let read = match (&part, short) {
                        (Part::Value(value), Some(_)) => (kind.read)(Written::Value(*value), folder, found),
                        (Part::Value(value), None) => {
                            found.push(value.takes("a table"));
                            None
                        }
                        (Part::Table(table), _) => (kind.read)(Written::Table(table), folder, found),
                    };
                    kinds.add(read, part.span(), found);
                }
            }
        }
    }
    if !KINDS.iter().any(|kind| table.has(Section::Kind(kind.entry.name))) {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.entry.name).collect();
        let lacks = Diagnostic::error(table.span(), format!("`{}` probes nothing", table.header()));
        let others = list(names.get(1..).unwrap_or_default(), "and");
        let help = format!("say what must pass, as in `tcp = 6443`; other kinds are {others}");
        found.push(lacks.help(help));
    }
    kinds.list
}

/// Each probe once.
struct Kinds {
    list: Vec<(ProbeKind, Span)>,
}

impl Kinds {
    fn add(&mut self, kind: Option<ProbeKind>, span: Span, found: &mut Diagnostics) {
        let Some(kind) = kind else { return };
        match self.list.iter().find(|(known, _)| *known == kind) {
            Some(&(_, first)) => found
                .push(Diagnostic::warning(span, "this is probed already").and_at(first, "first named here")),
            None => self.list.push((kind, span)),
        }
    }
}

fn items<'t>(value: Value<'t>, key: &str, found: &mut Diagnostics) -> Vec<Value<'t>> {
    let items = value.item_or_items();
    if items.is_empty() {
        found.push(
            value.fault(format!("`{key}` probes nothing")).help(format!("name a port, as in `{key} = 6443`")),
        );
    }
    items
}
