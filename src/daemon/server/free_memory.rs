//! Memory that is free once large zones have been made, given back to the system.
//!
//! Reading and signing a zone takes more than the zone, and a version that goes leaves its own; the allocator keeps both. Not
//! responsible for how that is given back (`allocator`).

use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;
use tracing::debug;

use crate::allocator;

/// Records that are made as a whole before it is worth it: some megabytes.
const RECORDS_MIN: usize = 20_000;

/// How long after that: what zones were made from goes a little later than they come, and so do versions that workers hold.
const WAIT: Duration = Duration::from_secs(2);

/// What has been made since free memory was given back last.
pub(super) struct FreeMemory {
    /// Records of versions that were made as a whole.
    records: usize,
    /// When they were enough; none: they are not.
    enough_at: Option<Instant>,
}

impl FreeMemory {
    /// At a start: all zones were made.
    pub(super) fn at_start(now: Instant) -> FreeMemory {
        FreeMemory { records: RECORDS_MIN, enough_at: Some(now) }
    }

    /// Notes how many records versions have that were made as a whole and are about to be published. What changes some
    /// records of another one leaves little.
    pub(super) fn note(&mut self, records: usize, now: Instant) {
        self.records = self.records.saturating_add(records);
        if self.records >= RECORDS_MIN {
            self.enough_at.get_or_insert(now);
        }
    }

    /// Gives it back, on a thread beside the loop, where enough was made a while ago: old versions are held no more then.
    pub(super) fn give_back(&mut self, now: Instant) {
        if !self.is_due(now) {
            return;
        }
        spawn_blocking(|| {
            let began = Instant::now();
            allocator::give_back();
            debug!("free memory was given back to the system in {} ms", began.elapsed().as_millis());
        });
    }

    /// Whether it is time to, which begins anew then.
    fn is_due(&mut self, now: Instant) -> bool {
        let is_due = self.enough_at.is_some_and(|at| now.saturating_duration_since(at) >= WAIT);
        if is_due {
            (self.records, self.enough_at) = (0, None);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_a_while_after_enough_was_made_whatever_is_made_meanwhile() {
        let begin = Instant::now();
        let at = |second| begin + Duration::from_secs(second);
        let mut memory = FreeMemory::at_start(begin);
        assert!(!memory.is_due(at(1)) && memory.is_due(at(2)) && !memory.is_due(at(600)));
        // A small zone is made each second: after so many of them, and the wait, it is time.
        let due: Vec<u64> = (1000..1060)
            .filter(|second| {
                memory.note(RECORDS_MIN / 10, at(*second));
                memory.is_due(at(*second))
            })
            .collect();
        assert_eq!(due, [1011, 1023, 1035, 1047, 1059]);
    }
}
