//! Zones for other servers: what of each is served now, who may have it, and what led there.
//!
//! Responsible for telling `transfer` of new versions, and for having them compared with the ones before. Not
//! responsible for what is sent.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::served::Served;
use super::super::zone_settings::zone_id;
use super::dispatcher::Treatment;
use crate::answer::{Allowed, BoundPool, Requester};
use crate::config::{Config, NotifiedServer, TsigKey, ZoneTransfer};
use crate::control::TransfersStatus;
use crate::dns::{Name, Rtype};
use crate::health::Board;
use crate::tls::Credentials;
use crate::transfer::outgoing::{
    Comparing, Comparison, Contents, NotifiedZone, Notifier, NotifyServer, NotifyTarget, NotifyTotals,
    Outgoing, OutgoingZone, OutgoingZones, Permission, SentPools, TransferLimits, TransferPools,
    TransferTotals, UpPool,
};
use crate::transport::HandedOver;
use crate::tsig::Key;
use crate::zones::live::{LiveZone, LiveZones};
use crate::zones::{MemberOf, Since, StoredZone, ZoneId, ZoneVersion};

/// How long a serial stays at least that is raised since pools answer otherwise: a rack that comes back is few transfers.
const RAISED_INTERVAL: Duration = Duration::from_secs(5);

/// What is told to `transfer`.
pub(super) struct Transferring {
    outgoing: Arc<Outgoing>,
    limits: TransferLimits,
    /// In the order of the config file: of several versions of a zone a client gets the first that it sees.
    wanted: Vec<(ZoneId, Wanted)>,
    /// The same of zones that catalogs name.
    of_members: Vec<(MemberOf, Wanted)>,
    is_changed: bool,
    zones: HashMap<ZoneId, TransferredZone>,
    beside: Beside,
    untold: Untold,
    /// Zones of which something else is to be sent than what was with their serials, and when their serials were raised last.
    stale: HashMap<ZoneId, Option<Instant>>,
}

/// What is done beside the loop, and with what.
struct Beside {
    comparing: Comparing,
    notifier: Arc<Notifier>,
    /// Their journals know what led to what is served at a start.
    live: Arc<LiveZones>,
}

/// What the configuration says of a zone that other servers get.
struct Wanted {
    allow: Arc<[Allowed]>,
    pools: TransferPools,
    notify: Vec<NotifyTarget>,
}

/// A zone that other servers get.
struct TransferredZone {
    pools: TransferPools,
    outgoing: Arc<OutgoingZone>,
    /// None: nobody is told of it.
    notified: Option<Arc<NotifiedZone>>,
    /// What is sent now; none: no version of it is served.
    current: Option<Current>,
}

/// What is sent of a zone, and from which version.
struct Current {
    version: Arc<ZoneVersion>,
    contents: Contents,
    /// When its serial was given out: with verdicts, the next one comes a while later.
    raised_at: Option<Instant>,
    standing: SentState,
}

/// How what is sent with a serial stands to what pools answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SentState {
    /// It is that, or nothing is sent that changes without the serial.
    Current,
    /// Pools answer otherwise since.
    Behind,
    /// Something else may have been sent with the same serial, before the start or a reload.
    Unknown,
}

/// Whom other servers are to be told of when it is published.
enum Untold {
    /// These zones.
    Zones(Vec<ZoneId>),
    /// Other zones than before.
    All,
}

impl Transferring {
    /// For a configuration and what is served first; [`Transferring::tell`] is to be called then. Needs a runtime.
    pub(super) fn start(config: &Config, served: &Served, board: &Board, live: Arc<LiveZones>) -> Self {
        let notifier = Arc::new(Notifier::start());
        let comparing = Comparing::start(Arc::clone(&notifier));
        let mut transferring = Self {
            outgoing: Arc::default(),
            limits: TransferLimits::default(),
            wanted: Vec::new(),
            of_members: Vec::new(),
            is_changed: true,
            zones: HashMap::new(),
            beside: Beside { comparing, notifier, live },
            untold: Untold::All,
            stale: HashMap::new(),
        };
        transferring.change(config);
        transferring.follow(served, board);
        transferring
    }

