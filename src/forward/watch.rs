//! Checks of upstreams, beside the queries of clients: when one is new, and when one has failed, until it
//! answers again.
//!
//! Besides a question that every server answers at once, an upstream is asked for a name with a token that
//! only it was asked for. Where that name is asked of us, the upstream, or a server that it asks, forwards to
//! us. Quirks are learned here, too, and checked again while they are believed. Not responsible for what
//! follows from it (`upstream`).

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use super::cache_key::CacheKey;
use super::forward_state::ForwardState;
use super::loop_tokens::LoopToken;
use super::settings::UpstreamProbe;
use super::upstream::{Purpose, Upstream};
use super::upstream_health::UpstreamHealth;
use crate::dns::message::Rcode;
use crate::dns::{Name, Rtype};
use crate::requestor::{Answer, Case, Encoding, Observed, Progress, Response, Shown};

/// Shortest wait for an answer, whatever the time-out of the upstream is.
const ANSWER_WAIT_MIN: Duration = Duration::from_secs(2);

/// Pause before the first question after a failure.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Pause after that; it doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// Longest pause: how late the return of an upstream may be noticed.
const PAUSE_MAX: Duration = Duration::from_secs(8);

/// Longest pause between two checks of quirks: so long a quirk may be believed that is gone.
const QUIRKS_PAUSE_MAX: Duration = Duration::from_secs(60);

/// Checks a new upstream, and probes it from now on, if it is to be.
pub(super) fn check_new(shared: &Arc<ForwardState>, upstream: &Arc<Upstream>) {
    start(shared, upstream, Duration::ZERO);
    if upstream.probe().is_some() {
        tokio::spawn(keep_probing(Arc::downgrade(shared), Arc::downgrade(upstream)));
    }
}

/// Ends when the upstream is not configured any more.
async fn keep_probing(shared: Weak<ForwardState>, upstream: Weak<Upstream>) {
    loop {
        let pause = {
            let (Some(shared), Some(upstream)) = (shared.upgrade(), upstream.upgrade()) else { return };
            let Some(probe) = upstream.probe() else { return };
            run_probe(&shared, &upstream, probe).await;
            // Whether it is down is found out soon.
            if upstream.health() == UpstreamHealth::Suspect {
                PAUSE_MIN.min(probe.interval)
            } else {
                probe.interval
            }
        };
        sleep(pause).await;
    }
}

/// Asks it once, in the way of clients' questions, and judges the answer.
async fn run_probe(shared: &ForwardState, upstream: &Arc<Upstream>, probe: &UpstreamProbe) {
    let key = CacheKey::plain(probe.question.name.as_ref(), probe.question.rtype);
    let limit = shared.routing().longest_wait_for(upstream).max(ANSWER_WAIT_MIN);
    let progress = Progress::default();
    let asked = upstream.ask_without_judging(&key, upstream.quirks().encoding(), &shared.random, &progress);
    let outcome = match timeout(limit, asked).await {
        Ok(Ok(answer)) => probe.question.judge(&answer.message).map_err(|reason| reason.to_string()),
        // Trouble of this host says nothing of it.
        Ok(Err(failure)) if failure.is_local() => return,
        Ok(Err(failure)) => Err(failure.to_string()),
        Err(_) => Err(progress.timed_out().to_string()),
    };
    upstream.probed(outcome);
}

/// Checks an upstream until it answers, if it does not, or once, if an answer has shown a quirk.
pub(super) fn check_if_needed(shared: &Arc<ForwardState>, upstream: &Arc<Upstream>) {
    if upstream.answering() != UpstreamHealth::Up {
        start(shared, upstream, FIRST_PAUSE);
    } else if upstream.quirks().needs_check() {
        // Clients may ask for names whose answers show one as often as they like.
        start(shared, upstream, PAUSE_MIN);
    }
}

fn start(shared: &Arc<ForwardState>, upstream: &Arc<Upstream>, pause: Duration) {
    if upstream.watched.swap(true, Ordering::AcqRel) {
        return;
    }
    tokio::spawn(watch(Arc::downgrade(shared), Arc::downgrade(upstream), pause));
}

/// Ends when the upstream is up, or is not configured any more.
async fn watch(shared: Weak<ForwardState>, upstream: Weak<Upstream>, mut pause: Duration) {
    loop {
        sleep(pause).await;
        let (Some(shared), Some(upstream)) = (shared.upgrade(), upstream.upgrade()) else { return };
        check(&shared, &upstream).await;
        if upstream.answering() == UpstreamHealth::Up {
            upstream.watched.store(false, Ordering::Release);
            // It may have failed just before.
            check_if_needed(&shared, &upstream);
            return;
        }
        pause = pause.saturating_mul(2).clamp(PAUSE_MIN, PAUSE_MAX);
    }
}

