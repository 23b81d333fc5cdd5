//! One question, until an upstream has answered it or all attempts have failed.
//!
//! Decides when which upstream is asked: the next one after a time without answer or after a failure, while
//! those asked before may still answer. Not responsible for the queries that wait, or for what is cached.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::cache_key::CacheKey;
use super::forward_state::ForwardState;
use super::resolution::{NoResponse, Resolution};
use super::routing::{Candidates, RoutedZone};
use super::upstream::{Purpose, Upstream};
use super::watch;
use crate::requestor::{Answer, Failure, Progress, Response};

/// The attempts of one question.
struct Attempts {
    shared: Arc<ForwardState>,
    key: CacheKey,
    /// Those in flight, each with its number.
    in_flight: JoinSet<(usize, Arc<Upstream>, Result<Answer, Failure>)>,
    /// Those that are over.
    over: Vec<usize>,
    refused: Option<Vec<u8>>,
    why: NoResponse,
}

/// Asks until there is an answer, or no upstream is left that could give one.
pub(super) async fn resolve(shared: Arc<ForwardState>, zone: &RoutedZone, key: CacheKey) -> Resolution {
    let upstreams = match zone.candidates() {
        Candidates::Ask(upstreams) => upstreams,
        Candidates::NoUpstream => return Resolution::Failed(NoResponse::NoUpstream),
        Candidates::AllDown => return Resolution::Failed(NoResponse::Unreachable),
        Candidates::Looping => return Resolution::Failed(NoResponse::Looping),
    };
    let why = NoResponse::Unreachable;
    let mut made = Attempts { shared, key, in_flight: JoinSet::new(), over: Vec::new(), refused: None, why };
    let (ask_next_after, attempts) = (zone.settings.ask_next_after, zone.settings.attempts);
    // A count; `usize` is no narrower where this runs.
    let attempts = usize::try_from(attempts).unwrap_or(usize::MAX);
    for (number, upstream) in upstreams.iter().cycle().take(attempts).enumerate() {
        let asked = std::time::Instant::now();
        let purpose = if number < upstreams.len() { Purpose::Query } else { Purpose::QueryAgain };
        let progress = made.ask(number, upstream, purpose);
        if let Some(response) = made.wait(ask_next_after).await {
            return Resolution::Response(response);
        }
        let all_asked = number.saturating_add(1) >= upstreams.len();
        if all_asked && made.in_flight.is_empty() && made.refused.is_some() {
            // They have refused, and would refuse again.
            break;
        }
        if !made.over.contains(&number) {
            // Not in time; it may still come.
            upstream.timed_out(asked, &progress, purpose);
            made.note(&progress.timed_out());
        }
        watch::check_if_needed(&made.shared, upstream);
    }
    match made.refused {
        Some(response) => Resolution::Refused(response),
        None => Resolution::Failed(made.why),
    }
}

impl Attempts {
    fn ask(&mut self, number: usize, upstream: &Arc<Upstream>, purpose: Purpose) -> Arc<Progress> {
        let (shared, upstream) = (Arc::clone(&self.shared), Arc::clone(upstream));
        let key = self.key.clone();
        let progress = Arc::<Progress>::default();
        let shown = Arc::clone(&progress);
        self.in_flight.spawn(async move {
            let done = upstream.ask(&key, purpose, &shared.random, &progress).await;
            (number, upstream, done)
        });
        shown
    }

    /// Remembers the failure that the client gets.
    fn note(&mut self, failure: &Failure) {
        if matches!(failure, Failure::NoTcp { .. }) {
            self.why = NoResponse::NoTcp;
        }
    }

    /// The first good response within `limit`; none, and at once, when no attempt is in flight any more.
    async fn wait(&mut self, limit: Duration) -> Option<Vec<u8>> {
        let deadline = Instant::now().checked_add(limit).unwrap_or_else(Instant::now);
        while let Ok(Some(done)) = timeout_at(deadline, self.in_flight.join_next()).await {
            let Ok((number, upstream, done)) = done else { continue };
            self.over.push(number);
            if upstream.quirks().needs_check() {
                watch::check_if_needed(&self.shared, &upstream);
            }
            let message = match done {
                Ok(answer) => answer.message,
                Err(failure) => {
                    self.note(&failure);
                    continue;
                }
            };
            match Resolution::by(&self.shared.routing(), &self.key, message) {
                Resolution::Response(message) => return Some(message),
                Resolution::Refused(message) => {
                    if Response::read(&message).is_some_and(|response| response.is_referral()) {
                        upstream.refers(&self.key);
                    }
                    self.refused = Some(message);
                }
                Resolution::Failed(_) => {}
            }
        }
        None
    }
}