    /// For another configuration; [`Transferring::follow`] is to be called then.
    pub(super) fn change(&mut self, config: &Config) {
        let keys: Vec<Arc<Key>> = config.keys.iter().filter_map(TsigKey::key).map(Arc::new).collect();
        let listen: Vec<IpAddr> = config.server.listen.iter().map(|one| one.address.ip()).collect();
        let target = |notified: &NotifiedServer, credentials: &Credentials| {
            let key = match &notified.key {
                None => None,
                // Without its secret nothing can be said that the server would believe.
                Some(name) => Some(Arc::clone(keys.iter().find(|key| key.name() == name)?)),
            };
            let (remote, credentials) = (notified.remote.clone(), credentials.clone());
            let source = source(&listen, remote.address);
            Some(NotifyTarget { server: NotifyServer { remote, source, credentials }, key })
        };
        let wanted = |transfer: &ZoneTransfer| {
            let ZoneTransfer { allow, pools, notify, credentials } = transfer;
            let notify = notify.iter().filter_map(|notified| target(notified, credentials)).collect();
            transfer.needs_contents().then(|| Wanted {
                allow: allow.as_slice().into(),
                pools: *pools,
                notify,
            })
        };
        let zones = config.zones.iter();
        self.wanted = zones.filter_map(|zone| Some((zone_id(zone), wanted(&zone.transfer)?))).collect();
        let groups = config.catalogs.iter().flat_map(|catalog| {
            let named = catalog.groups.iter().map(|(name, group)| (Some(name.clone()), group));
            named.chain([(None, &catalog.others)]).map(|(group, settings)| {
                (MemberOf { catalog: catalog.name.clone(), group }, &settings.transfer)
            })
        });
        self.of_members = groups.filter_map(|(of, transfer)| Some((of, wanted(transfer)?))).collect();
        self.limits = config.server.transfers;
        self.is_changed = true;
    }

    /// Whether the configuration has changed since zones were told.
    pub(super) fn is_changed(&self) -> bool {
        self.is_changed
    }

    /// What treats questions for transfers.
    pub(super) fn treatment(&self) -> Transfers {
        Transfers(Arc::clone(&self.outgoing))
    }

    /// What a client would get of a zone; none: nobody gets one of this name, as that client sees it.
    pub(super) fn permission(&self, zone: &Name, requester: &Requester) -> Option<Permission> {
        self.outgoing.permission(zone, requester)
    }

    /// What became of these questions; none: nobody may have any zone.
    pub(super) fn status(&self) -> Option<TransfersStatus> {
        if self.wanted.is_empty() && self.of_members.is_empty() {
            return None;
        }
        let TransferTotals { under_way, axfr, ixfr, soa, refused, limited, broken } = self.outgoing.totals();
        let results = [
            ("axfr", axfr),
            ("ixfr", ixfr),
            ("soa", soa),
            ("refused", refused),
            ("limited", limited),
            ("broken", broken),
        ];
        let results = results.map(|(result, count)| (result.to_owned(), count)).into();
        let NotifyTotals { heard, failed, failing } = self.beside.notifier.totals();
        let notify_messages = [("heard".to_owned(), heard), ("failed".to_owned(), failed)].into();
        Some(TransfersStatus { under_way, results, notify_messages, notify_failing: failing })
    }

    /// Takes note of what is served now; [`Transferring::tell`] is to be called when clients are answered from it. Costs
    /// the zones that have changed since the last time, however many there are.
    pub(super) fn follow(&mut self, served: &Served, board: &Board) {
        let changed = served.changed_zones().filter(|_| !self.is_changed);
        let Some(changed) = changed else { return self.follow_all(served, board) };
        for (place, zone) in changed {
            let Some(transferred) = self.zones.get_mut(&zone.id) else { continue };
            transferred.follow(zone, served.pools_of_zone(place), board, &self.beside);
            note_stale(&mut self.stale, &zone.id, transferred);
            if let Untold::Zones(untold) = &mut self.untold {
                untold.push(zone.id.clone());
            }
        }
    }

    /// The same for all zones: there are others, or other servers get them.
    fn follow_all(&mut self, served: &Served, board: &Board) {
        self.is_changed = false;
        self.stale.retain(|id, _| self.wanted.iter().any(|(wanted, _)| wanted == id));
        let mut before = std::mem::take(&mut self.zones);
        let mut outgoing = Vec::with_capacity(self.wanted.len());
        for (place, wanted) in places(&self.wanted, &self.of_members, served) {
            let Some(zone) = served.zones().get(place) else { continue };
            let mut transferred = TransferredZone::new(zone, wanted, before.remove(&zone.id));
            transferred.follow(zone, served.pools_of_zone(place), board, &self.beside);
            note_stale(&mut self.stale, &zone.id, &transferred);
            outgoing.push(Arc::clone(&transferred.outgoing));
            self.zones.insert(zone.id.clone(), transferred);
        }
        self.outgoing.serve(OutgoingZones::new(outgoing), self.limits);
        self.untold = Untold::All;
    }

