//! The recent log of the service, from the journal.

use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How many lines of the log are taken: a day of a site where something happens each minute.
const LINES: &str = "5000";

/// Longest log that is taken, in bytes.
const LOG_BYTES_MAX: u64 = 16 << 20;

/// How long the journal may take: reading one from a slow disk takes seconds.
const JOURNAL_WAIT: Duration = Duration::from_secs(60);

/// The last lines of the log.
///
/// # Errors
///
/// When there is no journal, it takes too long, or it refuses.
pub(super) fn recent_log() -> io::Result<Vec<u8>> {
    let unit = ["--unit", "edgedns.service", "--unit", "edgedns-fetch.service"];
    let mut child = Command::new("journalctl")
        .args(unit)
        .args(["--lines", LINES, "--no-pager", "--quiet", "--utc", "--output", "short-iso-precise"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let (Some(output), (done, read)) = (child.stdout.take(), mpsc::channel()) else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    thread::spawn(move || {
        let mut log = Vec::new();
        let taken = output.take(LOG_BYTES_MAX).read_to_end(&mut log).map(|_| log);
        // Whoever waited may have given up.
        let _ = done.send(taken);
    });
    let log = read.recv_timeout(JOURNAL_WAIT).map_err(|_| io::Error::from(io::ErrorKind::TimedOut));
    if log.is_err() {
        child.kill()?;
    }
    let ended = child.wait()?;
    match log? {
        Ok(log) if ended.success() => Ok(log),
        Ok(_) => Err(io::Error::other(format!("journalctl ended with {ended}"))),
        Err(error) => Err(error),
    }
}
