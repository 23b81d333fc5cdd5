//! What the admin listener needs of the running server.
//!
//! Responsible for the listener being where the configuration wants it, and for whether everything turns
//! and is ready.
//! Not responsible for how that is told.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tracing::{error, info};

use super::Server;
use crate::config;
use crate::control::{self, AdminHosts, Calendar, Request};
use crate::zones::StoredZone;

/// How long a UDP worker may take for a turn: it never waits for anything, so one that takes this long
/// hangs.
pub(super) const TURN_MAX: Duration = Duration::from_secs(2);

/// The admin listener while it is served.
pub(super) struct Admin {
    requests: mpsc::Sender<Request>,
    open: Option<Open>,
}

struct Open {
    address: SocketAddr,
    hosts: watch::Sender<AdminHosts>,
    /// Dropped, it ends serving.
    _end: oneshot::Sender<()>,
}

impl Admin {
    /// No listener yet; what comes in goes to `requests`.
    pub(super) fn new(requests: mpsc::Sender<Request>) -> Self {
        Admin { requests, open: None }
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
                info!("page, status and metrics at http://{address}/");
                let (end, ended) = oneshot::channel();
                let (hosts, named) = watch::channel(hosts);
                tokio::spawn(control::serve_admin(listener, named, self.requests.clone(), ended));
                self.open = Some(Open { address, hosts, _end: end });
            }
            Err(fault) => error!("no page, status and metrics at {address}: {fault}"),
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<tokio::net::TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener)
}

impl Server {
    /// Tells what does not turn. The loop does, or it would not be here; the workers are asked.
    pub(super) fn tell_pulse(&mut self, reply: oneshot::Sender<Vec<String>>) {
        let troubles = self.troubles(TURN_MAX);
        tokio::spawn(async move {
            // Whoever asked may have gone.
            let _ = reply.send(troubles.await);
        });
    }

    /// Resolves, within `limit`, to what does not turn.
    pub(super) fn troubles(&mut self, limit: Duration) -> impl Future<Output = Vec<String>> + Send + use<> {
        let mut troubles: Vec<String> = self.engine_hangs().into_iter().collect();
        let pulse = self.running.pulse(limit);
        async move {
            let hanging = pulse.await;
            troubles.extend(hanging.iter().map(|worker| format!("UDP worker {worker} does not turn")));
            troubles
        }
    }

    /// One target that is overdue may have its own reasons; when all are, nothing probes.
    fn engine_hangs(&self) -> Option<String> {
        let now = Instant::now();
        let reports = self.engine.report();
        let youngest = reports.iter().map(|report| report.history.last_probe_age(now)).min()?;
        let hangs = reports.iter().all(|report| report.is_overdue(now));
        hangs.then(|| format!("no target has been probed for {} s", youngest.as_secs()))
    }

    /// Why not everything that is configured is served.
    pub(super) fn not_ready(&self) -> Vec<String> {
        let probing =
            (!self.first_round.is_finished()).then(|| "the first round of probes is under way".to_owned());
        let zones = self.served.zones().iter().filter_map(zone_trouble);
        probing.into_iter().chain(zones).chain(self.refusal.clone()).chain(self.silent_files()).collect()
    }
}

fn zone_trouble(zone: &StoredZone) -> Option<String> {
    let (name, error) = (&zone.id, zone.error());
    let Some(version) = zone.version() else {
        return Some(format!("zone {name} answers SERVFAIL: {}", error.unwrap_or("it cannot be read")));
    };
    let (error, serial) = (error?, version.serial);
    Some(match version.last_good_since().map(Calendar) {
        Some(since) => {
            format!("zone {name} is served from its last good text, serial {serial} of {since}: {error}")
        }
        None => format!("zone {name} stays at serial {serial}: {error}"),
    })
}
