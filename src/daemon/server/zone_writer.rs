//! The writer of one zone that clients may change: the only one who makes its versions while its file stays as it is.
//!
//! ```text
//!   update ─┐            ┌─ duplicates: the answer of before
//!   update ─┼─▶ writer ──┼─ evaluated, journaled (one write for all that wait), off the loop
//!   update ─┘            └─ published by the loop ─▶ answered
//! ```
//!
//! Not responsible for what an update may do (`update`), or for publishing.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tracing::{info, warn};

use super::update_counters::UpdateCounters;
use crate::answer::Requester;
use crate::control::UtcTime;
use crate::dns::{Name, Rtype};
use crate::source::Digest;
use crate::tsig::KeyName;
use crate::update::{Policy, Reason, Rejection, UpdateMessage};
use crate::zones::Publications;
use crate::zones::journal::OverlayKey;
use crate::zones::live::{
    LiveZone, Outcome, UpdateBatch, UpdateRequest, drop_updates, make_batch, raise_serial, sign_anew,
};

/// Updates of one zone that wait; further ones are told that it is busy.
pub(super) const WAITING_MAX: usize = 1024;

/// Updates that are written down with one write.
const BATCH_MAX: usize = 256;

/// How long an answer is remembered. A client that has not got it asks again (RFC 2136, section 4), soon; and who has
/// seen a signed message can send it again for as long as its signature is taken: 300 s before and after the time in it
/// (RFC 8945, section 10).
const REMEMBERED: Duration = Duration::from_secs(600);

/// Answers that are remembered of a zone; then the oldest are forgotten.
const REMEMBERED_MAX: usize = 65_536;

/// What waits for a writer.
pub(super) enum WriterJob {
    /// An update.
    Update(WaitingUpdate),
    /// Take back what updates did to the records of this owner and, where one is named, type.
    Drop {
        owner: Name,
        rtype: Option<Rtype>,
        /// Gets how many records there were, or why nothing is done.
        reply: oneshot::Sender<Result<usize, String>>,
    },
    /// Give what is served the next serial: other servers are to be sent something else.
    Raise,
    /// Look at the keys and the time, and sign what is served anew if they say so.
    Sign,
}

/// An update that waits for its writer.
pub(super) struct WaitingUpdate {
    pub(super) message: Arc<UpdateMessage>,
    pub(super) requester: Requester,
    /// Of the whole message, and of its signature's MAC.
    pub(super) digest: Digest,
    /// Gets what became of it.
    pub(super) reply: oneshot::Sender<Replied>,
}

/// What became of an update.
#[derive(Debug)]
pub(super) struct Replied {
    pub(super) result: Made,
    pub(super) occasion: Occasion,
}

/// What came of an update, or why it was not made.
pub(super) type Made = Result<Outcome, Rejection>;

/// Whether a request was seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// It was not.
    First,
    /// It was, and is answered as before.
    Again,
}

/// A request by what tells it from others. The digest is of the message and its MAC, which is over key and time as well:
/// whoever sends a signed one again, from wherever, sends the same. One that is not signed is told apart by its client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum RequestKey {
    Signed(KeyName, Digest),
    Unsigned(IpAddr, Digest),
}

impl WaitingUpdate {
    fn key(&self) -> RequestKey {
        match &self.requester.key {
            Some(key) => RequestKey::Signed(key.clone(), self.digest),
            None => RequestKey::Unsigned(self.requester.address, self.digest),
        }
    }
}

/// Answers of the last minutes.
#[derive(Default)]
struct Remembered {
    results: HashMap<RequestKey, (Made, Instant)>,
    /// The oldest first.
    order: VecDeque<(RequestKey, Instant)>,
}

impl Remembered {
    fn get(&self, key: &RequestKey, now: Instant) -> Option<Made> {
        let (result, at) = self.results.get(key)?;
        (now.duration_since(*at) < REMEMBERED).then(|| result.clone())
    }

