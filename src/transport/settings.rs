//! Where and with how much to listen.

use std::thread;

use super::affinity::Affinity;
use super::listen_address::{ListenAddress, Protocols};
use super::stream::TcpSettings;

/// UDP workers at most: more threads than the machines that serve DNS at an edge have cores.
pub const WORKERS_MAX: usize = 256;

/// Where and with how much to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Addresses, and what is served there. One given twice counts once.
    pub listen: Vec<ListenAddress>,
    /// UDP threads, at most [`WORKERS_MAX`]; 0: one per core.
    pub workers: usize,
    /// Which of them takes a query over UDP.
    pub affinity: Affinity,
    /// Limits of TCP.
    pub tcp: TcpSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: Protocols::ALL.iter().flat_map(|protocols| protocols.usual_addresses()).collect(),
            workers: 0,
            affinity: Affinity::Clients,
            tcp: TcpSettings::default(),
        }
    }
}

impl Settings {
    /// How many UDP workers that makes on this machine.
    pub fn worker_count(&self) -> usize {
        match self.workers {
            0 => thread::available_parallelism().map_or(1, usize::from).min(WORKERS_MAX),
            workers => workers.min(WORKERS_MAX),
        }
    }

    /// The listen addresses, each once, in the order given.
    pub(super) fn addresses(&self) -> Vec<ListenAddress> {
        let mut addresses: Vec<ListenAddress> = Vec::with_capacity(self.listen.len());
        for &address in &self.listen {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        addresses
    }
}
