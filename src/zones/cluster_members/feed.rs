//! Members that a cluster names as a feed: tasks that follow the settings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::task::JoinHandle;
use tracing::warn;

use super::status::ClusterMembersStatus;
use super::task::MembersTask;
use crate::kubernetes::Selector;
use crate::sync::{Shared, lock};
use crate::tls::Random;
use crate::zones::feed::{Feed, FeedContext, FeedStatus};
use crate::zones::settings::{ClusterSettings, Settings};
use crate::zones::source::ClusterMembers;
use crate::zones::store::Store;
use crate::zones::zone_id::ZoneId;

/// The tasks of all selectors.
pub struct ClusterMembersFeed {
    tasks: Mutex<BTreeMap<Selector, Running>>,
    random: Arc<Random>,
    members_changed: Arc<dyn Fn() + Send + Sync>,
    /// Whether it was said that the cluster cannot be asked.
    is_told: AtomicBool,
}

/// The task of one selector.
struct Running {
    settings: Arc<ClusterSettings>,
    folder: PathBuf,
    status: Shared<ClusterMembersStatus>,
    task: JoinHandle<()>,
}

impl ClusterMembersFeed {
    /// As a feed: follows no selector yet.
    pub fn feed(context: &FeedContext) -> Arc<dyn Feed> {
        Arc::new(ClusterMembersFeed {
            tasks: Mutex::default(),
            random: Arc::new(Random::new()),
            members_changed: Arc::clone(&context.addresses_changed),
            is_told: AtomicBool::new(false),
        })
    }

    /// How the cluster is heard about each selector.
    pub fn statuses(&self) -> Vec<(Selector, ClusterMembersStatus)> {
        let tasks = lock(&self.tasks);
        tasks.iter().map(|(selector, running)| (selector.clone(), running.status.get())).collect()
    }

    fn start(&self, selector: Selector, settings: Arc<ClusterSettings>, folder: PathBuf) -> Running {
        let status = Shared::<ClusterMembersStatus>::default();
        let task = MembersTask {
            settings: Arc::clone(&settings),
            selector,
            folder: folder.clone(),
            status: status.clone(),
            random: Arc::clone(&self.random),
            members_changed: Arc::clone(&self.members_changed),
        };
        Running { settings, folder, status, task: tokio::spawn(task.run()) }
    }
}

impl Feed for ClusterMembersFeed {
    fn follow(&self, settings: &Settings, _: &Store) {
        let mut tasks = lock(&self.tasks);
        let mut before = std::mem::take(&mut *tasks);
        let members = settings.zones.iter().filter_map(|zone| zone.sources.find::<ClusterMembers>());
        let selectors: BTreeSet<&Selector> = members.flat_map(ClusterMembers::selectors).collect();
        if let (Some(cluster), Some(folder)) = (&settings.cluster, &settings.state_directory) {
            for selector in selectors {
                let running = match before.remove(selector) {
                    Some(running) if running.settings == *cluster && running.folder == *folder => running,
                    replaced => {
                        if let Some(replaced) = replaced {
                            replaced.task.abort();
                        }
                        self.start(selector.clone(), Arc::clone(cluster), folder.clone())
                    }
                };
                tasks.insert(selector.clone(), running);
            }
        }
        let is_ill = settings.cluster.is_some() && settings.state_directory.is_none();
        if !self.is_told.swap(is_ill, Ordering::Relaxed) && is_ill {
            warn!("no state directory is configured: the cluster is not asked who belongs to pools");
        }
        before.into_values().for_each(|gone| gone.task.abort());
    }

    /// What is told of transfers; selectors have a status of their own.
    fn status(&self, _: &ZoneId) -> Option<FeedStatus> {
        None
    }

    /// What is kept is whole at any time.
    fn stop(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let tasks = std::mem::take(&mut *lock(&self.tasks));
        tasks.into_values().for_each(|running| running.task.abort());
        Box::pin(std::future::ready(()))
    }
}
