//! A change of what is served, before it is carried out.
//!
//! Holds everything new that the change needs, and says which worker serves what, and on which cores, once it
//! has happened. Gaining it and carrying it out is up to `running`.

use std::net::SocketAddr;
use std::sync::Arc;

use socket2::Socket;

use super::affinity::{Affinity, Cores};
use super::listen_address::{ListenAddress, Registered};
use super::listeners::Datagrams;
use super::mmsg;
use super::settings::Settings;
use super::udp::{Assignment, WorkerHandle};

/// Everything new that a change needs, gained before anything old is touched.
pub(super) struct ListenerChange {
    /// For each address served now: its UDP sockets from now on; none if it is given up.
    pub(super) kept: Vec<Option<Group>>,
    pub(super) fresh: Vec<NewAddress>,
    pub(super) workers: Vec<WorkerHandle>,
    pub(super) sharing: Sharing,
}

/// The UDP sockets of an address, by worker.
pub(super) struct Group {
    pub(super) udp: Vec<Arc<Socket>>,
    pub(super) datagrams: Datagrams,
}

/// How the cores are shared out from now on.
pub(super) struct Sharing {
    pub(super) affinity: Affinity,
    /// How many workers share them.
    pub(super) workers: usize,
    /// None: workers and the kernel go on as they are.
    cores: Option<Cores>,
}

/// A new address, ready to be served.
pub(super) struct NewAddress {
    pub(super) asked: ListenAddress,
    pub(super) address: SocketAddr,
    pub(super) group: Group,
    /// For each socket that connections come to what serves it.
    pub(super) serve: Vec<Registered>,
}

impl Sharing {
    /// As `settings` say, after it was `before`.
    pub(super) fn new(settings: &Settings, before: Affinity) -> Self {
        let (affinity, workers) = (settings.affinity, settings.worker_count());
        let unbound = Self { affinity, workers, cores: None };
        if affinity == Affinity::Clients && before == Affinity::Clients {
            return unbound;
        }
        match Cores::allowed() {
            Ok(cores) => Self { cores: Some(cores), ..unbound },
            Err(error) => {
                tracing::warn!(%error, "cannot find out which cores may be used (sched_getaffinity)");
                unbound
            }
        }
    }

    /// The cores that worker `index` stays on; none: where it is.
    fn of_worker(&self, index: usize) -> Option<Cores> {
        let cores = self.cores.as_ref()?;
        Some(match self.affinity {
            Affinity::Clients => cores.clone(),
            Affinity::Cores => cores.of_worker(index, self.workers),
        })
    }
}

impl ListenerChange {
    /// What worker `index` serves, one socket of each address, and on which cores it stays.
    pub(super) fn assignment(&self, index: usize) -> Assignment {
        let sockets = self.groups().filter_map(|group| group.udp.get(index).cloned()).collect();
        Assignment { sockets, cores: self.sharing.of_worker(index) }
    }

    /// Lets the kernel give a datagram to the worker on its core. Where it refuses it chooses by itself, and
    /// all are answered, too.
    pub(super) fn steer(&self) {
        let Some(cores) = &self.sharing.cores else { return };
        // One that was passed to us is shared by all workers: there is no choice. A single worker of today
        // may have had others.
        let own = self.groups().filter(|group| group.datagrams == Datagrams::OnePerWorker);
        for first in own.filter_map(|group| group.udp.first()) {
            let steered = match self.sharing.affinity {
                Affinity::Cores => cores.steer(first, self.sharing.workers),
                // Of an address that is new there is nothing to take back.
                Affinity::Clients => mmsg::choose_freely(first).or(Ok(())),
            };
            if let Err(error) = steered {
                tracing::warn!(%error, "cannot give queries to the worker on the core where they arrive");
            }
        }
    }

    /// The sockets of each address.
    fn groups(&self) -> impl Iterator<Item = &Group> {
        self.kept.iter().flatten().chain(self.fresh.iter().map(|fresh| &fresh.group))
    }
}
