//! The outbox: what is to be told, and the task that tells it.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::letter::{Sent, send};
use super::settings::{Url, WebhookSettings};
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
    /// True once it is to end.
    ends: watch::Sender<bool>,
    state: Arc<OutboxState>,
    task: JoinHandle<()>,
}

/// Whose letters these are, and how many there have been: goes on when another URL is named.
#[derive(Debug)]
pub struct Sender {
    /// What this host is called.
    server: String,
    /// When it began to count its letters: after a restart it does so anew.
    since: String,
    letters: AtomicU64,
    told: AtomicU64,
    dropped: AtomicU64,
    failures: AtomicU64,
}

/// What is known of one receiver.
struct OutboxState {
    url: Url,
    sender: Arc<Sender>,
    /// Changes that were taken in, and those of which it is known what became of them.
    taken: AtomicU64,
    settled: AtomicU64,
    /// Whether it was logged that changes are dropped; until one is told again.
    is_drop_logged: AtomicBool,
    fault: Mutex<Option<String>>,
}

/// How it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutboxStatus {
    /// Changes that the receiver took.
    pub told: u64,
    /// Changes that were given up: one too many waited, every try had failed, or the outbox ended.
    pub dropped: u64,
    /// Tries that failed.
    pub failures: u64,
    /// Changes that wait.
    pub waiting: usize,
    /// Why the last try failed; none: it did not.
    pub fault: Option<String>,
}

impl Sender {
    /// The host `server`, which begins to count its letters at this time.
    pub fn new(server: String, since: String) -> Sender {
        let count = AtomicU64::default;
        Sender { server, since, letters: count(), told: count(), dropped: count(), failures: count() }
    }
}

impl Outbox {
    /// Begins, in the runtime that this is called in.
    pub fn start(settings: WebhookSettings, sender: Arc<Sender>) -> Outbox {
        Self::start_with(settings.clone(), sender, settings)
    }

    fn start_with(settings: WebhookSettings, sender: Arc<Sender>, post: impl Post) -> Outbox {
        let (changes, waiting) = mpsc::channel(WAITING_MAX);
        let (ends, ended) = watch::channel(false);
        let state = Arc::new(OutboxState {
            url: settings.url.clone(),
            sender,
            taken: AtomicU64::default(),
            settled: AtomicU64::default(),
            is_drop_logged: AtomicBool::default(),
            fault: Mutex::default(),
        });
        let teller = Teller { post, state: Arc::clone(&state), ended };
        Outbox { settings, changes, ends, state, task: tokio::spawn(teller.run(waiting)) }
    }

    /// How it was told to begin.
    pub fn settings(&self) -> &WebhookSettings {
        &self.settings
    }

    /// Takes a change. Where too many wait, it is dropped, which is counted, and logged once.
    pub fn put(&self, change: Value) {
        self.state.taken.fetch_add(1, Ordering::Relaxed);
        if self.changes.try_send(change).is_err() {
            self.state.give_up(1, &format!("{WAITING_MAX} of them wait for {}", self.settings.url));
        }
    }

    /// How it stands.
    pub fn status(&self) -> OutboxStatus {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let sender = &self.state.sender;
        OutboxStatus {
            told: count(&sender.told),
            dropped: count(&sender.dropped),
            failures: count(&sender.failures),
            // At most what the queue holds, and one letter.
            waiting: usize::try_from(self.state.unsettled()).unwrap_or(usize::MAX),
            fault: lock(&self.state.fault).clone(),
        }
    }

    /// Tells what waits, as far as that goes at once, and ends. What is not told is counted, and logged.
    pub async fn stop(self) {
        let Outbox { changes, ends, state, mut task, .. } = self;
        drop(changes);
        ends.send_replace(true);
        if timeout(STOP_WAIT, &mut task).await.is_err() {
            task.abort();
            // It may have told of something meanwhile.
            let _ = task.await;
        }
        state.abandon();
    }
}

impl OutboxState {
    fn unsettled(&self) -> u64 {
        let settled = self.settled.load(Ordering::Relaxed);
        self.taken.load(Ordering::Relaxed).saturating_sub(settled)
    }

