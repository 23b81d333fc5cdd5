//! Keys of etcd as a feed: they bring records to zones while these are served.

use std::pin::Pin;
use std::sync::Arc;

use super::tasks::EtcdZones;
use crate::zones::feed::{Feed, FeedContext, FeedStatus};
use crate::zones::settings::Settings;
use crate::zones::store::Store;
use crate::zones::zone_id::ZoneId;

impl EtcdZones {
    /// As a feed: follows no zone yet.
    pub fn feed(context: &FeedContext) -> Arc<dyn Feed> {
        let (publications, live) = (context.publications.clone(), Arc::clone(&context.live));
        Arc::new(EtcdZones::new(publications, live, Arc::clone(&context.addresses_changed)))
    }
}

impl Feed for EtcdZones {
    fn follow(&self, settings: &Settings, store: &Store) {
        EtcdZones::follow(self, settings, store);
    }

    /// What is told of transfers; these zones have a status of their own.
    fn status(&self, _: &ZoneId) -> Option<FeedStatus> {
        None
    }

    fn stop(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(self.end())
    }
}
