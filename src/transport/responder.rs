//! The narrow waist between sockets and answers.
//!
//! Responsible for the one function a transport calls per query.
//! Not responsible for sockets above it or for answers below it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::trace::{Tap, Taps};
use crate::answer::{self, Peer, Reader, Reply, Scratch};

/// Answers queries: one per UDP worker, and one for all TCP connections.
pub trait Responder: Send + 'static {
    /// Called before the first query of each batch.
    fn begin_batch(&mut self);

    /// Answers `query`, a whole DNS message, into `out`: 1,232 bytes over
    /// UDP, 65,535 over TCP. HOT: must not wait, allocate or panic.
    fn respond(&mut self, peer: Peer, query: &[u8], out: &mut [u8]) -> Reply;
}

/// Answers from the newest snapshot.
pub struct SnapshotResponder {
    reader: Reader,
    scratch: Scratch,
    tap: Tap,
}

impl SnapshotResponder {
    /// Answers what `reader` shows, with the buffers and counters of `scratch`; traces are opened at `taps`.
    pub fn new(reader: Reader, scratch: Scratch, taps: &Taps) -> Self {
        Self { reader, scratch, tap: taps.tap() }
    }
}

impl Responder for SnapshotResponder {
    fn begin_batch(&mut self) {
        self.reader.current();
        self.tap.look();
        self.scratch.set_now(since_1970());
    }

    #[inline]
    fn respond(&mut self, peer: Peer, query: &[u8], out: &mut [u8]) -> Reply {
        let reply = answer::respond(self.reader.held(), &mut self.scratch, peer, query, out);
        if self.tap.is_open() {
            self.show(peer, query, reply, out);
        }
        reply
    }
}

impl SnapshotResponder {
    #[cold]
    fn show(&self, peer: Peer, query: &[u8], reply: Reply, out: &[u8]) {
        let response = match reply {
            Reply::Send { len } => out.get(..len),
            Reply::Drop => None,
        };
        self.tap.show(peer, query, response);
    }
}

/// The time since 1970; none before.
fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
