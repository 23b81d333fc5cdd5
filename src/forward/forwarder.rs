//! The forwarder as the rest of the program uses it: started once, changed by a reload, asked for a report.
//!
//! Also follows the system's resolv.conf.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use super::dispatcher::{Dispatcher, QUEUE_MAX};
use super::event::ForwardEvent;
use super::forward_state::ForwardState;
use super::frontend::CacheFrontend;
use super::report::ForwardStatus;
use super::resolv_conf::Stamp;
use super::routing::Routing;
use super::settings::{Settings, Upstreams};
use super::upstream::Upstream;
use super::watch;
use crate::answer::Readers;

/// How often resolv.conf is checked for a change.
const FOLLOW_INTERVAL: Duration = Duration::from_secs(2);

/// Forwards. It ends when it is dropped with all its frontends.
#[derive(Clone)]
pub struct Forwarder {
    shared: Arc<ForwardState>,
    queue: mpsc::Sender<ForwardEvent>,
    handle: Handle,
}

impl Forwarder {
    /// Starts on the runtime of `handle`, which needs I/O and time.
    pub fn start(handle: &Handle, settings: Settings) -> Self {
        let _runtime = handle.enter();
        let shared = Arc::new(ForwardState::new(Routing::new(settings, None)));
        let (queue, handed) = mpsc::channel(QUEUE_MAX);
        handle.spawn(Dispatcher::new(Arc::clone(&shared), handed).run());
        handle.spawn(follow(Arc::downgrade(&shared)));
        check_new(&shared, &[]);
        Self { shared, queue, handle: handle.clone() }
    }

    /// Does what `settings` say from now on. Cached answers, and what is known of upstreams that stay, are
    /// kept.
    pub fn change(&self, settings: Settings) {
        let _runtime = self.handle.enter();
        let before = self.shared.routing();
        let routing = Routing::new(settings, Some(&before));
        self.shared.cache.apply(&routing.cache);
        let divides_as_before = routing.divides_as(&before);
        self.shared.set_routing(routing);
        if !divides_as_before {
            self.shared.cache.forget_aliases();
        }
        self.shared.generation.fetch_add(1, Ordering::Release);
        check_new(&self.shared, &before.upstreams());
    }

    /// Answers from what `readers` show where an alias of an upstream leads into our zones. Called once, when
    /// zones are served.
    pub fn follow_aliases_into(&self, readers: Readers) {
        // A second time it would be the same ones.
        let _ = self.shared.own_zones.set(readers);
    }

    /// The frontend of one more worker.
    pub fn frontend(&self) -> CacheFrontend {
        CacheFrontend::new(Arc::clone(&self.shared), self.queue.clone(), self.shared.add_worker())
    }

    /// The state of forwarding; none where nothing is forwarded.
    pub fn report(&self) -> Option<ForwardStatus> {
        ForwardStatus::of(&self.shared)
    }
}

/// Checks the upstreams that are not among those of `before`.
fn check_new(shared: &Arc<ForwardState>, before: &[Arc<Upstream>]) {
    for upstream in shared.routing().upstreams() {
        if !before.iter().any(|known| Arc::ptr_eq(known, &upstream)) {
            watch::check_new(shared, &upstream);
        }
    }
}

/// Reads the system's upstreams again whenever their file changes.
async fn follow(shared: Weak<ForwardState>) {
    let mut ticks = interval(FOLLOW_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(shared) = shared.upgrade() else { return };
        // A file system that hangs must delay nothing else.
        if tokio::task::spawn_blocking(move || follow_once(&shared)).await.is_err() {
            return;
        }
    }
}

fn follow_once(shared: &Arc<ForwardState>) {
    let routing = shared.routing();
    let before = routing.upstreams();
    let mut known = before.clone();
    for zone in &routing.zones {
        let Upstreams::System(path) = &zone.settings.upstreams else { continue };
        if zone.has_read(Stamp::of(path)) {
            continue;
        }
        zone.read(&routing.own, &mut known);
        let upstreams: Vec<String> =
            zone.upstreams().iter().map(|upstream| upstream.remote().to_string()).collect();
        tracing::info!(
            "{} has changed: {} is forwarded to {}",
            path.display(),
            zone.settings.apex,
            if upstreams.is_empty() { "no upstream".to_owned() } else { upstreams.join(" ") }
        );
    }
    check_new(shared, &before);
}
