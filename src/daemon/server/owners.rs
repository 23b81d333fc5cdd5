//! The running server: four owners, each with its own fields, side by side.

use std::time::{Instant, SystemTime};

use super::operator::Operator;
use super::publishing::Publishing;
use super::reloading::Reloading;
use super::supervision::Supervision;
use super::updating::Updating;
use crate::zones::Secondaries;

/// Everything that the loop acts on.
pub(super) struct Server {
    pub(super) publishing: Publishing,
    pub(super) reloading: Reloading,
    pub(super) operator: Operator,
    pub(super) updating: Updating,
    pub(super) supervision: Supervision,
    /// The tasks of zones that are copied from primaries.
    pub(super) secondaries: Secondaries,
    pub(super) started: Instant,
    /// The same by the clock of that moment.
    pub(super) started_at: SystemTime,
}
