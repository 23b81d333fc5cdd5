//! What distinguishes a zone from all others of a server.
//!
//! The name by which a zone is found again in the next reading, and called in messages.

use std::fmt;

use crate::dns::Name;

/// A zone, or a version of it for some clients.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneId {
    /// The apex.
    pub name: Name,
    /// What the version is called where there are others.
    pub view: Option<String>,
}

/// The only version of a zone.
impl From<Name> for ZoneId {
    fn from(name: Name) -> ZoneId {
        ZoneId { name, view: None }
    }
}

impl fmt::Display for ZoneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.view {
            None => write!(f, "{}", self.name),
            Some(view) => write!(f, "{} (view {view})", self.name),
        }
    }
}
