//! Moments of tasks of a loop.

use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::time::Instant;

use super::task::Task;
use crate::transport::stream::Clock;

/// The clock of a task: it goes on when the loop has a turn.
pub(in crate::transport) struct LoopClock(pub(super) Arc<Task>);

impl Clock for LoopClock {
    fn now(&self) -> Instant {
        self.0.shared.now().into()
    }

    fn poll_until(&mut self, _: &mut Context<'_>, at: Instant) -> Poll<()> {
        if self.now() >= at {
            return Poll::Ready(());
        }
        self.0.set_due(at.into());
        Poll::Pending
    }
}
