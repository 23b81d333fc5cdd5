//! A watch: what becomes of keys, one revision after the other.

use std::time::Duration;

use tokio::time::timeout;

use super::connection::Connection;
use super::error::Error;
use super::prefix::end_of;
use super::wire::{KeyValue, Mark, WatchCreate, WatchLine, WatchRequest, WatchResult, to_base64};
use crate::http_client::{self, Lines};
use crate::source::words;

/// Longest wait for the word that the watch stands.
const CREATED_MAX: Duration = Duration::from_secs(5);

/// A watch that stands.
pub struct Watch {
    lines: Lines,
    /// Where the store stood when the watch was made.
    pub began: Mark,
}

/// What a watch says at once: whole revisions, never a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// Where the store stands; nothing that is watched has changed up to there but what is said.
    pub mark: Mark,
    /// What has changed, in its order; nothing where the store tells how far it is.
    pub changes: Vec<Change>,
}

/// What has become of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It has a value.
    Put(KeyValue),
    /// It is gone.
    Gone {
        /// The key.
        key: Vec<u8>,
        /// The revision that took it away.
        revision: u64,
    },
}

impl Watch {
    /// Watches keys that begin with `prefix`, from a revision on.
    pub(super) async fn open(
        mut connection: Connection,
        token: Option<&str>,
        prefix: &[u8],
        from: u64,
    ) -> Result<Watch, Error> {
        let create_request = WatchCreate {
            key: to_base64(prefix),
            range_end: to_base64(&end_of(prefix)),
            start_revision: from,
            progress_notify: true,
        };
        let body = connection.ask("/v3/watch", token, &WatchRequest { create_request }).await?;
        let began = Mark::default();
        let mut watch = Watch { lines: connection.lines(body), began };
        let created =
            timeout(CREATED_MAX, watch.line()).await.map_err(|_| http_client::Error::TimedOut)??;
        if !created.created {
            return Err(Error::Malformed("a watch that begins with something else".to_owned()));
        }
        watch.began = created.header.mark();
        Ok(watch)
    }

    /// What is said next. It may be dropped and called again: nothing is lost.
    ///
    /// # Errors
    ///
    /// When the watch has ended, with the reason.
    pub async fn next(&mut self) -> Result<Watched, Error> {
        let WatchResult { header, events, .. } = self.line().await?;
        let changes: Vec<Change> = events
            .into_iter()
            .map(|event| match event.kind.as_deref() {
                Some("DELETE") => Change::Gone { key: event.kv.key, revision: event.kv.mod_revision },
                _ => Change::Put(event.kv.into()),
            })
            .collect();
        let mut mark = header.mark();
        // To those who come late, the header tells where the store is and not how far this part goes.
        if let Some(last) = changes.last() {
            mark.revision = last.revision();
        }
        Ok(Watched { mark, changes })
    }

    async fn line(&mut self) -> Result<WatchResult, Error> {
        let Some(line) = self.lines.next().await? else {
            return Err(Error::Unavailable("the watch has ended".to_owned()));
        };
        let read: WatchLine = serde_json::from_slice(&line).map_err(Error::malformed)?;
        match (read.result, read.error) {
            (_, Some(told)) => Err(told.into()),
            (Some(result), None) if result.compact_revision > 0 => Err(Error::Compacted),
            (Some(result), None) if result.canceled => Err(canceled(&result.cancel_reason)),
            (Some(result), None) => Ok(result),
            (None, None) => Err(Error::Malformed("a line without a result".to_owned())),
        }
    }
}

/// Why the store has ended a watch. It says so in words only.
fn canceled(reason: &str) -> Error {
    if reason.contains("ermission") || reason.contains("auth token") {
        Error::NotLoggedIn(words(reason))
    } else {
        Error::Unavailable(words(reason))
    }
}

impl Change {
    /// The revision that it is of.
    pub fn revision(&self) -> u64 {
        match self {
            Change::Put(kv) => kv.revision,
            Change::Gone { revision, .. } => *revision,
        }
    }

    /// The key that it is of.
    pub fn key(&self) -> &[u8] {
        match self {
            Change::Put(kv) => &kv.key,
            Change::Gone { key, .. } => key,
        }
    }
}
