//! How many updates came, and what became of them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::update::{Reason, Rejection};

/// Counts updates by what became of them, since the start.
#[derive(Debug, Default)]
pub(super) struct UpdateCounters {
    made: AtomicU64,
    duplicates: AtomicU64,
    passed_on: AtomicU64,
    rejected: [AtomicU64; Reason::WORDS.len()],
}

impl UpdateCounters {
    /// Counts an update that was answered.
    pub(super) fn count<T>(&self, result: &Result<T, Rejection>) {
        match result {
            Ok(_) => self.made.fetch_add(1, Ordering::Relaxed),
            Err(rejection) => {
                let at = Reason::WORDS.iter().position(|word| *word == rejection.reason.word());
                at.and_then(|at| self.rejected.get(at))
                    .map_or(0, |count| count.fetch_add(1, Ordering::Relaxed))
            }
        };
    }

    /// Counts an update that came again, and was answered as before.
    pub(super) fn duplicate(&self) {
        self.duplicates.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an update that was passed on to a primary, which has answered.
    pub(super) fn passed_on(&self) {
        self.passed_on.fetch_add(1, Ordering::Relaxed);
    }

    /// Each result with its count.
    pub(super) fn by_result(&self) -> BTreeMap<String, u64> {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let rejected =
            Reason::WORDS.iter().zip(&self.rejected).map(|(word, count)| ((*word).to_owned(), load(count)));
        let made = [("made", &self.made), ("duplicate", &self.duplicates), ("passed-on", &self.passed_on)];
        let made = made.map(|(word, count)| (word.to_owned(), load(count)));
        made.into_iter().chain(rejected).collect()
    }
}
