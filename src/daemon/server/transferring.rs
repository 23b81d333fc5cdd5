//! Zones for other servers: what of each is served now, who may have it, and what led there.
//!
//! Responsible for telling `transfer` of new versions, and for having them compared with the ones before, off the
//! loop. Not responsible for what is sent.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tracing::warn;

use super::super::served::Served;
use super::super::zone_settings::zone_id;
use super::dispatcher::Treatment;
use crate::answer::Allowed;
use crate::config::{Config, Notified, TsigKey, ZoneTransfer};
use crate::control::TransfersStatus;
use crate::transfer::Differences;
use crate::transfer::outgoing::{
    Contents, NotifiedZone, Notifier, NotifyTarget, NotifyTotals, Outgoing, OutgoingZone, OutgoingZones,
    TransferLimits, TransferPools, TransferTotals, between,
};
use crate::transport::HandedOver;
use crate::tsig::Key;
use crate::zones::{StoredZone, ZoneId, ZoneVersion};

/// Versions that wait for being compared. Beyond that the newest are not: who has an older one gets the whole zone.
const WAITING_MAX: usize = 64;

/// What is told to `transfer`.
pub(super) struct Transferring {
    outgoing: Arc<Outgoing>,
    limits: TransferLimits,
    /// In the order of the config file: of several versions of a zone a client gets the first that it sees.
    wanted: Vec<(ZoneId, Wanted)>,
    is_changed: bool,
    known: HashMap<ZoneId, Known>,
    work: mpsc::Sender<Work>,
    notifier: Arc<Notifier>,
    /// Zones to be told of when they are published.
    untold: Option<Vec<NotifiedZone>>,
}

/// What the configuration says of a zone that other servers get.
struct Wanted {
    allow: Arc<[Allowed]>,
    pools: TransferPools,
    notify: Vec<NotifyTarget>,
}

/// What was told of a zone last.
struct Known {
    version: Arc<ZoneVersion>,
    contents: Contents,
    history: Arc<Differences>,
}

/// What is done off the loop, in order: who is told of a version is to find what led to it.
enum Work {
    Compare(Step),
    Tell(Vec<NotifiedZone>),
}

/// Two versions of a zone, to be compared.
struct Step {
    from: Contents,
    to: Contents,
    history: Arc<Differences>,
}

impl Transferring {
    /// For a configuration and what is served first; [`Transferring::tell`] is to be called then. Needs a runtime.
    pub(super) fn start(config: &Config, served: &Served) -> Self {
        let (work, waiting) = mpsc::channel(WAITING_MAX);
        let notifier = Arc::new(Notifier::start());
        tokio::spawn(work_off(waiting, Arc::clone(&notifier)));
        let mut transferring = Self {
            outgoing: Arc::default(),
            limits: TransferLimits::default(),
            wanted: Vec::new(),
            is_changed: true,
            known: HashMap::new(),
            work,
            notifier,
            untold: None,
        };
        transferring.change(config);
        transferring.follow(served);
        transferring
    }

