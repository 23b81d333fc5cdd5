//! What NOTIFY messages have told a task, which may be in the midst of a transfer.
//!
//! Responsible for none of them being lost, however many come meanwhile, and for all of them taking the room of one. Not
//! responsible for what a task does about it.

use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;

use crate::sync::lock;
use crate::transfer::incoming::Told;

/// What has been told, and not heard yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HeardNotify {
    /// The place of the primary that has told something last.
    pub(super) from: usize,
    /// All that was told.
    pub(super) told: Told,
}

/// The end of whoever hears NOTIFY.
pub(super) struct Teller {
    waiting: Arc<Mutex<Option<HeardNotify>>>,
    bell: mpsc::Sender<()>,
}

/// The end of the task.
pub(super) struct Listener {
    waiting: Arc<Mutex<Option<HeardNotify>>>,
    bell: mpsc::Receiver<()>,
}

/// Both ends.
pub(super) fn telling() -> (Teller, Listener) {
    let waiting = Arc::<Mutex<Option<HeardNotify>>>::default();
    // One ring is as good as many.
    let (ring, bell) = mpsc::channel(1);
    (Teller { waiting: Arc::clone(&waiting), bell: ring }, Listener { waiting, bell })
}

impl Teller {
    /// Tells of a NOTIFY of the primary at this place.
    pub(super) fn tell(&self, from: usize, told: Told) {
        let mut waiting = lock(&self.waiting);
        let told = waiting.map_or(told, |before| before.told.and(told));
        *waiting = Some(HeardNotify { from, told });
        drop(waiting);
        // Where it has rung already, whoever hears it hears all.
        let _ = self.bell.try_send(());
    }
}

impl Listener {
    /// All that was told since the last time, as soon as something is; none: nobody can tell anything any more.
    pub(super) async fn next(&mut self) -> Option<HeardNotify> {
        loop {
            self.bell.recv().await?;
            if let Some(notified) = lock(&self.waiting).take() {
                return Some(notified);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_newest_serial_is_heard_however_many_old_ones_are_told_meanwhile() {
        let (teller, mut listener) = telling();
        (0..1_000).for_each(|_| teller.tell(0, Told::Serial(6)));
        teller.tell(1, Told::Serial(9));
        (0..1_000).for_each(|_| teller.tell(0, Told::Serial(7)));
        assert_eq!(listener.next().await, Some(HeardNotify { from: 0, told: Told::Serial(9) }));
        teller.tell(1, Told::Anything);
        teller.tell(0, Told::Serial(10));
        assert_eq!(listener.next().await, Some(HeardNotify { from: 0, told: Told::Anything }));
        drop(teller);
        assert_eq!(listener.next().await, None);
    }
}
