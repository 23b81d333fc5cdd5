//! The steps of a zone from serial to serial, newest last.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::zone::Changeset;

/// Steps that are kept of a zone, in bytes as they are written: who is further behind takes the whole zone. The records
/// of a step take some three times that in memory.
pub const HISTORY_BYTES_MAX: usize = 4 << 20;

/// A step of a zone from one serial to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalStep {
    /// The serial before.
    pub from: u32,
    /// The serial after.
    pub to: u32,
    /// What changed, the SOA records among it: the old one goes first, the new one comes first (RFC 1995, section 4).
    pub changes: Changeset,
    /// When, in seconds since 1970.
    pub at: u64,
    /// Who changed it.
    pub by: Arc<str>,
}

/// The newest steps of a zone, without a gap.
#[derive(Clone, Debug, Default)]
pub struct History {
    steps: VecDeque<(Arc<JournalStep>, usize)>,
    bytes: usize,
}

impl History {
    /// Adds a step that takes `bytes` where it is written. One that does not begin where the last one ended makes the
    /// others useless; the oldest go when there are too many.
    pub fn push(&mut self, mut step: JournalStep, bytes: usize) {
        // It stays for long, and grows no more.
        step.changes.removed.shrink_to_fit();
        step.changes.added.shrink_to_fit();
        if self.steps.back().is_some_and(|(last, _)| last.to != step.from) {
            self.clear();
        }
        self.steps.push_back((Arc::new(step), bytes));
        self.bytes = self.bytes.saturating_add(bytes);
        while self.bytes > HISTORY_BYTES_MAX
            && let Some((_, bytes)) = self.steps.pop_front()
        {
            self.bytes = self.bytes.saturating_sub(bytes);
        }
    }

    /// Forgets all steps.
    pub fn clear(&mut self) {
        self.steps.clear();
        self.bytes = 0;
    }

    /// The steps from a serial to the newest one; none: it is not among them, or is the newest.
    pub fn since(&self, serial: u32) -> Option<impl Iterator<Item = &Arc<JournalStep>> + Clone> {
        let at = self.steps.iter().position(|(step, _)| step.from == serial)?;
        Some(self.steps.iter().skip(at).map(|(step, _)| step))
    }

    /// All steps, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<JournalStep>> {
        self.steps.iter().map(|(step, _)| step)
    }

    /// How many steps.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(from: u32, to: u32) -> JournalStep {
        JournalStep { from, to, changes: Changeset::default(), at: 0, by: Arc::from("test") }
    }

    fn since(history: &History, serial: u32) -> Option<Vec<u32>> {
        Some(history.since(serial)?.map(|step| step.to).collect())
    }

    #[test]
    fn steps_lead_from_a_serial_to_the_newest_without_a_gap() {
        let mut history = History::default();
        [(1, 2), (2, 5), (5, 6)].into_iter().for_each(|(from, to)| history.push(step(from, to), 10));
        assert_eq!(since(&history, 1), Some(vec![2, 5, 6]));
        assert_eq!(since(&history, 5), Some(vec![6]));
        assert_eq!((since(&history, 6), since(&history, 3)), (None, None));
        history.push(step(9, 10), 10);
        assert_eq!((since(&history, 1), since(&history, 9)), (None, Some(vec![10])));
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many() {
        let mut history = History::default();
        (1..=5).for_each(|serial| history.push(step(serial, serial + 1), HISTORY_BYTES_MAX / 2));
        assert_eq!((since(&history, 3), since(&history, 4)), (None, Some(vec![5, 6])));
        history.push(step(6, 7), HISTORY_BYTES_MAX + 1);
        assert!(history.is_empty(), "one that is larger than all may be is not kept");
    }
}
