//! Memory that is free once large zones have been made, given back to the system.
//!
//! Reading and signing a zone takes more than the zone, and a version that goes leaves its own; the allocator keeps both. Not
//! responsible for how that is given back (`allocator`).

use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;
use tracing::debug;

use crate::allocator;
use crate::zones::ZoneVersion;

/// Records that are made as a whole before it is worth it: some megabytes.
const RECORDS_MIN: usize = 20_000;

/// How long after that: what zones were made from goes a little later than they come, and so do versions that workers hold.
const WAIT: Duration = Duration::from_secs(2);

/// What has been made since free memory was given back last.
pub(super) struct FreeMemory {
    /// Records of versions that were made as a whole.
    records: usize,
    /// When the last of them was.
    last: Instant,
}

impl FreeMemory {
    /// At a start: all zones were made.
    pub(super) fn at_start(now: Instant) -> FreeMemory {
        FreeMemory { records: RECORDS_MIN, last: now }
    }

    /// Notes a version that is about to be published. What changes some records of another one leaves little.
    pub(super) fn note(&mut self, version: &ZoneVersion, now: Instant) {
        if version.since.is_none() {
            self.records = self.records.saturating_add(version.records);
            self.last = now;
        }
    }

    /// Gives it back, on a thread beside the loop, where enough was made a while ago: old versions are held no more then.
    pub(super) fn give_back(&mut self, now: Instant) {
        if self.records < RECORDS_MIN || now.saturating_duration_since(self.last) < WAIT {
            return;
        }
        self.records = 0;
        spawn_blocking(|| {
            let began = Instant::now();
            allocator::give_back();
            debug!("free memory was given back to the system in {} ms", began.elapsed().as_millis());
        });
    }
}
