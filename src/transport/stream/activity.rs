//! What a connection does that answers many queries beside each other: whether it is idle, and whether its client
//! takes what it is sent.
//!
//! A connection that only receives is as idle to others as it was: half a query is no reason to keep a place.

use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use super::clock::deadline;
use super::limits::ConnectionSlot;
use super::settings::TcpSettings;
use crate::sync::lock;

/// What a connection does now.
pub(in crate::transport) struct Activity {
    now: Mutex<Doing>,
    slot: Arc<ConnectionSlot>,
}

struct Doing {
    /// Queries that are received.
    receiving: usize,
    /// Queries that are answered, and responses that are not sent.
    answering: usize,
    /// Responses that are not sent.
    unsent: usize,
    /// Since when there is nothing to do, where there is not.
    idle_from: Instant,
    /// When the last response was sent; or the first came, of those that are not.
    taken: Instant,
    /// Since when the stream below takes nothing, where it does not.
    blocked_from: Option<Instant>,
}

/// Why a connection is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transport) enum Overdue {
    /// There has been no query for too long.
    Idle,
    /// The client takes no responses.
    Unread,
}

/// A query that is received, until this is dropped.
pub(in crate::transport) struct Receiving(Arc<Activity>);

/// A query that is answered, until this is dropped.
pub(in crate::transport) struct Answering(Arc<Activity>);

/// A response that is not sent, until this is dropped.
pub(in crate::transport) struct Unsent(Answering);

impl Activity {
    /// Of a connection that has just begun.
    pub(in crate::transport) fn new(slot: Arc<ConnectionSlot>) -> Arc<Self> {
        let now = Instant::now();
        slot.idle(now);
        let doing =
            Doing { receiving: 0, answering: 0, unsent: 0, idle_from: now, taken: now, blocked_from: None };
        Arc::new(Self { now: Mutex::new(doing), slot })
    }

    /// A query has begun to come.
    pub(in crate::transport) fn receive(self: &Arc<Self>) -> Receiving {
        let mut doing = lock(&self.now);
        doing.receiving = doing.receiving.saturating_add(1);
        Receiving(Arc::clone(self))
    }

    /// A query has come.
    pub(in crate::transport) fn answer(self: &Arc<Self>) -> Answering {
        let mut doing = lock(&self.now);
        doing.answering = doing.answering.saturating_add(1);
        self.slot.busy();
        Answering(Arc::clone(self))
    }

    /// A response is there, and is not sent.
    pub(in crate::transport) fn respond(self: &Arc<Self>) -> Unsent {
        let answering = self.answer();
        let mut doing = lock(&self.now);
        if doing.unsent == 0 {
            doing.taken = Instant::now();
        }
        doing.unsent = doing.unsent.saturating_add(1);
        drop(doing);
        Unsent(answering)
    }

    /// The stream below has taken what it was given, or has not: what is ready to be sent may be held there.
    pub(in crate::transport) fn written<T>(&self, taken: &Poll<T>) {
        let mut doing = lock(&self.now);
        match taken {
            Poll::Ready(_) => doing.blocked_from = None,
            Poll::Pending => _ = doing.blocked_from.get_or_insert_with(Instant::now),
        }
    }

    /// When to look again; or why the connection is to end now.
    pub(in crate::transport) fn look(&self, settings: &TcpSettings) -> Result<Instant, Overdue> {
        let doing = lock(&self.now);
        let (from, limit, overdue) = if let Some(blocked_from) = doing.blocked_from {
            (blocked_from, settings.write, Overdue::Unread)
        } else if doing.unsent > 0 {
            (doing.taken, settings.write, Overdue::Unread)
        } else if doing.is_idle() {
            (doing.idle_from, settings.idle, Overdue::Idle)
        } else {
            // What is received or waited for has limits of its own.
            return Ok(deadline(settings.write.min(settings.idle)));
        };
        let left = limit.saturating_sub(from.elapsed());
        if left == Duration::ZERO { Err(overdue) } else { Ok(deadline(left)) }
    }
}

impl Doing {
    fn is_idle(&self) -> bool {
        self.receiving == 0 && self.answering == 0
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        let Self(activity) = self;
        let mut doing = lock(&activity.now);
        doing.receiving = doing.receiving.saturating_sub(1);
        if doing.is_idle() {
            doing.idle_from = Instant::now();
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let Self(activity) = self;
        let mut doing = lock(&activity.now);
        doing.answering = doing.answering.saturating_sub(1);
        if doing.answering == 0 {
            doing.idle_from = Instant::now();
            activity.slot.idle(doing.idle_from);
        }
    }
}

impl Drop for Unsent {
    fn drop(&mut self) {
        let Self(Answering(activity)) = self;
        let mut doing = lock(&activity.now);
        doing.unsent = doing.unsent.saturating_sub(1);
        doing.taken = Instant::now();
    }
}
