//! Requests of an operator to the daemon, and the replies.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::explanation::{ExplainOrder, Explanation};
use super::status::Status;
use super::updates::{UpdatesOrder, UpdatesShown};
use crate::health::force::{Order, Remark, RuleError};
use crate::pattern::Pattern;
use crate::transport::{Filter, Trace};

/// Requests that wait for `daemon`. A script faster than this gets nothing by it: a reload that has not begun
/// reads the files as they are then.
pub const REQUESTS_WAITING_MAX: usize = 16;

/// What the operator wants. A reply whose other end was dropped goes nowhere.
///
/// A kind is a variant with the one reply that fits it. A trait of kinds with a type for each reply would have to come
/// back to one type before it goes through the queue, and the match of the loop, which is where one sees what each
/// leads to, would become calls into files.
#[derive(Debug)]
pub enum AdminRequest {
    /// Read configuration and zones again.
    Reload {
        /// Why.
        cause: ReloadCause,
        /// Gets the result; none: it is only logged.
        reply: Option<oneshot::Sender<Reloaded>>,
    },
    /// Serve what waits because so much of a zone has gone at once.
    Accept {
        /// Gets the number of zones.
        reply: oneshot::Sender<usize>,
    },
    /// Report the status.
    Status {
        /// Gets it.
        reply: oneshot::Sender<Box<Status>>,
    },
    /// Report whether loop, workers and probes make progress.
    Pulse {
        /// Gets a line for each stalled part; none: all make progress.
        reply: oneshot::Sender<Vec<String>>,
    },
    /// Force verdicts.
    Force {
        /// Which, and how long.
        order: ForceOrder,
        /// Gets the result.
        reply: oneshot::Sender<Result<Forced, RuleError>>,
    },
    /// Say what a question is answered, and why.
    Explain {
        /// The question.
        order: ExplainOrder,
        /// Gets it.
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
    /// Show what updates did to zones, or take it back.
    Updates {
        /// What is wanted.
        order: UpdatesOrder,
        /// Gets what they did, as it is then; or why nothing is done.
        reply: oneshot::Sender<Result<UpdatesShown, String>>,
    },
    /// End cleanly.
    Stop,
}

/// What leads to a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReloadCause {
    /// An operator asks for it: the files are meant as they are.
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
    /// Some zones could not be read, or the certificate could not: they stay as they were.
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
