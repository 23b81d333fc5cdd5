//! Verdicts about targets: they change what other servers are sent of a zone, and with that its serial.

use std::any::Any;
use std::fmt;

use super::interface::{Reading, Source};
use crate::source::Diagnostics;
use crate::zone::Builder;

/// The serial of the zone is raised when its pools answer otherwise (`transfer-pools = "up"`). No record comes from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdicts;

impl Source for Verdicts {
    fn read(&self, _: &mut Reading<'_>, _: &mut Builder, _: &mut Diagnostics) -> Option<()> {
        Some(())
    }

    fn is_same(&self, other: &dyn Source) -> bool {
        (other as &dyn Any).is::<Self>()
    }

    fn proposes_changes(&self) -> bool {
        true
    }
}

impl fmt::Display for Verdicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("verdicts")
    }
}
