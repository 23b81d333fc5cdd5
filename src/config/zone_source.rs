//! The sources of a `[[zone]]`: those that it asks for, and whether they make one zone together.
//!
//! Each kind declares its keys and reads itself (`zones::source`); what holds between them is said here.

use std::sync::Arc;

use super::keys::Section;
use super::table::Table;
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::zones::source::{
    Company, KINDS, Signable, Source, SourceContext, SourceForm, SourceKind, TakesUpdates,
};

/// A source that a zone asks for.
pub(super) struct AskedSource {
    kind: &'static SourceKind,
    /// What asks for it: the value of its key, or its table.
    pub(super) span: Span,
    /// None where it is faulty.
    pub(super) source: Option<Arc<dyn Source>>,
}

impl AskedSource {
    /// Its key, or its table.
    fn name(&self) -> &'static str {
        match self.kind.form {
            SourceForm::Keys(keys) => keys.first().map_or("", |key| key.name),
            SourceForm::Table { header, .. } => Section::Source(header).name(),
        }
    }
}

/// Reads the sources of a zone, in the order in which they add to it.
pub(super) fn read_all(
    zone: &Table<'_>,
    context: &SourceContext<'_>,
    found: &mut Diagnostics,
) -> Vec<AskedSource> {
    let asked: Vec<AskedSource> = KINDS.iter().filter_map(|kind| read(kind, zone, context, found)).collect();
    for (place, one) in asked.iter().enumerate() {
        // Of what is faulty nobody knows whether it is meant.
        if one.kind.company == Company::Others || one.source.is_none() {
            continue;
        }
        let is_told = |(other_place, other): &(usize, &AskedSource)| {
            let tells = other.kind.company == Company::Nothing && other.source.is_some();
            *other_place == place || (tells && *other_place > place)
        };
        for (_, other) in asked.iter().enumerate().filter(|other| !is_told(other)) {
            let message = format!("a zone has either `{}` or `{}`", other.name(), one.name());
            let fault = Diagnostic::error(one.span, message);
            found.push(fault.and_at(other.span, "this one stands there as well"));
        }
    }
    if let (true, Some(SourceForm::Keys([usual, ..]))) =
        (asked.is_empty(), KINDS.first().map(|kind| kind.form))
    {
        zone.need(usual.name, found);
    }
    asked
}

/// Whether a zone with these sources takes updates, faulty ones among them.
pub(super) fn updates_of(asked: &[AskedSource]) -> TakesUpdates {
    let mut all = asked.iter().map(|one| one.kind.updates);
    all.find(|updates| *updates != TakesUpdates::Yes).unwrap_or(TakesUpdates::Yes)
}

/// Why a zone with these sources takes no updates.
pub(super) fn refuse_updates(asked: &[AskedSource], found: &mut Diagnostics) {
    for one in asked.iter().filter(|one| one.source.is_some()) {
        if let TakesUpdates::No { message, help } = one.kind.updates {
            found.push(Diagnostic::error(one.span, message).help(help));
        }
    }
}

/// Why a zone with these sources is not signed here.
pub(super) fn refuse_signing(asked: &[AskedSource], found: &mut Diagnostics) {
    let others = asked.iter().filter(|one| one.source.is_some() && one.kind.signing == Signable::No);
    for one in others {
        let message = format!("a zone with `{}` is not signed here", one.name());
        let help = "leave `[zone.dnssec]` out: its serials are those of the zone that it is made from";
        found.push(Diagnostic::error(one.span, message).help(help));
    }
}

/// A source, if the zone asks for it.
fn read(
    kind: &'static SourceKind,
    zone: &Table<'_>,
    context: &SourceContext<'_>,
    found: &mut Diagnostics,
) -> Option<AskedSource> {
    let (span, read) = match kind.form {
        SourceForm::Keys(keys) => {
            let read = (kind.read)(zone, context, found);
            (keys.first().and_then(|key| zone.get(key.name)).map(|value| value.span()), read)
        }
        SourceForm::Table { header, .. } => {
            let section = Section::Source(header);
            if !zone.has(section) {
                return None;
            }
            let table = zone.table(section, found);
            let span = table.as_ref().map_or(zone.span(), |table| table.span());
            (Some(span), table.map_or(Ok(None), |table| (kind.read)(&table, context, found)))
        }
    };
    Some(AskedSource { kind, span: span?, source: read.ok().flatten() })
}
