//! A loop of our own for streams that are not encrypted: one thread, its sockets and its tasks.
//!
//! A connection with one query is mostly what is done around it, and a runtime for everything does more than it needs: an
//! allocation for each socket and task, lists of who waits for what, a timer for each wait, and a system call that takes a
//! socket from the poll which closing it does as well. Here a task is woken by its place, its sockets are first read and then
//! polled, and its moments are looked at a few times a second.
//!
//! Not responsible for what the tasks do: they are the same futures that run elsewhere.

mod task;

mod loop_clock;

mod loop_stream;

mod loop_host;

mod next_look;

mod turns;

pub(super) use loop_host::LoopHost;
pub(super) use loop_stream::LoopStream;
pub(super) use task::LoopHandle;
pub(super) use turns::EventLoop;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may stop at an overflow")]
mod tests;
