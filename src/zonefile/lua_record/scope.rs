//! The names of a record's code.
//!
//! Finds what a name means, here or in included code, and reports each name, of a value or of a function,
//! that means nothing.

use std::collections::BTreeMap;

use super::library::Library;
use super::names::{self, BY_CLIENT, INCLUDE, QUERY_VARIABLES, UNSUPPORTED};
use super::shown::shown;
use crate::dns::{Name, NameRef};
use crate::lua::{Call, Expr, ExprKind, Ident, Record, Statement};
use crate::source::{Diagnostic, Diagnostics, Span, nearest};

/// The values that were given names.
#[derive(Default)]
pub(super) struct Scope<'r> {
    /// No value is itself a name, unless one that has been reported as unknown.
    values: BTreeMap<&'r str, (Span, &'r Expr)>,
}

impl<'r> Scope<'r> {
    /// Goes through all of the code and reports what is not known. None where a record that is included has
    /// faults of its own, which have been reported.
    pub(super) fn of(
        record: &'r Record,
        library: &'r Library,
        apex: NameRef<'_>,
        found: &mut Diagnostics,
    ) -> Option<Self> {
        let mut scope = Self::default();
        let mut sound = Some(());
        for statement in &record.statements {
            match statement {
                Statement::Assign(name, value) => {
                    scope.look_at(value, found);
                    scope.assign(name, value, found);
                }
                Statement::Call(call) if &*call.function.text == INCLUDE => {
                    sound = scope.include(call, library, apex, found).and(sound);
                }
                Statement::Call(call) => found.push(no_statement(call)),
            }
        }
        sound?;
        scope.look_at(&record.result, found);
        // Of what was not read only what is never known: a name may have been given its value there.
        found.extend(record.passed_over.iter().filter_map(unsupported));
        Some(scope)
    }

    /// Goes through code that others include.
    pub(super) fn of_library(statements: &'r [Statement], found: &mut Diagnostics) {
        let mut scope = Self::default();
        for statement in statements {
            match statement {
                Statement::Assign(name, value) => {
                    scope.look_at(value, found);
                    scope.assign(name, value, found);
                }
                Statement::Call(call) => found.push(no_statement(call)),
            }
        }
    }

    /// Makes the names of another record's code known.
    fn include(
        &mut self,
        call: &'r Call,
        library: &'r Library,
        apex: NameRef<'_>,
        found: &mut Diagnostics,
    ) -> Option<()> {
        let [Expr { kind: ExprKind::String(text), span }] = call.arguments.as_slice() else {
            let message = "`include` takes the name of a LUA record of type LUA, in quotes";
            found.push(Diagnostic::error(call.function.span, message));
            return None;
        };
        let named = Name::parse(text, apex).ok();
        let Some(books) = named.as_ref().and_then(|owner| library.get(owner)) else {
            let message = match named {
                Some(owner) => format!("`{owner}` has no LUA record of type LUA"),
                None => format!("`{}` is not a name", shown(text)),
            };
            let help = format!("write it as `{} IN LUA LUA \"NAME='value'\"`", shown(text));
            found.push(Diagnostic::error(*span, message).help(help).remark("names are relative to the zone"));
            return None;
        };
        for statements in books {
            for statement in statements.as_ref()? {
                if let Statement::Assign(name, value) = statement {
                    self.assign(name, value, found);
                }
            }
        }
        Some(())
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
            ExprKind::Call(call) if &*call.function.text == INCLUDE => {
                let message = "`include` gives no value: write it alone, before `return`";
                found.push(
                    Diagnostic::error(call.function.span, message)
                        .help("write `;include('config') return VALUE`"),
                );
            }
            ExprKind::Call(call) => {
                found.extend(unknown_function(&call.function));
                call.arguments.iter().for_each(|argument| self.look_at(argument, found));
            }
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
            return query_variable(name, span);
        }
        let fault = Diagnostic::error(span, format!("unknown name `{name}`"));
        match nearest(name, self.values.keys().copied()) {
            Some(known) => fault.help(format!("did you mean `{known}`?")),
            None => fault.help(format!("put text in quotes: '{name}'")),
        }
    }
}

/// A call that is to do something, other than including.
fn no_statement(call: &Call) -> Diagnostic {
    let name = &call.function.text;
    let message = if &**name == INCLUDE {
        "code that is included cannot include more".to_owned()
    } else {
        format!("calling `{name}` as a statement is not supported: LUA records are read, not run")
    };
    Diagnostic::error(call.function.span, message)
}

fn query_variable(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error(span, format!("`{name}` is not supported"))
        .remark("LUA records are read at load, not run for each query")
}

/// What is wrong with a name wherever it stands: PowerDNS gives it a meaning that it has not here.
fn unsupported(name: &Ident) -> Option<Diagnostic> {
    if QUERY_VARIABLES.contains(&&*name.text) {
        return Some(query_variable(&name.text, name.span));
    }
    UNSUPPORTED.contains(&&*name.text).then(|| unknown_function(name)).flatten()
}

/// What to write in place of a function.
fn instead_of(function: &str) -> Option<&'static str> {
    BY_CLIENT.contains(&function).then_some("`view` answers by the network that the client is in")
}

fn unknown_function(function: &Ident) -> Option<Diagnostic> {
    let name = &*function.text;
    if names::function(name).is_some() {
        return None;
    }
    if UNSUPPORTED.contains(&name) {
        let supported: Vec<String> = names::supported().map(|name| format!("`{name}`")).collect();
        let fault = Diagnostic::error(function.span, format!("`{name}` is not supported"))
            .remark(format!("supported are {}, strings and lists of strings", supported.join(", ")));
        return Some(match instead_of(name) {
            Some(help) => fault.help(help),
            None => fault,
        });
    }
    let fault = Diagnostic::error(function.span, format!("unknown function `{name}`"));
    Some(match nearest(name, names::all_functions()) {
        Some(known) if UNSUPPORTED.contains(&known) => {
            fault.remark(format!("PowerDNS has `{known}`, which is not supported"))
        }
        Some(known) => fault.help(format!("did you mean `{known}`?")),
        None => fault,
    })
}
