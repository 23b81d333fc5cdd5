//! What a key says.

use std::fmt;

use super::pool::Guards;
use crate::dns::Name;
use crate::zone::Record;

/// What a key says of one owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The owner.
    pub owner: Name,
    /// The records, apart from those of code.
    pub records: Vec<Record>,
    /// Whether there are LUA records besides, which only the zone as a whole has a meaning for.
    pub has_lua: bool,
    /// What guards the addresses of the owner, where the key is about that and has no records.
    pub pool: Option<Box<Guards>>,
    /// Of items for one owner that come from keys of the same depth, only those of one group are answered; none: it
    /// belongs to every group.
    pub group: Option<Box<str>>,
    /// How many parts the key has.
    pub depth: usize,
}

/// A value that says nothing of use, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFault {
    /// The key.
    pub key: String,
    /// What is wrong, with the place in the value where there is one.
    pub what: String,
}

impl KeyFault {
    /// What is wrong with a key.
    pub fn of(key: &[u8], what: impl Into<String>) -> KeyFault {
        KeyFault { key: String::from_utf8_lossy(key).into_owned(), what: what.into() }
    }
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.what)
    }
}
