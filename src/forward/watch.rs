//! Finding out, beside the queries, how an upstream is doing: when it is new,
//! and when it has failed, until it answers again.
//!
//! Responsible for that, and for telling a query of ours that has come back:
//! besides a question that every server answers at once, an upstream is asked
//! for a name that nobody else can know. Where that name is asked of us, the
//! upstream, or whoever it asks, forwards to us. What an upstream does not
//! understand is learned here, too, and tested again while it is believed.
//! Not responsible for what is believed of an upstream.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use super::asked::Wanted;
use super::forwarder::Shared;
use super::upstream::{Purpose, Standing, Upstream};
use crate::dns::message::Rcode;
use crate::dns::{Name, NameRef, Rtype};
use crate::requestor::{Answer, Case, Encoding, Observed, Progress, Protocol, Response, Shown};

/// How long an answer is waited for, at least.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// Pause before the first question after a failure.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Pause after that; it doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// Longest pause: how late it may be noticed that an upstream is back.
const PAUSE_MAX: Duration = Duration::from_secs(8);

/// Longest pause between two tests of what has been learned of an upstream: so
/// long it may be believed that it lacks what it has got meanwhile.
const RETEST_PAUSE_MAX: Duration = Duration::from_secs(60);

/// Bytes of a name that nobody can guess: 128 bits in hexadecimal digits.
const TOKEN_BYTES: usize = 32;

/// The names that are out, and the upstreams that were asked for them.
#[derive(Default)]
pub(super) struct Tokens {
    out: Mutex<HashMap<[u8; TOKEN_BYTES], Weak<Upstream>>>,
}

impl Tokens {
    /// The upstream by whose doing a name of ours has come back.
    pub(super) fn owner(&self, qname: NameRef<'_>) -> Option<Arc<Upstream>> {
        let label = qname.labels().next().filter(|label| label.len() == TOKEN_BYTES)?;
        let mut token = [0; TOKEN_BYTES];
        for (to, from) in token.iter_mut().zip(label) {
            *to = from.to_ascii_lowercase();
        }
        self.out().get(&token)?.upgrade()
    }

    fn out(&self) -> MutexGuard<'_, HashMap<[u8; TOKEN_BYTES], Weak<Upstream>>> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at a new upstream.
pub(super) fn introduce(shared: &Arc<Shared>, upstream: &Arc<Upstream>) {
    start(shared, upstream, Duration::ZERO);
}

/// Looks at an upstream until it answers, if it does not, or once, if it has
/// answered oddly.
pub(super) fn begin(shared: &Arc<Shared>, upstream: &Arc<Upstream>) {
    if upstream.standing() != Standing::Well {
        start(shared, upstream, FIRST_PAUSE);
    } else if upstream.quirks().needs_check() {
        // Names may be odd as often as clients like.
        start(shared, upstream, PAUSE_MIN);
    }
}

fn start(shared: &Arc<Shared>, upstream: &Arc<Upstream>, pause: Duration) {
    if upstream.watched.swap(true, Ordering::AcqRel) {
        return;
    }
    tokio::spawn(watch(Arc::downgrade(shared), Arc::downgrade(upstream), pause));
}

/// Ends when the upstream is well, or is none of ours any more.
async fn watch(shared: Weak<Shared>, upstream: Weak<Upstream>, mut pause: Duration) {
    loop {
        sleep(pause).await;
        let (Some(shared), Some(upstream)) = (shared.upgrade(), upstream.upgrade()) else { return };
        look(&shared, &upstream).await;
        if upstream.standing() == Standing::Well {
            upstream.watched.store(false, Ordering::Release);
            // It may have failed just before.
            begin(&shared, &upstream);
            return;
        }
        pause = pause.saturating_mul(2).clamp(PAUSE_MIN, PAUSE_MAX);
    }
}

/// Asks all questions at once.
async fn look(shared: &Arc<Shared>, upstream: &Arc<Upstream>) {
    let token = token(shared);
    shared.tokens.out().insert(token, Arc::downgrade(upstream));
    let before = upstream.looped.load(Ordering::Acquire);
    let plain = Wanted::plain(upstream.below.as_ref(), Rtype::NS);
    let odd = below(&token, &upstream.below).map(|name| Wanted::plain(name.as_ref(), Rtype::A));
    // As patient as clients' questions are: what they wait for has not failed.
    let patience = shared.plan().patience(upstream).max(ANSWER_MAX);
    let lives = async {
        let asked = Instant::now();
        let progress = Progress::default();
        match timeout(patience, upstream.ask(&plain, Purpose::Watch, &shared.random, &progress)).await {
            Ok(answer) => answer.ok(),
            Err(_) => {
                upstream.timed_out(asked, &progress, Purpose::Watch);
                None
            }
        }
    };
    // Whether these are answered says nothing: the servers of the names may be silent.
    let aside = async |wanted: Option<&Wanted>, case| {
        let progress = Progress::default();
        let asked =
            upstream.ask_without_judging(wanted?, Encoding::with_edns(case), &shared.random, &progress);
        timeout(patience, asked).await.ok()?.ok()
    };
    let twin = twin(upstream, &plain);
    let (lives, loops, upper) =
        tokio::join!(lives, aside(odd.as_ref(), Case::Mixed), aside(twin.as_ref(), Case::Upper));
    shared.tokens.out().remove(&token);
    if upstream.looped.load(Ordering::Acquire) == before {
        upstream.loops_no_more();
    }
    let is_twin = twin.is_some_and(|twin| twin == plain);
    let ignores_upper = is_twin && is_well(lives.as_ref()) && !is_well(upper.as_ref());
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
        retest(shared, upstream);
    }
}

