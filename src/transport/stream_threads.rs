//! The threads of streams that are not encrypted.
//!
//! A connection stays on the thread that has accepted it. To wake another thread for it costs more than accepting it, and
//! that for each of its queries. So each thread has a runtime of its own, and at each listen address a socket of its own,
//! among which the kernel spreads the connections.
//!
//! They are half as many as the UDP workers: who floods TCP leaves UDP its share of the cores.

use std::io;
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// The threads, each started when it first gets a socket. Dropped, they end without waiting, and with them what they still
/// serve.
pub(super) struct StreamThreads {
    threads: Vec<StreamThread>,
    count: usize,
    /// Sockets so far.
    given: usize,
}

struct StreamThread {
    handle: Handle,
    /// Never sent to: its loss is the signal to end.
    _running: oneshot::Sender<()>,
}

impl StreamThreads {
    /// Those of a server with so many UDP workers.
    pub(super) fn beside(workers: usize) -> Self {
        Self { threads: Vec::new(), count: Self::count_beside(workers), given: 0 }
    }

    /// How many there are in a server with so many UDP workers.
    pub(super) fn count_beside(workers: usize) -> usize {
        workers.div_euclid(2).max(1)
    }

    /// How many there are, those that are not started yet among them.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Where the next socket is served: each thread in turn.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn next(&mut self) -> io::Result<Handle> {
        let index = self.given.checked_rem(self.count).unwrap_or(0);
        let handle = if let Some(thread) = self.threads.get(index) {
            thread.handle.clone()
        } else {
            let thread = StreamThread::start(self.threads.len())?;
            let handle = thread.handle.clone();
            self.threads.push(thread);
            handle
        };
        // One turn after the other: counting them does not overflow.
        self.given = index.saturating_add(1);
        Ok(handle)
    }
}

impl StreamThread {
    fn start(index: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (running, ended) = oneshot::channel::<()>();
        let serve = move || {
            // An error is the signal.
            let _ = runtime.block_on(ended);
            runtime.shutdown_background();
        };
        thread::Builder::new().name(format!("edgedns-tcp-{index}")).spawn(serve)?;
        Ok(Self { handle, _running: running })
    }
}
