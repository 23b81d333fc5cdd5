//! How many connections there are, in all and per client.
//!
//! Responsible for counting them and for refusing beyond the limits.
//! Not responsible for closing anything.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use super::{TcpCounters, TcpSettings, lock};

/// The connections that are open, by client. At most `connections_max`
/// entries, 60 bytes each.
#[derive(Default)]
pub(super) struct Limits {
    clients: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// Why a connection is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There are too many in all.
    Full,
    /// There are too many of this client.
    ClientFull,
}

/// The right to one connection; given back when dropped.
#[derive(Debug)]
pub(super) struct Admission {
    client: IpAddr,
    clients: Arc<Mutex<HashMap<IpAddr, usize>>>,
    counters: Arc<TcpCounters>,
}

impl Limits {
    /// Counts one more connection of the client at `address`, if it may have it.
    pub(super) fn admit(
        &self,
        address: IpAddr,
        settings: &TcpSettings,
        counters: &Arc<TcpCounters>,
    ) -> Result<Admission, Refusal> {
        let client = client(address);
        let mut clients = lock(&self.clients);
        if counters.open.load(Ordering::Relaxed) >= settings.connections_max {
            return Err(Refusal::Full);
        }
        let open = clients.get(&client).copied().unwrap_or(0);
        if open >= settings.connections_per_client_max {
            return Err(Refusal::ClientFull);
        }
        clients.insert(client, open.saturating_add(1));
        // Under the lock, so that the total is exact; it can be read without.
        counters.open.fetch_add(1, Ordering::Relaxed);
        drop(clients);
        Ok(Admission { client, clients: Arc::clone(&self.clients), counters: Arc::clone(counters) })
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut clients = lock(&self.clients);
        if let Some(open) = clients.get_mut(&self.client) {
            *open = open.saturating_sub(1);
            if *open == 0 {
                clients.remove(&self.client);
            }
        }
        self.counters.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Who counts as one client: an IPv4 address, or an IPv6 /64, within which
/// one host can have any address it likes.
fn client(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(connections_max: usize, connections_per_client_max: usize) -> TcpSettings {
        TcpSettings { connections_max, connections_per_client_max, ..TcpSettings::default() }
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_client() {
        let (limits, counters) = (Limits::default(), Arc::default());
        let one = settings(10, 1);
        let _held = limits.admit("2001:db8:0:1::1".parse().unwrap(), &one, &counters).unwrap();
        let same = limits.admit("2001:db8:0:1:ffff::2".parse().unwrap(), &one, &counters);
        assert_eq!(same.unwrap_err(), Refusal::ClientFull);
        assert!(limits.admit("2001:db8:0:2::1".parse().unwrap(), &one, &counters).is_ok());
    }

    #[test]
    fn a_connection_that_ends_makes_room_and_leaves_nothing_behind() {
        let (limits, counters) = (Limits::default(), Arc::default());
        let address = "192.0.2.1".parse().unwrap();
        let held = limits.admit(address, &settings(1, 1), &counters).unwrap();
        let other = limits.admit("192.0.2.2".parse().unwrap(), &settings(1, 1), &counters);
        assert_eq!(other.unwrap_err(), Refusal::Full);
        drop(held);
        assert!(lock(&limits.clients).is_empty());
        assert_eq!(counters.open.load(Ordering::Relaxed), 0);
        assert!(limits.admit(address, &settings(1, 1), &counters).is_ok());
    }
}
