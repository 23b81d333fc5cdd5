//! How many connections there are, in all and per client.
//!
//! Counts them, refuses beyond the limits, and chooses the one that has to go when all places are taken and
//! another client comes. It is the connection that closes itself.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use tokio::time::Instant;

use super::counters::TcpCounters;
use super::settings::TcpSettings;
use crate::sync::lock;
use crate::transport::client::client;

/// The connections that are open, by client.
type Clients = HashMap<IpAddr, Vec<Arc<ConnectionSlot>>>;

/// The connections that are open. At most `connections_max`, some 100 bytes each.
pub(in crate::transport) struct Limits {
    clients: Arc<Mutex<Clients>>,
    /// What the slots' moments are counted from.
    since: Instant,
}

/// Why a connection is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transport) enum ConnectionRefusal {
    /// There are too many in all.
    Full,
    /// There are too many of this client.
    ClientFull,
}

/// The right to one connection; given back when dropped.
#[derive(Debug)]
pub(in crate::transport) struct ConnectionPermit {
    client: IpAddr,
    slot: Arc<ConnectionSlot>,
    clients: Arc<Mutex<Clients>>,
    counters: Arc<TcpCounters>,
}

/// One connection, as others see it.
#[derive(Debug)]
pub(in crate::transport) struct ConnectionSlot {
    /// Milliseconds, since there are any limits, until the connection had nothing to do; [`BUSY`] while it
    /// has.
    idle_from: AtomicU64,
    /// When the counting of these began.
    since: Instant,
    /// Whether the place is given to another.
    is_evicted: AtomicBool,
    /// Woken when the connection is to look whether it has to end.
    connection: Mutex<Option<Waker>>,
}

/// What a slot says while its connection reads, answers, or waits for an answer.
const BUSY: u64 = u64::MAX;

impl Default for Limits {
    fn default() -> Self {
        Self { clients: Arc::default(), since: Instant::now() }
    }
}

impl Limits {
    /// A slot of nobody's: for a handshake that has no place yet.
    pub(in crate::transport) fn slot(&self) -> Arc<ConnectionSlot> {
        Arc::new(ConnectionSlot {
            idle_from: AtomicU64::new(BUSY),
            since: self.since,
            is_evicted: AtomicBool::new(false),
            connection: Mutex::default(),
        })
    }

    /// Counts one more connection of the client at `address`, if it may have it. Where all places are taken,
    /// another client's idle connection loses its own.
    pub(in crate::transport) fn admit(
        &self,
        address: IpAddr,
        settings: &TcpSettings,
        counters: &Arc<TcpCounters>,
    ) -> Result<ConnectionPermit, ConnectionRefusal> {
        let client = client(address);
        let mut clients = lock(&self.clients);
        if counters.open.load(Ordering::Relaxed) >= settings.connections_max {
            let open = clients.get(&client).map_or(0, Vec::len);
            // To a client that has too many of its own both are the same; to the operator the total matters more.
            let may_have = open < settings.connections_per_client_max;
            let least = if may_have { least_needed(&clients, open) } else { None };
            let (evicted_client, slot) = least.ok_or(ConnectionRefusal::Full)?;
            give_back(&mut clients, evicted_client, &slot, counters);
            counters.evicted.fetch_add(1, Ordering::Relaxed);
            slot.evict();
        }
        let slots = clients.entry(client).or_default();
        if slots.len() >= settings.connections_per_client_max {
            if slots.is_empty() {
                clients.remove(&client);
            }
            return Err(ConnectionRefusal::ClientFull);
        }
        let slot = self.slot();
        slot.idle(Instant::now());
        slots.push(Arc::clone(&slot));
        // Under the lock, so that the total is exact; it can be read without.
        counters.open.fetch_add(1, Ordering::Relaxed);
        drop(clients);
        Ok(ConnectionPermit {
            client,
            slot,
            clients: Arc::clone(&self.clients),
            counters: Arc::clone(counters),
        })
    }
}

impl Limits {
    /// Ends the connection of this slot. Its place is free at once, whenever it gets to end.
    pub(super) fn evict(&self, client: IpAddr, slot: &Arc<ConnectionSlot>, counters: &TcpCounters) {
        give_back(&mut lock(&self.clients), client, slot, counters);
        slot.evict();
    }

    /// Has every connection look whether it has to end.
    pub(super) fn call_all(&self) {
        lock(&self.clients).values().flatten().for_each(|slot| slot.call());
    }
}

/// The connection whose end hurts least when a client comes that has `open`: idle, of a client that has more,
/// of these the one with the most, and of its own the one that has been idle the longest. All are looked at,
/// which for a thousand takes some microseconds, and only while no place is free.
fn least_needed(clients: &Clients, open: usize) -> Option<(IpAddr, Arc<ConnectionSlot>)> {
    let idle = clients.iter().filter(|(_, slots)| slots.len() > open).flat_map(|(client, slots)| {
        let idle = slots.iter().map(|slot| (slot.idle_from.load(Ordering::Relaxed), slot));
        let first = idle.filter(|(from, _)| *from != BUSY).min_by_key(|(from, _)| *from);
        first.map(|(from, slot)| (slots.len(), from, *client, slot))
    });
    let least = idle.min_by_key(|(count, from, ..)| (std::cmp::Reverse(*count), *from));
    least.map(|(_, _, client, slot)| (client, Arc::clone(slot)))
}

