//! The primaries of a zone that is copied from elsewhere.

use std::fmt;

use crate::source::Span;
use crate::transfer::incoming::{LuaRecords, Primary};

/// Where a zone is copied from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Primaries {
    /// The servers that have it, at least one, in the order in which they are asked.
    pub list: Vec<Primary>,
    /// What becomes of LUA records that they send.
    pub lua: LuaRecords,
    /// Where the config file names them.
    pub span: Span,
}

impl fmt::Display for Primaries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.list.len() == 1 { "primary" } else { "primaries" })?;
        self.list.iter().try_for_each(|primary| write!(f, " {primary}"))
    }
}
