//! What the functions of LUA records mean: from code to a pool or to constant records.
//!
//! Has the functions and options of PowerDNS that are supported, and their defaults. Refuses at load whatever
//! PowerDNS would fail at, or silently misread, at a query. Not responsible for the syntax of the code
//! (`lua`) or for RDATA of constants (`dns::rdata`).

mod lua_defaults;
mod meaning;
mod data;
mod shown;
mod names;
mod library;
mod looked_up;
mod scope;
mod reader;
mod value;
mod address;
mod url;
mod request;
mod options;
mod pool;
mod if_url_up;
mod pickers;
mod from_name;
mod functions;

use crate::dns::{Name, NameRef, Rtype, Ttl};
use crate::lua::{self, Expr, ExprKind};
use crate::source::{Diagnostics, Span};
use crate::zone;

pub(super) use library::Library;
pub use lua_defaults::LuaDefaults;
pub(super) use meaning::Meaning;
use reader::Reader;
use scope::Scope;

/// A LUA record as it stands in the zone.
pub(super) struct Written<'r> {
    pub(super) owner: NameRef<'r>,
    /// The type it answers.
    pub(super) inner: Rtype,
    pub(super) ttl: Ttl,
    pub(super) code: &'r lua::Code,
    /// Its place for faults that have none of their own.
    pub(super) span: Span,
    /// The zone's own name.
    pub(super) apex: NameRef<'r>,
}

/// Reads code that others include, into `library`. Every fault is pushed to `found`.
pub(super) fn read_library(
    owner: Name,
    code: &lua::Code,
    span: Span,
    library: &mut Library,
    found: &mut Diagnostics,
) {
    let errors_before = found.errors();
    let statements = lua::parse_statements(code, span, found);
    if let Some(statements) = &statements {
        Scope::of_library(statements, found);
    }
    library.add(owner, statements.filter(|_| found.errors() == errors_before));
}

/// Reads a LUA record; `records` are those that it may look up. Every fault is pushed to `found`; none when there was an error.
pub(super) fn read(
    written: &Written<'_>,
    library: &Library,
    records: &zone::Lookups<'_>,
    defaults: &LuaDefaults,
    found: &mut Diagnostics,
) -> Option<Meaning> {
    let errors_before = found.errors();
    let Written { owner, inner, ttl, code, span, apex } = *written;
    let mut record = lua::parse(code, span, found)?;
    looked_up::replace(&mut record, records, apex, found);
    let scope = Scope::of(&record, library, apex, found)?;
    let mut reader = Reader { owner, inner, ttl, code, span, defaults, scope, found };
    let meaning = reader.meaning(&record.result);
    // What was refused on the way may have left something that could be read.
    meaning.filter(|_| found.errors() == errors_before)
}

impl<'r> Reader<'r, '_> {
    fn meaning(&mut self, result: &'r Expr) -> Option<Meaning> {
        let result = self.scope.resolve(result);
        match &result.kind {
            ExprKind::Call(call) => self.read_call(names::function(&call.function.text)?, call),
            ExprKind::Table(fields) => self.constants(fields, result.span),
            _ => Some(Meaning::Constants(vec![self.constant(result)?])),
        }
    }
}

#[cfg(test)]
mod tests;
