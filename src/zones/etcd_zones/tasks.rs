//! The tasks of all zones whose records are keys of etcd.
//!
//! Responsible for there being one for each such zone of the config file. Not responsible for what a task does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::keeping::KEPT_AS;
use super::serving::{Begins, EtcdZone};
use super::settings::EtcdSettings;
use super::status::EtcdStatus;
use super::task::{EtcdTask, Order};
use crate::sync::{Shared, lock};
use crate::tls::Random;
use crate::zones::feed::FeedPublisher;
use crate::zones::live::LiveZones;
use crate::zones::publication::Publications;
use crate::zones::saving::{KeptWriter, Saving};
use crate::zones::settings::Settings;
use crate::zones::store::{Store, StoredZone};
use crate::zones::version::ZoneVersion;
use crate::zones::zone_id::ZoneId;

/// Orders of one zone that wait for its task. More say nothing new.
const ORDERS_WAITING_MAX: usize = 4;

/// How long the end of the server waits for images that are being written.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// The tasks of all zones whose records are keys of etcd.
pub struct EtcdZones {
    tasks: Mutex<HashMap<ZoneId, Running>>,
    publications: Publications,
    live: Arc<LiveZones>,
    random: Arc<Random>,
    addresses_changed: Arc<dyn Fn() + Send + Sync>,
}

/// The task of one zone.
struct Running {
    settings: Arc<EtcdSettings>,
    status: Shared<EtcdStatus>,
    orders: mpsc::Sender<Order>,
    writer: KeptWriter,
    task: JoinHandle<()>,
}

impl Running {
    fn serial(&self) -> Option<u32> {
        self.status.get().serial
    }
}

impl EtcdZones {
    /// None yet. What they make is published by whoever hears `publications`; `addresses_changed` is called when a zone is
    /// new from whose addresses others are made.
    pub fn new(
        publications: Publications,
        live: Arc<LiveZones>,
        addresses_changed: Arc<dyn Fn() + Send + Sync>,
    ) -> EtcdZones {
        EtcdZones {
            tasks: Mutex::default(),
            publications,
            live,
            random: Arc::new(Random::new()),
            addresses_changed,
        }
    }

    /// Has a task for each zone whose records are keys of etcd by these settings; `store` is what is served now. A task
    /// whose zone is as before goes on.
    pub fn follow(&self, settings: &Settings, store: &Store) {
        let mut tasks = lock(&self.tasks);
        let mut before = std::mem::take(&mut *tasks);
        for settings in EtcdSettings::all(settings) {
            let id = settings.id().clone();
            let stored = store.place(&id).and_then(|place| store.zone(place));
            let served = stored.and_then(|zone| zone.version()).map(ZoneVersion::as_it_came);
            let serial = served.map(|version| version.serial);
            let running = match before.remove(&id) {
                // A reload may have made anew what was served when it began, over what has come since.
                Some(running) if running.settings.is_same(&settings) && running.serial() == serial => running,
                replaced => {
                    replaced.iter().for_each(|replaced| replaced.task.abort());
                    self.start(settings, replaced, stored)
                }
            };
            tasks.insert(id, running);
        }
        before.into_values().for_each(|gone| gone.task.abort());
    }

    fn start(
        &self,
        settings: EtcdSettings,
        replaced: Option<Running>,
        stored: Option<&StoredZone>,
    ) -> Running {
        let settings = Arc::new(settings);
        let (begins, status, writer) = match replaced {
            Some(Running { settings, status, writer, .. }) => (Begins::Behind(settings), status, writer),
            None => (Begins::First, Shared::default(), KeptWriter::default()),
        };
        let (orders, given) = mpsc::channel(ORDERS_WAITING_MAX);
        let current = stored.and_then(|zone| zone.version()).map(ZoneVersion::as_it_came);
        status.change(|status| status.serial = current.as_ref().map(|version| version.serial));
        let zone = EtcdZone {
            settings: Arc::clone(&settings),
            current,
            publications: FeedPublisher::new(&settings, self.publications.clone(), Arc::clone(&self.live)),
            status: status.clone(),
            saving: Saving::new(settings.id().clone(), &KEPT_AS, writer.clone()),
            addresses_changed: Arc::clone(&self.addresses_changed),
        };
        let task = EtcdTask { zone, begins, random: Arc::clone(&self.random) };
        Running { settings, status, orders, writer, task: tokio::spawn(task.run(given)) }
    }

    /// How a zone stands; none where its records are no keys of etcd.
    pub fn status_of(&self, zone: &ZoneId) -> Option<EtcdStatus> {
        lock(&self.tasks).get(zone).map(|running| running.status.get())
    }

    /// Has what waits to be accepted be accepted, of all zones. Returns how many there were.
    pub fn accept(&self) -> usize {
        let tasks = lock(&self.tasks);
        let waiting = tasks.values().filter(|running| running.status.get().held.is_some());
        waiting.filter(|running| running.orders.try_send(Order::Accept).is_ok()).count()
    }

    /// Ends all of them; images that are to be written are.
    pub(super) fn end(&self) -> impl Future<Output = ()> + Send + use<> {
        let tasks: Vec<Running> = std::mem::take(&mut *lock(&self.tasks)).into_values().collect();
        async move {
            let end = Instant::now().checked_add(STOP_WAIT).unwrap_or_else(Instant::now);
            let handles: Vec<JoinHandle<()>> = tasks.into_iter().map(|running| running.task).collect();
            for mut handle in handles {
                // One that waits for the store has nothing to write.
                if timeout(end.saturating_duration_since(Instant::now()), &mut handle).await.is_err() {
                    handle.abort();
                }
            }
        }
    }
}
