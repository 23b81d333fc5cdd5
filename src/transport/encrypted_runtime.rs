//! The threads of encrypted transports.
//!
//! A handshake costs as much as hundreds of queries. Whoever begins thousands of them takes these threads, which are half
//! as many as the cores, and the system shares the cores out among threads: what comes over UDP and TCP, probes and the
//! loop go on.

use std::io;
use std::thread;

use tokio::runtime::{Builder, Handle, Runtime};

/// A runtime of its own. Dropped, it ends without waiting, so that it may be where nobody can wait.
pub(super) struct EncryptedRuntime(Option<Runtime>);

impl EncryptedRuntime {
    /// Starts its threads.
    ///
    /// # Errors
    /// When the system gives none.
    pub(super) fn start() -> io::Result<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(cores.div_euclid(2).max(1)).thread_name("encrypted").enable_all();
        Ok(Self(Some(builder.build()?)))
    }

    /// Where its tasks are started; none while it ends.
    pub(super) fn handle(&self) -> Option<&Handle> {
        self.0.as_ref().map(Runtime::handle)
    }
}

impl Drop for EncryptedRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
