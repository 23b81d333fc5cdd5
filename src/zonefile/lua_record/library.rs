//! Code that LUA records include: LUA records of type LUA.
//!
//! Responsible for reading each of them once, before any record that may
//! include it, wherever they stand in the zone.
//! Not responsible for the names in them: that is `scope`.

use std::collections::HashMap;

use super::scope::Scope;
use crate::dns::Name;
use crate::lua::{self, Statement};
use crate::source::{Diagnostics, Span};

/// The statements of each record, by owner. None for one with faults, which
/// have been reported.
#[derive(Default)]
pub(in crate::zonefile) struct Library {
    books: HashMap<Name, Vec<Option<Vec<Statement>>>>,
}

impl Library {
    /// Reads a record. Every fault is pushed to `found`.
    pub(in crate::zonefile) fn add(
        &mut self,
        owner: Name,
        code: &lua::Code,
        span: Span,
        found: &mut Diagnostics,
    ) {
        let errors_before = found.errors();
        let statements = lua::parse_statements(code, span, found);
        if let Some(statements) = &statements {
            Scope::of_library(statements, found);
        }
        let sound = statements.filter(|_| found.errors() == errors_before);
        self.books.entry(owner).or_default().push(sound);
    }

    /// What the records of an owner say.
    pub(super) fn get(&self, owner: &Name) -> Option<&[Option<Vec<Statement>>]> {
        self.books.get(owner).map(Vec::as_slice)
    }
}
