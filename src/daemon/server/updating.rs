//! Updating: which zones clients may change, and who writes each of them.
//!
//! Takes UPDATE messages (RFC 2136) as bytes and gives responses as bytes. Not responsible for the way they come, or for
//! signatures.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use tracing::{debug, info, warn};

use super::super::served::Served;
use super::hosts::{HostFollowers, HostsFound};
use super::passing_on::{NotPassedOn, PassedOn, PassingOn};
use super::update_counters::UpdateCounters;
use super::zone_writer::{
    Made, Occasion, Renewal, Replied, WAITING_MAX, WaitingUpdate, WriterJob, ZoneWriter,
};
use crate::answer::{Access, Requester, Transport};
use crate::control::{UpdatedRecord, UpdatedZone, UpdatesOrder, UpdatesShown, UtcTime};
use crate::dns::message::{Rcode, class};
use crate::dns::{Name, Rtype, Ttl, rdata};
use crate::source::Digesting;
use crate::sync::lock;
use crate::update::{Policy, Reason, Rejection, UpdateMessage, respond, zone_of};
use crate::zones::journal::{Journal, Overlay};
use crate::zones::live::{LiveState, LiveZones, Outcome};
use crate::zones::source::Primaries;
use crate::zones::{HostTable, Publications, StoredZone, UnknownHost, ZoneId};

/// How long the writer of a zone is waited for. It waits itself while a reading of the zone's file takes long, or a disk
/// that does not write.
const MAKING_MAX: Duration = Duration::from_secs(10);

/// How often the keys of signed zones are looked at: their files are read, and when one comes or goes, or the week of the
/// signatures is over, the zone is signed anew.
const KEYS_INTERVAL: Duration = Duration::from_secs(60);

/// In this time at most [`REFUSALS_TOLD_MAX`] refused updates are told.
const REFUSALS_WINDOW: Duration = Duration::from_secs(10);

/// Refused updates that are told one by one; the others are counted.
const REFUSALS_TOLD_MAX: u32 = 10;

/// The zones that clients may change, and their writers.
pub(super) struct Updating {
    live: Arc<LiveZones>,
    pub(super) publications: Publications,
    writers: HashMap<ZoneId, WriterHandle>,
    taker: UpdateTaker,
    hosts: HostFollowers,
    /// When the keys of signed zones were looked at.
    keys_looked_at: Option<Instant>,
}

/// The ends of a writer.
#[derive(Clone)]
struct WriterHandle {
    queue: mpsc::Sender<WriterJob>,
    policy: Arc<watch::Sender<Arc<Policy>>>,
    /// What other zones say of hosts of its zone.
    hosts: Arc<watch::Sender<Arc<HostTable>>>,
}

/// Takes messages for the zones that are served now.
#[derive(Clone)]
pub(super) struct UpdateTaker {
    zones: Arc<Mutex<TakenZones>>,
    counters: Arc<UpdateCounters>,
    refusals: Arc<Mutex<Refusals>>,
    passing_on: PassingOn,
}

/// Lines about refused updates: anybody may send one, and many.
#[derive(Default)]
struct Refusals {
    since: Option<Instant>,
    told: u32,
    untold: u32,
}

impl Refusals {
    /// Whether one more is told `now`; if others were not since the last one, how many.
    fn tell(&mut self, now: Instant) -> Option<u32> {
        if self.since.is_none_or(|since| now.duration_since(since) >= REFUSALS_WINDOW) {
            (self.since, self.told) = (Some(now), 0);
        }
        if self.told >= REFUSALS_TOLD_MAX {
            self.untold = self.untold.saturating_add(1);
            return None;
        }
        self.told = self.told.saturating_add(1);
        Some(std::mem::take(&mut self.untold))
    }
}

/// What is said of refused updates that were not told.
fn untold(count: u32) -> String {
    if count == 0 { String::new() } else { format!("; {count} refused before were not logged") }
}

/// The zones that are served.
#[derive(Default)]
struct TakenZones {
    /// By their apexes; several of one apex in the order in which clients see them.
    by_apex: HashMap<Name, Vec<TakenZone>>,
    /// How many of them take updates, or pass them on: asked for at each publication.
    taking: usize,
}