/// Takes a connection off the table, if it is still there.
fn give_back(clients: &mut Clients, client: IpAddr, slot: &Arc<ConnectionSlot>, counters: &TcpCounters) {
    let Entry::Occupied(mut slots) = clients.entry(client) else { return };
    let Some(place) = slots.get().iter().position(|one| Arc::ptr_eq(one, slot)) else { return };
    slots.get_mut().swap_remove(place);
    if slots.get().is_empty() {
        slots.remove();
    }
    counters.open.fetch_sub(1, Ordering::Relaxed);
}

impl ConnectionPermit {
    /// For the connection, to say whether it is idle.
    pub(in crate::transport) fn slot(&self) -> Arc<ConnectionSlot> {
        Arc::clone(&self.slot)
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        give_back(&mut lock(&self.clients), self.client, &self.slot, &self.counters);
    }
}

impl ConnectionSlot {
    /// The connection has had nothing to do since then.
    pub(in crate::transport) fn idle(&self, from: Instant) {
        let passed = from.saturating_duration_since(self.since).as_millis();
        // Half a billion years fit.
        self.idle_from.store(u64::try_from(passed).unwrap_or(0), Ordering::Relaxed);
    }

    /// The connection has something to do.
    pub(in crate::transport) fn busy(&self) {
        self.idle_from.store(BUSY, Ordering::Relaxed);
    }

    /// The place is given to another.
    pub(super) fn evict(&self) {
        self.is_evicted.store(true, Ordering::Relaxed);
        self.call();
    }

    /// Has the connection look whether it has to end.
    fn call(&self) {
        if let Some(connection) = &*lock(&self.connection) {
            connection.wake_by_ref();
        }
    }

    /// The task of the connection, which is woken when it is to look whether it has to end: what it looks at after this, it
    /// does not miss.
    pub(super) fn attend(&self, connection: &Waker) {
        let mut attending = lock(&self.connection);
        if !attending.as_ref().is_some_and(|attending| attending.will_wake(connection)) {
            *attending = Some(connection.clone());
        }
    }

    /// Whether the place is given to another.
    pub(super) fn is_evicted(&self) -> bool {
        self.is_evicted.load(Ordering::Relaxed)
    }

    /// Resolves when the place is given to another.
    pub(in crate::transport) async fn evicted(&self) {
        poll_fn(|context| {
            self.attend(context.waker());
            if self.is_evicted() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
        assert_eq!(same.unwrap_err(), ConnectionRefusal::ClientFull);
        assert!(limits.admit("2001:db8:0:2::1".parse().unwrap(), &one, &counters).is_ok());
        let neighbours = ["fe80::1", "fe80::2"].map(|ip| limits.admit(ip.parse().unwrap(), &one, &counters));
        assert!(neighbours.iter().all(Result::is_ok), "{neighbours:?}");
    }

    #[test]
    fn a_connection_that_ends_makes_room_and_leaves_nothing_behind() {
        let (limits, counters) = (Limits::default(), Arc::default());
        let address = "192.0.2.1".parse().unwrap();
        let held = limits.admit(address, &settings(1, 1), &counters).unwrap();
        held.slot.busy();
        let other = limits.admit("192.0.2.2".parse().unwrap(), &settings(1, 1), &counters);
        assert_eq!(other.unwrap_err(), ConnectionRefusal::Full);
        drop(held);
        assert!(lock(&limits.clients).is_empty());
        assert_eq!(counters.open.load(Ordering::Relaxed), 0);
        assert!(limits.admit(address, &settings(1, 1), &counters).is_ok());
    }

    /// Whose connections have been evicted.
    fn evicted(held: &[ConnectionPermit]) -> Vec<usize> {
        let all = held.iter().enumerate();
        let gone = all.filter(|(_, one)| {
            !lock(&one.clients).values().flatten().any(|slot| Arc::ptr_eq(slot, &one.slot))
        });
        gone.map(|(place, _)| place).collect()
    }

    #[test]
    fn the_longest_idle_connection_of_who_has_most_makes_room_for_a_new_client() {
        let (limits, counters) = (Limits::default(), Arc::<TcpCounters>::default());
        let (four, start) = (settings(4, 3), Instant::now());
        let admit = |ip: &str, idle: u64| {
            let admitted = limits.admit(ip.parse().unwrap(), &four, &counters)?;
            admitted.slot.idle(start + Duration::from_secs(idle));
            Ok::<ConnectionPermit, ConnectionRefusal>(admitted)
        };
        let mut held: Vec<ConnectionPermit> =
            [("192.0.2.1", 1), ("192.0.2.2", 3), ("192.0.2.2", 2), ("192.0.2.2", 9)]
                .map(|(ip, idle)| admit(ip, idle).unwrap())
                .into();
        // Longer idle, but the only one of its client.
        held.push(admit("192.0.2.3", 10).unwrap());
        assert_eq!(evicted(&held), [2]);
        assert_eq!(counters.open.load(Ordering::Relaxed), 4);
        // Busy ones stay.
        held[1].slot.busy();
        held[3].slot.busy();
        held.push(admit("192.0.2.4", 11).unwrap());
        assert_eq!(evicted(&held), [0, 2]);
        // No client takes the last place of another for a second one of its own.
        assert_eq!(admit("192.0.2.4", 12).unwrap_err(), ConnectionRefusal::Full);
        assert_eq!(counters.evicted.load(Ordering::Relaxed), 2);
        drop(held);
        assert!(lock(&limits.clients).is_empty());
        assert_eq!(counters.open.load(Ordering::Relaxed), 0);
    }
}