    /// Takes note of pools that answer otherwise than before. Costs these pools.
    pub(super) fn follow_verdicts(&mut self, served: &Served, before: &Board, board: &Board) {
        if !self.wanted.iter().any(|(_, wanted)| wanted.pools == TransferPools::Up) {
            return;
        }
        let flipped = board.changes_since(before).flat_map(|target| served.pool_places(target));
        for (id, place, bound) in flipped {
            let Some(transferred) = self.zones.get_mut(id) else { continue };
            let Some(current) = &mut transferred.current else { continue };
            let is_current = current.standing == SentState::Current;
            if is_current && current.contents.is_behind(place, &up(bound, board)) {
                current.standing = SentState::Behind;
                note_stale(&mut self.stale, id, transferred);
            }
        }
    }

    /// The zones whose serials are to be raised now, so that other servers are sent what their pools answer.
    pub(super) fn due_raises(&mut self, now: Instant) -> Vec<ZoneId> {
        let is_due =
            |at: &Option<Instant>| at.is_none_or(|at| now.saturating_duration_since(at) >= RAISED_INTERVAL);
        let due = self.stale.iter_mut().filter(|(_, at)| is_due(at));
        due.map(|(id, at)| {
            *at = Some(now);
            id.clone()
        })
        .collect()
    }

    /// Tells other servers of what was followed, now that it is published.
    pub(super) fn tell(&mut self) {
        match std::mem::replace(&mut self.untold, Untold::Zones(Vec::new())) {
            Untold::Zones(untold) => {
                for transferred in untold.iter().filter_map(|id| self.zones.get(id)) {
                    if let Some(notified) = transferred.note() {
                        self.beside.notifier.tell(notified);
                    }
                }
            }
            Untold::All => {
                self.beside
                    .notifier
                    .serve(self.zones.values().filter_map(TransferredZone::note).cloned().collect());
            }
        }
    }
}

/// The places of the zones that others get, in their order, each with what the configuration says of it. Those that
/// catalogs name are only looked at where some of them may be had.
fn places<'t>(
    wanted: &'t [(ZoneId, Wanted)],
    of_members: &'t [(MemberOf, Wanted)],
    served: &'t Served,
) -> impl Iterator<Item = (usize, &'t Wanted)> {
    let configured = wanted.iter().filter_map(|(id, wanted)| Some((served.place(id)?, wanted)));
    let zones = if of_members.is_empty() { &[] } else { served.zones() };
    let of_catalogs = zones.iter().enumerate().filter_map(move |(place, zone)| {
        let member = zone.member.as_deref()?;
        let (_, wanted) = of_members.iter().find(|(of, _)| of == member)?;
        Some((place, wanted))
    });
    configured.chain(of_catalogs)
}

impl TransferredZone {
    /// A zone as the configuration has it, with what was known of it before.
    fn new(zone: &StoredZone, wanted: &Wanted, before: Option<TransferredZone>) -> Self {
        let Wanted { allow, pools, notify } = wanted;
        let called: Arc<str> = zone.id.to_string().into();
        let history = before.as_ref().map(|before| Arc::clone(&before.outgoing.history)).unwrap_or_default();
        let apex = zone.id.name.clone();
        let is_told = !notify.is_empty();
        let notified = is_told.then(|| NotifiedZone::new(Arc::clone(&called), apex.clone(), notify.clone()));
        let outgoing = OutgoingZone::new(apex, called, zone.access.clone(), Arc::clone(allow), history);
        let current = before.and_then(|before| before.current);
        outgoing.offer(current.as_ref().map(|current| current.contents.clone()));
        Self { pools: *pools, outgoing: Arc::new(outgoing), notified: notified.map(Arc::new), current }
    }

