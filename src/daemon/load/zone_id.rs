//! What tells a zone from all others of a server.
//!
//! Responsible for the name by which a zone is found again in the next
//! reading, and called in messages. Not responsible for who sees it.

use std::fmt;

use crate::config;
use crate::dns::Name;

/// A zone, or a version of it for some clients.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ZoneId {
    pub(crate) name: Name,
    /// What the version is called where there are others.
    pub(crate) view: Option<String>,
}

impl ZoneId {
    pub(crate) fn of(zone: &config::Zone) -> ZoneId {
        ZoneId { name: zone.name.clone(), view: zone.view.clone() }
    }
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
