//! A stand-in for the service manager: the other end of NOTIFY_SOCKET. It keeps what it receives.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use harness::PATIENCE;

pub(crate) struct Manager {
    folder: TempDir,
    socket: UnixDatagram,
    heard: Vec<String>,
}

impl Manager {
    pub(crate) fn new() -> Manager {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let socket = UnixDatagram::bind(folder.path().join("notify")).expect("a socket");
        Manager { folder, socket, heard: Vec::new() }
    }

    /// Makes the program notify this manager.
    pub(crate) fn expect(&self, command: &mut Command) {
        command.env("NOTIFY_SOCKET", self.folder.path().join("notify"));
    }

    /// Everything heard so far, in its order.
    pub(crate) fn heard(&self) -> &[String] {
        &self.heard
    }

    /// How many messages have been heard.
    pub(crate) fn count(&self) -> usize {
        self.heard.len()
    }

    /// Waits for the next message with a line that begins with `start`, and returns what follows there.
    pub(crate) fn wait_for(&mut self, start: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = self.receive(left).unwrap_or_else(|| panic!("no {start:?} after {:?}", self.heard));
            if let Some(found) = message.lines().find_map(|line| line.strip_prefix(start)) {
                return found.to_owned();
            }
        }
    }

    /// Listens for so long, and returns how many messages with such a line there were.
    pub(crate) fn count_during(&mut self, time: Duration, line: &str) -> usize {
        let deadline = Instant::now() + time;
        let mut count = 0;
        while let Some(message) = self.receive(deadline.saturating_duration_since(Instant::now())) {
            count += usize::from(message.lines().any(|said| said == line));
        }
        count
    }

    fn receive(&mut self, limit: Duration) -> Option<String> {
        self.socket.set_read_timeout(Some(limit.max(Duration::from_millis(1)))).expect("a time limit");
        let mut buffer = [0; 4096];
        let length = self.socket.recv(&mut buffer).ok()?;
        let message = String::from_utf8(buffer[..length].to_vec()).expect("a text");
        self.heard.push(message.clone());
        Some(message)
    }
}
