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
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinError;
use tracing::{info, warn};

use super::update_counters::UpdateCounters;
use crate::answer::Requester;
use crate::control::UtcTime;
use crate::dns::{Name, Rtype};
use crate::source::Digest;
use crate::update::{Policy, Reason, Rejection, UpdateMessage};
use crate::zones::journal::OverlayKey;
use crate::zones::live::{
    LiveState, LiveZone, Outcome, Remembered, RequestKey, UpdateBatch, UpdateRequest, drop_updates,
    follow_hosts, make_batch, raise_serial, sign_anew,
};
use crate::zones::{HostTable, Publications, ZoneId, ZoneVersion};

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
    /// Renew something of what is served, if there is need.
    Renew(Renewal),
}

/// What is renewed of a zone whose sources say nothing new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Renewal {
    /// Its serial: other servers are to be sent something else.
    Serial,
    /// What its pools have of hosts of other zones, by what these say of them now.
    Hosts,
    /// Its signatures, by what its keys and the time say.
    Signatures,
}

impl Renewal {
    /// What holds while it cannot be done.
    fn what_stays(self, zone: &ZoneId) -> String {
        match self {
            Renewal::Serial => {
                format!("zone {zone} keeps its serial though other servers are to be sent something else")
            }
            Renewal::Hosts => {
                format!("pools of zone {zone} keep the addresses that hosts of other zones had")
            }
            Renewal::Signatures => format!("zone {zone} keeps its signatures for now"),
        }
    }

    /// Tells of the version that came of it. Verdicts, which change serials, are told by themselves.
    fn tell(self, version: &ZoneVersion) {
        let (id, serial) = (&version.id, version.serial);
        match (self, version.signed_until().map(UtcTime)) {
            (Renewal::Hosts, _) => {
                info!(zone = %id.name, "pools of zone {id} follow hosts of other zones, serial {serial}");
            }
            (Renewal::Signatures, Some(until)) => {
                info!(zone = %id.name, "zone {id} is signed anew, serial {serial}: its signatures are valid until {until}");
            }
            (Renewal::Serial | Renewal::Signatures, _) => {}
        }
    }
}

/// Why there is no next version.
enum NotMade {
    /// There is none to make it of.
    NotServed,
    /// Why it was not made, or not served, in words.
    Failed(String),
}

impl fmt::Display for NotMade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotMade::NotServed => f.write_str("the zone is not served just now"),
            NotMade::Failed(why) => f.write_str(why),
        }
    }
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
    /// What other zones say of hosts.
    pub(super) hosts: watch::Receiver<Arc<HostTable>>,
    pub(super) publications: Publications,
    pub(super) counters: Arc<UpdateCounters>,
}

