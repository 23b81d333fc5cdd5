//! The query log: queries and what they were answered, one JSON object in a line, over a Unix socket.
//!
//! Whoever keeps them listens there (Vector, Fluent Bit, `socat`, `fstrm_capture`). Not responsible for which queries there are: that is
//! `transport`, whose workers hand over what they can and wait for nobody.

use std::future::poll_fn;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::status::QueryLogStatus;
use super::traced::query_line;
use crate::sync::lock;
use crate::transport::{LeftOut, Trace, TraceEvent};

/// Bytes that are written at once.
const WRITE_BYTES: usize = 64 << 10;

/// How long the receiver may take to read what is written: then it hangs, and is left.
const WRITE_MAX: Duration = Duration::from_secs(5);

/// From the first try to connect to the second; each later one waits twice as long, up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(250);

/// Longest wait between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(15);

/// A query log that is being written. It ends when this is dropped.
pub struct QueryLog {
    socket: PathBuf,
    state: Arc<QueryLogState>,
    /// Queries for which there was no room: they came faster than they were written, or nobody read.
    left_out: LeftOut,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct QueryLogState {
    written: AtomicU64,
    /// Queries that nobody was there to read, though they were taken out of the queue.
    lost: AtomicU64,
    fault: Mutex<Option<String>>,
}

impl QueryLog {
    /// Writes what `trace` sees to whoever listens at the socket, in the runtime that this is called in.
    pub fn start(socket: PathBuf, trace: Trace) -> QueryLog {
        let state = Arc::new(QueryLogState::default());
        let writer =
            Writer { socket: socket.clone(), trace, state: Arc::clone(&state), lines: Vec::new(), count: 0 };
        QueryLog { socket, state, task: tokio::spawn(writer.run()) }
    }

    /// How it stands.
    pub fn status(&self) -> QueryLogStatus {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        QueryLogStatus {
            socket: self.socket.display().to_string(),
            written: count(&self.state.written),
            dropped: count(&self.state.lost).saturating_add(self.left_out.count()),
            error: lock(&self.state.fault).clone(),
        }
    }
}

impl Drop for QueryLog {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl QueryLogState {
    /// Takes in whether there is somebody who reads; says when that is news.
    fn note(&self, fault: Option<String>, socket: &Path) {
        let before = std::mem::replace(&mut *lock(&self.fault), fault.clone());
        match (before, fault) {
            (None, Some(fault)) => {
                warn!(
                    "queries are not logged to {}: {fault}; the first of them wait until somebody reads there, the others are counted",
                    socket.display()
                );
            }
            (Some(_), None) => info!("queries are logged to {} again", socket.display()),
            (Some(_), Some(_)) | (None, None) => {}
        }
    }
}

struct Writer {
    socket: PathBuf,
    trace: Trace,
    state: Arc<QueryLogState>,
    /// What is to be written next, and how many queries that is.
    lines: Vec<u8>,
    count: u64,
}

impl Writer {
    async fn run(mut self) {
        let mut pause = PAUSE;
        loop {
            let fault = match UnixStream::connect(&self.socket).await {
                Ok(stream) => {
                    pause = PAUSE;
                    self.state.note(None, &self.socket);
                    match self.write_to(stream).await {
                        Some(fault) => fault,
                        None => return,
                    }
                }
                Err(fault) => fault.to_string(),
            };
            self.state.note(Some(fault), &self.socket);
            // What is answered meanwhile waits, as far as there is room for it, and is counted by the workers beyond.
            sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Writes until nobody reads any more; none when there is nothing more to write.
    async fn write_to(&mut self, mut stream: UnixStream) -> Option<String> {
        loop {
            let seen = next(&mut self.trace).await?;
            self.add(&seen);
            while self.lines.len() < WRITE_BYTES
                && let Some(seen) = self.trace.try_next()
            {
                self.add(&seen);
            }
            let fault = match timeout(WRITE_MAX, stream.write_all(&self.lines)).await {
                Ok(Ok(())) => None,
                Ok(Err(fault)) => Some(fault.to_string()),
                Err(_) => Some(format!("whoever reads there has not for {} s", WRITE_MAX.as_secs())),
            };
            let counter = if fault.is_none() { &self.state.written } else { &self.state.lost };
            counter.fetch_add(std::mem::take(&mut self.count), Ordering::Relaxed);
            self.lines.clear();
            if fault.is_some() {
                return fault;
            }
        }
    }

    fn add(&mut self, seen: &TraceEvent) {
        if let Some(line) = query_line(seen) {
            self.lines.extend_from_slice(&line);
            self.count += 1;
        }
        self.count += 1;
    }
}

    /// Lets time pass while nobody reads: what is answered meanwhile is counted.
    async fn lose(&mut self, pause: Duration) {
        let over = sleep(pause);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return,
                Some(_) = next(&mut self.trace) => {
                    self.state.lost.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
    stream.write_all(&Control::Start.frame()).await
}

/// The next query; none: there are no more.
async fn next(trace: &mut Trace) -> Option<TraceEvent> {
    poll_fn(|context| trace.poll_next(context)).await
}
