//! The event loop of plain TCP: one thread with its sockets and its tasks.
//!
//! Of what a connection with one query costs, the query is the least. A runtime for everything does more around it than this
//! needs: it allocates for each socket, lists who waits for what, has a timer for each wait, and takes a socket from epoll(7) by
//! a system call, though closing the socket does the same. This loop knows a task by its place. A task tries its socket first
//! and registers it only where it has to wait, and says when its moment is; the loop looks at all moments together, when the
//! first has come.
//!
//! Not responsible for what the tasks do: the same futures run on tokio, too.

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
