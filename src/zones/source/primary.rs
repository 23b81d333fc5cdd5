//! A copy of a zone that other servers have.
//!
//! Responsible for what is read of it at a start: the copy that was made last. Not responsible for making one: that
//! is `secondary`, which proposes what it gets.

use std::any::Any;

use super::interface::{Reading, Source};
use super::primaries::Primaries;
use crate::source::{Diagnostic, Diagnostics};
use crate::zone::Builder;
use crate::zonefile;

impl Source for Primaries {
    fn read(&self, reading: &mut Reading<'_>, builder: &mut Builder, found: &mut Diagnostics) -> Option<()> {
        let path = reading.last_good?;
        match reading.sources.read(path) {
            Ok(file) => zonefile::read(reading.sources, file, builder, reading.settings, found),
            Err(error) => {
                found.push(Diagnostic::error(self.span, error.to_string()));
                return None;
            }
        }
        Some(())
    }

    /// Where the config file names them makes no difference.
    fn is_same(&self, other: &dyn Source) -> bool {
        let other = (other as &dyn Any).downcast_ref::<Self>();
        other.is_some_and(|other| self.list == other.list && self.lua == other.lua)
    }

    fn primaries(&self) -> Option<&Primaries> {
        Some(self)
    }

    fn remark(&self) -> Option<String> {
        Some(format!("the records are copied from {self}"))
    }

    fn proposes_changes(&self) -> bool {
        true
    }
}
