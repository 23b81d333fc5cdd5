//! Limits transfers at once, in all and per client.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use crate::sync::lock;
use crate::transport::client;

/// How many transfers are sent at once. Each holds a version of its zone, and some hundred KiB for a client that is slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferLimits {
    /// In all.
    pub all: usize,
    /// To one IPv4 address or one IPv6 /64.
    pub per_client: usize,
}

impl Default for TransferLimits {
    fn default() -> Self {
        Self { all: 32, per_client: 8 }
    }
}

/// The transfers that are under way.
#[derive(Default)]
pub(super) struct RunningTransfers {
    clients: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// The right to one transfer; given back when dropped.
pub(super) struct TransferPermit {
    client: IpAddr,
    clients: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl RunningTransfers {
    /// One more transfer to the client at `address`, if it may have it.
    pub(super) fn begin(&self, address: IpAddr, limits: TransferLimits) -> Option<TransferPermit> {
        let client = client(address);
        let mut clients = lock(&self.clients);
        let own = clients.get(&client).copied().unwrap_or(0);
        if own >= limits.per_client || total(&clients) >= limits.all {
            return None;
        }
        clients.insert(client, own.saturating_add(1));
        Some(TransferPermit { client, clients: Arc::clone(&self.clients) })
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        total(&lock(&self.clients))
    }
}

fn total(clients: &HashMap<IpAddr, usize>) -> usize {
    clients.values().copied().fold(0, usize::saturating_add)
}

impl Drop for TransferPermit {
    fn drop(&mut self) {
        let mut clients = lock(&self.clients);
        match clients.get_mut(&self.client) {
            Some(own) if *own > 1 => *own = own.saturating_sub(1),
            _ => _ = clients.remove(&self.client),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_back_and_no_client_takes_all() {
        let (under_way, limits) = (RunningTransfers::default(), TransferLimits { all: 3, per_client: 2 });
        let begin = |address: &str| under_way.begin(address.parse().unwrap(), limits);
        let held = [begin("192.0.2.1"), begin("192.0.2.1")];
        assert!(held.iter().all(Option::is_some) && begin("192.0.2.1").is_none());
        let other = begin("192.0.2.2");
        assert!(other.is_some() && begin("192.0.2.3").is_none());
        drop(held);
        assert_eq!(under_way.count(), 1);
        assert!(begin("192.0.2.3").is_some());
        drop(other);
        assert_eq!(under_way.count(), 0);
    }
}
