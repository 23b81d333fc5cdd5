//! What all connections of all listen addresses share.

use std::sync::{Arc, Mutex};

use super::answering::{Answering, Pool};
use super::counters::TcpCounters;
use super::limits::Limits;
use super::settings::TcpSettings;
use crate::sync::lock;
use crate::transport::responder::Responder;

/// What all connections share.
pub(in crate::transport) struct Shared<R> {
    pub(in crate::transport) counters: Arc<TcpCounters>,
    pub(super) limits: Limits,
    settings: Mutex<TcpSettings>,
    pool: Pool<R>,
}

impl<R: Responder> Shared<R> {
    /// With these responders, of which each connection has one.
    pub(in crate::transport) fn new(
        settings: TcpSettings,
        first: R,
        others: impl Iterator<Item = R>,
    ) -> Self {
        Self {
            counters: Arc::default(),
            limits: Limits::default(),
            settings: Mutex::new(settings),
            pool: Pool::new(first, others),
        }
    }

    /// For the connections accepted from now on.
    pub(in crate::transport) fn set_settings(&self, settings: TcpSettings) {
        *lock(&self.settings) = settings;
    }

    pub(super) fn settings(&self) -> TcpSettings {
        *lock(&self.settings)
    }

    /// The responder of one more connection.
    pub(super) fn answering(&self) -> Arc<Mutex<Answering<R>>> {
        self.pool.next()
    }

    /// Lets the responders look at what is newest. Waits for no more than the answers of one read.
    pub(in crate::transport) fn catch_up(&self) {
        self.pool.catch_up();
    }
}
