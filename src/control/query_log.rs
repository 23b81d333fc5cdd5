//! The query log: queries and what they were answered over a Unix socket, one JSON object in a line or as dnstap.
//!
//! Whoever keeps them listens there (Vector, Fluent Bit, `socat`, `fstrm_capture`). Not responsible for which queries there are: that is
//! `transport`, whose workers hand over what they can and wait for nobody.

use std::future::poll_fn;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::dnstap::{self, CONTROL_BYTES_MAX, Control};
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

/// How queries are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object in a line.
    #[default]
    Json,
    /// dnstap, in Frame Streams with both ends speaking.
    Dnstap,
}

/// How long a stop waits for who reads.
const STOP_WAIT: Duration = Duration::from_secs(1);

/// A query log that is being written. It ends when this is dropped.
pub struct QueryLog {
    socket: PathBuf,
    state: Arc<QueryLogState>,
    /// Queries for which there was no room: they came faster than they were written, or nobody read.
    left_out: LeftOut,
    /// True once it is to end.
    ends: watch::Sender<bool>,
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
    /// Writes what `trace` sees to whoever listens at the socket, in the runtime that this is called in. `server` is what
    /// this host is called.
    pub fn start(socket: PathBuf, format: LogFormat, server: String, trace: Trace) -> QueryLog {
        let (state, left_out) = (Arc::new(QueryLogState::default()), trace.losses());
        let (ends, ended) = watch::channel(false);
        let writer = Writer {
            socket: socket.clone(),
            format,
            server,
            trace,
            ended,
            state: Arc::clone(&state),
            lines: Vec::new(),
            count: 0,
        };
        QueryLog { socket, state, left_out, ends, task: tokio::spawn(writer.run()) }
    }

    /// Writes what has come, as far as that goes at once, and ends.
    pub async fn stop(mut self) {
        self.ends.send_replace(true);
        // What is not written by then ends with this.
        let _ = timeout(STOP_WAIT, &mut self.task).await;
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
    format: LogFormat,
    server: String,
    trace: Trace,
    ended: watch::Receiver<bool>,
    state: Arc<QueryLogState>,
    /// What is to be written next, and how many queries that is.
    lines: Vec<u8>,
    count: u64,
}

impl Writer {
    async fn run(mut self) {
        let mut pause = PAUSE;
        loop {
            let fault = match self.connect().await {
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
            tokio::select! {
                () = sleep(pause) => {}
                _ = self.ended.wait_for(|is_over| *is_over) => return,
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Connects, and agrees on what is written.
    async fn connect(&self) -> io::Result<UnixStream> {
        let mut stream = UnixStream::connect(&self.socket).await?;
        if self.format == LogFormat::Dnstap {
            let agreed = timeout(WRITE_MAX, agree(&mut stream)).await;
            let silent = || {
                format!(
                    "whoever listens there has not answered that it takes dnstap for {} s",
                    WRITE_MAX.as_secs()
                )
            };
            agreed.unwrap_or_else(|_| Err(io::Error::other(silent())))?;
        }
        Ok(stream)
    }

    /// Writes until nobody reads any more; none when there is nothing more to write.
    async fn write_to(&mut self, mut stream: UnixStream) -> Option<String> {
        loop {
            let next = tokio::select! {
                next = next(&mut self.trace) => Some(next?),
                _ = self.ended.wait_for(|is_over| *is_over) => None,
            };
            match next {
                Some(seen) => self.add(&seen),
                None => return self.write_rest(stream).await.err(),
            }
            self.fill();
            if let Err(fault) = self.write(&mut stream).await {
                return Some(fault);
            }
        }
    }

    /// Writes what has come, and ends.
    async fn write_rest(&mut self, mut stream: UnixStream) -> Result<(), String> {
        self.trace.end();
        self.fill();
        while !self.lines.is_empty() {
            self.write(&mut stream).await?;
            self.fill();
        }
        if self.format == LogFormat::Dnstap {
            self.lines = Control::Stop.frame();
        }
        self.write(&mut stream).await
    }

    /// Adds what has come, as much as is written at once.
    fn fill(&mut self) {
        while self.lines.len() < WRITE_BYTES
            && let Some(seen) = self.trace.try_next()
        {
            self.add(&seen);
        }
    }

    async fn write(&mut self, stream: &mut UnixStream) -> Result<(), String> {
        let written = match timeout(WRITE_MAX, stream.write_all(&self.lines)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(fault)) => Err(fault.to_string()),
            Err(_) => Err(format!("whoever reads there has not for {} s", WRITE_MAX.as_secs())),
        };
        let counter = if written.is_ok() { &self.state.written } else { &self.state.lost };
        counter.fetch_add(std::mem::take(&mut self.count), Ordering::Relaxed);
        self.lines.clear();
        written
    }

    fn add(&mut self, seen: &TraceEvent) {
        match self.format {
            LogFormat::Json => {
                let Some(line) = query_line(seen) else { return };
                self.lines.extend_from_slice(&line);
            }
            LogFormat::Dnstap => dnstap::frames(seen, self.server.as_bytes(), &mut self.lines),
        }
        self.count += 1;
    }
}

/// The beginning of Frame Streams: the reader says what it takes.
async fn agree(stream: &mut UnixStream) -> io::Result<()> {
    stream.write_all(&Control::Ready.frame()).await?;
    let (escape, length) = (stream.read_u32().await?, stream.read_u32().await?);
    let length = usize::try_from(length).ok().filter(|length| escape == 0 && *length <= CONTROL_BYTES_MAX);
    let other = || io::Error::other("whoever listens there answers something else than that it takes dnstap");
    let mut body = vec![0; length.ok_or_else(other)?];
    stream.read_exact(&mut body).await?;
    if !Control::Accept.is(&body) {
        return Err(other());
    }
    stream.write_all(&Control::Start.frame()).await
}

/// The next query; none: there are no more.
async fn next(trace: &mut Trace) -> Option<TraceEvent> {
    poll_fn(|context| trace.poll_next(context)).await
}