/// A zone that is served, as far as updates are concerned.
struct TakenZone {
    access: Option<Box<Access>>,
    way: Way,
}

/// Where updates of a zone go.
#[derive(Clone)]
enum Way {
    /// Nobody may change it.
    Nowhere,
    /// To its writer.
    Writer(WriterHandle),
    /// To its primaries, as they are, from those whom this policy knows.
    Primaries { policy: Arc<Policy>, list: Arc<Primaries> },
}

impl Way {
    /// That of a zone which nobody changes here.
    fn to_primaries(zone: &StoredZone) -> Way {
        match zone.passed_on() {
            Some((policy, primaries)) => {
                Way::Primaries { policy: Arc::clone(policy), list: Arc::new(primaries.clone()) }
            }
            None => Way::Nowhere,
        }
    }
}

impl TakenZones {
    /// Adds a zone behind those of the same apex.
    fn push(&mut self, apex: Name, zone: TakenZone) {
        self.taking += zone.counts();
        self.by_apex.entry(apex).or_default().push(zone);
    }

    /// Removes the zones of an apex.
    fn remove(&mut self, apex: &Name) {
        let gone = self.by_apex.remove(apex).unwrap_or_default();
        self.taking -= gone.iter().map(TakenZone::counts).sum::<usize>();
    }
}

impl TakenZone {
    /// One if it takes updates, or passes them on.
    fn counts(&self) -> usize {
        usize::from(!matches!(self.way, Way::Nowhere))
    }
}

impl Updating {
    /// No zone yet. What writers make is served by way of `publications`.
    pub(super) fn new(live: Arc<LiveZones>, publications: Publications) -> Updating {
        let taker = UpdateTaker {
            zones: Arc::default(),
            counters: Arc::default(),
            refusals: Arc::default(),
            passing_on: PassingOn::default(),
        };
        let (writers, hosts) = (HashMap::new(), HostFollowers::default());
        Updating { live, publications, writers, taker, hosts, keys_looked_at: None }
    }

    /// Takes updates of these zones from now on, in the order of the config file, and of no others.
    pub(super) fn follow(&mut self, zones: &[StoredZone]) {
        let mut writers = HashMap::new();
        let mut taken = TakenZones::default();
        for zone in zones {
            // A copy that is signed here has one for its keys and weeks alone.
            let policy = zone.changed_by().cloned().or(zone.is_signed_here().then(Arc::default));
            let writer = policy.map(|policy| self.writer(&zone.id, &policy));
            let way = match &writer {
                // No client may change a zone whose writer raises its serial alone.
                Some(writer) if writer.policy.borrow().grants.is_empty() => Way::to_primaries(zone),
                Some(writer) => Way::Writer(writer.clone()),
                None => Way::to_primaries(zone),
            };
            writers.extend(writer.map(|writer| (zone.id.clone(), writer)));
            let access = zone.access.clone();
            taken.push(zone.id.name.clone(), TakenZone { access, way });
        }
        // Those that are gone end when what waits for them is answered.
        self.writers = writers;
        self.hosts = HostFollowers::of(zones, std::mem::take(&mut self.hosts));
        self.keys_looked_at = None;
        *lock(&self.taker.zones) = taken;
    }

    /// The writer of a zone, which goes by this policy from now on.
    fn writer(&self, id: &ZoneId, policy: &Arc<Policy>) -> WriterHandle {
        if let Some(writer) = self.writers.get(id) {
            writer.policy.send_replace(Arc::clone(policy));
            return writer.clone();
        }
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        let (policy, followed) = watch::channel(Arc::clone(policy));
        let (hosts, looked_up) = watch::channel(Arc::default());
        let writer = ZoneWriter {
            zone: self.live.zone(id),
            policy: followed,
            hosts: looked_up,
            publications: self.publications.clone(),
            counters: Arc::clone(&self.taker.counters),
        };
        tokio::spawn(writer.run(waiting));
        WriterHandle { queue, policy: Arc::new(policy), hosts: Arc::new(hosts) }
    }

