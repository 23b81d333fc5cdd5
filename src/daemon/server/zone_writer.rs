//! The writer of one zone that clients may change: the only one who makes its versions while its file stays as it is.
//!
//! ```text
//!   update ─┐            ┌─ duplicates: the answer of before
//!   update ─┼─▶ writer ──┼─ evaluated, journaled (one write for all that wait), off the loop
//!   update ─┘            └─ published by the loop ─▶ answered
//! ```
//!
//! Not responsible for what an update may do (`update`), or for publishing.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};

use super::update_counters::UpdateCounters;
use crate::answer::Requester;
use crate::dns::{Name, Rtype};
use crate::source::Digest;
use crate::update::{Policy, Reason, Rejection, UpdateMessage};
use crate::zones::Publications;
use crate::zones::journal::OverlayKey;
use crate::zones::live::{Asked, Batch, LiveZone, drop_updates, make_batch};

/// Updates of one zone that wait; further ones are told that it is busy.
pub(super) const WAITING_MAX: usize = 1024;

/// Updates that are written down with one write.
const BATCH_MAX: usize = 256;

/// How long an answer is remembered: a client that has not got it asks again (RFC 2136, section 4).
const REMEMBERED: Duration = Duration::from_secs(60);

/// Answers that are remembered of a zone. A client that asks again after so many others is evaluated again.
const REMEMBERED_MAX: usize = 16_384;

/// What waits for a writer.
pub(super) enum Work {
    /// An update.
    Update(Waiting),
    /// Take back what updates did to the records of this owner and, where one is named, type.
    Drop {
        owner: Name,
        rtype: Option<Rtype>,
        /// Gets how many records there were, or why nothing is done.
        reply: oneshot::Sender<Result<usize, String>>,
    },
}

/// An update that waits for its writer.
pub(super) struct Waiting {
    pub(super) message: Arc<UpdateMessage>,
    pub(super) requester: Requester,
    /// Of the whole message, and of its signature's MAC.
    pub(super) digest: Digest,
    /// Gets what became of it.
    pub(super) reply: oneshot::Sender<Result<(), Rejection>>,
}

/// A request by what tells it from others: the same bytes of the same client.
type RequestKey = (IpAddr, Digest);

/// Answers of the last minute.
#[derive(Default)]
struct Remembered(HashMap<RequestKey, (Result<(), Rejection>, Instant)>);

impl Remembered {
    fn get(&self, key: &RequestKey, now: Instant) -> Option<Result<(), Rejection>> {
        let (result, at) = self.0.get(key)?;
        (now.duration_since(*at) < REMEMBERED).then(|| result.clone())
    }

    /// Remembers what became of a request. One that failed here may do better the next time.
    fn keep(&mut self, key: RequestKey, result: &Result<(), Rejection>, now: Instant) {
        if matches!(result, Err(Rejection { reason: Reason::Failed(_) | Reason::Busy, .. })) {
            return;
        }
        if self.0.len() >= REMEMBERED_MAX {
            self.0.retain(|_, (_, at)| now.duration_since(*at) < REMEMBERED);
        }
        if self.0.len() < REMEMBERED_MAX {
            self.0.insert(key, (result.clone(), now));
        }
    }
}

/// The writer of a zone.
pub(super) struct ZoneWriter {
    pub(super) zone: Arc<LiveZone>,
    pub(super) policy: watch::Receiver<Arc<Policy>>,
    pub(super) publications: Publications,
    pub(super) counters: Arc<UpdateCounters>,
}

impl ZoneWriter {
    /// Makes updates until nobody can ask for one any more.
    pub(super) async fn run(self, mut queue: mpsc::Receiver<Work>) {
        let mut remembered = Remembered::default();
        let mut work = Vec::new();
        while queue.recv_many(&mut work, BATCH_MAX).await > 0 {
            let mut batch = Vec::new();
            for one in work.drain(..) {
                match one {
                    Work::Update(waiting) => batch.push(waiting),
                    Work::Drop { owner, rtype, reply } => {
                        self.answer(std::mem::take(&mut batch), &mut remembered).await;
                        // Whoever asked may have gone.
                        let _ = reply.send(self.take_back(owner, rtype).await);
                    }
                }
            }
            self.answer(batch, &mut remembered).await;
        }
    }

