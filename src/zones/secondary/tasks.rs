//! The tasks of all secondary zones.
//!
//! Starts and ends them as the configuration changes, and passes NOTIFY to the right one. What a task does is in `task`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::settings::SecondarySettings;
use super::task::{KEPT_AS, SecondaryTask};
use super::told::{Teller, telling};
use crate::answer::Requester;
use crate::dns::{Name, NameRef};
use crate::requestor::Protocol;
use crate::sync::{Shared, lock};
use crate::tls::Random;
use crate::transfer::incoming::{Primary, Told};
use crate::zones::copy;
use crate::zones::feed::{FeedPublisher, FeedStatus};
use crate::zones::live::LiveZones;
use crate::zones::publication::Publications;
use crate::zones::saving::{KeptWriter, Saving};
use crate::zones::settings::{Settings, ZoneSettings};
use crate::zones::store::{Store, StoredZone};
use crate::zones::version::ZoneVersion;
use crate::zones::zone_id::ZoneId;

/// How long a stopping server waits for copies to be written.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// The tasks of all secondary zones. Clones share them: the loop starts and ends tasks, the treatment of NOTIFY wakes
/// them.
#[derive(Clone)]
pub struct Secondaries {
    tasks: Arc<Mutex<BTreeMap<ZoneId, Running>>>,
    publications: Publications,
    live: Arc<LiveZones>,
    random: Arc<Random>,
    addresses_changed: Arc<dyn Fn() + Send + Sync>,
}

/// What a NOTIFY does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotifyEffect {
    /// A zone asks its primaries, unless it has that serial already.
    Heeded,
    /// The zone has other primaries.
    Stranger,
    /// No zone of that name is copied.
    NotOurs,
}

/// What becomes of the copies of zones that are forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::zones) enum ForgottenCopies {
    /// They stay on the disk.
    Kept,
    /// They go.
    Removed,
}

/// The task of one zone.
struct Running {
    settings: Arc<SecondarySettings>,
    status: Shared<FeedStatus>,
    teller: Teller,
    writer: KeptWriter,
    task: JoinHandle<()>,
}

impl Secondaries {
    /// No task yet. Versions are published through `publications`; `addresses_changed` is called for each new version of a
    /// zone that reverse zones are made from.
    pub fn new(
        publications: Publications,
        live: Arc<LiveZones>,
        addresses_changed: impl Fn() + Send + Sync + 'static,
    ) -> Secondaries {
        Secondaries {
            tasks: Arc::default(),
            publications,
            live,
            random: Arc::new(Random::new()),
            addresses_changed: Arc::new(addresses_changed),
        }
    }

    /// Has a task for each zone that is copied by these settings; `store` is what is served now. A task whose zone is
    /// copied as before goes on, and so do those of zones that catalogs name.
    pub fn follow(&self, settings: &Settings, store: &Store) {
        let mut tasks = lock(&self.tasks);
        let mut before = std::mem::take(&mut *tasks);
        for settings in SecondarySettings::all(settings) {
            let id = settings.id().clone();
            let stored = store.place(&id).and_then(|place| store.zone(place));
            let running = self.go_on(before.remove(&id), settings, stored);
            tasks.insert(id, running);
        }
        for (id, running) in before {
            match running.settings.zone.member {
                Some(_) => drop(tasks.insert(id, running)),
                None => running.task.abort(),
            }
        }
    }

    /// Has a task for a zone that a catalog names, of which `stored` is served, on a node with these addresses.
    pub(in crate::zones) fn follow_member(
        &self,
        settings: &Settings,
        zone: ZoneSettings,
        own: Vec<IpAddr>,
        stored: &StoredZone,
    ) {
        let Some(settings) = SecondarySettings::of_one(settings, zone, own) else { return };
        let mut tasks = lock(&self.tasks);
        let id = settings.id().clone();
        let before = tasks.remove(&id);
        let is_configured = |running: &Running| running.settings.zone.member.is_none();
        let running = match before {
            Some(running) if is_configured(&running) => running,
            before => self.go_on(before, settings, Some(stored)),
        };
        tasks.insert(id, running);
    }

    /// Ends the tasks of zones that catalogs have named. When this returns none of them does anything any more.
    pub(in crate::zones) async fn forget_members(
        &self,
        zones: impl Iterator<Item = &Name>,
        copies: ForgottenCopies,
    ) {
        let mut ended = Vec::new();
        {
            let mut tasks = lock(&self.tasks);
            for zone in zones {
                let id = ZoneId::from(zone.clone());
                let is_member = tasks.get(&id).is_some_and(|running| running.settings.zone.member.is_some());
                ended.extend(is_member.then(|| tasks.remove(&id)).flatten());
            }
        }
        ended.iter().for_each(|running| running.task.abort());
        for Running { settings, writer, task, .. } in ended {
            // It has been aborted.
            let _ = task.await;
            if let (ForgottenCopies::Removed, Some(folder)) = (copies, &settings.folder) {
                // What it has begun to write is written before; what cannot be removed is told by who asks for it.
                let (folder, id) = (folder.clone(), settings.id().clone());
                let remove = move || copy::remove(&folder, &id).map_err(|error| error.to_string());
                let _ = writer.write(remove).await;
            }
        }
    }

