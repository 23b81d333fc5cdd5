//! Requests of an operator to the daemon, and the replies.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::explanation::{ExplainOrder, Explanation};
use super::status::Status;
use crate::health::force::{Order, Remark, RuleError};
use crate::pattern::Pattern;
use crate::transport::{Filter, Trace};

/// Requests that wait for `daemon`. A script faster than this gets nothing by it: a reload that has not begun
/// reads whatever stands there then.
pub const REQUESTS_WAITING_MAX: usize = 16;

/// What the operator wants. Whoever dropped the other end of a reply hears nothing.
#[derive(Debug)]
pub enum Request {
    /// Read configuration and zones again.
    Reload {
        /// Why.
        cause: Cause,
        /// Told what came of it; none: the log says it.
        reply: Option<oneshot::Sender<Reloaded>>,
    },
    /// Say how everything stands.
    Status {
        /// Told.
        reply: oneshot::Sender<Box<Status>>,
    },
    /// Say whether everything turns.
    Pulse {
        /// Told what does not, one line each; nothing: all does.
        reply: oneshot::Sender<Vec<String>>,
    },
    /// Force verdicts.
    Force {
        /// Which, and how long.
        order: ForceOrder,
        /// Told what came of it.
        reply: oneshot::Sender<Result<Forced, RuleError>>,
    },
    /// Say what a question is answered, and why.
    Explain {
        /// The question.
        order: ExplainOrder,
        /// Told.
        reply: oneshot::Sender<Box<Explanation>>,
    },
    /// Show queries as they come.
    Trace {
        /// Which.
        filter: Filter,
        /// When it ends at the latest.
        until: Instant,
        /// Given the trace; none: there are [`crate::transport::TRACES_MAX`] already.
        reply: oneshot::Sender<Option<Trace>>,
    },
    /// End cleanly.
    Stop,
}

/// What leads to a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Somebody says so: what stands there is meant.
    Operator,
    /// Files have changed. One of them may not be finished.
    Change,
}

/// What is to be believed of some targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForceOrder {
    /// The targets.
    pub pattern: Pattern,
    /// What is to be believed of them.
    pub order: Order,
    /// For how long; none: until the operator says otherwise.
    pub lasts: Option<Duration>,
    /// Why.
    pub remark: Option<Remark>,
}

/// How much of what was asked for is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Completeness {
    /// All of it.
    Whole,
    /// Some zones could not be read; they stay as they were.
    Partly,
    /// Nothing: all stays as it was.
    Refused,
}

/// What came of a reload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// How much of it is served now.
    pub outcome: Completeness,
    /// Zones that are served.
    pub zones: usize,
    /// In one sentence, what holds now.
    pub summary: String,
    /// Everything that was wrong, drawn; empty if nothing was.
    pub diagnostics: String,
}

/// What came of forcing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forced {
    /// The names of the targets that were meant.
    pub targets: Vec<String>,
    /// Why it does not outlive a restart; none: it does.
    pub not_kept: Option<String>,
}
