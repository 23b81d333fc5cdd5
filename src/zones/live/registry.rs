//! All live zones of a server, by zone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::zone::LiveZone;
use crate::sync::lock;
use crate::zones::zone_id::ZoneId;

/// The live zones. Entries are never removed, so that there is one lock per zone, whoever still holds it.
#[derive(Debug, Default)]
pub struct LiveZones(Mutex<HashMap<ZoneId, Arc<LiveZone>>>);

impl LiveZones {
    /// A live zone, which may be new.
    pub fn zone(&self, id: &ZoneId) -> Arc<LiveZone> {
        let mut zones = lock(&self.0);
        Arc::clone(zones.entry(id.clone()).or_insert_with(|| Arc::new(LiveZone::new(id.clone()))))
    }
}
