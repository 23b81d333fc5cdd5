//! Feeds: what brings records to zones while they are served.
//!
//! A source whose records come while its zone is served has a feed beside the loop: it follows the settings at each
//! reload, makes versions, and asks for them to be published (`publication`).
//!
//! ```text
//!   settings ─ follow ─▶ feed ─ versions ─▶ Publications ─▶ loop
//!                         ▲
//!   primaries, a store ───┘
//! ```

mod settings;
mod status;
mod publisher;

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;

pub(super) use publisher::FeedPublisher;
pub(super) use settings::FeedSettings;
pub use status::FeedStatus;

use super::live::LiveZones;
use super::publication::Publications;
use super::settings::Settings;
use super::store::Store;
use super::zone_id::ZoneId;

/// Brings records to the zones of a kind of source.
pub trait Feed: Any + Send + Sync {
    /// Brings records to those zones of `settings` that have such a source, and to no other; `store` is what is served
    /// now. A zone that has the same source as before notices nothing.
    fn follow(&self, settings: &Settings, store: &Store);

    /// What has come of a zone; none where nothing is brought to it.
    fn status(&self, zone: &ZoneId) -> Option<FeedStatus>;

    /// Ends. What is to be written is written by then.
    fn stop(&self) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// What a feed is started with.
#[derive(Clone)]
pub struct FeedContext {
    /// Who publishes the versions that it makes.
    pub publications: Publications,
    /// The zones with a journal: those that are signed here have one.
    pub live: Arc<LiveZones>,
    /// Is called when a zone is new from whose addresses others are made.
    pub addresses_changed: Arc<dyn Fn() + Send + Sync>,
}

impl FeedContext {
    /// Feeds that publish by `publications`, of zones among these; `addresses_changed` as in the field.
    pub fn new(
        publications: &Publications,
        live: &Arc<LiveZones>,
        addresses_changed: Arc<dyn Fn() + Send + Sync>,
    ) -> FeedContext {
        FeedContext { publications: publications.clone(), live: Arc::clone(live), addresses_changed }
    }
}

/// Starts a feed, for no zone yet.
pub type StartFeed = fn(&FeedContext) -> Arc<dyn Feed>;

/// The feeds of a server.
pub struct Feeds {
    list: Vec<Arc<dyn Feed>>,
}

impl Feeds {
    /// Starts each feed of a list.
    pub fn start(list: &[StartFeed], context: &FeedContext) -> Feeds {
        Feeds { list: list.iter().map(|start| start(context)).collect() }
    }

    /// The feed of a type, if it was started.
    pub fn find<F: Feed>(&self) -> Option<&F> {
        self.list.iter().find_map(|feed| (feed.as_ref() as &dyn Any).downcast_ref())
    }

    /// As [`Feed::follow`], of all of them.
    pub fn follow(&self, settings: &Settings, store: &Store) {
        self.list.iter().for_each(|feed| feed.follow(settings, store));
    }

    /// As [`Feed::status`], of the feed that the zone has.
    pub fn status(&self, zone: &ZoneId) -> Option<FeedStatus> {
        self.list.iter().find_map(|feed| feed.status(zone))
    }

    /// As [`Feed::stop`], of all of them.
    pub async fn stop(self) {
        for feed in self.list {
            feed.stop().await;
        }
    }
}
