//! One question, until an upstream has answered it or none will.
//!
//! Responsible for who is asked when: the next upstream after the timeout or
//! a failure, while those asked before may still answer.
//! Not responsible for who waits, or for what is kept.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::asked::Wanted;
use super::chain;
use super::forwarder::Shared;
use super::plan::{Order, Plan, PlannedZone};
use super::upstream::{Purpose, Upstream};
use super::watch;
use crate::requestor::{Answer, Failure, Meaning, Progress, Response};

/// What came of a question.
pub(super) enum Resolved {
    /// A response that is well formed and fits.
    Response(Vec<u8>),
    /// Upstreams have answered, that they cannot or will not; the last of
    /// these responses.
    Refused(Vec<u8>),
    /// Nothing came.
    Failed(Why),
}

impl Resolved {
    /// What a message means that is a response to what was asked.
    pub(super) fn by(plan: &Plan, wanted: &Wanted, message: Vec<u8>) -> Self {
        let Some(response) = Response::read(&message) else { return Resolved::Refused(message) };
        let answers = match response.meaning() {
            Meaning::Records | Meaning::Nothing => true,
            // It may only fail to see our zone, where we shall look ourselves.
            Meaning::Failure => chain::leads_to_ours(plan, wanted, &response),
        };
        if answers { Resolved::Response(message) } else { Resolved::Refused(message) }
    }
}

/// Why nothing came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// There is nobody to ask.
    NoUpstream,
    /// Nobody answers.
    Unreachable,
    /// They answer over UDP, but not over TCP, which it takes.
    NoTcp,
    /// Whoever is asked asks us.
    Looping,
}

/// The tries of one question.
struct Tries {
    shared: Arc<Shared>,
    wanted: Wanted,
    /// Each try with its number.
    asked: JoinSet<(usize, Arc<Upstream>, Result<Answer, Failure>)>,
    /// Tries that are over.
    over: Vec<usize>,
    refused: Option<Vec<u8>>,
    why: Why,
}

/// Asks until there is an answer, all tries are over, or time is.
pub(super) async fn resolve(shared: Arc<Shared>, zone: &PlannedZone, wanted: Wanted) -> Resolved {
    let upstreams = match zone.order() {
        Order::Ask(upstreams) => upstreams,
        Order::NoUpstream => return Resolved::Failed(Why::NoUpstream),
        Order::AllDown => return Resolved::Failed(Why::Unreachable),
        Order::Looping => return Resolved::Failed(Why::Looping),
    };
    let why = Why::Unreachable;
    let mut tries = Tries { shared, wanted, asked: JoinSet::new(), over: Vec::new(), refused: None, why };
    let (timeout, attempts) = (zone.settings.timeout, zone.settings.attempts);
    // A count; `usize` is no narrower where this runs.
    let attempts = usize::try_from(attempts).unwrap_or(usize::MAX);
    for (number, upstream) in upstreams.iter().cycle().take(attempts).enumerate() {
        let asked = std::time::Instant::now();
        let purpose = if number < upstreams.len() { Purpose::Query } else { Purpose::QueryAgain };
        let progress = tries.ask(number, upstream, purpose);
        if let Some(response) = tries.wait(timeout).await {
            return Resolved::Response(response);
        }
        let all_asked = number.saturating_add(1) >= upstreams.len();
        if all_asked && tries.asked.is_empty() && tries.refused.is_some() {
            // They have said no; they would say so again.
            break;
        }
        if !tries.over.contains(&number) {
            // Not in time; it may still come.
            upstream.timed_out(asked, &progress, purpose);
            tries.note(&progress.timed_out());
        }
        watch::begin(&tries.shared, upstream);
    }
    match tries.refused {
        Some(response) => Resolved::Refused(response),
        None => Resolved::Failed(tries.why),
    }
}

impl Tries {
    fn ask(&mut self, number: usize, upstream: &Arc<Upstream>, purpose: Purpose) -> Arc<Progress> {
        let (shared, upstream) = (Arc::clone(&self.shared), Arc::clone(upstream));
        let wanted = self.wanted.clone();
        let progress = Arc::<Progress>::default();
        let shown = Arc::clone(&progress);
        self.asked.spawn(async move {
            let done = upstream.ask(&wanted, purpose, &shared.random, &progress).await;
            (number, upstream, done)
        });
        shown
    }

    /// Remembers what a client is told of a failure.
    fn note(&mut self, failure: &Failure) {
        if matches!(failure, Failure::NoTcp { .. }) {
            self.why = Why::NoTcp;
        }
    }

    /// The first good response within `limit`; none, and no more waiting,
    /// once nobody is left who could send one.
    async fn wait(&mut self, limit: Duration) -> Option<Vec<u8>> {
        let deadline = Instant::now().checked_add(limit).unwrap_or_else(Instant::now);
        while let Ok(Some(done)) = timeout_at(deadline, self.asked.join_next()).await {
            let Ok((number, upstream, done)) = done else { continue };
            self.over.push(number);
            if upstream.quirks().needs_check() {
                watch::begin(&self.shared, &upstream);
            }
            let message = match done {
                Ok(answer) => answer.message,
                Err(failure) => {
                    self.note(&failure);
                    continue;
                }
            };
            match Resolved::by(&self.shared.plan(), &self.wanted, message) {
                Resolved::Response(message) => return Some(message),
                Resolved::Refused(message) => {
                    if Response::read(&message).is_some_and(|response| response.is_referral()) {
                        upstream.sends_elsewhere(&self.wanted);
                    }
                    self.refused = Some(message);
                }
                Resolved::Failed(_) => {}
            }
        }
        None
    }
}
