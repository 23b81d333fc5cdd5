//! What the log says of verdicts that change.
//!
//! Writes one line per change, with what its pools answer now, and chooses its log level. Not responsible for
//! publishing it.

use tracing::{debug, error, info, warn};

use super::super::served::sentence;
use crate::answer::BoundPool;
use crate::health::{Board, Transition, TransitionCause, Verdict};
use crate::probe::Vantage;

/// Pools named in the log line of a transition; the rest is counted.
const POOLS_NAMED_MAX: usize = 4;

/// Pools that the log line of a transition can be found by.
const POOLS_INDEXED_MAX: usize = 32;

/// Targets that are logged one by one when their first probe finds them down; of more a total is logged.
/// After a power cut all of a site may be down.
const DOWN_LOGGED_MAX: usize = 20;

/// The verdicts of a start, until every target has one.
#[derive(Debug, Default)]
pub(super) struct FirstVerdicts {
    down: usize,
    stage: Stage,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    FirstRound,
    /// Every target has had an outcome; what follows from the last ones may be on its way.
    Ending,
    Over,
}

/// How a change is logged.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LogAs {
    Single,
    InTotal,
}

impl FirstVerdicts {
    /// How this one is logged.
    pub(super) fn take(&mut self, transition: &Transition) -> LogAs {
        let is_first = transition.from == Verdict::Pending && transition.to == Verdict::Down;
        if self.stage == Stage::Over || !is_first {
            return LogAs::Single;
        }
        self.down += 1;
        if self.down > DOWN_LOGGED_MAX { LogAs::InTotal } else { LogAs::Single }
    }

    /// Ends the first round. The second call returns how many targets were not logged one by one.
    pub(super) fn end(&mut self) -> usize {
        match self.stage {
            Stage::FirstRound => self.stage = Stage::Ending,
            Stage::Ending => {
                self.stage = Stage::Over;
                return self.down.saturating_sub(DOWN_LOGGED_MAX);
            }
            Stage::Over => {}
        }
        0
    }
}

/// Says of one of many what is believed of it: for who looks closely.
pub(super) fn log_quietly(transition: &Transition) {
    debug!(probe_target = transition.probe.to_string(), "{transition}");
}

/// Says what is believed of a target from now on, and what of the pools that it matters to.
pub(super) fn log_transition(transition: &Transition, pools: &[&BoundPool], board: &Board) {
    let named = pools.iter().take(POOLS_NAMED_MAX).map(|pool| sentence(pool, board));
    let named: Vec<String> = named.collect();
    let (named, more) = (named.join("; "), pools.len().saturating_sub(POOLS_NAMED_MAX));
    let effect = match (named.len(), more) {
        (0, _) => String::new(),
        (_, 0) => format!(" ({named})"),
        _ => format!(" ({named}; and {more} more)"),
    };
    let pools_are_seen = pools.iter().any(|pool| pool.pool.vantage != Vantage::Own);
    let owners = pools.iter().map(|pool| pool.pool.owner.to_string());
    let mut owners: Vec<String> = owners.take(POOLS_INDEXED_MAX).collect();
    owners.dedup();
    let (probe_target, pools) = (transition.probe.to_string(), owners.join(" "));
    let verdict = transition.to.to_string();
    match (&transition.cause, transition.from, transition.to) {
        // A first pass is no news, and neither is a target that is held down and goes on flapping.
        (TransitionCause::Outcomes(_), Verdict::Pending, Verdict::Up)
        | (TransitionCause::Outcomes(_), Verdict::Down, Verdict::Down)
        // Nor are weights and latencies, which may change all the time, and shares, which grow by themselves.
        | (TransitionCause::Weighed(_) | TransitionCause::Grown(_) | TransitionCause::Paced(_), ..)
        // That this host suspects itself is said once, of all.
        | (TransitionCause::Elsewhere(_), ..) => {
            debug!(probe_target, verdict, pools, "{transition}{effect}")
        }
        // What is down was told when it went down.
        (TransitionCause::SeenUp(_), ..) if pools_are_seen => {
            info!(probe_target, verdict, pools, "{transition}{effect}")
        }
        (TransitionCause::SeenUp(_), ..) => debug!(probe_target, verdict, pools, "{transition}{effect}"),
        (TransitionCause::Silent { .. }, ..) => error!(probe_target, verdict, pools, "{transition}{effect}"),
        (_, _, Verdict::Down) => warn!(probe_target, verdict, pools, "{transition}{effect}"),
        (_, _, Verdict::Up | Verdict::Pending) => {
            info!(probe_target, verdict, pools, "{transition}{effect}")
        }
    }
}

/// Says how many of all targets were found down at the start besides those that were named.
pub(super) fn log_rest(untold: usize, targets: usize) {
    warn!(
        "{} of {targets} targets were down when first probed, {untold} of them not named here; `edgedns status` \
         names them all",
        untold + DOWN_LOGGED_MAX
    );
}
