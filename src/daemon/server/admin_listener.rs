//! The admin listener, where the configuration wants it.

use std::io;
use std::net::{SocketAddr, TcpListener};

use tokio::sync::{mpsc, oneshot, watch};
use tracing::{error, info};

use crate::config::{self, Encryption};
use crate::control::{self, AdminAccess, AdminHosts, AdminRequest, TokenFile};
use crate::tls::ServerTls;

/// What clients may name by ALPN.
const PROTOCOLS: &[&[u8]] = &[b"http/1.1"];

/// The admin listener while it is served.
pub(super) struct AdminListener {
    requests: mpsc::Sender<AdminRequest>,
    /// What handshakes are made with, where there are any.
    tls: ServerTls,
    /// The token of before, which may still be the one.
    token: Option<TokenFile>,
    open: Option<OpenListener>,
}

struct OpenListener {
    address: SocketAddr,
    access: watch::Sender<AdminAccess>,
    /// Dropped, it ends serving.
    _end: oneshot::Sender<()>,
}

impl AdminListener {
    /// No listener yet; what comes in goes to `requests`, over TLS as `tls` says.
    pub(super) fn new(requests: mpsc::Sender<AdminRequest>, tls: ServerTls) -> Self {
        AdminListener { requests, tls, token: None, open: None }
    }

    /// Listens where the configuration says. An address that cannot be had stops nothing: answering
    /// queries matters more.
    pub(super) fn follow(&mut self, wanted: &config::Admin) {
        if self.open.as_ref().map(|open| open.address) != wanted.listen {
            self.open = None;
        }
        let Some(address) = wanted.listen else { return };
        let access = self.access(address, wanted);
        if let Some(open) = &self.open {
            open.access.send_replace(access);
            return;
        }
        match bind(address) {
            Ok(listener) => {
                let scheme = if access.encryption.is_some() { "https" } else { "http" };
                info!("admin page, status and metrics on {scheme}://{address}/");
                let (end, ended) = oneshot::channel();
                let (access, watched) = watch::channel(access);
                tokio::spawn(control::serve_admin(listener, watched, self.requests.clone(), ended));
                self.open = Some(OpenListener { address, access, _end: end });
            }
            Err(fault) => error!("cannot listen on admin address {address}: {fault}"),
        }
    }
}

impl AdminListener {
    /// Who may use it from now on.
    fn access(&mut self, address: SocketAddr, wanted: &config::Admin) -> AdminAccess {
        let hosts = AdminHosts { listen: address, names: wanted.names.clone() };
        let encryption = match (&wanted.encryption, &wanted.client_ca) {
            (Encryption::Off, _) => None,
            (Encryption::On, None) => Some(self.tls.config(PROTOCOLS)),
            (Encryption::On, Some(ca)) => Some(self.tls.config_for_clients_of(ca.clone(), PROTOCOLS)),
        };
        let known = self.token.take().filter(|known| Some(known.path()) == wanted.token_file.as_deref());
        self.token = known.or_else(|| wanted.token_file.clone().map(TokenFile::new));
        AdminAccess { hosts, encryption, token: self.token.clone() }
    }
}

fn bind(address: SocketAddr) -> io::Result<tokio::net::TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener)
}
