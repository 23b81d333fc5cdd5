//! The control socket, where the configuration wants it.

use std::path::Path;

use tokio::sync::{mpsc, oneshot};
use tracing::{error, info};

use crate::control::{self, AdminRequest, ControlSocket};

/// The control socket while it is served.
pub(super) struct ControlListener {
    requests: mpsc::Sender<AdminRequest>,
    open: Option<OpenSocket>,
}

struct OpenSocket {
    socket: ControlSocket,
    /// Dropped, it ends serving.
    _end: oneshot::Sender<()>,
}

impl ControlListener {
    /// No socket yet; what comes in goes to `requests`.
    pub(super) fn new(requests: mpsc::Sender<AdminRequest>) -> Self {
        ControlListener { requests, open: None }
    }

    /// Listens where the configuration says. A socket that cannot be had stops nothing: answering
    /// queries matters more.
    pub(super) fn follow(&mut self, wanted: Option<&Path>) {
        if self.open.as_ref().map(|open| open.socket.path()) == wanted {
            return;
        }
        self.open = None;
        let Some(path) = wanted else { return };
        match ControlSocket::bind(path) {
            Ok((socket, listener)) => {
                info!("listening on control socket {}", path.display());
                let (end, ended) = oneshot::channel();
                tokio::spawn(control::serve(listener, self.requests.clone(), ended));
                self.open = Some(OpenSocket { socket, _end: end });
            }
            Err(fault) => error!("cannot listen on the control socket: {fault}"),
        }
    }
}