    /// For another configuration; [`Transferring::follow`] is to be called then.
    pub(super) fn change(&mut self, config: &Config) {
        let keys: Vec<Arc<Key>> = config.keys.iter().filter_map(TsigKey::key).map(Arc::new).collect();
        let listen: Vec<IpAddr> = config.server.listen.iter().map(|one| one.address.ip()).collect();
        let target = |notified: &Notified| {
            let key = match &notified.key {
                None => None,
                // Without its secret nothing can be said that the server would believe.
                Some(name) => Some(Arc::clone(keys.iter().find(|key| key.name() == name)?)),
            };
            let place = notified.place;
            Some(NotifyTarget { place, source: source(&listen, place), key })
        };
        let transferred = config.zones.iter().filter(|zone| zone.transfer.needs_contents());
        let wanted = transferred.map(|zone| {
            let ZoneTransfer { allow, pools, notify } = &zone.transfer;
            let notify = notify.iter().filter_map(target).collect();
            (zone_id(zone), Wanted { allow: allow.as_slice().into(), pools: *pools, notify })
        });
        self.wanted = wanted.collect();
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

    /// What became of these questions; none: nobody may have any zone.
    pub(super) fn status(&self) -> Option<TransfersStatus> {
        if self.wanted.is_empty() {
            return None;
        }
        let TransferTotals { under_way, whole, steps, soa, refused, limited, broken } =
            self.outgoing.totals();
        let results = [
            ("whole", whole),
            ("steps", steps),
            ("soa", soa),
            ("refused", refused),
            ("limited", limited),
            ("broken", broken),
        ];
        let results = results.map(|(result, count)| (result.to_owned(), count)).into();
        let NotifyTotals { heard, failed, failing } = self.notifier.totals();
        let notified = [("heard".to_owned(), heard), ("failed".to_owned(), failed)].into();
        Some(TransfersStatus { under_way, results, notified, notify_failing: failing })
    }

    /// Takes note of what is served now; [`Transferring::tell`] is to be called when clients are answered from it.
    pub(super) fn follow(&mut self, served: &Served) {
        self.is_changed = false;
        if self.wanted.is_empty() && self.known.is_empty() {
            return;
        }
        let mut before = std::mem::take(&mut self.known);
        let mut now = HashMap::new();
        let mut zones = Vec::with_capacity(self.wanted.len());
        let mut notified = Vec::new();
        for (id, Wanted { allow, pools, notify }) in &self.wanted {
            let Some(zone) = served.place(id).and_then(|place| served.zones().get(place)) else { continue };
            let known = self.known_of(zone, *pools, before.remove(id));
            let called: Arc<str> = id.to_string().into();
            notified.extend(known.as_ref().filter(|_| !notify.is_empty()).map(|known| NotifiedZone {
                apex: id.name.clone(),
                called: Arc::clone(&called),
                contents: known.contents.clone(),
                targets: notify.clone(),
            }));
            zones.push(OutgoingZone {
                apex: id.name.clone(),
                called,
                access: zone.access.clone(),
                allow: Arc::clone(allow),
                contents: known.as_ref().map(|known| known.contents.clone()),
                history: known.as_ref().map_or_else(Arc::default, |known| Arc::clone(&known.history)),
            });
            now.extend(known.map(|known| (id.clone(), known)));
        }
        self.known = now;
        self.outgoing.serve(OutgoingZones(zones), self.limits);
        self.untold = Some(notified);
    }

    /// Tells other servers of what was followed, now that it is published.
    pub(super) fn tell(&mut self) {
        if let Some(zones) = self.untold.take() {
            // While others wait, it is sooner than what is compared: then the whole zone is sent.
            if let Err(TrySendError::Full(Work::Tell(zones))) = self.work.try_send(Work::Tell(zones)) {
                self.notifier.serve(zones);
            }
        }
    }

    /// What is sent of a zone now; none while no version of it is served.
    fn known_of(&self, zone: &StoredZone, pools: TransferPools, before: Option<Known>) -> Option<Known> {
        let version = zone.version()?;
        let sent = version.contents.as_ref()?;
        let same = |known: &Known| Arc::ptr_eq(&known.version, version) && known.contents.is_of(sent, pools);
        if let Some(before) = before.as_ref().filter(|before| same(before)) {
            let Known { version, contents, history } = before;
            return Some(Known {
                version: Arc::clone(version),
                contents: contents.clone(),
                history: Arc::clone(history),
            });
        }
        let contents = Contents::new(Arc::clone(sent), pools);
        let history = before.as_ref().map_or_else(Arc::default, |before| Arc::clone(&before.history));
        if let Some(Known { contents: from, .. }) = before {
            let step = Step { from, to: contents.clone(), history: Arc::clone(&history) };
            if self.work.try_send(Work::Compare(step)).is_err() {
                warn!(zone = %zone.id.name, "too many versions wait for being compared: zone {} is sent whole", zone.id);
                history.clear();
            }
        }
        Some(Known { version: Arc::clone(version), contents, history })
    }
}

/// The address that a server is told from: the first that is listened on, so that it is one that it knows.
fn source(listen: &[IpAddr], place: SocketAddr) -> Option<IpAddr> {
    let mut usable = listen.iter().copied().filter(|ip| !ip.is_unspecified());
    usable.find(|ip| ip.is_ipv4() == place.is_ipv4() && (!ip.is_loopback() || place.ip().is_loopback()))
}

/// Compares versions, one pair after the other, so that steps come in order, and then tells of them.
async fn work_off(mut waiting: mpsc::Receiver<Work>, notifier: Arc<Notifier>) {
    while let Some(work) = waiting.recv().await {
        match work {
            Work::Tell(zones) => notifier.serve(zones),
            Work::Compare(step) => {
                let compared = tokio::task::spawn_blocking(move || step.compare()).await;
                if let Err(error) = compared {
                    warn!(%error, "two versions of a zone could not be compared");
                }
            }
        }
    }
}

impl Step {
    fn compare(self) {
        let (from, to) = (self.from.serial(), self.to.serial());
        // Who has the serial cannot be told apart from who has the newest.
        if from == to {
            self.history.clear();
        } else {
            self.history.push(from, to, between(&self.from, &self.to));
        }
    }
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