    /// Shows or takes back what updates did, beside the loop, and then tells.
    pub(super) fn operate(&self, order: UpdatesOrder, reply: oneshot::Sender<Result<UpdatesShown, String>>) {
        let writers: Vec<(ZoneId, WriterHandle)> =
            self.writers.iter().map(|(id, writer)| (id.clone(), writer.clone())).collect();
        let live = Arc::clone(&self.live);
        tokio::spawn(async move {
            let done = match order {
                UpdatesOrder::Show { zone } => shown(&live, &writers, zone.as_ref()).await,
                UpdatesOrder::Drop { zone, owner, rtype } => {
                    match take_back(&writers, &zone, &owner, rtype).await {
                        Ok(dropped) => shown(&live, &writers, Some(&zone))
                            .await
                            .map(|shown| UpdatesShown { dropped, ..shown }),
                        Err(why) => Err(why),
                    }
                }
            };
            // Whoever asked may have gone.
            let _ = reply.send(done);
        });
    }

    /// What became of updates since the start; empty: no zone takes any.
    pub(super) fn by_result(&self) -> BTreeMap<String, u64> {
        if self.taker.has_zones() { self.taker.counters.by_result() } else { BTreeMap::new() }
    }

    /// Gives what is served of a zone the next serial. Whoever asks finds out by the zone that follows.
    pub(super) fn raise_serial(&self, zone: &ZoneId) {
        if let Some(writer) = self.writers.get(zone) {
            // While others wait, it is asked for again.
            let _ = writer.queue.try_send(WriterJob::Renew(Renewal::Serial));
        }
    }

    /// Has pools follow hosts of other zones, as these are served now. Whoever asks finds out by the versions that come.
    pub(super) fn follow_hosts(&mut self, served: &Served, now: Instant) {
        for HostsFound { zone, table, is_to_be_told } in self.hosts.look(served, now) {
            let Some(writer) = self.writers.get(&zone) else { continue };
            writer.hosts.send_replace(table);
            if is_to_be_told {
                // While others wait, it is asked for again.
                let _ = writer.queue.try_send(WriterJob::Renew(Renewal::Hosts));
            }
        }
    }

    /// Hosts of other zones that are members of pools of a zone, and whose addresses are not known.
    pub(super) fn unknown_hosts(&self, zone: &ZoneId) -> &[UnknownHost] {
        self.hosts.unknown(zone)
    }

    /// Has the writers of zones that are signed here look at their keys and the time, unless that was not long ago.
    pub(super) fn look_at_keys(&mut self, zones: &[StoredZone], now: Instant) {
        if self.keys_looked_at.is_some_and(|at| now.duration_since(at) < KEYS_INTERVAL) {
            return;
        }
        self.keys_looked_at = Some(now);
        let is_signed =
            |zone: &&StoredZone| zone.version().is_some_and(|version| version.signed_until().is_some());
        for writer in zones.iter().filter(is_signed).filter_map(|zone| self.writers.get(&zone.id)) {
            // While others wait, it is asked for again.
            let _ = writer.queue.try_send(WriterJob::Renew(Renewal::Signatures));
        }
    }

    /// Who takes messages.
    pub(super) fn taker(&self) -> &UpdateTaker {
        &self.taker
    }

    /// The live zones.
    pub(super) fn live(&self) -> &LiveZones {
        &self.live
    }
}

/// Why a zone has no updates to be shown.
fn no_updates(zone: &Name) -> String {
    format!("{zone} is no zone that is updated here: it has no [[zone.update]], or is copied")
}

/// What updates did to zones of this name, or to all.
async fn shown(
    live: &LiveZones,
    writers: &[(ZoneId, WriterHandle)],
    name: Option<&Name>,
) -> Result<UpdatesShown, String> {
    let mut zones = Vec::new();
    for (id, _) in writers.iter().filter(|(id, _)| name.is_none_or(|name| id.name == *name)) {
        let zone = live.zone(id);
        zones.push(updated_zone(id, &*zone.lock().await));
    }
    zones.sort_by(|one, other| (&one.name, &one.view).cmp(&(&other.name, &other.view)));
    match name {
        Some(name) if zones.is_empty() => Err(no_updates(name)),
        _ => Ok(UpdatesShown { dropped: 0, zones }),
    }
}

