//! One LUA record while it is read.
//!
//! Each function reads its arguments with it, in a file of its own.

use super::lua_defaults::LuaDefaults;
use super::meaning::{Constant, Meaning};
use super::scope::Scope;
use crate::dns::{NameRef, Rtype, Ttl};
use crate::lua::{self, Call, Expr, ExprKind, Field};
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::zone::{Member, Pool};

/// Most constants of one record: more do not fit into a message of 64 KiB.
pub(super) const CONSTANTS_MAX: usize = 4_000;

/// One record while it is read.
pub(super) struct Reader<'r, 'f> {
    pub(super) owner: NameRef<'r>,
    pub(super) inner: Rtype,
    pub(super) ttl: Ttl,
    pub(super) code: &'r lua::Code,
    pub(super) span: Span,
    pub(super) defaults: &'r LuaDefaults,
    pub(super) scope: Scope<'r>,
    pub(super) found: &'f mut Diagnostics,
}

impl<'r> Reader<'r, '_> {
    /// `all(list)`: every string of the list, whatever is up.
    pub(super) fn all(&mut self, call: &'r Call) -> Option<Meaning> {
        let [list] = call.arguments.as_slice() else {
            let misplaced = call.arguments.get(1).map_or(call.function.span, |second| second.span);
            self.error(misplaced, "`all` takes one list: all({'…', '…'})");
            return None;
        };
        let (fields, span) = self.table(list, "a list of strings in braces")?;
        self.constants(fields, span)
    }

    pub(super) fn constants(&mut self, fields: &'r [Field], span: Span) -> Option<Meaning> {
        if fields.is_empty() {
            self.error(span, "this list is empty: the record would answer nothing");
            return None;
        }
        if fields.len() > CONSTANTS_MAX {
            self.error(span, format!("more than {CONSTANTS_MAX} values do not fit into an answer"));
            return None;
        }
        let constants: Vec<Option<Constant>> =
            fields.iter().map(|field| self.item(field).and_then(|item| self.constant(item))).collect();
        constants.into_iter().collect::<Option<_>>().map(Meaning::Constants)
    }

    pub(super) fn constant(&mut self, value: &'r Expr) -> Option<Constant> {
        let value = self.scope.resolve(value);
        let text = match &value.kind {
            ExprKind::String(text) => text.clone(),
            ExprKind::Number(number) => self.number_as_text(*number, value.span)?,
            _ => return self.mismatch(value, "a string"),
        };
        Some(Constant { text, span: value.span })
    }

    /// A number where a string is wanted, as Lua writes it.
    fn number_as_text(&mut self, number: f64, span: Span) -> Option<Box<[u8]>> {
        /// Digits that every version of Lua prints alike.
        const DIGITS_MAX: usize = 14;
        let text = number.to_string();
        if text.bytes().filter(u8::is_ascii_digit).count() > DIGITS_MAX {
            self.error(span, "versions of PowerDNS print this number differently: put it in quotes");
            return None;
        }
        Some(text.into_bytes().into())
    }

    /// A pool of this record.
    pub(super) fn pool(&self, members: Vec<Member>) -> Pool {
        let pool = Pool::new(self.owner.to_name(), self.inner, self.ttl, members, self.span);
        Pool { lua: Some(self.code.text().into()), ..pool }
    }

    pub(super) fn error(&mut self, span: Span, message: impl Into<String>) {
        self.found.push(Diagnostic::error(span, message));
    }
}
