//! Messages to the service manager: sd_notify(3).
//!
//! ```text
//!  daemon's loop ── ready, reloading, … ─▶ queue ─▶ task ─▶ NOTIFY_SOCKET
//! ```
//!
//! The loop never waits: a service manager that does not read for a while gets what it missed later, in
//! order.
//!
//! Own code, because the crate's sending would block the loop meanwhile, and knows no abstract sockets.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{self, UnixDatagram};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::mpsc;
use tracing::warn;

/// Messages that wait for the service manager: hours of watchdog, or many reloads. Further ones are lost, and
/// it then knows less of us, or restarts us.
const MESSAGES_WAITING_MAX: usize = 64;

/// The service manager that started this process, if it wants to be notified.
#[derive(Clone, Debug, Default)]
pub struct ServiceManager {
    messages: Option<mpsc::Sender<String>>,
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// The one that the environment names, in a runtime with I/O. An address that cannot be used is logged;
    /// the server works without.
    pub fn from_environment() -> Self {
        let Some(address) = std::env::var_os("NOTIFY_SOCKET") else { return Self::default() };
        match Self::at(&address, watchdog_wanted(|variable| std::env::var(variable).ok())) {
            Ok(manager) => manager,
            Err(fault) => {
                warn!("NOTIFY_SOCKET={}: {fault}; the service manager is not notified", address.display());
                Self::default()
            }
        }
    }

    /// The one that reads at `address`, an absolute path or, behind `@`, an abstract name.
    fn at(address: &OsStr, watchdog: Option<Duration>) -> io::Result<Self> {
        let address = match address.as_bytes() {
            [b'@', name @ ..] => net::SocketAddr::from_abstract_name(name)?,
            [b'/', ..] => net::SocketAddr::from_pathname(address)?,
            _ => return Err(io::Error::other("neither a path nor an abstract name")),
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        socket.set_nonblocking(true)?;
        let socket = tokio::net::UnixDatagram::from_std(socket)?;
        let (messages, waiting) = mpsc::channel(MESSAGES_WAITING_MAX);
        tokio::spawn(send(socket, waiting));
        Ok(Self { messages: Some(messages), watchdog: watchdog.filter(|limit| !limit.is_zero()) })
    }

    /// How long it waits at most from one [`Self::alive`] to the next before it kills us; none: for ever.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Serving has begun, or a reload has ended.
    pub fn ready(&self, headline: &str) {
        self.send(&["READY=1", &status(headline)]);
    }

    /// A reload begins.
    pub fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let micros =
            Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs().try_into().unwrap_or(0));
        self.send(&["RELOADING=1", &format!("MONOTONIC_USEC={}", micros.as_micros()), &status("reloading")]);
    }

    /// The state of the server, in one line.
    pub fn stands(&self, headline: &str) {
        self.send(&[&status(headline)]);
    }

    /// The event loop, the workers and the probes make progress.
    pub fn alive(&self) {
        self.send(&["WATCHDOG=1"]);
    }

    /// The start or reload under way may take this much more time, whatever the limit of the unit.
    pub fn takes(&self, time: Duration) {
        self.send(&[&format!("EXTEND_TIMEOUT_USEC={}", time.as_micros())]);
    }

    /// The server is stopping.
    pub fn stopping(&self) {
        self.send(&["STOPPING=1", &status("answering what is queued, then stopping")]);
    }

    /// Queues one message: an assignment in each line.
    fn send(&self, assignments: &[&str]) {
        let Some(messages) = &self.messages else { return };
        let lines = assignments.iter().flat_map(|assignment| [*assignment, "\n"]);
        let _ = messages.try_send(lines.collect());
    }
}

/// What `systemctl status` shows: one line, whatever the text is.
fn status(headline: &str) -> String {
    format!("STATUS={}", headline.replace('\n', " "))
}

/// How often a sign of life is wanted of this process at least (sd_watchdog_enabled(3)); none: never.
fn watchdog_wanted(variable: impl Fn(&str) -> Option<String>) -> Option<Duration> {
    let number = |name: &str| variable(name).and_then(|text| text.parse::<u64>().ok());
    let is_ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
    number("WATCHDOG_USEC").filter(|micros| is_ours && *micros > 0).map(Duration::from_micros)
}

async fn send(socket: tokio::net::UnixDatagram, mut messages: mpsc::Receiver<String>) {
    let mut working = true;
    while let Some(message) = messages.recv().await {
        let sent = socket.send(message.as_bytes()).await;
        if let (true, Err(fault)) = (working, &sent) {
            warn!("cannot notify the service manager: {fault}");
        }
        working = sent.is_ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    fn heard(manager: &UnixDatagram) -> String {
        manager.set_read_timeout(Some(LIMIT)).unwrap();
        let mut buffer = [0; 4096];
        let length = manager.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    #[tokio::test]
    async fn a_manager_behind_an_abstract_name_is_told() {
        let name = format!("edgedns-sd-notify-{}", std::process::id());
        let address = net::SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        let manager = ServiceManager::at(format!("@{name}").as_ref(), None).unwrap();
        manager.ready("3 pools");
        let told = tokio::task::spawn_blocking(move || heard(&socket)).await.unwrap();
        assert_eq!(told, "READY=1\nSTATUS=3 pools\n");
    }

    #[tokio::test]
    async fn a_manager_that_does_not_read_holds_nobody_up_and_misses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let manager = ServiceManager::at(path.as_os_str(), None).unwrap();
        let backlog = MESSAGES_WAITING_MAX / 2;
        for number in 0..backlog {
            manager.stands(&number.to_string());
        }
        let told =
            tokio::task::spawn_blocking(move || (0..backlog).map(|_| heard(&socket)).collect::<Vec<_>>());
        let wanted: Vec<String> = (0..backlog).map(|number| format!("STATUS={number}\n")).collect();
        assert_eq!(told.await.unwrap(), wanted);
    }

    #[test]
    fn the_watchdog_of_another_process_is_not_ours_and_no_time_at_all_is_none() {
        let wanted = |micros: &str, pid: &str| {
            watchdog_wanted(|variable| match variable {
                "WATCHDOG_USEC" => Some(micros.to_owned()),
                "WATCHDOG_PID" => Some(pid.to_owned()),
                _ => None,
            })
        };
        let own = std::process::id().to_string();
        assert_eq!(wanted("3000000", &own), Some(Duration::from_secs(3)));
        assert_eq!(wanted("0", &own), None);
        assert_eq!(wanted("3000000", "0"), None);
        assert_eq!(watchdog_wanted(|_| None), None);
    }

    #[tokio::test]
    async fn an_address_of_another_kind_is_refused() {
        for address in ["vsock:2:1234", "run/notify", "", "/nonexistent/notify"] {
            assert!(ServiceManager::at(address.as_ref(), None).is_err(), "{address:?}");
        }
    }
}
