//! Moments that connections wait for.
//!
//! A connection waits for one moment at a time, and mostly for nothing: the client is sooner. So what it waits with is kept
//! as long as the connection, and moved only when it is in the way.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// What the moments of one connection are told by.
pub(in crate::transport) trait Clock: Send + 'static {
    /// The moment that it is: now, or when the connection got its turn.
    fn now(&self) -> Instant;

    /// Whether `at` has come; if not, the task has a turn then, or a little later.
    fn poll_until(&mut self, context: &mut Context<'_>, at: Instant) -> Poll<()>;
}

/// The clock of tokio's runtimes.
#[derive(Default)]
pub(in crate::transport) struct TokioClock(Option<Pin<Box<Sleep>>>);

impl Clock for TokioClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn poll_until(&mut self, context: &mut Context<'_>, at: Instant) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(at)));
        // One that is over too early goes on: to move it each time would cost more.
        if sleep.deadline() > at {
            sleep.as_mut().reset(at);
        }
        loop {
            ready!(sleep.as_mut().poll(context));
            if sleep.deadline() >= at {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(at);
        }
    }
}

/// What `wait` gives; none: it has not come by `at`.
pub(super) async fn by<C: Clock, W: Future>(clock: &mut C, at: Instant, wait: W) -> Option<W::Output> {
    let mut wait = pin!(wait);
    poll_fn(|context| match wait.as_mut().poll(context) {
        Poll::Ready(came) => Poll::Ready(Some(came)),
        Poll::Pending => clock.poll_until(context, at).map(|()| None),
    })
    .await
}

/// The moment after `wait`; a wait too long to be reckoned has its end in a year.
pub(in crate::transport) fn deadline(wait: Duration) -> Instant {
    after(Instant::now(), wait)
}

/// The moment `wait` after `now`, likewise.
pub(super) fn after(now: Instant, wait: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    now.checked_add(wait.min(YEAR)).unwrap_or(now)
}