    async fn answer(&self, batch: Vec<Waiting>, remembered: &mut Remembered) {
        let results = self.results(&batch, remembered).await;
        for (one, result) in batch.into_iter().zip(results) {
            // Whoever asked may have gone.
            let _ = one.reply.send(result);
        }
    }

    /// Takes back what updates did to some records.
    async fn take_back(&self, owner: Name, rtype: Option<Rtype>) -> Result<usize, String> {
        let mut state = self.zone.lock().await;
        let current =
            self.publications.current(self.zone.id.clone()).await.ok_or("the zone is not served just now")?;
        let (zone, base) = (Arc::clone(&self.zone), Arc::clone(&current));
        let dropped = tokio::task::spawn_blocking(move || {
            let which = |key: &OverlayKey| key.0 == owner && rtype.is_none_or(|rtype| key.1 == rtype);
            let dropped = drop_updates(&zone, &mut state, &base, which);
            (dropped, state)
        });
        let (dropped, _state) = dropped.await.map_err(|fault| fault.to_string())?;
        let (count, version) = dropped?;
        let Some(version) = version else { return Ok(count) };
        let published = self.publications.replace(current, Arc::new(version)).await;
        published.map(|()| count).map_err(|refused| refused.to_string())
    }

    /// What becomes of updates that wait together. Of those that came twice one is made.
    async fn results(&self, batch: &[Waiting], remembered: &mut Remembered) -> Vec<Result<(), Rejection>> {
        let now = Instant::now();
        let key = |one: &Waiting| (one.requester.address, one.digest);
        let mut fresh: Vec<&Waiting> = Vec::new();
        for one in batch {
            if remembered.get(&key(one), now).is_some() || fresh.iter().any(|other| key(other) == key(one)) {
                self.counters.duplicate();
            } else {
                fresh.push(one);
            }
        }
        let made = if fresh.is_empty() { Vec::new() } else { self.make(&fresh).await };
        let made: HashMap<RequestKey, Result<(), Rejection>> =
            fresh.iter().map(|one| key(one)).zip(made).collect();
        made.iter().for_each(|(key, result)| remembered.keep(*key, result, now));
        let failed = || Err(Reason::Failed("it was not evaluated".to_owned()).into());
        let result = |one: &Waiting| {
            let known = made.get(&key(one)).cloned();
            known.or_else(|| remembered.get(&key(one), now)).unwrap_or_else(failed)
        };
        batch.iter().map(result).collect()
    }

    /// Makes updates: when this returns, they are durable and served.
    async fn make(&self, batch: &[&Waiting]) -> Vec<Result<(), Rejection>> {
        let failed = |why: &str| vec![Err(Reason::Failed(why.to_owned()).into()); batch.len()];
        let mut state = self.zone.lock().await;
        let Some(current) = self.publications.current(self.zone.id.clone()).await else {
            return failed("the zone is not served just now");
        };
        let ask =
            |one: &&Waiting| Asked { message: Arc::clone(&one.message), requester: one.requester.clone() };
        let asked: Vec<Asked> = batch.iter().map(ask).collect();
        let (zone, policy) = (Arc::clone(&self.zone), Arc::clone(&self.policy.borrow()));
        let base = Arc::clone(&current);
        let made = tokio::task::spawn_blocking(move || {
            let batch = make_batch(&zone, &mut state, &base, &policy, &asked);
            (batch, state)
        });
        // The lock is kept until what was made is served.
        let Ok((Batch { results, version }, _state)) = made.await else {
            return failed("the update could not be evaluated");
        };
        let Some(version) = version else { return results };
        match self.publications.replace(current, Arc::new(version)).await {
            Ok(()) => results,
            Err(refused) => failed(&refused.to_string()),
        }
    }
}