    fn settle(&self, count: u64, as_what: &AtomicU64) {
        as_what.fetch_add(count, Ordering::Relaxed);
        self.settled.fetch_add(count, Ordering::Relaxed);
    }

    fn give_up(&self, count: u64, why: &str) {
        self.settle(count, &self.sender.dropped);
        if !self.is_drop_logged.swap(true, Ordering::Relaxed) {
            warn!("changes of verdict are not told to the webhook: {why}; the status has the last of them");
        }
    }

    /// Gives up what still waits, as nobody will tell it.
    fn abandon(&self) {
        let count = self.unsettled();
        if count > 0 {
            self.settle(count, &self.sender.dropped);
            warn!("webhook {}: changes of verdict that it was not told before the end: {count}", self.url);
        }
    }

    /// Takes in how a try ended; says when that is news.
    fn note(&self, fault: Option<&str>) {
        let before = std::mem::replace(&mut *lock(&self.fault), fault.map(str::to_owned));
        match (before, fault) {
            (None, Some(fault)) => warn!("webhook {}: {fault}; it is tried again", self.url),
            (Some(_), None) => info!("webhook {} takes changes again", self.url),
            (Some(_), Some(_)) | (None, None) => {}
        }
    }
}

/// What sends a body once.
trait Post: Send + Sync + 'static {
    fn send(&self, body: &str) -> impl Future<Output = Sent> + Send;
}

impl Post for WebhookSettings {
    fn send(&self, body: &str) -> impl Future<Output = Sent> + Send {
        send(self, body)
    }
}

/// Sends letters, one after the other.
struct Teller<P> {
    post: P,
    state: Arc<OutboxState>,
    ended: watch::Receiver<bool>,
}

impl<P: Post> Teller<P> {
    async fn run(mut self, mut waiting: mpsc::Receiver<Value>) {
        let mut changes = Vec::new();
        while waiting.recv_many(&mut changes, LETTER_MAX).await > 0 {
            self.tell(std::mem::take(&mut changes)).await;
        }
    }

    async fn tell(&mut self, changes: Vec<Value>) {
        let count = changes.len() as u64;
        let Sender { server, since, letters, told, .. } = &*self.state.sender;
        let letter = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "server": server,
            "since": since,
            // A receiver that gets a letter twice knows it by its number.
            "letter": letters.fetch_add(1, Ordering::Relaxed).saturating_add(1),
            "changes": changes,
        });
        let body = letter.to_string();
        let mut pauses = pauses();
        loop {
            let why = match self.post.send(&body).await {
                Sent::Taken => {
                    self.state.note(None);
                    self.state.settle(count, told);
                    self.state.is_drop_logged.store(false, Ordering::Relaxed);
                    return;
                }
                Sent::Never(why) => {
                    self.failed(&why);
                    return self.state.give_up(count, &format!("{} refuses them: {why}", self.state.url));
                }
                Sent::NotNow(why) => why,
            };
            self.failed(&why);
            let Some(pause) = pauses.next() else {
                let why = format!("{} was tried {TRIES_MAX} times", self.state.url);
                return self.state.give_up(count, &why);
            };
            if *self.ended.borrow() {
                // It is counted with what still waits.
                return;
            }
            tokio::select! {
                () = sleep(pause) => {}
                // Once more at once; if nobody is left who could say so, not even that.
                ended = self.ended.wait_for(|is_over| *is_over) => if ended.is_err() { return },
            }
        }
    }

    fn failed(&self, why: &str) {
        self.state.sender.failures.fetch_add(1, Ordering::Relaxed);
        self.state.note(Some(why));
    }
}

/// The waits between the tries of one letter.
fn pauses() -> impl Iterator<Item = Duration> {
    let next = |pause: &Duration| Some(pause.saturating_mul(2).min(PAUSE_MAX));
    std::iter::successors(Some(PAUSE), next).take((TRIES_MAX as usize).saturating_sub(1))
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may stop at an overflow")]
mod tests;
