//! A fixed number of slots for connections.
//!
//! When all are taken, a new connection replaces one that has no request under way. So idle connections, and
//! those that do not take their response, keep no client out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::sync::lock;
use crate::transport;

/// The slots of one listener.
pub(super) struct Slots {
    max: usize,
    taken: Mutex<Taken>,
    /// Notified when a slot is free, or its connection has no request any more.
    changed: Notify,
}

#[derive(Default)]
struct Taken {
    /// The number of the next connection.
    next: u64,
    connections: HashMap<u64, Connection>,
}

struct Connection {
    client: Option<IpAddr>,
    doing: Doing,
    /// Dropped, it ends the connection.
    _stays: oneshot::Sender<()>,
}

/// What a connection does. HTTP/1.1 answers one request after the other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// It has no request, since then.
    Waiting(Instant),
    /// Its request is being answered.
    Answering,
}

/// The slot of a connection, free again when this is dropped.
pub(super) struct Slot {
    handle: SlotHandle,
    ended: oneshot::Receiver<()>,
}

/// The state of a connection, which it updates with its requests.
#[derive(Clone)]
pub(super) struct SlotHandle {
    number: u64,
    slots: Arc<Slots>,
}

/// A request that is being answered, until this is dropped.
pub(super) struct Answering(SlotHandle);

impl Slots {
    /// So many slots.
    pub(super) fn new(max: usize) -> Self {
        Self { max, taken: Mutex::default(), changed: Notify::new() }
    }

    /// Resolves when one more connection can have a slot: one is free, or one can be taken away.
    pub(super) async fn room(&self) {
        while !self.has_room() {
            self.changed.notified().await;
        }
    }

    fn has_room(&self) -> bool {
        let taken = self.taken();
        taken.connections.len() < self.max || taken.least_needed().is_some()
    }

    /// A slot for a connection of this client. Where all are taken, another one loses its own.
    pub(super) fn take(self: &Arc<Self>, client: Option<IpAddr>) -> Slot {
        let (stays, ended) = oneshot::channel();
        let mut taken = self.taken();
        if taken.connections.len() >= self.max
            && let Some(number) = taken.least_needed()
        {
            taken.connections.remove(&number);
        }
        let number = taken.next;
        taken.next = number.wrapping_add(1);
        let doing = Doing::Waiting(Instant::now());
        let connection = Connection { client: client.map(transport::client), doing, _stays: stays };
        taken.connections.insert(number, connection);
        drop(taken);
        Slot { handle: SlotHandle { number, slots: Arc::clone(self) }, ended }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        // A panic cannot leave the table half changed.
        lock(&self.taken)
    }
}

impl Taken {
    /// The connection whose end hurts least: without a request, of the client with the most connections, and
    /// of those the one that has waited the longest. None where all are being answered. There are few, so all
    /// are looked at.
    fn least_needed(&self) -> Option<u64> {
        let mut of_clients: HashMap<Option<IpAddr>, usize> = HashMap::new();
        for connection in self.connections.values() {
            *of_clients.entry(connection.client).or_default() += 1;
        }
        let waiting = self.connections.iter().filter_map(|(number, connection)| match connection.doing {
            Doing::Waiting(since) => Some((of_clients.get(&connection.client), since, *number)),
            Doing::Answering => None,
        });
        let first = waiting.max_by(|(many, since, number), (others, later, next)| {
            many.cmp(others).then(later.cmp(since)).then(next.cmp(number))
        });
        first.map(|(_, _, number)| number)
    }
}

impl Slot {
    /// For what the connection says of itself.
    pub(super) fn handle(&self) -> SlotHandle {
        self.handle.clone()
    }

    /// Resolves when another connection has been given the slot.
    pub(super) async fn given_away(&mut self) {
        // Nothing is ever sent: that the other end is gone is the message.
        let _ = (&mut self.ended).await;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let SlotHandle { number, slots } = &self.handle;
        slots.taken().connections.remove(number);
        slots.changed.notify_one();
    }
}

impl SlotHandle {
    /// A request has come.
    pub(super) fn begin(&self) -> Answering {
        self.does(Doing::Answering);
        Answering(self.clone())
    }

    fn does(&self, doing: Doing) {
        if let Some(connection) = self.slots.taken().connections.get_mut(&self.number) {
            connection.doing = doing;
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.does(Doing::Waiting(Instant::now()));
        self.0.slots.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    fn is_given_away(slot: &mut Slot) -> bool {
        slot.ended.try_recv() == Err(oneshot::error::TryRecvError::Closed)
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_waited_the_longest_without_a_request_goes_first() {
        let slots = Arc::new(Slots::new(3));
        let mut first = slots.take(None);
        advance(Duration::from_secs(1)).await;
        let mut second = slots.take(None);
        advance(Duration::from_secs(1)).await;
        let mut third = slots.take(None);
        advance(Duration::from_secs(1)).await;
        // It has been answered since, so now it has waited the shortest.
        drop(first.handle().begin());
        let asking = second.handle().begin();
        let mut fourth = slots.take(None);
        assert!(is_given_away(&mut third));
        for slot in [&mut first, &mut second, &mut fourth] {
            assert!(!is_given_away(slot));
        }
        drop(asking);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_with_many_connections_loses_its_own() {
        let slots = Arc::new(Slots::new(4));
        let [one, other]: [IpAddr; 2] = ["2001:db8::1".parse().unwrap(), "2001:db8::ffff".parse().unwrap()];
        let mut honest = slots.take(Some("192.0.2.1".parse().unwrap()));
        advance(Duration::from_secs(1)).await;
        let mut greedy = slots.take(Some(one));
        advance(Duration::from_secs(1)).await;
        let _more = [slots.take(Some(other)), slots.take(Some(one))];
        let _another = slots.take(Some("192.0.2.2".parse().unwrap()));
        assert!(is_given_away(&mut greedy) && !is_given_away(&mut honest));
    }

    #[tokio::test(start_paused = true)]
    async fn where_everybody_is_being_answered_one_more_waits() {
        let slots = Arc::new(Slots::new(1));
        let slot = slots.take(None);
        let asking = slot.handle().begin();
        let limit = Duration::from_secs(60);
        assert!(tokio::time::timeout(limit, slots.room()).await.is_err());
        drop(asking);
        assert!(tokio::time::timeout(limit, slots.room()).await.is_ok());
        drop(slot);
        assert!(slots.taken().connections.is_empty());
    }
}