    /// The task of a zone, in place of the one before: the same one, where nothing has changed for it.
    fn go_on(
        &self,
        before: Option<Running>,
        settings: SecondarySettings,
        stored: Option<&StoredZone>,
    ) -> Running {
        match before {
            Some(running) if running.settings.is_same(&settings) => running,
            replaced => {
                let replaced = replaced.map(|Running { status, writer, task, .. }| {
                    // It may be in the midst of a transfer, which is of no use any more.
                    task.abort();
                    (status, writer)
                });
                self.start(settings, replaced, stored)
            }
        }
    }

    /// Starts a task, in place of one of which these are left, if there was one.
    fn start(
        &self,
        settings: SecondarySettings,
        replaced: Option<(Shared<FeedStatus>, KeptWriter)>,
        stored: Option<&StoredZone>,
    ) -> Running {
        // The task that was replaced may not have written what it copied last.
        let from = replaced.as_ref().and_then(|(status, _)| status.get().from);
        let (status, writer) = replaced.unwrap_or_default();
        let mut saving = Saving::new(settings.id().clone(), &KEPT_AS, writer.clone());
        if from.is_some() {
            saving.changed();
        }
        let settings = Arc::new(settings);
        let (teller, listener) = telling();
        let now = Instant::now();
        let current = stored.and_then(|zone| zone.version()).map(ZoneVersion::as_it_came);
        let holds =
            stored.and_then(|zone| zone.state.next_due()).map(|due| due.saturating_duration_since(now));
        if let Some(current) = &current {
            status.change(|status| {
                status.confirmed_at.get_or_insert(current.loaded_at);
            });
        }
        let task = SecondaryTask {
            settings: Arc::clone(&settings),
            published: current.clone(),
            current,
            holds,
            publications: FeedPublisher::new(&settings, self.publications.clone(), Arc::clone(&self.live)),
            status: status.clone(),
            random: Arc::clone(&self.random),
            from,
            saving,
            addresses_changed: Arc::clone(&self.addresses_changed),
        };
        Running { settings, status, teller, writer, task: tokio::spawn(task.run(listener)) }
    }

    /// The status of a zone; none for one that is no secondary.
    pub fn status(&self, zone: &ZoneId) -> Option<FeedStatus> {
        lock(&self.tasks).get(zone).map(|running| running.status.get())
    }

    /// Passes a NOTIFY on to the zones of this apex that have a primary with the sender's address or key, or with the name in
    /// the sender's certificate. `serial` is the one in it.
    pub(super) fn notify(&self, apex: NameRef<'_>, sender: &Requester, serial: Option<u32>) -> NotifyEffect {
        let Requester { address: from, key, proof } = sender;
        let mut listening = NotifyEffect::NotOurs;
        let tasks = lock(&self.tasks);
        // The version without a view comes first of a name.
        let views = tasks.range(ZoneId::from(apex.to_name())..);
        for (_, running) in views.take_while(|(id, _)| id.name.as_ref() == apex) {
            let is_known = |primary: &Primary| {
                let address = primary.remote.address.ip().to_canonical();
                let is_signed = || primary.key.as_ref().is_some_and(|own| Some(&own.name) == key.as_ref());
                let is_certified = || match &primary.remote.protocol {
                    Protocol::Encrypted(one) => one.name.as_ref().is_some_and(|name| proof.is_for(name)),
                    Protocol::Udp | Protocol::Tcp => false,
                };
                address == from.to_canonical() || is_signed() || is_certified()
            };
            let Some(place) = running.settings.source.list.iter().position(is_known) else {
                if listening == NotifyEffect::NotOurs {
                    listening = NotifyEffect::Stranger;
                }
                continue;
            };
            listening = NotifyEffect::Heeded;
            running.teller.tell(place, Told::of(serial));
        }
        listening
    }

    /// Ends all tasks, and waits for copies to be written.
    pub async fn stop(self) {
        let tasks: Vec<Running> = std::mem::take(&mut *lock(&self.tasks)).into_values().collect();
        let end = Instant::now().checked_add(STOP_WAIT).unwrap_or_else(Instant::now);
        let handles: Vec<JoinHandle<()>> = tasks.into_iter().map(|running| running.task).collect();
        for mut handle in handles {
            // A task that is receiving a transfer has nothing to write.
            if timeout(end.saturating_duration_since(Instant::now()), &mut handle).await.is_err() {
                handle.abort();
            }
        }
    }
}