fn updated_zone(id: &ZoneId, state: &LiveState) -> UpdatedZone {
    let overlay = state.journal().map(Journal::overlay);
    let records = overlay.into_iter().flat_map(Overlay::iter).map(|(key, overlaid)| {
        let (owner, rtype, _) = key;
        let mut data = String::new();
        rdata::write(*rtype, overlaid.rdata(key), &mut data);
        let moment = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(overlaid.at));
        let aside = state.aside().iter().find(|one| one.key == *key);
        UpdatedRecord {
            owner: owner.to_string(),
            rtype: rtype.to_string(),
            ttl: overlaid.updated.map(Ttl::seconds),
            data,
            at: moment.map(UtcTime).unwrap_or_default(),
            by: overlaid.by.to_string(),
            aside: aside.map(|one| match &one.place {
                Some(place) => format!("{}, {place}", one.reason),
                None => one.reason.clone(),
            }),
        }
    });
    UpdatedZone {
        name: id.name.to_string(),
        view: id.view.clone(),
        serial: state.journal().and_then(Journal::serial),
        records: records.collect(),
    }
}

/// What the writer of a zone replies within `limit`. What it does not is made all the same, when its turn comes, and
/// remembered: the client asks again.
async fn replied(made: oneshot::Receiver<Replied>, limit: Duration) -> Result<Replied, Rejection> {
    let failed = |why: String| Err(Reason::Failed(why).into());
    match timeout(limit, made).await {
        Ok(Ok(replied)) => Ok(replied),
        Ok(Err(_)) => failed("the server ends".to_owned()),
        Err(_) => failed(format!("it still waits after {} s, and may be made later", limit.as_secs())),
    }
}

/// Has the writers of a zone take back what updates did; how many records.
async fn take_back(
    writers: &[(ZoneId, WriterHandle)],
    zone: &Name,
    owner: &Name,
    rtype: Option<Rtype>,
) -> Result<usize, String> {
    let mut dropped = None;
    for (_, writer) in writers.iter().filter(|(id, _)| id.name == *zone) {
        let (reply, done) = oneshot::channel();
        let work = WriterJob::Drop { owner: owner.clone(), rtype, reply };
        writer.queue.send(work).await.map_err(|_| "the server ends".to_owned())?;
        let count = done.await.map_err(|_| "the server ends".to_owned())??;
        dropped = Some(dropped.unwrap_or(0_usize).saturating_add(count));
    }
    dropped.ok_or_else(|| no_updates(zone))
}

impl UpdateTaker {
    /// Whether some zone takes updates, or passes them on.
    pub(super) fn has_zones(&self) -> bool {
        lock(&self.zones).taking > 0
    }

    /// Passes on updates of a zone that a catalog names from now on, as it says. Its name is that of no other.
    pub(super) fn pass_on_of(&self, zone: &StoredZone) {
        let taken = TakenZone { access: zone.access.clone(), way: Way::to_primaries(zone) };
        let mut zones = lock(&self.zones);
        zones.remove(&zone.id.name);
        zones.push(zone.id.name.clone(), taken);
    }

    /// Takes no updates any more of a zone that a catalog has named.
    pub(super) fn forget(&self, zone: &ZoneId) {
        lock(&self.zones).remove(&zone.name);
    }

    /// The primaries to which a message of this requester is passed on; none: it is not.
    pub(super) fn primaries_for(&self, message: &[u8], requester: &Requester) -> Option<Arc<Primaries>> {
        match self.way_of(message, requester).ok()? {
            Way::Primaries { policy, list } if policy.knows(requester) => Some(list),
            Way::Primaries { .. } | Way::Writer(_) | Way::Nowhere => None,
        }
    }

