//! Signatures that are made here: they change with the time and the keys, and with them the serial of a zone.

use std::any::Any;
use std::fmt;

use super::interface::{Reading, Source};
use crate::source::Diagnostics;
use crate::zone::Builder;

/// The zone is signed here (`[zone.dnssec]`), and its serial raised when it is signed anew. No record of its text comes from
/// here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signatures;

impl Source for Signatures {
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

impl fmt::Display for Signatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("signatures")
    }
}
