//! The admin listener, where the configuration wants it.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::{error, info};

use super::certificate::LOOK_INTERVAL;
use crate::config::{self, Encryption};
use crate::control::{self, AdminAccess, AdminEncryption, AdminHosts, AdminRequest, TokenFile};
use crate::tls::{ClientAuthorities, ServerTls};
use crate::transport::EncryptedRuntime;

/// What clients may name by ALPN.
const PROTOCOLS: &[&[u8]] = &[b"http/1.1"];

/// The admin listener while it is served.
pub(super) struct AdminListener {
    requests: mpsc::Sender<AdminRequest>,
    /// What handshakes are made with, where there are any, and where.
    tls: ServerTls,
    encrypted: EncryptedRuntime,
    /// The token and the authorities of before, which may still be those.
    token: Option<TokenFile>,
    clients: Option<ClientAuthorities>,
    open: Option<OpenListener>,
}

struct OpenListener {
    address: SocketAddr,
    access: watch::Sender<AdminAccess>,
    /// Dropped, it ends serving.
    _end: oneshot::Sender<()>,
}

impl AdminListener {
    /// No listener yet; what comes in goes to `requests`, over TLS as `tls` says, with handshakes on the threads of
    /// `encrypted`.
    pub(super) fn new(
        requests: mpsc::Sender<AdminRequest>,
        (tls, encrypted): (ServerTls, EncryptedRuntime),
    ) -> Self {
        AdminListener { requests, tls, encrypted, token: None, clients: None, open: None }
    }

    /// Listens where the configuration says. An address that cannot be had stops nothing: answering
    /// queries matters more.
    pub(super) fn follow(&mut self, wanted: &config::Admin) {
        if self.open.as_ref().map(|open| open.address) != wanted.listen {
            self.open = None;
        }
        let Some(address) = wanted.listen else { return };
        let access = match self.access(address, wanted) {
            Ok(access) => access,
            Err(fault) => {
                self.open = None;
                return error!("cannot serve admin address {address}: no threads for handshakes: {fault}");
            }
        };
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
                let requests = self.requests.clone();
                tokio::spawn(async move {
                    look(&watched).await;
                    tokio::spawn(follow_files(watched.clone()));
                    control::serve_admin(listener, watched, requests, ended).await;
                });
                self.open = Some(OpenListener { address, access, _end: end });
            }
            Err(fault) => error!("cannot listen on admin address {address}: {fault}"),
        }
    }
}

impl AdminListener {
    /// Who may use it from now on.
    fn access(&mut self, address: SocketAddr, wanted: &config::Admin) -> io::Result<AdminAccess> {
        let hosts = AdminHosts { listen: address, names: wanted.names.clone() };
        let known = self.clients.take().filter(|known| Some(known.path()) == wanted.client_ca.as_deref());
        self.clients = known.or_else(|| wanted.client_ca.clone().map(ClientAuthorities::new));
        let encrypted = |config: Arc<ServerConfig>, clients: Option<&ClientAuthorities>| {
            let handle = self.encrypted.handle()?;
            Ok::<_, io::Error>(AdminEncryption { config, handle, clients: clients.cloned() })
        };
        let encryption = match (&wanted.encryption, &self.clients) {
            (Encryption::Off, _) => None,
            (Encryption::On, None) => Some(encrypted(self.tls.config(PROTOCOLS), None)?),
            (Encryption::On, Some(clients)) => {
                Some(encrypted(self.tls.config_for_clients_of(clients, PROTOCOLS), Some(clients))?)
            }
        };
        let known = self.token.take().filter(|known| Some(known.path()) == wanted.token_file.as_deref());
        self.token = known.or_else(|| wanted.token_file.clone().map(TokenFile::new));
        Ok(AdminAccess { hosts, encryption, token: self.token.clone() })
    }
}

/// Looks at the files by which it is decided who has access, as long as the listener is open.
async fn follow_files(mut access: watch::Receiver<AdminAccess>) {
    // Either way it is time; but the sender is lost when the listener ends.
    while !matches!(timeout(LOOK_INTERVAL, access.changed()).await, Ok(Err(_))) {
        look(&access).await;
    }
}

/// Looks at them on a thread that may wait for them.
async fn look(access: &watch::Receiver<AdminAccess>) {
    let looking = access.borrow().clone();
    let _ = spawn_blocking(move || looking.look()).await;
}

fn bind(address: SocketAddr) -> io::Result<tokio::net::TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener)
}
