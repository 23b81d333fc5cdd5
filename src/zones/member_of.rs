//! What makes a zone a member of a catalog (RFC 9432): the config file does not name it.

use std::fmt;

use crate::dns::Name;

/// The catalog of a zone, and how that has it served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberOf {
    /// The catalog.
    pub catalog: Name,
    /// The group whose settings are its own; none: those of members of no other group.
    pub group: Option<String>,
}

impl fmt::Display for MemberOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a member of the catalog {}", self.catalog)?;
        match &self.group {
            Some(group) => write!(f, ", in group \"{group}\""),
            None => Ok(()),
        }
    }
}
