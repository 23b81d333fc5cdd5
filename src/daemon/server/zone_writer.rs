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
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{mpsc, oneshot, watch};
use tracing::{info, warn};

use super::update_counters::UpdateCounters;
use crate::answer::Requester;
use crate::control::UtcTime;
use crate::dns::{Name, Rtype};
use crate::source::Digest;
use crate::update::{Policy, Reason, Rejection, UpdateMessage};
use crate::zones::journal::OverlayKey;
use crate::zones::live::{
    LiveZone, Outcome, Remembered, RequestKey, UpdateBatch, UpdateRequest, drop_updates, follow_hosts,
    make_batch, raise_serial, sign_anew,
};
use crate::zones::{HostTable, Publications};

/// Updates of one zone that wait; further ones are told that it is busy.
pub(super) const WAITING_MAX: usize = 1024;

/// Updates that are written down with one write.
const BATCH_MAX: usize = 256;

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
    /// Have pools follow what other zones say of hosts.
    Hosts(HostTable),
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

impl WaitingUpdate {
    fn key(&self) -> RequestKey {
        RequestKey::new(&self.requester, self.digest)
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
        // The same of hosts of other zones.
        let mut told_hosts: Option<String> = None;
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
                    WriterJob::Hosts(table) => {
                        self.answer(std::mem::take(&mut batch), &mut remembered).await;
                        let followed = self.follow(table).await;
                        if let Err(why) = followed.as_ref()
                            && told_hosts.as_ref() != Some(why)
                        {
                            let id = &self.zone.id;
                            warn!(zone = %id.name, "pools of zone {id} keep the addresses that hosts of other zones had: {why}");
                        }
                        told_hosts = followed.err();
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
            self.compact().await;
        }
    }

    /// Has the journal written anew if it has grown. Those whose updates made it grow are answered before.
    async fn compact(&self) {
        let mut state = self.zone.lock().await;
        if !state.is_compaction_due() {
            return;
        }
        let zone = Arc::clone(&self.zone);
        let compacted = tokio::task::spawn_blocking(move || {
            state.compact();
            zone.show(&state);
        });
        // What was written is there, whatever becomes of this.
        let _ = compacted.await;
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

    /// Has pools follow what other zones say of hosts.
    async fn follow(&self, table: HostTable) -> Result<(), String> {
        let mut state = self.zone.lock().await;
        // A zone that is not served gets them when it is read.
        let Some(current) = self.publications.current(self.zone.id.clone()).await else { return Ok(()) };
        let (zone, base) = (Arc::clone(&self.zone), Arc::clone(&current));
        let followed = tokio::task::spawn_blocking(move || {
            let followed = follow_hosts(&zone, &mut state, &base, &table);
            (followed, state)
        });
        // The lock is kept until the version is served.
        let (version, _state) = followed.await.map_err(|fault| fault.to_string())?;
        let Some(version) = version? else { return Ok(()) };
        let (id, serial) = (&self.zone.id, version.serial);
        info!(zone = %id.name, "pools of zone {id} follow hosts of other zones, serial {serial}");
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
