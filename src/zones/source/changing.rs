//! What changes a zone while it is served and adds no record to its text.

use std::any::Any;
use std::fmt;

use super::interface::{Reading, Source};
use crate::source::Diagnostics;
use crate::zone::Builder;

/// Who proposes such changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changing {
    /// Clients (RFC 2136). What they have changed is put over what the other sources say (`live`), since it takes records
    /// away as well.
    Updates,
    /// Verdicts about targets: the serial is raised when pools answer otherwise (`transfer-pools = "up"`).
    Verdicts,
    /// Signatures that are made here (`[zone.dnssec]`): they change with the time and the keys, and the serial with them.
    Signatures,
    /// Hosts of other zones that are members of its pools: they come and go with addresses there.
    Hosts,
}

impl Source for Changing {
    fn read(&self, _: &mut Reading<'_>, _: &mut Builder, _: &mut Diagnostics) -> Option<()> {
        Some(())
    }

    fn is_same(&self, other: &dyn Source) -> bool {
        (other as &dyn Any).downcast_ref() == Some(self)
    }

    fn proposes_changes(&self) -> bool {
        true
    }
}

impl fmt::Display for Changing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Changing::Updates => "updates",
            Changing::Verdicts => "verdicts",
            Changing::Signatures => "signatures",
            Changing::Hosts => "hosts of other zones",
        })
    }
}
