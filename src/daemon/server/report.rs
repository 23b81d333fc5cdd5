//! What the log says of zones that were read, and of the start.
//!
//! Logs each fault once for each reading that met it, with what is served instead. Logs listen addresses and
//! socket buffers.

use std::sync::Arc;

use tracing::{error, info, warn};

use super::super::served::Served;
use super::owners::Server;
use crate::control::UtcTime;
use crate::source::Sources;
use crate::transport::UDP_BUFFER_BYTES;
use crate::zones::{LoadedZone, VersionOrigin, ZoneVersion};

/// Zones that a start logs one by one; of more it logs a total.
const ZONES_NAMED_MAX: usize = 20;

/// Says of every zone what is wrong with it, and what still holds.
pub(super) fn report_zones(sources: &Sources, zones: &[LoadedZone], before: &Served) {
    for zone in zones {
        let (id, name) = (&zone.id, &zone.id.name);
        for fault in zone.faults.iter() {
            if fault.is_error() {
                error!(zone = %name, "{}", sources.sentence(fault));
            } else {
                warn!(zone = %name, "{}", sources.sentence(fault));
            }
        }
        if let Some(why) = &zone.last_good_error {
            warn!(zone = %name, "cannot use the last good text of zone {id}: {why}");
        }
        if let Some(why) = &zone.waits {
            info!(zone = %name, "zone {id} is unchanged for now: {why}");
            continue;
        }
        if zone.is_whole() {
            continue;
        }
        let before = before.version_of(id);
        let kept = zone.version.as_deref();
        let before = before.map(Arc::as_ref);
        let serial = kept.or(before).map(|version| version.serial);
        error!(zone = %name, serial, "zone {id} is not loaded: {}", instead(kept, before));
    }
}

/// What is served instead of a zone that cannot be read.
fn instead(kept: Option<&ZoneVersion>, before: Option<&ZoneVersion>) -> String {
    match (kept, before) {
        (Some(ZoneVersion { serial, origin: VersionOrigin::LastGood { read_at }, .. }), _) => {
            let since = UtcTime(*read_at);
            format!("serial {serial} is served, the last good text, which was read at {since}")
        }
        (_, Some(version)) => format!("it stays at serial {}", version.serial),
        (_, None) => "it answers SERVFAIL, the others are served".to_owned(),
    }
}

impl Server {
    /// Says where is listened, and what is served there.
    pub(super) fn report_ready(&self) {
        for listening in self.publishing.running.listening() {
            info!("listening on {} ({})", listening.address, listening.protocols.entry().name);
            if let Some(bytes) = listening.buffers.and_then(|buffers| buffers.short_receive_bytes()) {
                warn!(
                    "the kernel lets {bytes} bytes of queries wait at {} instead of {UDP_BUFFER_BYTES}: a burst \
                     may be lost; `sysctl -w net.core.rmem_max={UDP_BUFFER_BYTES}` and a restart give the rest",
                    listening.address
                );
            }
        }
        let loaded = self.publishing.served.zones().iter().filter_map(|zone| Some((zone, zone.version()?)));
        for (zone, version) in loaded.clone().take(ZONES_NAMED_MAX) {
            let (records, serial, source) = (version.records, version.serial, &zone.sources);
            info!(zone = %zone.id.name, serial, "zone {} serial {serial}: {records} records from {source}", zone.id);
        }
        let rest = loaded.skip(ZONES_NAMED_MAX);
        let (more, records) =
            rest.fold((0, 0), |(more, records), (_, version)| (more + 1, records + version.records));
        if more > 0 {
            info!("and {more} more zones with {records} records; `edgedns status` names them all");
        }
        let board = self.publishing.engine.board();
        let (pools, down) = self.publishing.served.pool_counts(&board);
        let zones = self.publishing.served.zones().len();
        let workers = self.publishing.running.worker_count();
        let generation = self.publishing.publisher.generation();
        info!(
            generation,
            "ready: {zones} zones, {pools} pools ({down} with all members down), {workers} UDP workers"
        );
    }
}