/// Asks all questions at once.
async fn check(shared: &Arc<ForwardState>, upstream: &Arc<Upstream>) {
    let token = LoopToken::new(&shared.random);
    shared.tokens.insert(token, upstream);
    let before = upstream.looped.load(Ordering::Acquire);
    let plain = CacheKey::plain(upstream.below.as_ref(), Rtype::NS);
    let odd = token.below(&upstream.below).map(|name| CacheKey::plain(name.as_ref(), Rtype::A));
    // No less than clients' questions wait: what they wait for has not failed.
    let limit = shared.routing().longest_wait_for(upstream).max(ANSWER_WAIT_MIN);
    let lives = async {
        let asked = Instant::now();
        let progress = Progress::default();
        match timeout(limit, upstream.ask(&plain, Purpose::Check, &shared.random, &progress)).await {
            Ok(answer) => answer.ok(),
            Err(_) => {
                upstream.timed_out(asked, &progress, Purpose::Check);
                None
            }
        }
    };
    // Whether these are answered says nothing: the servers of their names may be silent.
    let aside = async |key: Option<&CacheKey>, case| {
        let progress = Progress::default();
        let asked = upstream.ask_without_judging(key?, Encoding::with_edns(case), &shared.random, &progress);
        timeout(limit, asked).await.ok()?.ok()
    };
    let twin = twin(upstream, &plain);
    let (lives, loops, upper) =
        tokio::join!(lives, aside(odd.as_ref(), Case::Mixed), aside(twin.as_ref(), Case::Upper));
    shared.tokens.remove(&token);
    if upstream.looped.load(Ordering::Acquire) == before {
        upstream.loops_no_more();
    }
    let is_twin = twin.is_some_and(|twin| twin == plain);
    let ignores_upper = is_twin && is_noerror(lives.as_ref()) && !is_noerror(upper.as_ref());
    let lost =
        [loops, upper].map(|answer| answer.map_or(Shown::Nothing, |answer| answer.observed.loses_case));
    upstream.learn(Observed {
        lacks_edns: lives.map_or(Shown::Nothing, |answer| answer.observed.lacks_edns),
        loses_case: match lost {
            _ if ignores_upper => Shown::Yes,
            [Shown::Yes, _] | [_, Shown::Yes] => Shown::Yes,
            [Shown::No, _] | [_, Shown::No] => Shown::No,
            [Shown::Nothing, Shown::Nothing] => Shown::Nothing,
        },
    });
    if upstream.quirks().any() {
        check_quirks(shared, upstream);
    }
}

/// What is asked in upper case: the plain question again, or, where that has no letters, the one that most
/// resolvers answer themselves (RFC 6761, section 6.3), also in a closed site. None over an encrypted transport,
/// where all is in lower case.
fn twin(upstream: &Upstream, plain: &CacheKey) -> Option<CacheKey> {
    if upstream.remote().protocol.is_encrypted() {
        return None;
    }
    if upstream.below.as_ref().wire().iter().any(u8::is_ascii_alphabetic) {
        return Some(plain.clone());
    }
    let localhost = Name::from_wire(b"\x09localhost\0").ok()?;
    Some(CacheKey::plain(localhost.as_ref(), Rtype::A))
}

/// Whether the answer is NOERROR.
fn is_noerror(answer: Option<&Answer>) -> bool {
    let response = answer.and_then(|answer| Response::read(&answer.message));
    response.is_some_and(|response| response.rcode == Rcode::NOERROR)
}

/// Checks from time to time whether it still has its quirks.
fn check_quirks(shared: &Arc<ForwardState>, upstream: &Arc<Upstream>) {
    if !upstream.quirks_checked.swap(true, Ordering::AcqRel) {
        tokio::spawn(keep_checking_quirks(Arc::downgrade(shared), Arc::downgrade(upstream)));
    }
}

/// Ends when it is believed to have none, or is not configured any more.
async fn keep_checking_quirks(shared: Weak<ForwardState>, upstream: Weak<Upstream>) {
    let mut pause = PAUSE_MIN;
    loop {
        sleep(pause).await;
        let (Some(shared), Some(upstream)) = (shared.upgrade(), upstream.upgrade()) else { return };
        check(&shared, &upstream).await;
        if !upstream.quirks().any() {
            upstream.quirks_checked.store(false, Ordering::Release);
            return;
        }
        pause = pause.saturating_mul(2).min(QUIRKS_PAUSE_MAX);
    }
}
