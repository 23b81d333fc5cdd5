//! A client that has connected, and what its connection is served with.

use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::counters::TcpCounters;
use super::limits::ConnectionSlot;
use super::responders::StreamResponder;
use super::settings::TcpSettings;
use crate::answer::Peer;
use crate::transport::session::ClientSession;

/// A client that has connected.
pub(in crate::transport) struct Client<S> {
    pub(in crate::transport) stream: S,
    pub(in crate::transport) peer: Peer,
    /// What its handshake has said of it.
    pub(in crate::transport) session: ClientSession,
    /// What others see of its connection.
    pub(in crate::transport) slot: Arc<ConnectionSlot>,
}

/// What a connection is served with.
pub(in crate::transport) struct Served<R> {
    pub(in crate::transport) settings: TcpSettings,
    pub(in crate::transport) counters: Arc<TcpCounters>,
    pub(in crate::transport) answering: Arc<Mutex<StreamResponder<R>>>,
    /// Its sender is lost when the address is not served any more.
    pub(in crate::transport) stop: watch::Receiver<()>,
}
