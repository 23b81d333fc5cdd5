//! The names of a record's code.
//!
//! Responsible for what a name stands for, and for reporting each name, of a value or of a function,
//! that stands for nothing.
//! Not responsible for whether a value fits where it stands.

use std::collections::BTreeMap;

use super::functions::{self, QUERY_VARIABLES, UNSUPPORTED};
use crate::lua::{Expr, ExprKind, Ident, Record};
use crate::source::{Diagnostic, Diagnostics, Span, nearest};

/// The values that were given names.
#[derive(Default)]
pub(super) struct Scope<'r> {
    /// No value is itself a name, unless one that has been reported as unknown.
    values: BTreeMap<&'r str, (Span, &'r Expr)>,
}

impl<'r> Scope<'r> {
    /// Goes through all of the code and reports what is not known.
    pub(super) fn of(record: &'r Record, found: &mut Diagnostics) -> Self {
        let mut scope = Self::default();
        for (name, value) in &record.assignments {
            scope.look_at(value, found);
            scope.assign(name, value, found);
        }
        scope.look_at(&record.result, found);
        scope
    }

    /// What a value is when it is a name; otherwise itself.
    pub(super) fn resolve(&self, value: &'r Expr) -> &'r Expr {
        match &value.kind {
            ExprKind::Name(name) => self.values.get(&**name).map_or(value, |&(_, assigned)| assigned),
            _ => value,
        }
    }

    fn assign(&mut self, name: &'r Ident, value: &'r Expr, found: &mut Diagnostics) {
        if let Some((first, _)) = self.values.get(&*name.text) {
            // Names that never change can be looked up when they are needed, and stay readable.
            found.push(
                Diagnostic::error(name.span, format!("`{}` is assigned twice", name.text))
                    .and_at(*first, "first here")
                    .help("use another name"),
            );
            return;
        }
        let value = self.resolve(value);
        self.values.insert(&name.text, (name.span, value));
    }

    /// Reports what is not known in `value`. The depth of this recursion is bounded by
    /// [`crate::lua::NESTING_MAX`].
    fn look_at(&self, value: &'r Expr, found: &mut Diagnostics) {
        match &value.kind {
            ExprKind::Name(name) if !self.values.contains_key(&**name) => {
                found.push(self.unknown_name(name, value.span));
            }
            ExprKind::Call(call) => match unknown_function(&call.function) {
                Some(fault) => found.push(fault),
                None => call.arguments.iter().for_each(|argument| self.look_at(argument, found)),
            },
            ExprKind::Table(fields) => {
                for field in fields {
                    field.key.iter().for_each(|key| self.look_at(key, found));
                    self.look_at(&field.value, found);
                }
            }
            _ => {}
        }
    }

    fn unknown_name(&self, name: &str, span: Span) -> Diagnostic {
        if QUERY_VARIABLES.contains(&name) {
            return Diagnostic::error(span, format!("`{name}` is not supported"))
                .remark("LUA records are read at load, not run for each query");
        }
        let fault = Diagnostic::error(span, format!("unknown name `{name}`"));
        match nearest(name, self.values.keys().copied()) {
            Some(known) => fault.help(format!("did you mean `{known}`?")),
            None => fault.help(format!("put text in quotes: '{name}'")),
        }
    }
}

fn unknown_function(function: &Ident) -> Option<Diagnostic> {
    let name = &*function.text;
    if functions::meaning_of(name).is_some() {
        return None;
    }
    if UNSUPPORTED.contains(&name) {
        let supported: Vec<String> =
            functions::SUPPORTED.iter().map(|(name, _)| format!("`{name}`")).collect();
        return Some(
            Diagnostic::error(function.span, format!("`{name}` is not supported"))
                .remark(format!("supported are {}, strings and lists of strings", supported.join(", "))),
        );
    }
    let fault = Diagnostic::error(function.span, format!("unknown function `{name}`"));
    Some(match nearest(name, functions::names()) {
        Some(known) if UNSUPPORTED.contains(&known) => {
            fault.remark(format!("PowerDNS has `{known}`, which is not supported"))
        }
        Some(known) => fault.help(format!("did you mean `{known}`?")),
        None => fault,
    })
}
