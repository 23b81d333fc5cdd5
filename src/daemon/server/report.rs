//! What the log says of zones that were read.
//!
//! Responsible for every fault being told once for each reading that met it,
//! with what is served instead. Not responsible for how a fault is drawn.

use tracing::{error, warn};

use super::super::load::{LoadedZone, Version, is_error};
use super::super::served::Served;
use crate::control::Calendar;
use crate::source::Sources;

/// Says of every zone what is wrong with it, and what still holds.
pub(super) fn report_zones(sources: &Sources, zones: &[LoadedZone], before: &Served) {
    for zone in zones {
        let (id, name) = (&zone.id, &zone.id.name);
        for fault in zone.faults.iter() {
            if is_error(fault) {
                error!(zone = %name, "{}", sources.sentence(fault));
            } else {
                warn!(zone = %name, "{}", sources.sentence(fault));
            }
        }
        if let Some(why) = &zone.kept_error {
            warn!(zone = %name, "the last good text of zone {id} is of no use: {why}");
        }
        if zone.is_whole() {
            continue;
        }
        let before = before.zones.iter().find(|served| served.id == *id);
        let before = before.and_then(|served| served.version.as_ref());
        let serial = zone.version.as_ref().or(before).map(|version| version.serial);
        error!(zone = %name, serial, "zone {id} is not loaded: {}", instead(zone.version.as_ref(), before));
    }
}

/// What is served instead of a zone that cannot be read.
fn instead(kept: Option<&Version>, before: Option<&Version>) -> String {
    match (kept, before) {
        (Some(Version { serial, kept_at: Some(kept_at), .. }), _) => {
            let since = Calendar(*kept_at);
            format!("serial {serial} is served, the last good text, which was read at {since}")
        }
        (_, Some(version)) => format!("it stays at serial {}", version.serial),
        (_, None) => "it answers SERVFAIL, the others are served".to_owned(),
    }
}
