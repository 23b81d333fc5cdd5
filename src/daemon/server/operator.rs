//! The operator: what was said, and where it is heard.
//!
//! Owns the listeners of the control socket and of the admin page, the rules that force verdicts, and what is
//! written to the state directory.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tracing::{error, info, warn};

use super::super::clock::Clocks;
use super::super::forcing::{self, OnWritten};
use super::admin_listener::AdminListener;
use super::certificate::Certificate;
use super::control_listener::ControlListener;
use super::publishing::Publishing;
use crate::control::{AdminRequest, ForceOrder, Forced};
use crate::health::force::{Order, Rule, RuleError, Rules, Term};
use crate::health::{LocalTrouble, Scope};
use crate::transport::EncryptedRuntime;
use crate::zones::{self, Good, Keeping, SignatureKeeper};

/// How often it is tried again to write what could not be written.
const STATE_RETRY: Duration = Duration::from_secs(5);

/// How often it is looked whether zones have signatures that are not kept.
const SIGNATURES_LOOKED_INTERVAL: Duration = Duration::from_secs(60);

/// What the operator has said, and where it is heard.
pub(super) struct Operator {
    pub(super) control: ControlListener,
    pub(super) admin: AdminListener,
    /// What encrypted transports and the admin listener show.
    pub(super) certificate: Certificate,
    /// What was said of targets.
    pub(super) rules: Rules,
    /// When the rules were written last, or read.
    pub(super) rules_kept_at: Clocks,
    pub(super) rules_keeper: forcing::RulesKeeper,
    pub(super) last_good_keeper: zones::LastGoodKeeper,
    pub(super) signature_keeper: SignatureKeeper,
    /// When it was last looked whether there are new signatures.
    signatures_looked: Instant,
    /// Where all that is kept.
    pub(super) state_directory: Option<PathBuf>,
    /// When it was last tried again to write what could not be written.
    pub(super) state_tried: Instant,
    /// Explanations read files one at a time, however many are asked for.
    pub(super) explaining: Arc<Mutex<()>>,
    pub(super) local_trouble: watch::Receiver<Option<LocalTrouble>>,
    pub(super) local_trouble_told: Option<LocalTrouble>,
}

impl Operator {
    /// Nothing is listened on yet; what comes in then goes to `requests`. `rules` were read, or written, at that moment.
    pub(super) fn start(
        requests: mpsc::Sender<AdminRequest>,
        (certificate, encrypted): (Certificate, EncryptedRuntime),
        (rules, rules_kept_at): (Rules, Clocks),
        state_directory: Option<PathBuf>,
        local_trouble: watch::Receiver<Option<LocalTrouble>>,
    ) -> Operator {
        Operator {
            control: ControlListener::new(requests.clone()),
            admin: AdminListener::new(requests, (certificate.tls(), encrypted)),
            certificate,
            rules,
            rules_kept_at,
            rules_keeper: forcing::RulesKeeper::start(),
            last_good_keeper: zones::LastGoodKeeper::start(),
            signature_keeper: SignatureKeeper::start(),
            signatures_looked: Instant::now(),
            state_directory,
            state_tried: Instant::now(),
            explaining: Arc::default(),
            local_trouble,
            local_trouble_told: None,
        }
    }

    /// Forces verdicts. Answers have them before the reply is sent.
    pub(super) fn force(
        &mut self,
        order: ForceOrder,
        reply: oneshot::Sender<Result<Forced, RuleError>>,
        publishing: &mut Publishing,
    ) {
        let ForceOrder { pattern, order, lasts, remark } = order;
        let Clocks { boot, wall: since } = Clocks::now();
        // A time beyond what SystemTime holds never comes.
        let lasts = lasts.filter(|lasts| since.checked_add(*lasts).is_some());
        let term = lasts.and_then(|lasts| Term::of(lasts, boot));
        let rule = Rule { pattern, order, since, term, remark };
        let mut targets: Vec<String> =
            publishing.engine.report().iter().map(|report| report.target.probe.to_string()).collect();
        targets.retain(|name| rule.is_of(name));
        targets.sort_unstable();
        targets.dedup();
        if let (true, Order::Up | Order::Down | Order::Drain) = (targets.is_empty(), rule.order) {
            warn!("{} {rule}; no target matches at present", rule.pattern);
        }
        if let Err(error) = self.rules.add(rule) {
            let _ = reply.send(Err(error));
            return;
        }
        // Where nothing is ever kept, nothing that is taken back comes again.
        let comes_to_nothing = order == Order::Auto && self.state_directory.is_none();
        let on_written = Box::new(move |not_kept: Option<String>| {
            let not_kept = not_kept.filter(|_| !comes_to_nothing);
            // Whoever asked may have gone.
            let _ = reply.send(Ok(Forced { targets, not_kept }));
        });
        self.apply_rules(on_written, publishing);
    }

