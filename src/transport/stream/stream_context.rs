//! What all connections of all listen addresses share.

use std::sync::{Arc, Mutex};

use super::counters::TcpCounters;
use super::handshakes::Handshakes;
use super::limits::Limits;
use super::responders::{Responders, StreamResponder};
use super::settings::TcpSettings;
use crate::answer::Transport;
use crate::sync::lock;
use crate::tls::ServerTls;
use crate::transport::responder::Responder;

/// What all connections share.
pub(in crate::transport) struct StreamContext<R> {
    pub(in crate::transport) counters: Arc<TcpCounters>,
    /// What encrypted transports show.
    pub(in crate::transport) tls: ServerTls,
    pub(in crate::transport) handshakes: Handshakes,
    pub(in crate::transport) limits: Limits,
    settings: Mutex<TcpSettings>,
    /// The responders of each transport, which is how their counters are kept apart.
    responders: Vec<(Transport, Responders<R>)>,
}

impl<R: Responder> StreamContext<R> {
    /// With `count` responders for each transport over streams, at least one, of which each connection has
    /// one.
    pub(in crate::transport) fn new(
        settings: TcpSettings,
        count: usize,
        tls: ServerTls,
        make: impl Fn(Transport, usize) -> R,
    ) -> Self {
        let streams = Transport::ALL.into_iter().filter(|transport| transport.is_stream());
        let responders_of = |transport| {
            let others = (1..count).map(|index| make(transport, index));
            (transport, Responders::new(make(transport, 0), others))
        };
        Self {
            counters: Arc::default(),
            tls,
            limits: Limits::default(),
            handshakes: Handshakes::default(),
            settings: Mutex::new(settings),
            responders: streams.map(responders_of).collect(),
        }
    }

    /// For the connections accepted from now on.
    pub(in crate::transport) fn set_settings(&self, settings: TcpSettings) {
        *lock(&self.settings) = settings;
    }

    pub(in crate::transport) fn settings(&self) -> TcpSettings {
        *lock(&self.settings)
    }

    /// The responder of one more connection; every transport over streams has one.
    pub(in crate::transport) fn answering(
        &self,
        transport: Transport,
    ) -> Option<Arc<Mutex<StreamResponder<R>>>> {
        let responders_of = self.responders.iter().find(|(of, _)| *of == transport);
        responders_of.map(|(_, responders_of)| responders_of.next())
    }

    /// Lets the responders take the newest snapshot. Waits for no more than the answers of one read.
    pub(in crate::transport) fn catch_up(&self) {
        self.responders.iter().for_each(|(_, responders_of)| responders_of.catch_up());
    }
}
