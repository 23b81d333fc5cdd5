//! Listen addresses, and what is served at one: a row for each combination of protocols.
//!
//! Another transport over streams is a file of its own, beside `stream/tcp.rs`, and a row here.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::runtime::Handle;

use super::responder::Responder;
use super::stream::{StreamContext, StreamListener, Tcp};

/// A listen address, and what is served there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ListenAddress {
    pub(super) address: SocketAddr,
    pub(super) protocols: Protocols,
}

/// What is served at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocols {
    /// DNS over UDP and TCP (RFC 1035, section 4.2).
    Plain,
}

impl Protocols {
    /// Whether queries come in datagrams, too.
    pub(super) fn has_datagrams(self) -> bool {
        match self {
            Protocols::Plain => true,
        }
    }

    /// Serves the connections of a listener.
    pub(super) fn serve<R: Responder>(
        self,
        listener: TcpListener,
        shared: Arc<StreamContext<R>>,
        handle: &Handle,
    ) -> StreamListener {
        match self {
            Protocols::Plain => StreamListener::start(Tcp, listener, shared, handle),
        }
    }
}
