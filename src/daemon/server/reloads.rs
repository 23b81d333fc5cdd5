//! Reloads that are under way or asked for.
//!
//! Runs one reload at a time, and knows which requests each one answers: a reading that began before a
//! request may have missed the change that it is about. Not responsible for reading, or for the result.

use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle};

use super::super::load::LoadResult;
use crate::control::{ReloadCause, Reloaded};

/// Whoever waits for what comes of a reload.
pub(super) type Waiting = Vec<oneshot::Sender<Reloaded>>;

#[derive(Default)]
pub(super) struct Reloads {
    /// The reload that is under way.
    step: Option<ReloadStep>,
    waiting: Waiting,
    /// Why there will be a next reload, and the requests since this one began; none: there will be none.
    next: Option<(ReloadCause, Waiting)>,
}

/// How far a reload has come.
enum ReloadStep {
    Reading(JoinHandle<LoadResult>),
    /// What was read is being taken over: the targets that it brings are probed for the first time.
    Probing(JoinHandle<()>),
}

/// A step that is over.
pub(super) enum ReloadEvent {
    Reading(Box<Result<LoadResult, JoinError>>),
    Probing,
}

impl Reloads {
    /// Why a reading is to begin now; none: it begins when the one that is under way has been applied.
    pub(super) fn ask(
        &mut self,
        cause: ReloadCause,
        reply: Option<oneshot::Sender<Reloaded>>,
    ) -> Option<ReloadCause> {
        if self.step.is_some() {
            let (next, waiting) = self.next.get_or_insert((cause, Waiting::new()));
            // A request counts more than a change that was noticed.
            if cause == ReloadCause::Operator {
                *next = cause;
            }
            waiting.extend(reply);
            return None;
        }
        self.waiting.extend(reply);
        Some(cause)
    }

    /// A reading has begun.
    pub(super) fn read(&mut self, reading: JoinHandle<LoadResult>) {
        self.step = Some(ReloadStep::Reading(reading));
    }

    /// The end of the step that is under way; never where there is none.
    pub(super) async fn ended(&mut self) -> ReloadEvent {
        let ended = match &mut self.step {
            Some(ReloadStep::Reading(reading)) => ReloadEvent::Reading(Box::new(reading.await)),
            Some(ReloadStep::Probing(round)) => {
                // One that panicked is over, too.
                let _ = round.await;
                ReloadEvent::Probing
            }
            None => std::future::pending().await,
        };
        self.step = None;
        ended
    }

    /// What was read is taken over when `round` ends.
    pub(super) fn probe(&mut self, round: JoinHandle<()>) {
        self.step = Some(ReloadStep::Probing(round));
    }

    /// Ends the reload; returns the requests that wait for it.
    pub(super) fn take_waiting(&mut self) -> Waiting {
        std::mem::take(&mut self.waiting)
    }

    /// Whether another reload has been requested since this one began.
    pub(super) fn is_asked_again(&self) -> bool {
        self.next.is_some()
    }

    /// Why a reading is to begin that was asked for during the last reload. That has ended, so that nothing
    /// it has read is read again.
    pub(super) fn take_next(&mut self) -> Option<ReloadCause> {
        let (cause, waiting) = self.next.take()?;
        self.waiting = waiting;
        Some(cause)
    }
}
