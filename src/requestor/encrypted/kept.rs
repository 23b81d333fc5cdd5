//! The connection to one server that is kept and shared by all queries, whatever carries them.
//!
//! Decides when one is opened, left, and asked over once more. Not responsible for what goes over it (`carrier`).
//!
//! ```text
//!            ask                  opened            IDLE_MAX without a query, nothing heard in time,
//!   none ──────────▶ being opened ──────▶ open ──── or closed by the server ────▶ none
//!     ▲                   │ not opened
//!     └───────────────────┘
//! ```

use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SetOnce};
use tokio::time::{self, sleep_until, timeout};

use super::carrier::{Carrier, Heard, Unanswered};
use super::server::EncryptedServer;
use crate::requestor::failure::Failure;
use crate::requestor::query::Query;
use crate::sync::lock;

/// Queries in flight over one connection; more wait.
const IN_FLIGHT_MAX: usize = 1024;

/// How long a connection is kept without a query.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// Longest wait for a connection with its handshake.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// The connection to one server, opened again whenever it is needed.
pub(super) struct KeptConnection<C> {
    server: Arc<EncryptedServer>,
    current: Arc<Current<C>>,
}

/// The connection that was opened last.
type Current<C> = Mutex<Option<Arc<SharedConnection<C>>>>;

/// A connection, or one that is being made.
struct SharedConnection<C> {
    /// What carries its queries, or why nothing does.
    carrier: SetOnce<Result<C, NotOpened>>,
    since: Instant,
    heard: Heard,
    in_flight: Semaphore,
    /// When a query was over last.
    used: Mutex<time::Instant>,
}

/// Why a connection was not opened, told to each query that has waited for it.
struct NotOpened {
    why: String,
    /// Whether it says nothing about the server.
    is_local: bool,
}

/// Whether a connection is opened for just this query.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FreshConnection {
    Yes,
    No,
}

impl<C: Carrier> KeptConnection<C> {
    /// Nothing is opened yet.
    pub(super) fn new(server: EncryptedServer) -> Self {
        Self { server: Arc::new(server), current: Arc::default() }
    }

    /// Asks over the connection that is open, or a new one. The response has the id that the query had.
    ///
    /// # Errors
    ///
    /// When there is no connection, or no response over it. Only connecting has a time limit: the caller
    /// drops the future.
    pub(super) async fn ask(&self, query: Query) -> Result<Vec<u8>, Failure> {
        let id = query.bytes().first_chunk::<2>().copied().unwrap_or_default();
        let (connection, fresh) = self.connection();
        let mut done = self.ask_over(&connection, query.clone()).await;
        if let (Err(Unanswered::Over(_)), FreshConnection::No) = (&done, fresh) {
            // A server may close a connection just when it is used; that is no failure of its.
            let (connection, _) = self.connection();
            done = self.ask_over(&connection, query).await;
        }
        let mut response = done.map_err(Unanswered::into_failure)?;
        // Over the connection it had another one.
        if let Some(place) = response.first_chunk_mut() {
            *place = id;
        }
        Ok(response)
    }

    /// Asks over a connection, and leaves it if it takes no more.
    async fn ask_over(
        &self,
        connection: &Arc<SharedConnection<C>>,
        query: Query,
    ) -> Result<Vec<u8>, Unanswered> {
        let done = connection.ask(query).await;
        if let Err(Unanswered::Over(_)) = &done {
            leave(&self.current, connection);
        }
        done
    }

    /// The connection, which is opened if there is none.
    fn connection(&self) -> (Arc<SharedConnection<C>>, FreshConnection) {
        let mut current = lock(&self.current);
        if let Some(open) = current.as_ref().filter(|open| open.takes_queries()) {
            return (Arc::clone(open), FreshConnection::No);
        }
        let fresh = Arc::new(SharedConnection::new());
        *current = Some(Arc::clone(&fresh));
        // In a task: a query that is given up is no reason to give up the connection.
        let (server, current) = (Arc::clone(&self.server), Arc::downgrade(&self.current));
        tokio::spawn(keep(server, Arc::clone(&fresh), current));
        (fresh, FreshConnection::Yes)
    }

