//! What the log says of verdicts that change.
//!
//! Responsible for one line per change, with what its pools answer now, and
//! for how much of a matter it is.
//! Not responsible for publishing it.

use tracing::{debug, error, info, warn};

use super::super::served::{Served, sentence};
use crate::health::{Board, Cause, Transition, Verdict};

/// Pools named in the log line of a transition; the rest is counted.
const POOLS_NAMED_MAX: usize = 4;

/// Pools that the log line of a transition can be found by.
const POOLS_INDEXED_MAX: usize = 32;

/// Says what is believed of a target from now on, and what of it.
pub(super) fn tell(transition: &Transition, served: &Served, board: &Board) {
    let mut pools = served.pools_of(transition.target);
    let named: Vec<String> = pools.by_ref().take(POOLS_NAMED_MAX).map(|pool| sentence(pool, board)).collect();
    let (named, more) = (named.join("; "), pools.count());
    let effect = match (named.len(), more) {
        (0, _) => String::new(),
        (_, 0) => format!(" ({named})"),
        _ => format!(" ({named}; and {more} more)"),
    };
    let owners = served.pools_of(transition.target).map(|pool| pool.pool.owner.to_string());
    let mut owners: Vec<String> = owners.take(POOLS_INDEXED_MAX).collect();
    owners.dedup();
    let (probe_target, pools) = (transition.probe.to_string(), owners.join(" "));
    let verdict = transition.to.to_string();
    match (&transition.cause, transition.from, transition.to) {
        // The first outcome of a target that passes is no news, nor is that one held down flaps on.
        (Cause::Outcomes(_), Verdict::Pending, Verdict::Up)
        | (Cause::Outcomes(_), Verdict::Down, Verdict::Down)
        // Nor are weights, which may change all the time.
        | (Cause::Weighed(_), ..) => {
            debug!(probe_target, verdict, pools, "{transition}{effect}")
        }
        (Cause::Silent { .. }, ..) => error!(probe_target, verdict, pools, "{transition}{effect}"),
        (_, _, Verdict::Down) => warn!(probe_target, verdict, pools, "{transition}{effect}"),
        (_, _, Verdict::Up | Verdict::Pending) => {
            info!(probe_target, verdict, pools, "{transition}{effect}")
        }
    }
}
