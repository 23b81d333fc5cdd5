//! What carries queries over one open connection: what each encrypted transport is to be able to do.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::server::EncryptedServer;
use crate::requestor::failure::Failure;
use crate::requestor::query::Query;
use crate::sync::lock;

/// An open connection, over which many queries are under way at a time. It is closed when it is dropped.
pub(super) trait Carrier: Send + Sync + Sized + 'static {
    /// Opens one. What comes over it is to be noted in `heard`.
    ///
    /// # Errors
    ///
    /// When there is no connection. There is no time limit: the caller drops the future.
    fn open(server: &EncryptedServer, heard: Heard) -> impl Future<Output = Result<Self, Failure>> + Send;

    /// Asks; the response is whole and well formed, and has the id under which the query was sent. When the future is
    /// dropped, others are answered all the same.
    fn ask(&self, query: Query) -> impl Future<Output = Result<Vec<u8>, Unanswered>> + Send;

    /// Whether it takes queries.
    fn is_open(&self) -> bool;
}

/// Why there is no response over a connection.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// The connection takes this query no more. It may be answered over another one.
    Over(Failure),
    /// It would be no other over another one.
    Failed(Failure),
}

impl Unanswered {
    /// The failure, whatever may be done about it.
    pub(super) fn into_failure(self) -> Failure {
        match self {
            Unanswered::Over(failure) | Unanswered::Failed(failure) => failure,
        }
    }
}

/// When something has come over a connection last.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard(Arc<Mutex<Option<Instant>>>);

impl Heard {
    /// Notes that something has come.
    pub(super) fn now(&self) {
        *lock(&self.0) = Some(Instant::now());
    }

    /// Whether nothing has come since a moment.
    pub(super) fn nothing_since(&self, moment: Instant) -> bool {
        lock(&self.0).is_none_or(|heard| heard < moment)
    }
}
