//! Handshakes under way, in all and per client.
//!
//! A handshake costs as much as hundreds of queries, and a client that begins one and goes no further costs its memory
//! until its time is over. Counts them, refuses one client too many of its own, and takes the oldest for the newest where
//! there are too many in all: a client that means it is done in the time of a few packets, so that it is not among the
//! oldest. Not responsible for how long a handshake may take.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use tokio::time::error::Elapsed;

use super::counters::{HandshakeCounters, TcpCounters};
use super::limits::{ConnectionSlot, Limits};
use crate::sync::lock;
use crate::transport::client::client;

/// Handshakes under way in all; some 30 kB each.
pub(in crate::transport) const HANDSHAKES_MAX: usize = 256;

/// Handshakes under way of one client: more than any opens at a time, so that no single address takes all.
pub(super) const HANDSHAKES_PER_CLIENT_MAX: usize = 32;

/// Handshakes under way, the oldest first.
type UnderWay = VecDeque<(IpAddr, Arc<ConnectionSlot>)>;

/// The handshakes that are under way.
#[derive(Default)]
pub(in crate::transport) struct Handshakes {
    under_way: Arc<Mutex<UnderWay>>,
}

/// One handshake; it is over when this is dropped.
pub(in crate::transport) struct HandshakePermit {
    slot: Arc<ConnectionSlot>,
    under_way: Arc<Mutex<UnderWay>>,
    counters: Arc<TcpCounters>,
}

impl Handshakes {
    /// Begins one of the client at `address`, whose connection has `slot`; none: it has too many. Where there are too
    /// many in all, the oldest loses the place of its connection.
    pub(in crate::transport) fn begin(
        &self,
        address: IpAddr,
        slot: Arc<ConnectionSlot>,
        limits: &Limits,
        counters: &Arc<TcpCounters>,
    ) -> Option<HandshakePermit> {
        let client = client(address);
        let mut under_way = lock(&self.under_way);
        if under_way.iter().filter(|(of, _)| *of == client).count() >= HANDSHAKES_PER_CLIENT_MAX {
            counters.handshakes.limited.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        if under_way.len() >= HANDSHAKES_MAX
            && let Some((its_client, oldest)) = under_way.pop_front()
        {
            counters.handshakes.evicted.fetch_add(1, Ordering::Relaxed);
            limits.evict(its_client, &oldest, counters);
        }
        under_way.push_back((client, Arc::clone(&slot)));
        counters.handshakes.under_way.store(under_way.len(), Ordering::Relaxed);
        drop(under_way);
        Some(HandshakePermit { slot, under_way: Arc::clone(&self.under_way), counters: Arc::clone(counters) })
    }

    /// Whether so many are under way, in all or of the client at `address`, that another one should prove first that
    /// it is there. A quarter of what may be leaves room for those that have. Connections that are `lingering` count in
    /// all: a handshake that the client ends at once costs as much as one that does not go on.
    pub(in crate::transport) fn are_crowded(&self, address: IpAddr, lingering: usize) -> bool {
        let client = client(address);
        let under_way = lock(&self.under_way);
        let own = under_way.iter().filter(|(of, _)| *of == client).count();
        under_way.len().saturating_add(lingering) >= HANDSHAKES_MAX / 4
            || own >= HANDSHAKES_PER_CLIENT_MAX / 4
    }
}

impl HandshakePermit {
    /// It has come to an end of its own, or its time is over.
    pub(in crate::transport) fn end<S>(self, accepted: &Result<io::Result<S>, Elapsed>) {
        let HandshakeCounters { completed, failed, late, .. } = &self.counters.handshakes;
        let count = match accepted {
            Ok(Ok(_)) => completed,
            Ok(Err(_)) => failed,
            Err(_) => late,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for HandshakePermit {
    fn drop(&mut self) {
        let mut under_way = lock(&self.under_way);
        // The oldest are the most likely to end.
        if let Some(place) = under_way.iter().position(|(_, slot)| Arc::ptr_eq(slot, &self.slot)) {
            under_way.remove(place);
        }
        self.counters.handshakes.under_way.store(under_way.len(), Ordering::Relaxed);
    }
}
