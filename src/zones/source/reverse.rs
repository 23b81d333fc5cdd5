//! PTR records made from the addresses of another zone.

use std::any::Any;
use std::fmt;

use super::interface::{Reading, Source};
use crate::dns::Name;
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::zone::Builder;

/// The zone that a reverse zone is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReverseOf {
    /// Its apex, which some other zone has.
    pub zone: Name,
    /// Where it is named.
    pub span: Span,
}

impl Source for ReverseOf {
    fn read(&self, reading: &mut Reading<'_>, builder: &mut Builder, found: &mut Diagnostics) -> Option<()> {
        let Some(hosts) = reading.hosts else {
            let message = format!("the zone `{}` cannot be read", self.zone);
            found.push(Diagnostic::error(self.span, message).label("the PTR records come from there"));
            return None;
        };
        builder.add_reverse(hosts, self.span, found);
        Some(())
    }

    /// Where the config file names it makes no difference.
    fn is_same(&self, other: &dyn Source) -> bool {
        (other as &dyn Any).downcast_ref::<Self>().is_some_and(|other| self.zone == other.zone)
    }

    fn made_from(&self) -> Option<&Name> {
        Some(&self.zone)
    }

    fn remark(&self) -> Option<String> {
        Some(format!("PTR records are made from {self}"))
    }
}

impl fmt::Display for ReverseOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the addresses of {}", self.zone)
    }
}
