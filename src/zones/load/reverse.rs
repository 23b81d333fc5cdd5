//! Reverse zones that are made from other zones, and compared with them.
//!
//! Decides which zone's addresses go into which reverse zone. The records are made in `zone`.

use std::collections::HashSet;

use crate::dns::Name;
use crate::zone::is_reverse;
use crate::zones::settings::ZoneSettings;

/// Who is loaded behind whom: reverse zones say something of the addresses of the others, and those that are
/// made need them.
pub(super) fn load_order(zone: &ZoneSettings) -> LoadOrder {
    match (zone.sources.made_from(), is_reverse(zone.id.name.as_ref())) {
        (Some(_), _) => LoadOrder::Made,
        (None, true) => LoadOrder::Reverse,
        (None, false) => LoadOrder::Forward,
    }
}

/// What a zone is to the others, in the order in which they are loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LoadOrder {
    Forward,
    Reverse,
    /// From another zone.
    Made,
}

/// Which zones want to know the addresses of others.
pub(super) struct Wanting<'c> {
    /// Those that zones are made from.
    pub(super) origins: HashSet<&'c Name>,
    /// Whether there is a reverse zone, which can be compared with the others.
    pub(super) reverse: bool,
}

impl<'c> Wanting<'c> {
    pub(super) fn of(zones: &'c [ZoneSettings]) -> Self {
        let made = zones.iter().filter_map(|zone| zone.sources.made_from());
        Wanting {
            origins: made.collect(),
            reverse: zones.iter().any(|zone| is_reverse(zone.id.name.as_ref())),
        }
    }
}