    /// Passes a message on as it was received, and gives the response. An error is one of ours, or none: the same message
    /// is under way, or it has not even a header.
    pub(super) async fn pass_on(
        &self,
        message: &[u8],
        (requester, over): (&Requester, Transport),
        primaries: &Primaries,
    ) -> Result<Vec<u8>, Option<Vec<u8>>> {
        let passed_on = self.passing_on.pass_on(message, over, primaries).await;
        match passed_on {
            Ok(passed_on) => {
                self.counters.passed_on();
                self.tell_passed_on(message, requester, &passed_on);
                Ok(passed_on.response)
            }
            Err(NotPassedOn::Again) => {
                self.counters.duplicate();
                Err(None)
            }
            Err(NotPassedOn::Rejected(rejection)) => {
                let result = Err(rejection);
                self.counters.count(&result);
                self.tell(message, requester, &result);
                Err(respond(message, result.as_ref().err()))
            }
        }
    }

    fn tell_passed_on(&self, message: &[u8], requester: &Requester, passed_on: &PassedOn) {
        let zone = zone_of(message).map_or_else(Name::root, |(zone, _)| zone);
        let PassedOn { rcode, primary, .. } = passed_on;
        if *rcode == Rcode::NOERROR {
            info!(zone = %zone, "update of zone {zone} by {requester}: passed on to {primary}, and made there");
            return;
        }
        let Some(more) = lock(&self.refusals).tell(Instant::now()).map(untold) else { return };
        warn!(zone = %zone, "update of zone {zone} by {requester}, passed on to {primary}, is {rcode} there{more}");
    }

    /// Treats a message whose signature was verified and taken off. `mac` is of that signature; empty: it was not signed.
    pub(super) async fn treat(&self, message: &[u8], mac: &[u8], requester: &Requester) -> Replied {
        let made = self.make(message, mac, requester.clone()).await;
        let replied =
            made.unwrap_or_else(|rejection| Replied { result: Err(rejection), occasion: Occasion::First });
        self.counters.count(&replied.result);
        replied
    }

    /// Says what became of a message. Its client is answered before, and waits for no log.
    pub(super) fn tell_replied(&self, message: &[u8], requester: &Requester, replied: &Replied) {
        let Replied { result, occasion } = replied;
        match occasion {
            Occasion::First => self.tell(message, requester, result),
            Occasion::Again => debug!("an update by {requester} that came again is answered as before"),
        }
    }

