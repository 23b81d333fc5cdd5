//! What the operator asks of the running server.
//!
//! Responsible for the control socket being where the configuration wants it,
//! for forcing, and for saying what outcomes alone do not say.
//! Not responsible for how requests come in, or for reloading.

use std::path::Path;

use tokio::sync::{mpsc, oneshot};
use tracing::{error, info, warn};

use super::super::clock::Clocks;
use super::super::forcing::Told;
use super::Server;
use crate::control::{self, ControlSocket, ForceOrder, Forced, Request};
use crate::health::force::{Order, Rule, RuleError, Term};
use crate::health::{Extent, LocalTrouble};

/// The control socket while it is served.
pub(super) struct Control {
    requests: mpsc::Sender<Request>,
    open: Option<Open>,
}

struct Open {
    socket: ControlSocket,
    /// Dropped, it ends serving.
    _end: oneshot::Sender<()>,
}

impl Control {
    /// No socket yet; what comes in goes to `requests`.
    pub(super) fn new(requests: mpsc::Sender<Request>) -> Self {
        Control { requests, open: None }
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
                info!("control socket at {}", path.display());
                let (end, ended) = oneshot::channel();
                tokio::spawn(control::serve(listener, self.requests.clone(), ended));
                self.open = Some(Open { socket, _end: end });
            }
            Err(fault) => error!("no control socket: {fault}"),
        }
    }
}

impl Server {
    /// Forces verdicts: answers have them before anybody is told.
    pub(super) fn force(&mut self, order: ForceOrder, reply: oneshot::Sender<Result<Forced, RuleError>>) {
        let ForceOrder { pattern, order, lasts, remark } = order;
        let Clocks { boot, wall: since } = Clocks::now();
        // A time beyond the calendar is no end.
        let lasts = lasts.filter(|lasts| since.checked_add(*lasts).is_some());
        let term = lasts.and_then(|lasts| Term::of(lasts, boot));
        let rule = Rule { pattern, order, since, term, remark };
        let mut targets: Vec<String> =
            self.engine.report().iter().map(|report| report.target.probe.to_string()).collect();
        targets.retain(|name| rule.pattern.matches(name));
        targets.sort_unstable();
        targets.dedup();
        if let (true, Order::Up | Order::Down) = (targets.is_empty(), rule.order) {
            warn!("{} {rule}; no target has such a name now", rule.pattern);
        }
        if let Err(error) = self.rules.add(rule) {
            let _ = reply.send(Err(error));
            return;
        }
        // Where nothing is ever kept, nothing that is taken back comes again.
        let comes_to_nothing = order == Order::Auto && self.state_directory.is_none();
        self.believe_rules(Box::new(move |not_kept| {
            let not_kept = not_kept.filter(|_| !comes_to_nothing);
            // Whoever asked may have gone.
            let _ = reply.send(Ok(Forced { targets, not_kept }));
        }));
    }

    /// Ends the rules whose time is over. Those that are kept say when by the calendar: where that was set, they
    /// are written again.
    pub(super) fn expire_rules(&mut self) {
        let now = Clocks::now();
        let over = self.rules.expire(now.boot);
        if over.is_empty() {
            let ends = self.rules.iter().any(|rule| rule.term.is_some());
            if ends && now.was_set_since(self.rules_kept_at) {
                self.keep_rules(Box::new(|_| {}));
            }
            return;
        }
        for rule in over {
            info!("{} {rule}: that time is over", rule.pattern);
        }
        // What cannot be written is logged where it is tried.
        self.believe_rules(Box::new(|_| {}));
    }

    fn believe_rules(&mut self, told: Told) {
        self.engine.force(&self.rules);
        self.publish_anew();
        self.keep_rules(told);
    }

    pub(super) fn keep_rules(&mut self, told: Told) {
        self.rules_kept_at = Clocks::now();
        self.keeper.keep(self.state_directory.as_deref(), self.rules.clone(), told);
    }

    /// Says that local trouble has begun, or ended.
    pub(super) fn tell_local_trouble(&mut self) {
        let now = self.local_trouble.borrow_and_update().clone();
        match (&now, &self.local_trouble_told) {
            (Some(trouble), _) if trouble.extent == Extent::All => error!("{trouble}"),
            (Some(trouble), _) => warn!("{trouble}"),
            (None, Some(LocalTrouble { since, .. })) => {
                let lasted = since.elapsed().as_secs();
                info!("targets can be probed again: local trouble is over after {lasted} s");
            }
            (None, None) => {}
        }
        self.local_trouble_told = now;
    }
}
