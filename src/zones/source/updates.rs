//! Updates (RFC 2136): records that clients change while the zone is served.

use std::any::Any;
use std::fmt;

use super::interface::{Reading, Source};
use crate::source::Diagnostics;
use crate::zone::Builder;

/// Clients that may change the zone. What they have changed is put over what the other sources say (`live`), since it
/// takes records away as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Updates;

impl Source for Updates {
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

impl fmt::Display for Updates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("updates")
    }
}