    async fn make(&self, message: &[u8], mac: &[u8], requester: Requester) -> Result<Replied, Rejection> {
        let queue = self.queue_for(message, &requester)?;
        let mut digesting = Digesting::default();
        digesting.take(message);
        digesting.take(mac);
        let digest = digesting.finish();
        let message = Arc::new(UpdateMessage::read(message)?);
        let (reply, made) = oneshot::channel();
        let waiting = WaitingUpdate { message, requester, digest, reply };
        queue.try_send(WriterJob::Update(waiting)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Rejection::from(Reason::Busy),
            mpsc::error::TrySendError::Closed(_) => Reason::NotOurs.into(),
        })?;
        replied(made, MAKING_MAX).await
    }

    /// The queue of the zone that a message is for, as its client sees it. Whoever may change nothing of the zone takes
    /// no place in it.
    fn queue_for(&self, message: &[u8], requester: &Requester) -> Result<mpsc::Sender<WriterJob>, Rejection> {
        match self.way_of(message, requester)? {
            Way::Writer(writer) if writer.policy.borrow().knows(requester) => Ok(writer.queue),
            Way::Writer(_) | Way::Primaries { .. } | Way::Nowhere => Err(Reason::NobodyAllowed.into()),
        }
    }

    /// Where a message goes: by the zone that it is for, as its client sees it.
    fn way_of(&self, message: &[u8], requester: &Requester) -> Result<Way, Rejection> {
        let malformed = || Rejection::from(Reason::Malformed("no zone section with one zone"));
        let (name, zone_class) = zone_of(message).ok_or_else(malformed)?;
        let zones = lock(&self.zones);
        let versions = zones.by_apex.get(&name).filter(|_| zone_class == class::IN);
        let sees = |zone: &&TakenZone| {
            zone.access.as_ref().is_none_or(|access| access.is_seen_by(requester.address))
        };
        let zone = versions.and_then(|versions| versions.iter().find(sees)).ok_or(Reason::NotOurs)?;
        Ok(zone.way.clone())
    }

    /// Says what became of an update: an operator wants to know who changes a zone, and whose rule is in the way.
    fn tell(&self, message: &[u8], requester: &Requester, result: &Made) {
        let zone = zone_of(message).map_or_else(Name::root, |(zone, _)| zone);
        let rejection = match result {
            Ok(Outcome::Made { from, to }) => {
                info!(zone = %zone, "update of zone {zone} by {requester}: made, serial {from} → {to}");
                return;
            }
            Ok(Outcome::NothingToDo { serial }) => {
                debug!(zone = %zone, "update of zone {zone} by {requester}: all of it is so already, serial {serial}");
                return;
            }
            Err(rejection) => rejection,
        };
        let Some(more) = lock(&self.refusals).tell(Instant::now()).map(untold) else { return };
        warn!(zone = %zone, "update of zone {zone} by {requester} is {}: {rejection}{more}", rejection.rcode());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Allowed;
    use crate::tls::ClientProof;
    use crate::update::{Grant, TypeGrant};

    /// Who takes updates of `example.`, from 192.0.2.0/24, and the queue of its writer.
    fn taker() -> (UpdateTaker, mpsc::Receiver<WriterJob>) {
        let allow = vec![Allowed { prefix: Some("192.0.2.0/24".parse().unwrap()), ..Allowed::default() }];
        let grant = Grant { allow, names: vec!["**".parse().unwrap()], types: TypeGrant::Any };
        let (queue, waiting) = mpsc::channel(1);
        let policy = Arc::new(watch::channel(Arc::new(Policy { grants: vec![grant] })).0);
        let hosts = Arc::new(watch::channel(Arc::default()).0);
        let way = Way::Writer(WriterHandle { queue, policy, hosts });
        let mut zones = TakenZones::default();
        zones.push("example.".parse().unwrap(), TakenZone { access: None, way });
        let taker = UpdateTaker {
            zones: Arc::new(Mutex::new(zones)),
            counters: Arc::default(),
            refusals: Arc::default(),
            passing_on: PassingOn::default(),
        };
        (taker, waiting)
    }

    fn requester(address: &str) -> Requester {
        Requester { address: address.parse().unwrap(), key: None, proof: ClientProof::Nothing }
    }

    const NOTHING: &[u8] = b"\0\x07\x28\0\0\x01\0\0\0\0\0\0\x07example\0\0\x06\0\x01";

    #[tokio::test]
    async fn whoever_may_not_update_takes_no_place_in_the_queue() {
        let (taker, mut waiting) = taker();
        let replied = taker.treat(NOTHING, &[], &requester("198.51.100.1")).await;
        assert_eq!(replied.result, Err(Reason::NobodyAllowed.into()));
        assert!(waiting.try_recv().is_err(), "nobody was asked");
        let asking = tokio::spawn(async move { taker.treat(NOTHING, &[], &requester("192.0.2.1")).await });
        let Some(WriterJob::Update(update)) = waiting.recv().await else { panic!("no update") };
        let made = Ok(Outcome::Made { from: 7, to: 8 });
        update.reply.send(Replied { result: made.clone(), occasion: Occasion::First }).unwrap();
        assert_eq!(asking.await.unwrap().result, made);
    }

    #[test]
    fn updates_are_wanted_while_a_zone_takes_them() {
        let (apex, (taker, _waiting)) = ("example.".parse::<Name>().unwrap(), taker());
        assert!(taker.has_zones());
        lock(&taker.zones).push(apex.clone(), TakenZone { access: None, way: Way::Nowhere });
        lock(&taker.zones).remove(&"other.".parse().unwrap());
        assert!(taker.has_zones());
        lock(&taker.zones).remove(&apex);
        assert!(!taker.has_zones());
    }

    #[tokio::test(start_paused = true)]
    async fn an_update_whose_turn_does_not_come_is_answered_all_the_same() {
        let (taker, mut waiting) = taker();
        let asking = tokio::spawn(async move { taker.treat(NOTHING, &[], &requester("192.0.2.1")).await });
        let held = waiting.recv().await;
        let rejection = asking.await.unwrap().result.unwrap_err();
        assert!(matches!(rejection.reason, Reason::Failed(_)), "{rejection}");
        drop(held);
    }
}
