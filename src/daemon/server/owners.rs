//! The running server: four owners, each with its own fields, side by side.

use std::time::{Instant, SystemTime};

use super::operator::Operator;
use super::publishing::Publishing;
use super::reloading::Reloading;
use super::supervision::Supervision;
use super::updating::Updating;
use crate::zones::Feeds;

/// Everything that the loop acts on.
pub(super) struct Server {
    pub(super) publishing: Publishing,
    pub(super) reloading: Reloading,
    pub(super) operator: Operator,
    pub(super) updating: Updating,
    pub(super) supervision: Supervision,
    /// What brings records to zones while they are served.
    pub(super) feeds: Feeds,
    pub(super) started: Instant,
    /// The same by the clock of that moment.
    pub(super) started_at: SystemTime,
}
