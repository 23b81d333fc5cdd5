//! An event, taken apart: its message and the fields it can be found by.
//!
//! Names these fields in each format. Not responsible for the formats.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Level};

/// What an entry can be found by: its name in the code, in JSON, and in the journal. There the names are of
/// capitals (systemd.journal-fields(7)). `target` itself has a meaning of its own to `tracing`.
const INDEXES: &[Index] = &[
    Index { field: "probe_target", name: "target", journal: "TARGET", values: Values::One },
    Index { field: "verdict", name: "verdict", journal: "VERDICT", values: Values::One },
    Index { field: "pools", name: "pool", journal: "POOL", values: Values::Many },
    Index { field: "zone", name: "zone", journal: "ZONE", values: Values::One },
    Index { field: "serial", name: "serial", journal: "SERIAL", values: Values::One },
    Index { field: "generation", name: "generation", journal: "GENERATION", values: Values::One },
];

/// One of them.
#[derive(Debug)]
pub(super) struct Index {
    field: &'static str,
    /// In JSON.
    pub(super) name: &'static str,
    /// In the journal.
    pub(super) journal: &'static str,
    pub(super) values: Values,
}

/// How many values an index can have in one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Values {
    One,
    /// Separated by blanks, which no name in presentation format holds.
    Many,
}

/// An event, taken apart.
#[derive(Debug)]
pub(super) struct LogEntry {
    pub(super) level: Level,
    /// With what is no index behind it, as ` name=value`.
    pub(super) message: String,
    pub(super) indexes: Vec<(&'static Index, String)>,
}

/// Whether a field of this name is an index.
pub(super) fn is_index(field: &str) -> bool {
    INDEXES.iter().any(|index| index.field == field)
}

impl LogEntry {
    pub(super) fn of(event: &Event<'_>) -> LogEntry {
        let level = *event.metadata().level();
        let mut entry = LogEntry { level, message: String::new(), indexes: Vec::new() };
        let mut rest = String::new();
        event.record(&mut Parts { entry: &mut entry, rest: &mut rest });
        entry.message += &rest;
        entry
    }
}

struct Parts<'e> {
    entry: &'e mut LogEntry,
    rest: &'e mut String,
}

impl Visit for Parts<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let name = field.name();
        match INDEXES.iter().find(|index| index.field == name) {
            Some(index) => self.entry.indexes.push((index, format!("{value:?}"))),
            // A string takes everything.
            None if name == "message" => _ = write!(self.entry.message, "{value:?}"),
            None => _ = write!(self.rest, " {name}={value:?}"),
        }
    }
}