    /// Remembers what became of a request. One that failed here may do better the next time.
    fn keep(&mut self, key: &RequestKey, result: &Made, now: Instant) {
        if matches!(result, Err(Rejection { reason: Reason::Failed(_) | Reason::Busy, .. })) {
            return;
        }
        while let Some((oldest, at)) = self.order.front()
            && (self.order.len() >= REMEMBERED_MAX || now.duration_since(*at) >= REMEMBERED)
        {
            // What was kept again since then stays.
            if self.results.get(oldest).is_some_and(|(_, kept)| kept == at) {
                self.results.remove(oldest);
            }
            self.order.pop_front();
        }
        self.results.insert(key.clone(), (result.clone(), now));
        self.order.push_back((key.clone(), now));
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
    pub(super) async fn run(self, mut queue: mpsc::Receiver<WriterJob>) {
        let mut remembered = Remembered::default();
        let mut work = Vec::new();
        // Why the serial was not raised the last time; that has been said.
        let mut told_fault: Option<String> = None;
        // The same of signatures.
        let mut told_signing: Option<String> = None;
        while queue.recv_many(&mut work, BATCH_MAX).await > 0 {
            let mut batch = Vec::new();
            for one in work.drain(..) {
                match one {
                    WriterJob::Update(waiting) => batch.push(waiting),
                    WriterJob::Drop { owner, rtype, reply } => {
                        self.answer(std::mem::take(&mut batch), &mut remembered).await;
                        // Whoever asked may have gone.
                        let _ = reply.send(self.take_back(owner, rtype).await);
                    }
                    WriterJob::Raise => {
                        self.answer(std::mem::take(&mut batch), &mut remembered).await;
                        let raised = self.raise().await;
                        if let Err(why) = raised.as_ref()
                            && told_fault.as_ref() != Some(why)
                        {
                            let id = &self.zone.id;
                            warn!(zone = %id.name, "zone {id} keeps its serial though other servers are to be sent something else: {why}");
                        }
                        told_fault = raised.err();
                    }
                    WriterJob::Sign => {
                        self.answer(std::mem::take(&mut batch), &mut remembered).await;
                        let signed = self.sign().await;
                        if let Err(why) = signed.as_ref()
                            && told_signing.as_ref() != Some(why)
                        {
                            let id = &self.zone.id;
                            warn!(zone = %id.name, "zone {id} keeps its signatures for now: {why}");
                        }
                        told_signing = signed.err();
                    }
                }
            }
            self.answer(batch, &mut remembered).await;
        }
    }

    async fn answer(&self, batch: Vec<WaitingUpdate>, remembered: &mut Remembered) {
        let results = self.results(&batch, remembered).await;
        for (one, replied) in batch.into_iter().zip(results) {
            // Whoever asked may have gone.
            let _ = one.reply.send(replied);
        }
    }

    /// Gives what is served the next serial.
    async fn raise(&self) -> Result<(), String> {
        let mut state = self.zone.lock().await;
        let current =
            self.publications.current(self.zone.id.clone()).await.ok_or("the zone is not served just now")?;
        let (zone, base) = (Arc::clone(&self.zone), Arc::clone(&current));
        let raised = tokio::task::spawn_blocking(move || {
            let raised = raise_serial(&zone, &mut state, &base);
            (raised, state)
        });
        // The lock is kept until the version is served.
        let (version, _state) = raised.await.map_err(|fault| fault.to_string())?;
        let published = self.publications.replace(current, Arc::new(version?)).await;
        published.map_err(|refused| refused.to_string())
    }

    /// Signs what is served anew, if its keys or the time say so.
    async fn sign(&self) -> Result<(), String> {
        let mut state = self.zone.lock().await;
        // A zone that is not served is signed when it is.
        let Some(current) = self.publications.current(self.zone.id.clone()).await else { return Ok(()) };
        let (zone, base) = (Arc::clone(&self.zone), Arc::clone(&current));
        let signed = tokio::task::spawn_blocking(move || {
            let signed = sign_anew(&zone, &mut state, &base);
            (signed, state)
        });
        // The lock is kept until the version is served.
        let (version, _state) = signed.await.map_err(|fault| fault.to_string())?;
        let Some(version) = version? else { return Ok(()) };
        let (id, serial) = (&self.zone.id, version.serial);
        if let Some(until) = version.signed_until().map(UtcTime) {
            info!(zone = %id.name, "zone {id} is signed anew, serial {serial}: its signatures are valid until {until}");
        }
        let published = self.publications.replace(current, Arc::new(version)).await;
        published.map_err(|refused| refused.to_string())
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
    async fn results(&self, batch: &[WaitingUpdate], remembered: &mut Remembered) -> Vec<Replied> {
        let now = Instant::now();
        let keys: Vec<RequestKey> = batch.iter().map(WaitingUpdate::key).collect();
        let mut fresh: HashMap<&RequestKey, usize> = HashMap::new();
        let mut asked: Vec<&WaitingUpdate> = Vec::new();
        let mut occasions = Vec::new();
        for (one, key) in batch.iter().zip(&keys) {
            if remembered.get(key, now).is_some() || fresh.contains_key(key) {
                self.counters.duplicate();
                occasions.push(Occasion::Again);
            } else {
                fresh.insert(key, asked.len());
                asked.push(one);
                occasions.push(Occasion::First);
            }
        }
        let made = if asked.is_empty() { Vec::new() } else { self.make(&asked).await };
        for (key, at) in &fresh {
            if let Some(result) = made.get(*at) {
                remembered.keep(key, result, now);
            }
        }
        let failed = || Err(Reason::Failed("it was not evaluated".to_owned()).into());
        let result = |key: &RequestKey| {
            let known = fresh.get(key).and_then(|at| made.get(*at)).cloned();
            known.or_else(|| remembered.get(key, now)).unwrap_or_else(failed)
        };
        keys.iter().zip(occasions).map(|(key, occasion)| Replied { result: result(key), occasion }).collect()
    }

    /// Makes updates: when this returns, they are durable and served.
    async fn make(&self, batch: &[&WaitingUpdate]) -> Vec<Made> {
        let failed = |why: &str| vec![Err(Reason::Failed(why.to_owned()).into()); batch.len()];
        let mut state = self.zone.lock().await;
        let Some(current) = self.publications.current(self.zone.id.clone()).await else {
            return failed("the zone is not served just now");
        };
        let ask = |one: &&WaitingUpdate| UpdateRequest {
            message: Arc::clone(&one.message),
            requester: one.requester.clone(),
        };
        let asked: Vec<UpdateRequest> = batch.iter().map(ask).collect();
        let (zone, policy) = (Arc::clone(&self.zone), Arc::clone(&self.policy.borrow()));
        let base = Arc::clone(&current);
        let made = tokio::task::spawn_blocking(move || {
            let batch = make_batch(&zone, &mut state, &base, &policy, &asked);
            (batch, state)
        });
        // The lock is kept until what was made is served.
        let Ok((UpdateBatch { results, version }, _state)) = made.await else {
            return failed("the update could not be evaluated");
        };
        let Some(version) = version else { return results };
        match self.publications.replace(current, Arc::new(version)).await {
            Ok(()) => results,
            Err(refused) => failed(&refused.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> RequestKey {
        RequestKey::Unsigned([192, 0, 2, 1].into(), Digest::of(&number.to_be_bytes()))
    }

    const MADE: Made = Ok(Outcome::Made { from: 7, to: 8 });

    #[test]
    fn an_answer_is_remembered_for_as_long_as_a_signature_is_taken() {
        let start = Instant::now();
        let mut remembered = Remembered::default();
        remembered.keep(&key(1), &MADE, start);
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(remembered.get(&key(1), at(599)), Some(MADE));
        assert_eq!((remembered.get(&key(1), at(600)), remembered.get(&key(2), at(1))), (None, None));
        remembered.keep(&key(1), &MADE, at(601));
        assert_eq!(remembered.get(&key(1), at(602)), Some(MADE), "kept again");
        assert_eq!((remembered.results.len(), remembered.order.len()), (1, 1));
        let failed = Err(Reason::Failed("no space".to_owned()).into());
        remembered.keep(&key(3), &failed, start);
        assert_eq!(remembered.get(&key(3), start), None, "what failed may do better the next time");
    }

    #[test]
    fn a_signed_request_is_the_same_from_wherever_it_comes_and_one_that_is_not_is_its_clients() {
        let waiting = |address: &str, key: Option<&str>| {
            let key = key.map(|key| key.parse().unwrap());
            let requester = Requester { address: address.parse().unwrap(), key };
            let message = b"\0\x07\x28\0\0\x01\0\0\0\0\0\0\0\0\x06\0\x01";
            let (reply, _) = oneshot::channel();
            let (message, digest) = (UpdateMessage::read(message).unwrap().into(), Digest::of(message));
            WaitingUpdate { message, requester, digest, reply }.key()
        };
        assert_eq!(waiting("192.0.2.1", Some("k")), waiting("192.0.2.2", Some("k")));
        assert_ne!(waiting("192.0.2.1", Some("k")), waiting("192.0.2.1", Some("other")));
        assert_ne!(waiting("192.0.2.1", None), waiting("192.0.2.2", None));
    }

    #[test]
    fn of_too_many_answers_the_oldest_are_forgotten() {
        let now = Instant::now();
        let mut remembered = Remembered::default();
        let max = u32::try_from(REMEMBERED_MAX).unwrap();
        (0..=max).for_each(|number| remembered.keep(&key(number), &MADE, now));
        assert_eq!(remembered.results.len(), REMEMBERED_MAX);
        assert_eq!((remembered.get(&key(0), now), remembered.get(&key(max), now)), (None, Some(MADE)));
    }
}
