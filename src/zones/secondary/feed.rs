//! Primaries as a feed: they bring records to zones while these are served.

use std::pin::Pin;
use std::sync::Arc;

use super::tasks::Secondaries;
use crate::zones::feed::{Feed, FeedContext, FeedStatus};
use crate::zones::settings::Settings;
use crate::zones::store::Store;
use crate::zones::zone_id::ZoneId;

impl Secondaries {
    /// As a feed: copies no zone yet.
    pub fn feed(context: &FeedContext) -> Arc<dyn Feed> {
        let addresses_changed = Arc::clone(&context.addresses_changed);
        let (publications, live) = (context.publications.clone(), Arc::clone(&context.live));
        Arc::new(Secondaries::new(publications, live, move || addresses_changed()))
    }
}

impl Feed for Secondaries {
    fn follow(&self, settings: &Settings, store: &Store) {
        Secondaries::follow(self, settings, store);
    }

    fn status(&self, zone: &ZoneId) -> Option<FeedStatus> {
        Secondaries::status(self, zone)
    }

    fn stop(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(Secondaries::stop(self.clone()))
    }
}
