//! The threads of encrypted transports.
//!
//! A handshake costs as much as hundreds of queries. Whoever begins thousands of them takes these threads, which are half
//! as many as the cores, and the system shares the cores out among threads: what comes over UDP and TCP, probes and the
//! loop go on.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::sync::lock;

/// A runtime for all that is encrypted, started when it is first needed. Copies share it.
#[derive(Clone, Default)]
pub struct EncryptedRuntime(Arc<Mutex<Option<Threads>>>);

/// Dropped, they end without waiting, so that it may be where nobody can wait.
struct Threads(Option<Runtime>, Handle);

impl EncryptedRuntime {
    /// Where its tasks are started.
    ///
    /// # Errors
    /// When the system gives it no threads.
    pub fn handle(&self) -> io::Result<Handle> {
        let mut threads = lock(&self.0);
        if let Some(Threads(_, handle)) = &*threads {
            return Ok(handle.clone());
        }
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(cores.div_euclid(2).max(1)).thread_name("encrypted").enable_all();
        let runtime = builder.build()?;
        let handle = runtime.handle().clone();
        *threads = Some(Threads(Some(runtime), handle.clone()));
        Ok(handle)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
