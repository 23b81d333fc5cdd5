//! `dblookup('NAME', pdns.TYPE)`: the records of another name of the zone, as a list.
//!
//! Puts the list in the place of the call, when the record is read. Not responsible for what the list is for.

use super::names::LOOK_UP;
use super::shown::shown;
use crate::dns::{Name, NameRef, Rtype, rdata};
use crate::lua::{Call, Expr, ExprKind, Field, Record, Statement};
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::zone::Lookups;

/// How a constant of PowerDNS for a type begins.
const TYPE_PREFIX: &str = "pdns.";

/// Replaces each look-up in a record by what it finds. Every fault is pushed to `found`.
pub(super) fn replace(
    record: &mut Record,
    records: &Lookups<'_>,
    apex: NameRef<'_>,
    found: &mut Diagnostics,
) {
    for statement in &mut record.statements {
        match statement {
            Statement::Assign(_, value) => replace_in(value, records, apex, found),
            Statement::Call(call) => {
                call.arguments.iter_mut().for_each(|argument| replace_in(argument, records, apex, found));
            }
        }
    }
    replace_in(&mut record.result, records, apex, found);
}

/// The depth of this recursion is bounded by [`crate::lua::NESTING_MAX`].
fn replace_in(value: &mut Expr, records: &Lookups<'_>, apex: NameRef<'_>, found: &mut Diagnostics) {
    match &mut value.kind {
        ExprKind::Call(call) if &*call.function.text == LOOK_UP => {
            let list = list(call, value.span, records, apex, found);
            value.kind = list.map_or(ExprKind::Refused, ExprKind::Table);
        }
        ExprKind::Call(call) => {
            call.arguments.iter_mut().for_each(|argument| replace_in(argument, records, apex, found));
        }
        ExprKind::Table(fields) => {
            for field in fields {
                field.key.iter_mut().for_each(|key| replace_in(key, records, apex, found));
                replace_in(&mut field.value, records, apex, found);
            }
        }
        ExprKind::Nil
        | ExprKind::Boolean(_)
        | ExprKind::Number(_)
        | ExprKind::String(_)
        | ExprKind::Name(_)
        | ExprKind::Refused => {}
    }
}

/// What a look-up finds; none where it was refused.
fn list(
    call: &Call,
    span: Span,
    records: &Lookups<'_>,
    apex: NameRef<'_>,
    found: &mut Diagnostics,
) -> Option<Vec<Field>> {
    let [Expr { kind: ExprKind::String(text), span: named }, rtype] = call.arguments.as_slice() else {
        let message = "`dblookup` takes a name and a type: dblookup('host.example.com', pdns.A)";
        found.push(Diagnostic::error(call.function.span, message));
        return None;
    };
    let Some(asked) = rtype_of(rtype) else {
        let fault = Diagnostic::error(rtype.span, "expected a type, such as `pdns.A` or `pdns.AAAA`");
        found.push(fault.remark("TXT records cannot be looked up: each may be several strings"));
        return None;
    };
    let Ok(owner) = Name::parse(text, NameRef::ROOT) else {
        found.push(Diagnostic::error(*named, format!("`{}` is not a name", shown(text))));
        return None;
    };
    if !owner.as_ref().is_at_or_below(apex) {
        let message = format!("`{owner}` does not lie in the zone `{apex}`: other zones are not looked up");
        let help = "write the values themselves, or this record into the zone that has them; or have a `[[zone.probe]]` in place of \
                    the record, whose `members` may be hosts of other zones";
        found.push(
            Diagnostic::error(*named, message).help(help).remark("the name is absolute, as in PowerDNS"),
        );
        return None;
    }
    let field = |data: &[u8]| {
        let mut text = String::new();
        rdata::write(asked, data, &mut text);
        let text = text.into_bytes().into_boxed_slice();
        Field { key: None, value: Expr { kind: ExprKind::String(text), span } }
    };
    let list: Vec<Field> = records.find(owner.as_ref(), asked).map(field).collect();
    if list.is_empty() {
        let message = format!("`{owner}` has no {asked} record of its own in this zone");
        let remark = "LUA records and what a wildcard makes are not looked up";
        found.push(Diagnostic::error(*named, message).remark(remark));
        return None;
    }
    Some(list)
}

/// A type by PowerDNS's constant for it, or by its number.
fn rtype_of(value: &Expr) -> Option<Rtype> {
    let rtype = match &value.kind {
        ExprKind::Name(name) => Rtype::parse(name.strip_prefix(TYPE_PREFIX)?.as_bytes())?,
        // Whole numbers of this type are written without a fraction.
        ExprKind::Number(number) => Rtype(number.to_string().parse().ok()?),
        _ => return None,
    };
    Some(rtype).filter(|rtype| *rtype != Rtype::TXT)
}

#[cfg(test)]
mod tests;
