//! A probe as the config file has it: a table, or the one value that stands for a table.
//!
//! Reads what several kinds have in common: the port.

use super::port::Port;
use crate::setting::{KeyEntry, Table, Value, keep};
use crate::source::{Diagnostic, Diagnostics};

/// What is written of one probe.
#[derive(Clone, Copy)]
pub enum Written<'w, 't> {
    /// A value alone: the kind says which key it stands for.
    Value(Value<'t>),
    /// A table, whose keys are known.
    Table(&'w Table<'t>),
}

impl<'t> Written<'_, 't> {
    /// The table; of a value alone one with nothing in it.
    pub(super) fn table(self) -> Table<'t> {
        match self {
            Written::Value(value) => Table::empty(value.span()),
            Written::Table(table) => *table,
        }
    }

    /// The value of the key that a value alone stands for.
    pub(super) fn short(self, key: &KeyEntry, found: &mut Diagnostics) -> Option<Value<'t>> {
        match self {
            Written::Value(value) => Some(value),
            Written::Table(table) => table.need(key, found),
        }
    }

    /// The port, which must be there.
    pub(super) fn port(self, key: &KeyEntry, found: &mut Diagnostics) -> Option<Port> {
        let value = self.short(key, found)?;
        keep(read_port(value), found)
    }
}

/// Reads a port.
pub(super) fn read_port(value: Value<'_>) -> Result<Port, Diagnostic> {
    value.whole("a port, 1 to 65535", |port| u16::try_from(port).ok().and_then(Port::new))
}
