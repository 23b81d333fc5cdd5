//! Finding out, beside the queries, how an upstream is doing: when it is new,
//! and when it has failed, until it answers again.
//!
//! Responsible for that, and for telling a query of ours that has come back:
//! besides a question that every server answers at once, an upstream is asked
//! for a name that nobody else can know. Where that name is asked of us, the
//! upstream, or whoever it asks, forwards to us.
//! Not responsible for what is believed of an upstream.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::asked::Wanted;
use super::exchange::Failure;
use super::forwarder::Shared;
use super::upstream::{Purpose, Standing, Upstream};
use crate::dns::{Name, NameRef, Rtype};

/// How long an answer is waited for.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// Pause before the first question after a failure.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Pause after that; it doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// Longest pause: how late it may be noticed that an upstream is back.
const PAUSE_MAX: Duration = Duration::from_secs(8);

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

/// Looks at an upstream until it answers, if it does not.
pub(super) fn begin(shared: &Arc<Shared>, upstream: &Arc<Upstream>) {
    if upstream.standing() != Standing::Well {
        start(shared, upstream, FIRST_PAUSE);
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

/// Asks both questions at once.
async fn look(shared: &Shared, upstream: &Arc<Upstream>) {
    let token = token(shared);
    shared.tokens.out().insert(token, Arc::downgrade(upstream));
    let before = upstream.looped.load(Ordering::Acquire);
    let plain = Wanted::plain(upstream.below.as_ref(), Rtype::NS);
    let odd = below(&token, &upstream.below).map(|name| Wanted::plain(name.as_ref(), Rtype::A));
    let lives = async {
        let asked = upstream.ask(&plain, Purpose::Watch, &shared.chance);
        if timeout(ANSWER_MAX, asked).await.is_err() {
            upstream.failed(&Failure::TimedOut, Purpose::Watch);
        }
    };
    let loops = async {
        if let Some(odd) = &odd {
            // Whether it is answered says nothing: the servers of the name above may be silent.
            let _ = timeout(ANSWER_MAX, upstream.probe(odd, &shared.chance)).await;
        }
    };
    tokio::join!(lives, loops);
    shared.tokens.out().remove(&token);
    if upstream.looped.load(Ordering::Acquire) == before {
        upstream.loops_no_more();
    }
}

/// A name that nobody can guess.
fn token(shared: &Shared) -> [u8; TOKEN_BYTES] {
    let number = u128::from(shared.chance.next()) << 64 | u128::from(shared.chance.next());
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
