//! Connections that are kept from one run to the next, as far as there is room for them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::ClientConfig;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::connection::Connection;

/// How long a connection is used. A new one shows what an old one cannot: that the target still accepts
/// connections, and what its certificate is today.
const CONNECTION_AGE_MAX: Duration = Duration::from_secs(30);

/// Connections kept at a time, by all targets together: a quarter of the 1,024 files that a process may
/// usually open. Further targets get a new one for each probe.
const CONNECTIONS_KEPT_MAX: usize = 256;

static PLACES: Semaphore = Semaphore::const_new(CONNECTIONS_KEPT_MAX);

/// The connection that waits for the next run, if one does.
#[derive(Default)]
pub(in crate::probe) struct KeptConnection(Option<(OpenConnection, SemaphorePermit<'static>)>);

impl KeptConnection {
    /// Keeps a connection, if there is one, and room for it.
    pub(in crate::probe) fn new(open: Option<OpenConnection>) -> Self {
        // The semaphore is never closed: an error means that every place is taken.
        KeptConnection(open.and_then(|open| Some((open, PLACES.try_acquire().ok()?))))
    }

    /// To be used again, where a new one would be no other.
    pub(in crate::probe) fn into_open(self, config: Option<&Arc<ClientConfig>>) -> Option<OpenConnection> {
        let (open, _) = self.0?;
        Some(open).filter(|open| open.is_current(config))
    }

    /// Resolves when it ends; without one, never.
    pub(in crate::probe) async fn ended(&mut self) {
        match &mut self.0 {
            Some((open, _)) => open.connection.ended().await,
            None => std::future::pending().await,
        }
        self.0 = None;
    }
}

/// A connection and what was true when it was opened.
pub(in crate::probe) struct OpenConnection {
    pub(in crate::probe) connection: Connection,
    since: Instant,
    config: Option<Arc<ClientConfig>>,
    pub(in crate::probe) not_after: Option<SystemTime>,
}

impl OpenConnection {
    /// One that was opened at `since`.
    pub(in crate::probe) fn new(
        connection: Connection,
        config: Option<Arc<ClientConfig>>,
        not_after: Option<SystemTime>,
        since: Instant,
    ) -> Self {
        Self { connection, since, config, not_after }
    }

    /// Whether a new one would be no other.
    fn is_current(&self, config: Option<&Arc<ClientConfig>>) -> bool {
        let is_same = match (&self.config, config) {
            (Some(own), Some(wanted)) => Arc::ptr_eq(own, wanted),
            (own, wanted) => own.is_none() && wanted.is_none(),
        };
        is_same && self.since.elapsed() < CONNECTION_AGE_MAX
    }
}
