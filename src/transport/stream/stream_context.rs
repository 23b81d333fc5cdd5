//! What all connections of all listen addresses share.

use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use super::counters::TcpCounters;
use super::handshakes::Handshakes;
use super::limits::{ConnectionPermit, ConnectionRefusal, Limits};
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
    /// The responders of each transport that is served, which is how their counters are kept apart.
    responders: Mutex<Vec<(Transport, Responders<R>)>>,
}

impl<R: Responder> StreamContext<R> {
    /// With no responders yet.
    pub(in crate::transport) fn new(settings: TcpSettings, tls: ServerTls) -> Self {
        Self {
            counters: Arc::default(),
            tls,
            limits: Limits::default(),
            handshakes: Handshakes::default(),
            settings: Mutex::new(settings),
            responders: Mutex::default(),
        }
    }

    /// Has responders made for a transport, unless it has some: `count` of them, at least one, of which each connection
    /// has one.
    pub(in crate::transport) fn ready(&self, transport: Transport, count: usize, make: impl Fn(usize) -> R) {
        let mut responders = lock(&self.responders);
        if !responders.iter().any(|(of, _)| *of == transport) {
            responders.push((transport, Responders::new(make(0), (1..count).map(make))));
        }
    }

    /// For the connections accepted from now on.
    pub(in crate::transport) fn set_settings(&self, settings: TcpSettings) {
        *lock(&self.settings) = settings;
    }

    pub(in crate::transport) fn settings(&self) -> TcpSettings {
        *lock(&self.settings)
    }

    /// A place for one more connection of the client at `address`; none where it may not have one. Either is counted.
    pub(in crate::transport) fn place(
        &self,
        address: IpAddr,
        settings: &TcpSettings,
    ) -> Option<ConnectionPermit> {
        let place = self.limits.admit(address, settings, &self.counters);
        let count = match &place {
            Ok(_) => &self.counters.accepted,
            Err(ConnectionRefusal::Full) => &self.counters.refused,
            Err(ConnectionRefusal::ClientFull) => &self.counters.limited,
        };
        count.fetch_add(1, Ordering::Relaxed);
        place.ok()
    }

    /// The responder of one more connection; a transport that is served has some.
    pub(in crate::transport) fn answering(
        &self,
        transport: Transport,
    ) -> Option<Arc<Mutex<StreamResponder<R>>>> {
        let responders = lock(&self.responders);
        let responders_of = responders.iter().find(|(of, _)| *of == transport);
        responders_of.map(|(_, responders_of)| responders_of.next())
    }

    /// Lets the responders take the newest snapshot. Waits for no more than the answers of one read.
    pub(in crate::transport) fn catch_up(&self) {
        lock(&self.responders).iter().for_each(|(_, responders_of)| responders_of.catch_up());
    }
}