impl ZoneWriter {
    /// Makes updates until nobody can ask for one any more.
    pub(super) async fn run(self, mut queue: mpsc::Receiver<WriterJob>) {
        let mut remembered = Remembered::default();
        let mut work = Vec::new();
        // Why something was not renewed the last time; that has been said.
        let mut told: HashMap<Renewal, String> = HashMap::new();
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
                    WriterJob::Renew(renewal) => {
                        self.answer(std::mem::take(&mut batch), &mut remembered).await;
                        let Err(why) = self.renew(renewal).await else {
                            told.remove(&renewal);
                            continue;
                        };
                        let id = &self.zone.id;
                        if told.get(&renewal) != Some(&why) {
                            warn!(zone = %id.name, "{}: {why}", renewal.what_stays(id));
                        }
                        told.insert(renewal, why);
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

    /// Has the next version made of the one that is served, under the lock of the zone, and keeps that until the version is
    /// served; none: that is what is served. Returns what else came of it.
    async fn next<M: Send + 'static>(
        &self,
        make: impl FnOnce(&LiveZone, &mut LiveState, &ZoneVersion) -> Result<(M, Option<ZoneVersion>), String>
        + Send
        + 'static,
    ) -> Result<(M, Option<Arc<ZoneVersion>>), NotMade> {
        let mut state = self.zone.lock().await;
        let current = self.publications.current(self.zone.id.clone()).await.ok_or(NotMade::NotServed)?;
        let (zone, base) = (Arc::clone(&self.zone), Arc::clone(&current));
        let made = tokio::task::spawn_blocking(move || {
            let made = make(&zone, &mut state, &base);
            (made, state)
        });
        let failed =
            |fault: JoinError| NotMade::Failed(format!("the next version could not be made: {fault}"));
        let (made, _state) = made.await.map_err(failed)?;
        let (made, version) = made.map_err(NotMade::Failed)?;
        let version = version.map(Arc::new);
        if let Some(version) = version.clone() {
            let published = self.publications.replace(current, version).await;
            published.map_err(|refused| NotMade::Failed(refused.to_string()))?;
        }
        Ok((made, version))
    }

    /// Renews something of what is served, if there is need.
    async fn renew(&self, renewal: Renewal) -> Result<(), String> {
        let hosts = self.hosts.clone();
        let renewed = self.next(move |zone, state, current| {
            let version = match renewal {
                Renewal::Serial => raise_serial(zone, state, current).map(Some),
                Renewal::Hosts => {
                    // As they are now, and not when this was asked for: a reading may have been served in between, which
                    // knew more.
                    let table = Arc::clone(&hosts.borrow());
                    follow_hosts(zone, state, current, &table)
                }
                Renewal::Signatures => sign_anew(zone, state, current),
            };
            Ok(((), version?))
        });
        match renewed.await {
            Ok(((), version)) => {
                version.iter().for_each(|version| renewal.tell(version));
                Ok(())
            }
            // It gets new ones when it is read.
            Err(NotMade::NotServed) if renewal != Renewal::Serial => Ok(()),
            Err(why) => Err(why.to_string()),
        }
    }

    /// Takes back what updates did to some records.
    async fn take_back(&self, owner: Name, rtype: Option<Rtype>) -> Result<usize, String> {
        let which = move |key: &OverlayKey| key.0 == owner && rtype.is_none_or(|rtype| key.1 == rtype);
        let dropped = self.next(move |zone, state, current| drop_updates(zone, state, current, which));
        dropped.await.map(|(count, _)| count).map_err(|why| why.to_string())
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
        let ask = |one: &&WaitingUpdate| UpdateRequest {
            message: Arc::clone(&one.message),
            requester: one.requester.clone(),
        };
        let asked: Vec<UpdateRequest> = batch.iter().map(ask).collect();
        let policy = self.policy.clone();
        let made = self.next(move |zone, state, current| {
            let policy = Arc::clone(&policy.borrow());
            let UpdateBatch { results, version } = make_batch(zone, state, current, &policy, &asked);
            Ok((results, version))
        });
        match made.await {
            Ok((results, _)) => results,
            Err(why) => vec![Err(Reason::Failed(why.to_string()).into()); batch.len()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::LoadResult;
    use crate::zones::{Publication, Purpose, ReadCause, Serving, ZoneChange, ZoneRequest};

    const HEAD: &str = "@ 60 SOA ns.test. h.test. 1 3600 600 86400 60\n@ 60 NS ns.test.\n";

    /// What is read of a zone whose `api` has a host of another one, which has this address.
    fn read(address: &str) -> Arc<ZoneVersion> {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write(
            "config",
            "[[zone]]\nname = \"lab.example\"\nfile = \"lab\"\n[[zone.probe]]\nnames = [\"api\"]\ntcp = 443\n\
             members = [\"m.nodes.example.\"]\n[[zone]]\nname = \"nodes.example\"\nfile = \"nodes\"\n",
        );
        write("lab", HEAD);
        write("nodes", &format!("{HEAD}m 60 A {address}\n"));
        let purpose = Purpose::Serve(Serving { cause: ReadCause::Start, ..Serving::default() });
        let read = LoadResult::new(&folder.path().join("config"), &purpose, |_, _| {});
        read.loaded.unwrap().zones.remove(0).version.unwrap()
    }

    fn table(version: &ZoneVersion) -> Arc<HostTable> {
        let hosts = version.inputs.guards.iter().flat_map(|guarding| guarding.hosts_elsewhere());
        Arc::new(hosts.map(|(name, host)| (name.clone(), Arc::clone(&host.addresses))).collect())
    }

    #[tokio::test]
    async fn pools_follow_what_hosts_are_now_and_not_what_they_were_when_that_was_asked_for() {
        let read = || ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(read);
        let [served, asked, newest] = tokio::task::spawn_blocking(read).await.unwrap();
        let (publications, mut requests) = Publications::channel();
        let (hosts, looked_up) = watch::channel(table(&asked));
        let writer = ZoneWriter {
            zone: crate::zones::live::LiveZones::default().zone(&served.id),
            policy: watch::channel(Arc::default()).1,
            hosts: looked_up,
            publications,
            counters: Arc::default(),
        };
        let (queue, waiting) = mpsc::channel(1);
        let writer = tokio::spawn(writer.run(waiting));
        queue.send(WriterJob::Renew(Renewal::Hosts)).await.unwrap();
        let Some(ZoneRequest::Current { reply, .. }) = requests.recv().await else { panic!("no question") };
        hosts.send_replace(table(&newest));
        assert!(reply.send(Some(Arc::clone(&served))).is_ok());
        let Some(ZoneRequest::Change(Publication { change: ZoneChange::Next { event, .. }, reply, .. })) =
            requests.recv().await
        else {
            panic!("nothing is published");
        };
        let crate::zones::Event::Changed { version } = event else { panic!("another event") };
        assert!(reply.send(Ok(())).is_ok());
        let pools = version.pools.iter();
        let members = pools.flat_map(|pool| pool.groups.iter().flatten().map(|member| pool.show(member)));
        assert_eq!(members.collect::<Vec<_>>(), ["192.0.2.3"]);
        drop(queue);
        writer.await.unwrap();
    }
}
