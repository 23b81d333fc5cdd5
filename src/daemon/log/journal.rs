//! Entries of the journal, with fields, in its own protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL).
//!
//! Writes the bytes, has the socket, and waits or counts losses when the journal does not take an entry.
//!
//! Own code, because `tracing-journald` puts the module's path into `TARGET=`, allows one value per field,
//! waits for ever for a journal that hangs, and loses what it cannot send.

use std::io::{self, Write};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use super::entry::{LogEntry, Values};

/// How long an entry may wait for room in the journal's queue: the thread that logs waits with it.
const SEND_MAX: Duration = Duration::from_millis(100);

/// Longest message, in bytes: well below what one datagram holds, so that none needs a file in memory.
const MESSAGE_BYTES_MAX: usize = 16 << 10;

/// Name of the program in the journal, for `journalctl -t`.
const IDENTIFIER: &str = "edgedns";

/// The journal's socket.
#[derive(Debug)]
pub(super) struct Journal {
    socket: UnixDatagram,
    path: PathBuf,
    /// Entries that found no room since the last one that did.
    lost: AtomicU64,
}

impl Journal {
    /// The journal that listens at `path`.
    ///
    /// # Errors
    ///
    /// When nothing listens there.
    pub(super) fn open(path: &Path) -> io::Result<Journal> {
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(SEND_MAX))?;
        // The journal takes no notice of an empty one.
        socket.send_to(&[], path)?;
        Ok(Journal { socket, path: path.to_owned(), lost: AtomicU64::new(0) })
    }

    fn take(&self, entry: &LogEntry) {
        match self.send(entry) {
            Ok(_) => {
                let lost = self.lost.swap(0, Ordering::Relaxed);
                if lost > 0 {
                    let message =
                        format!("the journal did not keep up; entries lost before the last one: {lost}");
                    let _ = self.send(&LogEntry { level: Level::WARN, message, indexes: Vec::new() });
                }
            }
            // Full, for so long: it may be full for longer, and answers matter more.
            Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
            // Not there: it is being restarted, and reads what standard error has meanwhile.
            Err(_) => _ = writeln!(io::stderr(), "<{}>{}", priority(entry.level), entry.message),
        }
    }

    fn send(&self, entry: &LogEntry) -> io::Result<usize> {
        // Sent to the path each time: a journal that was restarted may have made it anew.
        self.socket.send_to(&datagram(entry), &self.path)
    }
}

impl<S: Subscriber> Layer<S> for Journal {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        self.take(&LogEntry::of(event));
    }
}

/// Priorities as syslog(3) numbers them.
pub(super) fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

fn datagram(entry: &LogEntry) -> Vec<u8> {
    let mut datagram = Vec::new();
    put(&mut datagram, "PRIORITY", &priority(entry.level).to_string());
    put(&mut datagram, "SYSLOG_IDENTIFIER", IDENTIFIER);
    let message = &entry.message;
    put(&mut datagram, "MESSAGE", &message[..message.floor_char_boundary(MESSAGE_BYTES_MAX)]);
    for (index, text) in &entry.indexes {
        match index.values {
            Values::One => put(&mut datagram, index.journal, text),
            Values::Many => text.split_whitespace().for_each(|one| put(&mut datagram, index.journal, one)),
        }
    }
    datagram
}

/// A field with the length of its value before it, so that the value may hold anything.
fn put(datagram: &mut Vec<u8>, name: &str, value: &str) {
    datagram.extend_from_slice(name.as_bytes());
    datagram.push(b'\n');
    datagram.extend_from_slice(&(value.len() as u64).to_le_bytes());
    datagram.extend_from_slice(value.as_bytes());
    datagram.push(b'\n');
}
