//! `[[zone.update]]`: who may change which records of a zone while it is served.
//!
//! Responsible for these keys. Not responsible for what is never updated, whatever they say: that is `update`'s.

use super::keys::Section;
use super::limit::EXEMPT_MAX;
use super::table::Table;
use super::tsig_key::TsigKey;
use crate::answer::Prefix;
use crate::dns::{Name, Rtype};
use crate::pattern::LabelsPattern;
use crate::setting::Value;
use crate::setting::keep;
use crate::source::{Diagnostic, Diagnostics, nearest};
use crate::update::{Allowed, Grant, TypeGrant, is_never_updated};

/// The word for all types.
const ANY: &str = "ANY";

/// What begins the name of a key.
const KEY: &str = "key:";

/// Reads the blocks of a zone.
pub(super) fn read_all(zone: &Table<'_>, keys: &[TsigKey], found: &mut Diagnostics) -> Vec<Grant> {
    zone.tables(Section::ZoneUpdate, found).iter().filter_map(|table| read(table, keys, found)).collect()
}

fn read(table: &Table<'_>, keys: &[TsigKey], found: &mut Diagnostics) -> Option<Grant> {
    let nobody = "nobody may update anything by this block";
    let allow = list(table, "allow", nobody, found, |value| allowed(value, keys));
    let names = list(table, "names", "this block is about no name", found, pattern);
    let types = list(table, "types", "this block is about no type", found, rtype);
    let types = types.map(|types| match types.iter().copied().collect::<Option<Vec<Rtype>>>() {
        Some(types) => TypeGrant::Listed(types),
        None => TypeGrant::Any,
    });
    Some(Grant { allow: allow?, names: names?, types: types? })
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

/// A prefix, a key, or both.
fn allowed(value: Value<'_>, keys: &[TsigKey]) -> Result<Allowed, Diagnostic> {
    let text = value.text()?;
    let mut allowed = Allowed { prefix: None, key: None };
    for word in text.split_whitespace() {
        let is_again = match word.strip_prefix(KEY) {
            Some(name) => allowed.key.replace(key(value, name, keys)?).is_some(),
            None => allowed.prefix.replace(prefix(value, word)?).is_some(),
        };
        if is_again {
            return Err(value
                .fault("an entry has one network and one key at most")
                .help("write two entries"));
        }
    }
    if allowed == (Allowed { prefix: None, key: None }) {
        return Err(value.fault("an empty entry").help("write \"0.0.0.0/0\" for everybody"));
    }
    Ok(allowed)
}

fn prefix(value: Value<'_>, word: &str) -> Result<Prefix, Diagnostic> {
    word.parse().map_err(|error| {
        let help = "write \"192.0.2.0/24\" or \"key:NAME\"";
        value.fault(format!("`{word}` is no network: {error}")).help(help)
    })
}

/// The name of one of the keys.
fn key(value: Value<'_>, text: &str, keys: &[TsigKey]) -> Result<Name, Diagnostic> {
    let name: Name =
        text.parse().map_err(|error| value.fault(format!("`{text}` is no name of a key: {error}")))?;
    if keys.iter().any(|key| key.name.as_ref() == name.as_ref()) {
        return Ok(name);
    }
    let names: Vec<String> = keys.iter().map(|key| key.name.as_ref().to_string()).collect();
    let fault = value.fault(format!("no `[[key]]` has the name `{name}`"));
    Err(match nearest(&name.to_string(), names.iter().map(String::as_str)) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help("`edgedns key NAME` makes one"),
    })
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
