//! How many queries wait for answers, in all and by client.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;

/// Queries that wait for answers, of all clients; each holds a kilobyte.
const WAITING_MAX: usize = 8000;

/// Queries of one client (an IPv4 address, or an IPv6 /64) that wait: a tenth of the questions, so that no
/// client can have them all.
const WAITING_OF_CLIENT_MAX: u32 = 100;

/// The queries that wait, counted.
#[derive(Default)]
pub(super) struct Waiting {
    clients: HashMap<IpAddr, u32>,
    all: usize,
}

impl Waiting {
    /// How many there are.
    pub(super) fn all(&self) -> usize {
        self.all
    }

    /// Whether there are as many as may be.
    pub(super) fn is_full(&self) -> bool {
        self.all >= WAITING_MAX
    }

    /// Whether a client has as many as it may.
    pub(super) fn is_full_for(&self, client: IpAddr) -> bool {
        self.clients.get(&client).is_some_and(|waits| *waits >= WAITING_OF_CLIENT_MAX)
    }

    /// Counts one more of a client.
    pub(super) fn enter(&mut self, client: IpAddr) {
        let waits = self.clients.entry(client).or_default();
        *waits = waits.saturating_add(1);
        self.all = self.all.saturating_add(1);
    }

    /// Counts one less of a client.
    pub(super) fn leave(&mut self, client: IpAddr) {
        self.all = self.all.saturating_sub(1);
        if let Entry::Occupied(mut waits) = self.clients.entry(client) {
            *waits.get_mut() = waits.get().saturating_sub(1);
            if *waits.get() == 0 {
                waits.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_a_tenth_of_the_questions_and_leaves_nothing_behind() {
        let mut waiting = Waiting::default();
        let [one, other] = [1, 2].map(|last| IpAddr::from([192, 0, 2, last]));
        (0..WAITING_OF_CLIENT_MAX).for_each(|_| waiting.enter(one));
        assert!(waiting.is_full_for(one) && !waiting.is_full_for(other) && !waiting.is_full());
        (0..WAITING_OF_CLIENT_MAX).for_each(|_| waiting.leave(one));
        assert!(!waiting.is_full_for(one));
        assert_eq!((waiting.all(), waiting.clients.len()), (0, 0));
    }
}
