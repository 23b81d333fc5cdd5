//! `[[zone.update]]`: who may change which records of a zone while it is served; of a zone that is copied, and of members
//! of catalogs (`[[catalog.group.update]]`), whose updates are passed on.
//!
//! Reads these keys. Some types are never updated, whatever they say: `update` has those.

use super::allowed::allowed;
use super::keys::Section;
use super::limit::EXEMPT_MAX;
use super::table::Table;
use crate::dns::Rtype;
use crate::pattern::LabelsPattern;
use crate::setting::{TsigKey, Value, keep};
use crate::source::{Diagnostic, Diagnostics};
use crate::update::{Grant, TypeGrant, is_never_updated};

/// The word for all types.
const ANY: &str = "ANY";

/// Reads the blocks of a zone.
pub(super) fn read_all(zone: &Table<'_>, keys: &[TsigKey], found: &mut Diagnostics) -> Vec<Grant> {
    let tables = zone.tables(Section::ZoneUpdate, found);
    tables.iter().filter_map(|table| read(table, keys, found)).flatten().collect()
}

/// Reads the blocks of a zone that is copied, or of a group of such zones: whose updates are passed on. Which names and
/// types they may change is for its primary to say.
pub(super) fn read_all_passed_on(
    zone: &Table<'_>,
    section: Section,
    keys: &[TsigKey],
    found: &mut Diagnostics,
) -> Vec<Grant> {
    let tables = zone.tables(section, found);
    tables.iter().filter_map(|table| read_passed_on(table, keys, found)).collect()
}

fn read_passed_on(table: &Table<'_>, keys: &[TsigKey], found: &mut Diagnostics) -> Option<Grant> {
    for key in ["names", "types"] {
        if let Some(value) = table.get(key) {
            let message = format!("`{key}` has no place in a zone that is copied");
            found
                .push(value.fault(message).help("its primary says who may change what; here, `allow` alone"));
        }
    }
    let nobody = "nobody's updates are passed on by this block";
    let allow = list(table, "allow", nobody, found, |value| allowed(value, keys))?;
    Some(Grant { allow, names: Vec::new(), types: TypeGrant::Any })
}

/// What a block allows: all types, and those that must be named, are two grants.
fn read(table: &Table<'_>, keys: &[TsigKey], found: &mut Diagnostics) -> Option<Vec<Grant>> {
    let nobody = "nobody may update anything by this block";
    let allow = list(table, "allow", nobody, found, |value| allowed(value, keys));
    let names = list(table, "names", "this block is about no name", found, pattern);
    let types = list(table, "types", "this block is about no type", found, rtype);
    let (allow, names, types) = (allow?, names?, types?);
    let any = types.contains(&None).then_some(TypeGrant::Any);
    let named: Vec<Rtype> = types.into_iter().flatten().collect();
    let listed = (!named.is_empty()).then_some(TypeGrant::Listed(named));
    let grant = |types| Grant { allow: allow.clone(), names: names.clone(), types };
    Some(any.into_iter().chain(listed).map(grant).collect())
}

/// The items of a list that must be there; none where one is faulty.
fn list<T>(
    table: &Table<'_>,
    key: &'static str,
    empty: &str,
    found: &mut Diagnostics,
    read: impl Fn(Value<'_>) -> Result<T, Diagnostic>,
) -> Option<Vec<T>> {
    let value = table.need(key, found)?;
    let items = keep(value.items(), found)?;
    if items.is_empty() {
        found.push(value.fault(format!("an empty list: {empty}")));
        return None;
    }
    if items.len() > EXEMPT_MAX {
        found.push(value.fault(format!("more than {EXEMPT_MAX} entries")));
        return None;
    }
    let read: Vec<Option<T>> = items.into_iter().map(|item| keep(read(item), found)).collect();
    read.into_iter().collect()
}

fn pattern(value: Value<'_>) -> Result<LabelsPattern, Diagnostic> {
    let text = value.text()?;
    text.parse().map_err(|error| value.fault(format!("`{text}` is no pattern of names: {error}")))
}

/// A type; none: all of them.
fn rtype(value: Value<'_>) -> Result<Option<Rtype>, Diagnostic> {
    let text = value.text()?;
    if text.eq_ignore_ascii_case(ANY) {
        return Ok(None);
    }
    let rtype = Rtype::parse(text.as_bytes()).filter(|rtype| !rtype.is_meta());
    let rtype = rtype.ok_or_else(|| value.fault(format!("`{text}` is no record type")))?;
    let never = match rtype {
        Rtype::SOA => Some("the SOA record comes from the operator, its serial from the server"),
        rtype => is_never_updated(rtype),
    };
    match never {
        Some(why) => Err(value.fault(format!("{rtype} records are never updated")).help(why)),
        None => Ok(Some(rtype)),
    }
}
