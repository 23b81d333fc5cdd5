//! Code that LUA records include: LUA records of type LUA.
//!
//! Each is read once, before any record that may include it, wherever they stand in the zone.

use std::collections::HashMap;

use crate::dns::Name;
use crate::lua::Statement;

/// The statements of each record, by owner. None for one with faults, which
/// have been reported.
#[derive(Default)]
pub(in crate::zonefile) struct Library {
    books: HashMap<Name, Vec<Option<Vec<Statement>>>>,
}

impl Library {
    /// Adds a record: its statements, or none if it has faults.
    pub(super) fn add(&mut self, owner: Name, statements: Option<Vec<Statement>>) {
        self.books.entry(owner).or_default().push(statements);
    }

    /// What the records of an owner say.
    pub(super) fn get(&self, owner: &Name) -> Option<&[Option<Vec<Statement>>]> {
        self.books.get(owner).map(Vec::as_slice)
    }
}
