//! What the service manager is told: sd_notify(3).
//!
//! Responsible for the words, for the socket, and for what the environment
//! says of both.
//! Not responsible for when any of it is true.
//!
//! ```text
//!  daemon's loop ── ready, reloading, … ─▶ queue ─▶ task ─▶ NOTIFY_SOCKET
//! ```
//!
//! The loop never waits: a service manager that does not read for a while
//! gets what it missed later, in order.

use std::ffi::OsStr;
use std::fmt::Write;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{self, UnixDatagram};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::mpsc;
use tracing::warn;

/// Messages that wait for the service manager: hours of watchdog, or many reloads. Further ones are lost,
/// and it then knows less of us, or restarts us.
const MESSAGES_WAITING_MAX: usize = 64;

/// Whoever started us and wants to know how we are; or nobody.
#[derive(Clone, Debug, Default)]
pub struct ServiceManager {
    messages: Option<mpsc::Sender<String>>,
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// The one that the environment names, in a runtime with I/O. What it says and cannot be used is told in
    /// the log; everything works without.
    pub fn from_environment() -> Self {
        let Some(address) = std::env::var_os("NOTIFY_SOCKET") else { return Self::default() };
        match Self::at(&address, sd_notify::watchdog_enabled()) {
            Ok(manager) => manager,
            Err(fault) => {
                warn!("NOTIFY_SOCKET={}: {fault}; the service manager is not told", address.display());
                Self::default()
            }
        }
    }

    /// The one that reads at `address`, an absolute path or, behind `@`, an abstract name; and that wants a
    /// sign of life at least every so often.
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

    /// Serving has begun, or a reload is over.
    pub fn ready(&self, headline: &str) {
        self.tell(&[NotifyState::Ready, NotifyState::Status(headline)]);
    }

    /// A reload begins.
    pub fn reloading(&self) {
        // Without the clock, which is always there, it would be refused as one that began too early.
        if let (Some(_), Ok(now)) = (&self.messages, NotifyState::monotonic_usec_now()) {
            self.tell(&[NotifyState::Reloading, now, NotifyState::Status("reloading")]);
        }
    }

    /// How everything stands, in one line.
    pub fn stands(&self, headline: &str) {
        self.tell(&[NotifyState::Status(headline)]);
    }

    /// Everything turns.
    pub fn alive(&self) {
        self.tell(&[NotifyState::Watchdog]);
    }

    /// What has begun is not over within so long from now, however little time the unit gives it.
    pub fn takes(&self, time: Duration) {
        // A duration: who asks for more than 71 minutes gets as many, and asks again.
        let micros = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        self.tell(&[NotifyState::ExtendTimeoutUsec(micros)]);
    }

    /// The end has begun.
    pub fn stopping(&self) {
        self.tell(&[NotifyState::Stopping, NotifyState::Status("answering what is queued, then stopping")]);
    }

    fn tell(&self, states: &[NotifyState<'_>]) {
        let Some(messages) = &self.messages else { return };
        let mut message = String::new();
        for state in states {
            // A string takes everything.
            let _ = writeln!(message, "{state}");
        }
        let _ = messages.try_send(message);
    }
}

async fn send(socket: tokio::net::UnixDatagram, mut messages: mpsc::Receiver<String>) {
    let mut working = true;
    while let Some(message) = messages.recv().await {
        let sent = socket.send(message.as_bytes()).await;
        if let (true, Err(fault)) = (working, &sent) {
            warn!("the service manager cannot be told: {fault}");
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

    #[tokio::test]
    async fn an_address_of_another_kind_is_refused() {
        for address in ["vsock:2:1234", "run/notify", "", "/nonexistent/notify"] {
            assert!(ServiceManager::at(address.as_ref(), None).is_err(), "{address:?}");
        }
    }
}
