//! The threads of plain TCP, which nothing encrypts.
//!
//! A connection stays on the thread that has accepted it. To wake another thread for it costs more than accepting it, and
//! that for each of its queries. So each thread has a loop of its own, and at each listen address a socket of its own,
//! among which the kernel spreads the connections.
//!
//! They are half as many as the UDP workers: who floods TCP leaves UDP its share of the cores.

use std::io;
use std::thread;

use tokio::sync::oneshot;

use super::event_loop::{EventLoop, LoopHandle};

/// The threads, each started when it first gets a socket. Dropped, they end without waiting, and with them what they still
/// serve.
pub(super) struct StreamThreads {
    threads: Vec<StreamThread>,
    count: usize,
    /// The thread whose turn it is.
    next: usize,
}

struct StreamThread(LoopHandle);

impl StreamThreads {
    /// Those of a server with so many UDP workers.
    pub(super) fn beside(workers: usize) -> Self {
        Self { threads: Vec::new(), count: Self::count_beside(workers), next: 0 }
    }

    /// How many there are in a server with so many UDP workers.
    pub(super) fn count_beside(workers: usize) -> usize {
        workers.div_euclid(2).max(1)
    }

    /// How many there are, those that are not started yet among them.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Where the next socket is served: each thread in turn. One whose turn has not come before is started.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn next(&mut self) -> io::Result<LoopHandle> {
        let turn = self.next;
        if turn >= self.threads.len() {
            self.threads.push(StreamThread::start(self.threads.len())?);
        }
        let StreamThread(handle) = self.threads.get(turn).ok_or(io::ErrorKind::NotFound)?;
        // There is one at least, and a turn is below their count.
        self.next = turn.saturating_add(1).checked_rem(self.count).unwrap_or(0);
        Ok(handle.clone())
    }

    /// Asks each that has been started whether it goes on: resolves when it does. None for one that has ended.
    pub(super) fn pulse(&self) -> Vec<Option<oneshot::Receiver<()>>> {
        self.threads.iter().map(|StreamThread(handle)| handle.pulse()).collect()
    }
}

impl StreamThread {
    fn start(index: usize) -> io::Result<Self> {
        let (event_loop, handle) = EventLoop::new()?;
        thread::Builder::new().name(format!("edgedns-tcp-{index}")).spawn(|| event_loop.run())?;
        Ok(Self(handle))
    }
}

impl Drop for StreamThread {
    fn drop(&mut self) {
        self.0.end();
    }
}
