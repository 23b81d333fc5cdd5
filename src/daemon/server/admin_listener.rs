//! The admin listener, where the configuration wants it.

use std::io;
use std::net::{SocketAddr, TcpListener};

use tokio::sync::{mpsc, oneshot, watch};
use tracing::{error, info};

use crate::config;
use crate::control::{self, AdminHosts, AdminRequest};

/// The admin listener while it is served.
pub(super) struct AdminListener {
    requests: mpsc::Sender<AdminRequest>,
    open: Option<OpenListener>,
}

struct OpenListener {
    address: SocketAddr,
    hosts: watch::Sender<AdminHosts>,
    /// Dropped, it ends serving.
    _end: oneshot::Sender<()>,
}

impl AdminListener {
    /// No listener yet; what comes in goes to `requests`.
    pub(super) fn new(requests: mpsc::Sender<AdminRequest>) -> Self {
        AdminListener { requests, open: None }
    }

    /// Listens where the configuration says. An address that cannot be had stops nothing: answering
    /// queries matters more.
    pub(super) fn follow(&mut self, wanted: &config::Admin) {
        if self.open.as_ref().map(|open| open.address) != wanted.listen {
            self.open = None;
        }
        let Some(address) = wanted.listen else { return };
        let hosts = AdminHosts { listen: address, names: wanted.names.clone() };
        if let Some(open) = &self.open {
            open.hosts.send_replace(hosts);
            return;
        }
        match bind(address) {
            Ok(listener) => {
                info!("admin page, status and metrics on http://{address}/");
                let (end, ended) = oneshot::channel();
                let (hosts, named) = watch::channel(hosts);
                tokio::spawn(control::serve_admin(listener, named, self.requests.clone(), ended));
                self.open = Some(OpenListener { address, hosts, _end: end });
            }
            Err(fault) => error!("cannot listen on admin address {address}: {fault}"),
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<tokio::net::TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener)
}
