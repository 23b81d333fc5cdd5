//! The status of a zone that has a feed: when it was confirmed, what is wrong, what was taken so far.

use std::time::{Duration, SystemTime};

/// What has come of a zone that has a feed.
#[derive(Clone, Debug, Default)]
pub struct FeedStatus {
    /// The server that it was copied from, or that confirmed it, last.
    pub from: Option<String>,
    /// When that was.
    pub confirmed_at: Option<SystemTime>,
    /// How long a version holds that nobody confirms, of the one that was here last.
    pub expire: Option<Duration>,
    /// Why nothing has come of the last round of questions; none: something has.
    pub fault: Option<String>,
    /// Transfers of the whole zone that were taken.
    pub axfr: u64,
    /// Transfers of changes that were taken.
    pub ixfr: u64,
    /// Rounds of questions of which nothing came.
    pub failed: u64,
    /// Bytes of all transfers that were taken.
    pub bytes: u64,
    /// NOTIFY messages that were heeded.
    pub notified: u64,
}
