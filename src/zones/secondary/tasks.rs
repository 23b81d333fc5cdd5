//! The tasks of all secondary zones.
//!
//! Starts and ends them as the configuration changes, and passes NOTIFY to the right one. What a task does is in `task`.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::saving::{CopyWriter, Saving};
use super::settings::SecondarySettings;
use super::task::SecondaryTask;
use super::told::{Teller, telling};
use crate::dns::NameRef;
use crate::sync::lock;
use crate::tls::Random;
use crate::transfer::incoming::{Primary, Told};
use crate::tsig::KeyName;
use crate::zones::feed::{FeedStatus, SharedStatus};
use crate::zones::publication::Publications;
use crate::zones::settings::Settings;
use crate::zones::store::{Store, StoredZone};
use crate::zones::zone_id::ZoneId;

/// How long a stopping server waits for copies to be written.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// The tasks of all secondary zones. Clones share them: the loop starts and ends tasks, the treatment of NOTIFY wakes
/// them.
#[derive(Clone)]
pub struct Secondaries {
    tasks: Arc<Mutex<HashMap<ZoneId, Running>>>,
    publications: Publications,
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

/// The task of one zone.
struct Running {
    settings: Arc<SecondarySettings>,
    status: SharedStatus,
    teller: Teller,
    writer: CopyWriter,
    task: JoinHandle<()>,
}

impl Secondaries {
    /// No task yet. Versions are published through `publications`; `addresses_changed` is called for each new version of a
    /// zone that reverse zones are made from.
    pub fn new(
        publications: Publications,
        addresses_changed: impl Fn() + Send + Sync + 'static,
    ) -> Secondaries {
        Secondaries {
            tasks: Arc::default(),
            publications,
            random: Arc::new(Random::new()),
            addresses_changed: Arc::new(addresses_changed),
        }
    }

    /// Has a task for each zone that is copied by these settings; `store` is what is served now. A task whose zone is
    /// copied as before goes on.
    pub fn follow(&self, settings: &Settings, store: &Store) {
        let mut tasks = lock(&self.tasks);
        let mut before = std::mem::take(&mut *tasks);
        for settings in SecondarySettings::all(settings) {
            let id = settings.id().clone();
            let running = match before.remove(&id) {
                Some(running) if running.settings.is_same(&settings) => running,
                replaced => {
                    let stored = store.zones().iter().find(|zone| zone.id == id);
                    let replaced = replaced.map(|Running { status, writer, task, .. }| {
                        // It may be in the midst of a transfer, which is of no use any more.
                        task.abort();
                        (status, writer)
                    });
                    self.start(settings, replaced, stored)
                }
            };
            tasks.insert(id, running);
        }
        before.into_values().for_each(|gone| gone.task.abort());
    }

    /// Starts a task, in place of one of which these are left, if there was one.
    fn start(
        &self,
        settings: SecondarySettings,
        replaced: Option<(SharedStatus, CopyWriter)>,
        stored: Option<&StoredZone>,
    ) -> Running {
        // The task that was replaced may not have written what it copied last.
        let unsaved = replaced.as_ref().and_then(|(status, _)| status.get().from);
        let (status, writer) = replaced.unwrap_or_default();
        let mut saving = Saving::new(settings.id().clone(), settings.folder.as_deref(), writer.clone());
        unsaved.into_iter().for_each(|from| saving.transferred(from));
        let settings = Arc::new(settings);
        let (teller, listener) = telling();
        let now = Instant::now();
        let current = stored.and_then(|zone| zone.version().cloned());
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
            publications: self.publications.clone(),
            status: status.clone(),
            random: Arc::clone(&self.random),
            saving,
            addresses_changed: Arc::clone(&self.addresses_changed),
        };
        Running { settings, status, teller, writer, task: tokio::spawn(task.run(listener)) }
    }

    /// The status of a zone; none for one that is no secondary.
    pub fn status(&self, zone: &ZoneId) -> Option<FeedStatus> {
        lock(&self.tasks).get(zone).map(|running| running.status.get())
    }

    /// Passes a NOTIFY on to the zones of this apex that have a primary with the sender's address or key. `serial` is the one
    /// in it.
    pub(super) fn notify(
        &self,
        apex: NameRef<'_>,
        from: IpAddr,
        key: Option<&KeyName>,
        serial: Option<u32>,
    ) -> NotifyEffect {
        let mut listening = NotifyEffect::NotOurs;
        let tasks = lock(&self.tasks);
        for (_, running) in tasks.iter().filter(|(id, _)| id.name.as_ref() == apex) {
            let is_known = |primary: &Primary| {
                let address = primary.remote.address.ip().to_canonical();
                address == from.to_canonical()
                    || key.is_some_and(|key| primary.key.as_ref().is_some_and(|own| own.name == *key))
            };
            let Some(place) = running.settings.primaries.list.iter().position(is_known) else {
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
