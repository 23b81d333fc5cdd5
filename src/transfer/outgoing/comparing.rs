//! Finds what leads from one version of a zone to the next, and has servers told of it then.
//!
//! Where it is known which RRsets have changed, and they are few, it is found at once, and otherwise beside the loop.
//! Of each zone one pair of versions waits at most: versions that come while it does are the newer one of that pair.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use tracing::warn;

use super::contents::Contents;
use super::difference::{Rrsets, between, between_rrsets, is_quick};
use super::notifier::{NotifiedZone, Notifier};
use crate::sync::lock;
use crate::transfer::history::Differences;

/// Two versions of a zone, to be compared.
pub struct Comparison {
    from: Contents,
    to: Contents,
    /// Nothing but these RRsets differs; none: anything may.
    rrsets: Option<Arc<Rrsets>>,
    /// What gets the step that leads from one to the other.
    history: Arc<Differences>,
    /// Who is told then; none: nobody.
    notified: Option<Arc<NotifiedZone>>,
}

/// The end at which comparisons are asked for.
pub struct Comparing {
    waiting: Arc<Mutex<HashMap<Arc<str>, Waiting>>>,
    wake: watch::Sender<()>,
}

/// A comparison that waits.
struct Waiting {
    comparison: Comparison,
    /// Two of its versions have the same serial: who has that cannot be told which of them it has.
    is_ambiguous: bool,
}

impl Comparing {
    /// Starts the task, on the runtime that this is called on.
    pub fn start(notifier: Arc<Notifier>) -> Self {
        let (wake, mut woken) = watch::channel(());
        let waiting = Arc::<Mutex<HashMap<Arc<str>, Waiting>>>::default();
        let found = Arc::clone(&waiting);
        tokio::spawn(async move {
            while woken.changed().await.is_ok() {
                while let Some(one) = next(&found) {
                    let (history, notified) =
                        (Arc::clone(&one.comparison.history), one.comparison.notified.clone());
                    let compared = tokio::task::spawn_blocking(move || one.compare()).await;
                    if let Err(error) = compared {
                        warn!(%error, "two versions of a zone could not be compared");
                    }
                    history.end();
                    if let Some(notified) = notified.filter(|_| history.is_settled()) {
                        notifier.tell(&notified);
                    }
                }
            }
        });
        Self { waiting, wake }
    }

    /// Has versions of the zone that is called so compared. What is not found at once is told to its servers when it is.
    pub fn compare(&self, called: &Arc<str>, comparison: Comparison) {
        if comparison.is_quick() {
            return comparison.compare();
        }
        let is_same = comparison.from.serial() == comparison.to.serial();
        let mut waiting = lock(&self.waiting);
        match waiting.get_mut(called) {
            Some(Waiting { comparison: older, is_ambiguous }) => {
                let Comparison { from: _, to, rrsets, history, notified } = comparison;
                older.rrsets = both(older.rrsets.take(), rrsets);
                *is_ambiguous |= is_same;
                // After a reload it may be another one.
                if !Arc::ptr_eq(&older.history, &history) {
                    history.begin();
                    std::mem::replace(&mut older.history, history).end();
                }
                (older.to, older.notified) = (to, notified);
            }
            None => {
                comparison.history.begin();
                waiting.insert(Arc::clone(called), Waiting { comparison, is_ambiguous: is_same });
            }
        }
        drop(waiting);
        self.wake.send_replace(());
    }
}

fn next(waiting: &Mutex<HashMap<Arc<str>, Waiting>>) -> Option<Waiting> {
    let mut waiting = lock(waiting);
    let called = waiting.keys().next().cloned()?;
    waiting.remove(&called)
}

/// All of these RRsets; none: any.
fn both(one: Option<Arc<Rrsets>>, other: Option<Arc<Rrsets>>) -> Option<Arc<Rrsets>> {
    let (mut one, other) = (one?, other?);
    Arc::make_mut(&mut one).extend(other.iter().cloned());
    Some(one)
}

impl Waiting {
    fn compare(self) {
        if self.is_ambiguous {
            self.comparison.history.clear();
        } else {
            self.comparison.compare();
        }
    }
}

impl Comparison {
    /// Of the version that is sent and the next one, which differs from it by `rrsets` and its pools, or by anything. What
    /// it finds goes to `history`; `notified` is told then.
    pub fn new(
        from: Contents,
        to: Contents,
        rrsets: Option<&Arc<Rrsets>>,
        history: Arc<Differences>,
        notified: Option<Arc<NotifiedZone>>,
    ) -> Self {
        let pools = to.pools_since(&from);
        let rrsets = rrsets.zip(pools).map(|(rrsets, pools)| {
            let mut rrsets = Arc::clone(rrsets);
            if !pools.is_empty() {
                Arc::make_mut(&mut rrsets).extend(pools);
            }
            rrsets
        });
        Self { from, to, rrsets, history, notified }
    }

    /// Whether it takes no time, and no comparison before it is under way.
    fn is_quick(&self) -> bool {
        let Comparison { from, to, rrsets, history, .. } = self;
        let known = rrsets.as_ref().filter(|_| history.is_settled());
        known.is_some_and(|rrsets| is_quick(from, to, rrsets))
    }

    fn compare(self) {
        let Comparison { from, to, rrsets, history, .. } = self;
        if from.serial() == to.serial() {
            return history.clear();
        }
        let changes = match rrsets {
            Some(rrsets) => between_rrsets(&from, &to, &rrsets),
            None => between(&from, &to),
        };
        history.push(from.serial(), to.serial(), changes);
    }
}
