//! The streams of one connection of HTTP/2, answered together by the task that reads them.

use std::mem;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use hyper::rt::Executor;
use tokio::task::unconstrained;

use crate::sync::lock;

/// Times that a connection is looked at again at once because streams have come: then others have a turn.
const TURNS_MAX: usize = 4;

type StreamTask = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where hyper puts a stream whose request has come.
#[derive(Clone, Default)]
pub(super) struct Gathered(Arc<Mutex<Vec<StreamTask>>>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Gathered {
    fn execute(&self, stream: F) {
        lock(&self.0).push(Box::pin(stream));
    }
}

impl Gathered {
    /// Answers what has been gathered; returns whether that was anything. Nearly all answers are there at once: then a task for
    /// each, which another thread may take, would cost more than the answer. A stream that waits becomes a task.
    fn answer(&self) -> bool {
        let mut streams = mem::take(&mut *lock(&self.0));
        let is_any = !streams.is_empty();
        for mut stream in streams.drain(..) {
            // A task is polled as soon as it is spawned, and says then whom to wake. How much is done in a turn is bounded here,
            // and is nothing that the connection is to be held back for.
            let answer = pin!(unconstrained(stream.as_mut()));
            if answer.poll(&mut Context::from_waker(Waker::noop())).is_pending() {
                tokio::spawn(stream);
            }
        }
        // Its room is for those that come next.
        *lock(&self.0) = streams;
        is_any
    }

    /// Polls a connection whose streams are gathered here, and answers those that have come.
    pub(super) fn poll<C: Future>(
        &self,
        mut connection: Pin<&mut C>,
        context: &mut Context<'_>,
    ) -> Poll<C::Output> {
        for _ in 0..TURNS_MAX {
            let polled = connection.as_mut().poll(context);
            let is_any = self.answer();
            if polled.is_ready() || !is_any {
                return polled;
            }
        }
        // hyper is woken by what it has been given to send; it need not be.
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::runtime::Handle;
    use tokio::sync::{Semaphore, oneshot};

    use super::*;
    use crate::transport::stream::STREAMS_MAX;

    /// Polls it once, with what has been gathered.
    async fn poll_once<C: Future>(streams: &Gathered, mut connection: Pin<&mut C>) -> Poll<C::Output> {
        poll_fn(|context| Poll::Ready(streams.poll(connection.as_mut(), context))).await
    }

    #[tokio::test]
    async fn what_is_there_at_once_is_answered_in_place_and_what_waits_becomes_a_task() {
        let streams = Gathered::default();
        let ((at_once, mut answered), (wake, waits), (later, waited)) =
            (oneshot::channel(), oneshot::channel(), oneshot::channel());
        streams.execute(async { at_once.send(()).unwrap() });
        streams.execute(async { later.send(waits.await).unwrap() });
        assert!(poll_once(&streams, pin!(pending::<()>())).await.is_pending());
        assert_eq!(answered.try_recv(), Ok(()));
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 1);
        wake.send(()).unwrap();
        assert_eq!(waited.await, Ok(Ok(())));
    }

    #[tokio::test]
    async fn a_connection_whose_streams_never_end_lets_others_have_a_turn_and_goes_on() {
        let (streams, answered) = (Gathered::default(), Arc::new(AtomicUsize::new(0)));
        let mut connection = pin!(poll_fn(|_| {
            let answered = Arc::clone(&answered);
            streams.execute(async move {
                answered.fetch_add(1, Ordering::Relaxed);
            });
            Poll::<()>::Pending
        }));
        assert!(poll_once(&streams, connection.as_mut()).await.is_pending());
        assert_eq!(answered.load(Ordering::Relaxed), TURNS_MAX);
        // Nothing but what it said itself wakes it.
        let mut times = 0;
        poll_fn(|context| {
            times += 1;
            let polled = streams.poll(connection.as_mut(), context);
            if times < 3 { polled } else { Poll::Ready(()) }
        })
        .await;
        assert_eq!(answered.load(Ordering::Relaxed), 4 * TURNS_MAX);
    }

    #[tokio::test]
    async fn as_many_streams_as_a_connection_may_have_are_answered_in_place() {
        let (streams, permits) = (Gathered::default(), Arc::new(Semaphore::new(1)));
        for _ in 0..STREAMS_MAX {
            let permits = Arc::clone(&permits);
            streams.execute(async move {
                // As a query takes them.
                for _ in 0..2 {
                    drop(permits.acquire().await.unwrap());
                }
            });
        }
        assert!(poll_once(&streams, pin!(pending::<()>())).await.is_pending());
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
    }

    #[tokio::test]
    async fn what_has_come_before_a_connection_ends_is_answered() {
        let (streams, (at_once, answered)) = (Gathered::default(), oneshot::channel());
        streams.execute(async { at_once.send(()).unwrap() });
        assert!(poll_once(&streams, pin!(async {})).await.is_ready());
        assert_eq!(answered.await, Ok(()));
    }
}
