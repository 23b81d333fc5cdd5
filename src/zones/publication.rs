//! Asking the daemon to serve another version of one zone.
//!
//! ```text
//!   writer of a live zone ─┐                         ┌─ applied, and answered from
//!                          ├─ Publications ─▶ loop ──┤
//!   transfer of a zone ────┘      ▲                  └─ refused: another version is served
//!                                 └────── reply ◀──────────┘
//! ```
//!
//! Defines requests and replies. `proposal` makes versions, the loop publishes them.

use std::fmt;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::settings::ZoneSettings;
use super::state::Event;
use super::store::StoredZone;
use super::version::ZoneVersion;
use super::zone_id::ZoneId;
use crate::dns::Name;

/// Requests that wait for the loop. Whoever asks waits for a place, and for the reply.
const PUBLICATIONS_WAITING_MAX: usize = 1024;

/// Sends requests about single zones to the loop. Cheap to clone: every writer of a zone has one.
#[derive(Clone)]
pub struct Publications {
    requests: mpsc::Sender<ZoneRequest>,
}

/// A request about a zone.
pub enum ZoneRequest {
    /// To say what is served of it.
    Current {
        /// The zone.
        zone: ZoneId,
        /// Gets it; none: SERVFAIL.
        reply: oneshot::Sender<Option<Arc<ZoneVersion>>>,
    },
    /// To change it.
    Change(Publication),
    /// To change which zones there are because of catalogs.
    Members {
        /// In this order.
        changes: Vec<MemberChange>,
        /// Gets the zones that are served as was wanted, after clients are answered so.
        reply: oneshot::Sender<Vec<StoredZone>>,
    },
}

/// What is to become of a zone that a catalog names. Zones of the config file stay as they are.
pub enum MemberChange {
    /// It is served as its settings say, and what is served of it stays.
    Serve(Box<ZoneSettings>),
    /// The same, and nothing is served of it for now.
    Reset(Box<ZoneSettings>),
    /// It is served no more.
    Drop(Name),
}

impl MemberChange {
    /// How the zone is to be served; none: not at all.
    pub(super) fn settings(&self) -> Option<&ZoneSettings> {
        match self {
            MemberChange::Serve(zone) | MemberChange::Reset(zone) => Some(zone),
            MemberChange::Drop(_) => None,
        }
    }
}

/// A change of a zone.
pub struct Publication {
    /// The zone.
    pub zone: ZoneId,
    /// The change.
    pub change: ZoneChange,
    /// Gets the result, after clients are answered from it.
    pub reply: oneshot::Sender<Result<(), NotPublished>>,
}

/// How a zone is to change.
pub enum ZoneChange {
    /// What was made of this version is served in its place; if another version is served, nothing changes.
    Next {
        /// The version that it was made from.
        base: Arc<ZoneVersion>,
        /// What happens to the zone.
        event: Event,
    },
    /// This happens to the zone, whatever is served of it.
    Anyhow(Event),
}

/// Why a zone is served as it was.
pub enum NotPublished {
    /// Another version is served than the change was made from: the zone was read anew, or has expired. With the one
    /// that is served; none: SERVFAIL. The change is to be made anew from that one.
    OtherBase(Option<Arc<ZoneVersion>>),
    /// The zone is not configured any more.
    NoZone,
    /// The server ends.
    Ending,
}

impl Publications {
    /// The sending and the receiving end.
    pub fn channel() -> (Publications, mpsc::Receiver<ZoneRequest>) {
        let (requests, asked) = mpsc::channel(PUBLICATIONS_WAITING_MAX);
        (Publications { requests }, asked)
    }

    /// What is served of a zone: what the first change is made from. None: SERVFAIL, or there is no such zone.
    pub async fn current(&self, zone: ZoneId) -> Option<Arc<ZoneVersion>> {
        let (reply, told) = oneshot::channel();
        self.requests.send(ZoneRequest::Current { zone, reply }).await.ok()?;
        told.await.ok()?
    }

    /// Has `version` served, which was made from `base`. For the one writer of a live zone: it makes the version beside
    /// the loop, makes the change durable, calls this, and tells whoever asked when it returns.
    ///
    /// When this returns, clients are answered from the version. Targets of pools that come with it have had their
    /// first probe by then, or one timeout has passed; meanwhile the zone is served as it was, and other zones are
    /// published. One call at a time for each zone: the next version is made from this one. A change costs what it
    /// brings, however many zones there are, and those of many writers that come together are published at once.
    ///
    /// ```text
    /// let next = Arc::new(proposal.accept(Some(&base))?);
    /// match publications.replace(base, Arc::clone(&next)).await {
    ///     Ok(()) => base = next,
    ///     Err(NotPublished::OtherBase(Some(current))) => { /* the file was read anew: once more, from `current` */ }
    ///     Err(refused) => …,
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// When another version than `base` is served, or the zone none. Then nothing has changed.
    pub async fn replace(
        &self,
        base: Arc<ZoneVersion>,
        version: Arc<ZoneVersion>,
    ) -> Result<(), NotPublished> {
        let (zone, event) = (version.id.clone(), Event::Changed { version });
        self.ask(zone, ZoneChange::Next { base, event }).await
    }

    /// Has something happen to a zone, whatever is served of it: for a secondary. A transfer gives
    /// [`Event::Accepted`] with how long it holds; a refresh that finds the same serial the same with the version of
    /// before, which is published again only where it had expired; a transfer that fails gives [`Event::Refused`].
    /// For the rest as [`Publications::replace`].
    ///
    /// # Errors
    ///
    /// When there is no such zone any more.
    pub async fn apply(&self, zone: ZoneId, event: Event) -> Result<(), NotPublished> {
        self.ask(zone, ZoneChange::Anyhow(event)).await
    }

    /// Has the zones of catalogs change. Returns those that are served as was wanted; when this returns, clients are
    /// answered so.
    ///
    /// # Errors
    ///
    /// When the server ends.
    pub(super) async fn change_members(
        &self,
        changes: Vec<MemberChange>,
    ) -> Result<Vec<StoredZone>, NotPublished> {
        let (reply, told) = oneshot::channel();
        let asked = self.requests.send(ZoneRequest::Members { changes, reply }).await;
        asked.map_err(|_| NotPublished::Ending)?;
        told.await.map_err(|_| NotPublished::Ending)
    }

    async fn ask(&self, zone: ZoneId, change: ZoneChange) -> Result<(), NotPublished> {
        let (reply, told) = oneshot::channel();
        let asked = self.requests.send(ZoneRequest::Change(Publication { zone, change, reply })).await;
        asked.map_err(|_| NotPublished::Ending)?;
        told.await.unwrap_or(Err(NotPublished::Ending))
    }
}

impl fmt::Display for NotPublished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotPublished::OtherBase(_) => "the zone has changed meanwhile",
            NotPublished::NoZone => "the zone is served no more",
            NotPublished::Ending => "the server ends",
        })
    }
}

impl fmt::Debug for NotPublished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::error::Error for NotPublished {}