    /// Leaves the open connection if nothing has come over it since a query was sent: it is dead. While other
    /// responses come only this one is missing, and it would be missing over a new connection, too.
    pub(super) fn leave_if_silent_since(&self, asked: Instant) {
        lock(&self.current).take_if(|open| open.since <= asked && open.heard.nothing_since(asked));
    }
}

/// Asks nothing more over a connection. It is closed when the queries under way are over.
fn leave<C>(current: &Current<C>, connection: &Arc<SharedConnection<C>>) {
    lock(current).take_if(|open| Arc::ptr_eq(open, connection));
}

/// Opens a connection, and leaves it when it has been idle for long enough.
async fn keep<C: Carrier>(
    server: Arc<EncryptedServer>,
    connection: Arc<SharedConnection<C>>,
    current: Weak<Current<C>>,
) {
    let leave = |connection: &Arc<SharedConnection<C>>| {
        if let Some(current) = current.upgrade() {
            leave(&current, connection);
        }
    };
    let opened = timeout(CONNECT_MAX, C::open(&server, connection.heard.clone())).await;
    let opened = opened.unwrap_or(Err(Failure::TimedOut)).map_err(|failure| NotOpened::by(&failure));
    match &opened {
        Ok(_) => connection.heard.now(),
        Err(_) => leave(&connection),
    }
    let is_open = opened.is_ok();
    // Nobody else sets it.
    let _ = connection.carrier.set(opened);
    let kept = Arc::downgrade(&connection);
    drop(connection);
    while is_open && let Some(idle_at) = kept.upgrade().map(|connection| connection.idle_at()) {
        sleep_until(idle_at).await;
        let idle = kept.upgrade().filter(|connection| connection.idle_at() <= time::Instant::now());
        if let Some(connection) = idle {
            return leave(&connection);
        }
    }
}

impl<C: Carrier> SharedConnection<C> {
    fn new() -> Self {
        Self {
            carrier: SetOnce::new(),
            since: Instant::now(),
            heard: Heard::default(),
            in_flight: Semaphore::new(IN_FLIGHT_MAX),
            used: Mutex::new(time::Instant::now()),
        }
    }

    /// Whether queries may be sent over it, or will be when it is open.
    fn takes_queries(&self) -> bool {
        self.carrier.get().is_none_or(|opened| opened.as_ref().is_ok_and(Carrier::is_open))
    }

    /// When it will have been idle for long enough, as it looks now.
    fn idle_at(&self) -> time::Instant {
        let is_idle = self.in_flight.available_permits() == IN_FLIGHT_MAX;
        let from = if is_idle { *lock(&self.used) } else { time::Instant::now() };
        // Half a minute fits any clock.
        from.checked_add(IDLE_MAX).unwrap_or(from)
    }

    async fn ask(&self, query: Query) -> Result<Vec<u8>, Unanswered> {
        let carrier = match self.carrier.wait().await {
            Ok(carrier) => carrier,
            Err(why) => return Err(Unanswered::Failed(why.failure())),
        };
        // Nobody closes the semaphore.
        let _place = self.in_flight.acquire().await;
        let _used = NotedAtEnd(&self.used);
        carrier.ask(query).await
    }
}

/// Notes when a query is over, also one that is given up.
struct NotedAtEnd<'c>(&'c Mutex<time::Instant>);

impl Drop for NotedAtEnd<'_> {
    fn drop(&mut self) {
        *lock(self.0) = time::Instant::now();
    }
}

impl NotOpened {
    fn by(failure: &Failure) -> Self {
        Self { why: failure.to_string(), is_local: failure.is_local() }
    }

    fn failure(&self) -> Failure {
        let why = self.why.clone();
        if self.is_local { Failure::File(why) } else { Failure::NoConnection(why) }
    }
}

#[cfg(test)]
mod tests;