/// What is asked in upper case: the plain question again, or, where that has
/// no letters, the one that most resolvers answer themselves (RFC 6761,
/// section 6.3), also in a closed site. None over TLS: there all is in lower
/// case.
fn twin(upstream: &Upstream, plain: &Wanted) -> Option<Wanted> {
    match upstream.remote().protocol {
        Protocol::Tls(_) => None,
        Protocol::Udp | Protocol::Tcp
            if upstream.below.as_ref().wire().iter().any(u8::is_ascii_alphabetic) =>
        {
            Some(plain.clone())
        }
        Protocol::Udp | Protocol::Tcp => {
            let localhost = Name::from_wire(b"\x09localhost\0").ok()?;
            Some(Wanted::plain(localhost.as_ref(), Rtype::A))
        }
    }
}

/// Whether there is something at the name.
fn is_well(answer: Option<&Answer>) -> bool {
    let response = answer.and_then(|answer| Response::read(&answer.message));
    response.is_some_and(|response| response.rcode == Rcode::NOERROR)
}

/// Finds out from time to time whether what has been learned still holds.
fn retest(shared: &Arc<Shared>, upstream: &Arc<Upstream>) {
    if !upstream.retested.swap(true, Ordering::AcqRel) {
        tokio::spawn(keep_testing(Arc::downgrade(shared), Arc::downgrade(upstream)));
    }
}

/// Ends when nothing is believed any more, or the upstream is none of ours.
async fn keep_testing(shared: Weak<Shared>, upstream: Weak<Upstream>) {
    let mut pause = PAUSE_MIN;
    loop {
        sleep(pause).await;
        let (Some(shared), Some(upstream)) = (shared.upgrade(), upstream.upgrade()) else { return };
        look(&shared, &upstream).await;
        if !upstream.quirks().any() {
            upstream.retested.store(false, Ordering::Release);
            return;
        }
        pause = pause.saturating_mul(2).min(RETEST_PAUSE_MAX);
    }
}

/// A name that nobody can guess.
fn token(shared: &Shared) -> [u8; TOKEN_BYTES] {
    let number = u128::from(shared.random.next()) << 64 | u128::from(shared.random.next());
    let mut token = [b'0'; TOKEN_BYTES];
    for (place, digit) in token.iter_mut().zip(format!("{number:032x}").bytes()) {
        *place = digit;
    }
    token
}

/// The name `token` below another; none where that is too long.
fn below(token: &[u8; TOKEN_BYTES], name: &Name) -> Option<Name> {
    let length = u8::try_from(TOKEN_BYTES).ok()?;
    Name::from_wire(&[&[length], &token[..], name.as_ref().wire()].concat()).ok()
}
