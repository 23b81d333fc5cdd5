//! Reloads that are under way or asked for.
//!
//! Responsible for one reading at a time, and for who is told of which: a
//! reading that began before somebody asked may have missed what they changed.
//! Not responsible for reading, or for what comes of it.

use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle};

use super::super::load::Reading;
use crate::control::Reloaded;

/// Whoever waits for what comes of a reload.
pub(super) type Waiting = Vec<oneshot::Sender<Reloaded>>;

#[derive(Default)]
pub(super) struct Reloads {
    /// The reading that is under way.
    reading: Option<JoinHandle<Reading>>,
    waiting: Waiting,
    /// Who asked since it began; none: nobody, so there is no next one.
    next: Option<Waiting>,
}

impl Reloads {
    /// Begins a reading, now or when the one that is under way has been taken over.
    pub(super) fn ask(
        &mut self,
        reply: Option<oneshot::Sender<Reloaded>>,
        begin: impl FnOnce() -> JoinHandle<Reading>,
    ) {
        if self.reading.is_some() {
            self.next.get_or_insert_default().extend(reply);
            return;
        }
        self.waiting.extend(reply);
        self.reading = Some(begin());
    }

    /// Whether a reading is under way.
    pub(super) fn is_reading(&self) -> bool {
        self.reading.is_some()
    }

    /// The reading that is under way, when it ends, and who waits for it; never where there is none.
    pub(super) async fn finished(&mut self) -> (Result<Reading, JoinError>, Waiting) {
        let done = match &mut self.reading {
            Some(reading) => reading.await,
            None => std::future::pending().await,
        };
        self.reading = None;
        (done, std::mem::take(&mut self.waiting))
    }

    /// Begins what was asked for during the last reading. That has been taken over by now, so that
    /// nothing it has read is read again.
    pub(super) fn go_on(&mut self, begin: impl FnOnce() -> JoinHandle<Reading>) {
        if let Some(next) = self.next.take() {
            self.waiting = next;
            self.reading = Some(begin());
        }
    }
}
