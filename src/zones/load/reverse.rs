//! Which zones must be loaded before which, since reverse zones are made from other zones or compared with
//! them.

use std::collections::HashSet;

use crate::dns::Name;
use crate::zone::is_reverse;
use crate::zones::settings::ZoneSettings;

/// When a zone is loaded: reverse zones are compared with forward zones, and zones with `reverse-of` are made
/// from them.
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
    /// Made from another zone (`reverse-of`).
    Made,
}

/// Which addresses other zones need.
pub(super) struct Wanting<'c> {
    /// The zones that others are made from.
    pub(super) origins: HashSet<&'c Name>,
    /// Whether there is a reverse zone to compare with the others.
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
