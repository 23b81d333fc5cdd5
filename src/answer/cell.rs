//! The cell that holds the newest snapshot: one writer, many readers.
//!
//! A reader never waits for longer than a pointer swap, and the writer, not a reader, frees old snapshots.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use super::Snapshot;
use crate::sync::lock;

/// The writer's end. Not `Clone`: there is one, which belongs to `daemon`.
pub struct Publisher {
    cell: Arc<Cell>,
    /// Snapshots that a reader may still hold. They wait here so that the writer, not a worker, frees a
    /// million names.
    retired: Vec<Arc<Snapshot>>,
}

/// Where readers come from. Holds no snapshot itself.
#[derive(Clone)]
pub struct Readers {
    cell: Arc<Cell>,
}

/// A reader's end: one per worker.
pub struct Reader {
    cell: Arc<Cell>,
    generation: u64,
    held: Arc<Snapshot>,
}

struct Cell {
    generation: AtomicU64,
    newest: Mutex<Arc<Snapshot>>,
}

impl Cell {
    fn newest(&self) -> MutexGuard<'_, Arc<Snapshot>> {
        // A holder of the lock only swaps a pointer: a poisoned lock guards nothing half done.
        lock(&self.newest)
    }
}

impl Publisher {
    /// A cell with a first snapshot.
    pub fn new(first: Snapshot) -> Publisher {
        let cell = Cell { generation: AtomicU64::new(1), newest: Mutex::new(Arc::new(first)) };
        Publisher { cell: Arc::new(cell), retired: Vec::new() }
    }

    /// Makes `fresh` the newest snapshot.
    pub fn publish(&mut self, fresh: Snapshot) {
        let fresh = Arc::new(fresh);
        let old = std::mem::replace(&mut *self.cell.newest(), fresh);
        self.cell.generation.fetch_add(1, Ordering::Release);
        self.retired.push(old);
        self.reclaim();
    }

    /// Frees the old snapshots that no reader holds any more; says how many are still held.
    pub fn reclaim(&mut self) -> usize {
        self.retired.retain(|old| Arc::strong_count(old) > 1);
        self.retired.len()
    }

    /// The newest snapshot.
    pub fn newest(&self) -> Arc<Snapshot> {
        Arc::clone(&self.cell.newest())
    }

    /// How many snapshots have been published, the first included.
    pub fn generation(&self) -> u64 {
        self.cell.generation.load(Ordering::Relaxed)
    }

    /// Where readers come from.
    pub fn readers(&self) -> Readers {
        Readers { cell: Arc::clone(&self.cell) }
    }
}

impl Readers {
    /// One more reader.
    pub fn reader(&self) -> Reader {
        let generation = self.cell.generation.load(Ordering::Acquire);
        let held = Arc::clone(&self.cell.newest());
        Reader { generation, held, cell: Arc::clone(&self.cell) }
    }
}

impl Reader {
    /// The newest snapshot. HOT: one atomic load when nothing has changed.
    #[inline]
    pub fn current(&mut self) -> &Snapshot {
        let newest = self.cell.generation.load(Ordering::Acquire);
        if newest != self.generation {
            self.take(newest);
        }
        &self.held
    }

    /// The snapshot taken last. HOT: for the queries of one batch.
    #[inline]
    pub fn held(&self) -> &Snapshot {
        &self.held
    }

    #[cold]
    fn take(&mut self, newest: u64) {
        self.generation = newest;
        self.held = Arc::clone(&self.cell.newest());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_sees_what_was_published_last() {
        let mut publisher = Publisher::new(Snapshot::default());
        let mut reader = publisher.readers().reader();
        let before: *const Snapshot = reader.current();
        assert_eq!(before, std::ptr::from_ref(reader.current()));
        publisher.publish(Snapshot::default());
        assert_ne!(before, std::ptr::from_ref(reader.current()));
    }

    #[test]
    fn the_writer_keeps_what_a_reader_still_holds() {
        let mut publisher = Publisher::new(Snapshot::default());
        let mut reader = publisher.readers().reader();
        reader.current();
        publisher.publish(Snapshot::default());
        assert_eq!(publisher.reclaim(), 1);
        reader.current();
        assert_eq!(publisher.reclaim(), 0);
    }

    #[test]
    fn a_reader_that_goes_on_frees_nothing() {
        let mut publisher = Publisher::new(Snapshot::default());
        let mut reader = publisher.readers().reader();
        let old = Arc::downgrade(&reader.current().zones);
        publisher.publish(Snapshot::default());
        // No reader answers from it any more: the last reference is the writer's.
        reader.current();
        assert!(old.upgrade().is_some());
        publisher.reclaim();
        assert!(old.upgrade().is_none());
    }
}
