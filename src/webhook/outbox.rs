//! The outbox: what is to be told, and the task that tells it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::{info, warn};

use super::letter::{Sent, send};
use super::settings::WebhookSettings;
use crate::sync::lock;

/// Changes that wait to be told. A rack that goes down makes some hundred.
const WAITING_MAX: usize = 1_000;

/// Changes in one letter.
const LETTER_MAX: usize = 100;

/// From the first try to the second; each later one waits twice as long, up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_secs(1);

/// Longest wait between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// Tries of one letter, which take half an hour: what is older is history, and the status has it.
const TRIES_MAX: u32 = 13;

/// How long a stop waits for what is under way.
const STOP_WAIT: Duration = Duration::from_secs(2);

/// Takes what is to be told, and never waits.
pub struct Outbox {
    settings: WebhookSettings,
    changes: mpsc::Sender<Value>,
    state: Arc<OutboxState>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct OutboxState {
    told: AtomicU64,
    dropped: AtomicU64,
    failures: AtomicU64,
    /// Whether it was logged that changes are dropped; until one is told again.
    is_drop_logged: AtomicBool,
    fault: Mutex<Option<String>>,
}

/// How it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutboxStatus {
    /// Changes that were taken.
    pub told: u64,
    /// Changes that were not: too many waited, or the receiver was away for too long.
    pub dropped: u64,
    /// Tries that failed.
    pub failures: u64,
    /// Changes that wait.
    pub waiting: usize,
    /// Why the last try failed; none: it did not.
    pub fault: Option<String>,
}

impl Outbox {
    /// Begins, in the runtime that this is called in. `server` is what this host is called.
    pub fn start(settings: WebhookSettings, server: String) -> Outbox {
        let (sender, waiting) = mpsc::channel(WAITING_MAX);
        let state = Arc::new(OutboxState::default());
        let teller = Teller { settings: settings.clone(), server, state: Arc::clone(&state), letters: 0 };
        Outbox { settings, changes: sender, state, task: tokio::spawn(teller.run(waiting)) }
    }

    /// How it was told to begin.
    pub fn settings(&self) -> &WebhookSettings {
        &self.settings
    }

    /// Takes a change. Where too many wait, it is dropped, which is counted, and logged once.
    pub fn put(&self, change: Value) {
        if self.changes.try_send(change).is_err() {
            self.state.give_up(1, &format!("{WAITING_MAX} of them wait for {}", self.settings.url));
        }
    }

    /// How it stands.
    pub fn status(&self) -> OutboxStatus {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        OutboxStatus {
            told: count(&self.state.told),
            dropped: count(&self.state.dropped),
            failures: count(&self.state.failures),
            waiting: self.changes.max_capacity().saturating_sub(self.changes.capacity()),
            fault: lock(&self.state.fault).clone(),
        }
    }

    /// Tells what waits, as far as that goes at once, and ends.
    pub async fn stop(self) {
        drop(self.changes);
        let abort = self.task.abort_handle();
        if tokio::time::timeout(STOP_WAIT, self.task).await.is_err() {
            abort.abort();
        }
    }
}

impl OutboxState {
    fn give_up(&self, count: u64, why: &str) {
        self.dropped.fetch_add(count, Ordering::Relaxed);
        if !self.is_drop_logged.swap(true, Ordering::Relaxed) {
            warn!("changes of verdict are not told to the webhook: {why}; the status has the last of them");
        }
    }

    /// Takes in how a try ended; says when that is news.
    fn note(&self, fault: Option<&str>, settings: &WebhookSettings) {
        let before = std::mem::replace(&mut *lock(&self.fault), fault.map(str::to_owned));
        match (before, fault) {
            (None, Some(fault)) => warn!("webhook {}: {fault}; it is tried again", settings.url),
            (Some(_), None) => info!("webhook {} takes changes again", settings.url),
            (Some(_), Some(_)) | (None, None) => {}
        }
    }
}

/// Sends letters, one after the other.
struct Teller {
    settings: WebhookSettings,
    server: String,
    state: Arc<OutboxState>,
    /// How many were sent: a receiver that gets one twice knows it by its number.
    letters: u64,
}

impl Teller {
    async fn run(mut self, mut waiting: mpsc::Receiver<Value>) {
        let mut changes = Vec::new();
        while waiting.recv_many(&mut changes, LETTER_MAX).await > 0 {
            self.tell(std::mem::take(&mut changes)).await;
        }
    }

    async fn tell(&mut self, changes: Vec<Value>) {
        let count = changes.len() as u64;
        self.letters = self.letters.saturating_add(1);
        let letter = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "server": self.server,
            "letter": self.letters,
            "changes": changes,
        });
        let (body, mut pause) = (letter.to_string(), PAUSE);
        for _ in 0..TRIES_MAX {
            let why = match send(&self.settings, &body).await {
                Sent::Taken => {
                    self.state.note(None, &self.settings);
                    self.state.told.fetch_add(count, Ordering::Relaxed);
                    self.state.is_drop_logged.store(false, Ordering::Relaxed);
                    return;
                }
                Sent::Never(why) => {
                    self.failed(&why);
                    return self.state.give_up(count, &format!("{} refuses them: {why}", self.settings.url));
                }
                Sent::NotNow(why) => why,
            };
            self.failed(&why);
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(PAUSE_MAX);
        }
        self.state.give_up(count, &format!("{} was tried {TRIES_MAX} times", self.settings.url));
    }

    fn failed(&self, why: &str) {
        self.state.failures.fetch_add(1, Ordering::Relaxed);
        self.state.note(Some(why), &self.settings);
    }
}