    /// Ends the rules whose time is over. Those that are kept say when by the system clock: where that was
    /// set, they are written again.
    pub(super) fn expire_rules(&mut self, publishing: &mut Publishing) {
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
            info!("{} {rule}: expired", rule.pattern);
        }
        // What cannot be written is logged where it is tried.
        self.apply_rules(Box::new(|_| {}), publishing);
    }

    fn apply_rules(&mut self, on_written: OnWritten, publishing: &mut Publishing) {
        publishing.engine.force(&self.rules);
        publishing.publish();
        self.keep_rules(on_written);
    }

    pub(super) fn keep_rules(&mut self, on_written: OnWritten) {
        self.rules_kept_at = Clocks::now();
        self.rules_keeper.keep(self.state_directory.as_deref(), self.rules.clone(), on_written);
    }

    /// Says that local trouble has begun, or ended.
    pub(super) fn log_local_trouble(&mut self) {
        let now = self.local_trouble.borrow_and_update().clone();
        match (&now, &self.local_trouble_told) {
            (Some(trouble), _) if matches!(trouble.scope, Scope::Beyond | Scope::All) => error!("{trouble}"),
            (Some(trouble), _) => warn!("{trouble}"),
            (None, Some(LocalTrouble { since, .. })) => {
                let lasted = since.elapsed().as_secs();
                info!("local trouble ended after {lasted} s: targets can be probed again");
            }
            (None, None) => {}
        }
        self.local_trouble_told = now;
    }

    /// Whether this host suspects itself.
    pub(super) fn suspects_itself(&self) -> bool {
        self.local_trouble.borrow().as_ref().is_some_and(|trouble| trouble.scope == Scope::Beyond)
    }

    /// Why what is to outlive a restart is not written.
    pub(super) fn state_trouble(&self) -> Option<String> {
        self.rules_keeper.fault().or_else(|| self.last_good_keeper.fault())
    }

    /// Writes once more what could not be written: a disk that was full may have room again.
    pub(super) fn keep_what_is_not_kept(&mut self, publishing: &Publishing) {
        if self.signatures_looked.elapsed() >= SIGNATURES_LOOKED_INTERVAL {
            self.signatures_looked = Instant::now();
            self.keep_signatures(publishing, Keeping::Now);
        }
        if self.state_tried.elapsed() < STATE_RETRY {
            return;
        }
        self.state_tried = Instant::now();
        if self.rules_keeper.fault().is_some() {
            self.rules_keeper.keep(self.state_directory.as_deref(), self.rules.clone(), Box::new(|_| {}));
        }
        if self.last_good_keeper.fault().is_some() {
            self.keep_texts(publishing);
        }
    }

    /// Keeps the signatures of what is served, so that a restart makes none.
    pub(super) fn keep_signatures(&self, publishing: &Publishing, keeping: Keeping) {
        let served = publishing.served.zones().iter().filter_map(|zone| zone.version().map(Arc::downgrade));
        self.signature_keeper.keep(self.state_directory.as_deref(), served.collect(), keeping);
    }

    /// Keeps the texts of what is served, for a start with a broken file. One that is served from such a text
    /// is kept already, and so is one whose file has been broken since.
    pub(super) fn keep_texts(&self, publishing: &Publishing) {
        let whole = publishing
            .served
            .zones()
            .iter()
            .filter(|zone| zone.error().is_none() && zone.sources.file().is_some());
        let good = whole.filter_map(|zone| {
            let version = zone.version()?;
            Some(Good {
                zone: zone.id.clone(),
                serial: version.serial,
                loaded_at: version.loaded_at,
                inputs: Arc::clone(&version.inputs),
            })
        });
        self.last_good_keeper.keep(self.state_directory.as_deref(), good.collect());
        self.keep_signatures(publishing, Keeping::Now);
    }
}