    /// Sends what is served of the zone now, and has it found out what led there.
    fn follow(&mut self, zone: &StoredZone, pools: &[BoundPool], board: &Board, beside: &Beside) {
        self.outgoing.hold(zone.state.next_due());
        let history = &self.outgoing.history;
        let served = zone.version().and_then(|version| Some((version, version.contents.as_ref()?)));
        let Some((version, sent)) = served else {
            history.clear();
            self.outgoing.offer(None);
            self.current = None;
            return;
        };
        let same = |current: &Current| {
            Arc::ptr_eq(&current.version, version) && current.contents.is_of(sent, self.pools)
        };
        if self.current.as_ref().is_some_and(same) {
            return;
        }
        let sent_pools = match self.pools {
            TransferPools::Members => SentPools::Members,
            TransferPools::Up => SentPools::Up(pools.iter().map(|bound| up(bound, board)).collect()),
            TransferPools::Lua => SentPools::Lua,
        };
        let contents = Contents::new(Arc::clone(sent), sent_pools);
        let before = self.current.take();
        let is_raised = before.as_ref().is_some_and(|before| before.contents.serial() != contents.serial());
        match before {
            // Who has that serial may have anything.
            Some(Current { standing: SentState::Unknown, .. }) => history.clear(),
            Some(Current { contents: from, .. }) => {
                let since = version.since.as_ref().filter(|since| since.is_from(from.zone()));
                let (rrsets, history) = (since.map(Since::rrsets), Arc::clone(history));
                let comparison =
                    Comparison::new(from, contents.clone(), rrsets, history, self.notified.clone());
                beside.comparing.compare(&self.outgoing.called, comparison);
            }
            // Steps in a journal say nothing of what pools answered, nor of signatures, nor of members by name.
            None if zone.changed_by().is_some()
                && !version.has_members_by_name()
                && self.pools != TransferPools::Up
                && version.signed_until().is_none() =>
            {
                self.recall(beside.live.zone(&zone.id), version.serial, Arc::clone(&beside.notifier));
            }
            None => {}
        }
        // Signatures that are made anew at a start are others, or the zone was not signed before. One that comes signed has no
        // pools.
        let changes_alone =
            version.has_new_signatures() || self.pools == TransferPools::Up && !version.comes_signed();
        let standing = if changes_alone && !is_raised { SentState::Unknown } else { SentState::Current };
        self.outgoing.offer(Some(contents.clone()));
        let (version, raised_at) = (Arc::clone(version), is_raised.then(Instant::now));
        self.current = Some(Current { version, contents, raised_at, standing });
    }

    /// Has the steps that the journal of the zone knows serve as those that were sent: they lead to this serial.
    fn recall(&self, zone: Arc<LiveZone>, serial: u32, notifier: Arc<Notifier>) {
        let (history, notified) = (Arc::clone(&self.outgoing.history), self.notified.clone());
        history.begin();
        tokio::spawn(async move {
            let steps = zone.steps_to(serial).await;
            history.recall(steps.iter().map(|step| (step.from, step.to, step.changes.clone())).collect());
            history.end();
            if let Some(notified) = notified.filter(|_| history.is_settled()) {
                notifier.tell(&notified);
            }
        });
    }

    /// Notes for who is told of it what is served now; none: nobody is told.
    fn note(&self) -> Option<&Arc<NotifiedZone>> {
        let notified = self.notified.as_ref()?;
        match &self.current {
            Some(current) => notified.set(&current.contents, &self.outgoing.history),
            None => notified.clear(),
        }
        Some(notified)
    }
}

/// Notes whether the serial of a zone is to be raised.
fn note_stale(stale: &mut HashMap<ZoneId, Option<Instant>>, id: &ZoneId, transferred: &TransferredZone) {
    match &transferred.current {
        Some(Current { standing: SentState::Behind | SentState::Unknown, raised_at, .. }) => {
            stale.entry(id.clone()).or_insert(*raised_at);
        }
        Some(Current { standing: SentState::Current, .. }) | None => _ = stale.remove(id),
    }
}

/// What a pool answers now.
fn up(bound: &BoundPool, board: &Board) -> UpPool {
    let (_, members) = bound.answered(board);
    let mut rdatas: Vec<Box<[u8]>> = members.into_iter().map(|member| member.rdata.clone()).collect();
    // In which order they are answered does not matter, and of an alias the first is sent.
    if bound.pool.rtype != Rtype::CNAME {
        rdatas.sort();
    }
    UpPool { ttl: bound.ttl(board), rdatas }
}

/// The address that a server is told from: the first that is listened on, so that it is one that it knows.
fn source(listen: &[IpAddr], place: SocketAddr) -> Option<IpAddr> {
    let mut usable = listen.iter().copied().filter(|ip| !ip.is_unspecified());
    usable.find(|ip| ip.is_ipv4() == place.is_ipv4() && (!ip.is_loopback() || place.ip().is_loopback()))
}

/// Treats questions for transfers.
pub(super) struct Transfers(Arc<Outgoing>);

impl Treatment for Transfers {
    fn is_wanted(&self) -> bool {
        self.0.has_zones()
    }

    fn treat(&self, message: HandedOver) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let outgoing = Arc::clone(&self.0);
        Box::pin(async move { outgoing.treat(message).await })
    }
}
