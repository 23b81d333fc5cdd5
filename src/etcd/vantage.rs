//! Verdicts between servers, by way of a store: what this one sees is written there, what the others see is read.
//!
//! ```text
//!   health ─ sights ─▶ keys with a lease ─▶ etcd ─ watch ─▶ words ─▶ health
//! ```
//!
//! A task beside everything else: nobody waits for it. Responsible for writing what is seen and nothing else, for a lease
//! that ends soon after this server does, and for telling at once when the store is lost. Not responsible for what comes
//! of the words: that is `health`.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::mem::discriminant;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tracing::{info, warn};

use super::access::Access;
use super::client::{Client, Kept, WRITES_MAX, Write};
use super::error::Error;
use super::pages::read_all;
use super::vantage_keys::{HERE, SUSPECTS_ITSELF, VantageFault, VantageKeys};
use super::watch::{Change, Watched};
use super::wire::{KeyValue, LeaseId};
use crate::health::{Exchange, Sights, Standing, Verdict, Word};
use crate::http_client;
use crate::source::words;
use crate::sync::Shared;
use crate::tls::Random;

/// How long a change of what is seen waits for the next one: a rack that goes down is one request.
const GATHERING: Duration = Duration::from_millis(10);

/// In so many parts of a lease it is kept, and the store is asked whether it is there. One request may take a part, too: so
/// a store that has gone is noticed within half a lease.
const BEATS: u32 = 4;

/// How soon a lost store is asked again, when all members have been: at first and at most.
const RETRY_MIN: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// How long it keeps silent when another server has its name: one of them goes on undisturbed.
const SHARED_NAME_PAUSE: Duration = Duration::from_secs(60);

/// How long the end of the server waits for the store to take its word back.
const STOP_WAIT: Duration = Duration::from_secs(1);

/// Most bytes of all that others say.
const BYTES_MAX: usize = 64 << 20;

/// Keys that say nothing of use: how many are remembered, and how many are shown.
const FAULTS_MAX: usize = 1000;
const FAULTS_SHOWN_MAX: usize = 20;

/// Where verdicts are written and read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VantageStore {
    /// How the store is reached.
    pub access: Access,
    /// What all keys begin with, without a slash at its end.
    pub prefix: String,
    /// What this server is called: [`super::is_vantage_name`].
    pub name: String,
    /// How long its word holds when it is not heard any more; whole seconds.
    pub lease: Duration,
}

/// How the store is heard.
#[derive(Clone, Debug, Default)]
pub struct VantageStatus {
    /// Whether a member is watched, and has a leader.
    pub connected: bool,
    /// The member that was asked last.
    pub member: Option<String>,
    /// Why the store is not heard; none: it is.
    pub fault: Option<String>,
    /// Targets of which others are told.
    pub told: usize,
    /// Keys that say nothing of use, and why: the first of them.
    pub faults: Vec<String>,
    /// How many there are.
    pub faulty: usize,
    /// How often the store was lost.
    pub lost: u64,
}

/// Carries verdicts, until it is stopped.
pub struct VantageFeed {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    status: Shared<VantageStatus>,
}

impl VantageFeed {
    /// Begins, in the runtime of whoever calls.
    pub fn start(store: VantageStore, exchange: Exchange) -> VantageFeed {
        let (stop, stopped) = oneshot::channel();
        let status = Shared::default();
        let following = Following {
            keys: VantageKeys::new(&store.prefix, &store.name),
            store,
            exchange,
            status: status.clone(),
            random: Random::new(),
            place: 0,
            lease: None,
            told: HashMap::new(),
            presence: None,
            faults: BTreeMap::new(),
            standing: None,
            is_shared: false,
        };
        VantageFeed { stop, task: tokio::spawn(following.run(stopped)), status }
    }

    /// How the store is heard.
    pub fn status(&self) -> VantageStatus {
        self.status.get()
    }

    /// Whether it carries nothing any more.
    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// Takes back what this server has said, if the store is there, and ends.
    pub async fn stop(self) {
        let VantageFeed { stop, mut task, .. } = self;
        // It has ended by itself only if it has panicked.
        let _ = stop.send(());
        if timeout(STOP_WAIT, &mut task).await.is_err() {
            task.abort();
        }
    }
}

/// What is carried.
struct Following {
    store: VantageStore,
    keys: VantageKeys,
    exchange: Exchange,
    status: Shared<VantageStatus>,
    random: Random,
    /// The member that is asked, by its place.
    place: usize,
    lease: Option<LeaseId>,
    /// What stands in the store with that lease.
    told: HashMap<Arc<str>, Verdict>,
    /// Whether it stands there that this server is there, and that it suspects itself.
    presence: Option<bool>,
    faults: BTreeMap<String, String>,
    /// What was logged last of whether others count.
    standing: Option<Standing>,
    /// Whether another server was heard that has the same name.
    is_shared: bool,
}

impl Following {
    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        let mut retry = RETRY_MIN;
        loop {
            let begun = Instant::now();
            let ended = tokio::select! {
                biased;
                _ = &mut stopped => break,
                ended = self.follow() => ended,
            };
            let Err(error) = ended;
            if self.status.get().connected && begun.elapsed() > RETRY_MAX {
                retry = RETRY_MIN;
            }
            self.lose(&error);
            let is_shared = std::mem::take(&mut self.is_shared);
            self.place = self.place.saturating_add(1);
            if !is_shared && self.place < self.store.access.endpoints.len() {
                continue;
            }
            self.place = 0;
            // Servers that have lost one store at once do not come back at once; a number below 64 fits.
            let part = u32::try_from(self.random.next() % 64).unwrap_or_default();
            let least = if is_shared { SHARED_NAME_PAUSE } else { retry };
            let pause = least.saturating_add(part_of(least, 64).saturating_mul(part));
            retry = retry.saturating_mul(2).min(RETRY_MAX);
            tokio::select! {
                _ = &mut stopped => break,
                () = sleep(pause) => {}
            }
        }
        if let (Some(lease), Some(mut client)) = (self.lease, self.client()) {
            // Where the store is not there, the lease ends by itself.
            let _ = client.revoke(lease).await;
        }
    }

    /// A client of the member whose turn it is, and of no other: what it watches and what it asks is of one member, so that
    /// one that is cut off is noticed.
    fn client(&self) -> Option<Client> {
        let endpoint = *self.store.access.endpoints.get(self.place)?;
        Some(Client::new(Access { endpoints: vec![endpoint], ..self.store.access.clone() }))
    }

    fn beat(&self) -> Duration {
        part_of(self.store.lease, BEATS)
    }

    /// Reads, writes, and follows what changes, until something is wrong.
    async fn follow(&mut self) -> Result<Infallible, Error> {
        let mut client = self.client().ok_or_else(|| Error::Unavailable("no endpoint".to_owned()))?;
        let mut changes = self.exchange.changes();
        let member = client.endpoint().map(|endpoint| endpoint.to_string());
        self.status.change(|status| status.member = member);
        self.take_lease(&mut client).await?;
        let (mark, all) = read_all(&mut client, self.keys.range(), BYTES_MAX).await?;
        let mut watch = client.watch(self.keys.range(), mark.revision.saturating_add(1)).await?;
        self.faults.clear();
        let words: Vec<Word> = all.iter().filter_map(|kv| self.word(kv)).collect();
        self.show_faults();
        self.tell(std::iter::once(Word::Anew).chain(words).chain([Word::Confirmed]));
        self.publish(&mut client).await?;
        self.status.change(|status| (status.connected, status.fault) = (true, None));
        let mut beats = interval(self.beat());
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                watched = watch.next() => self.take(watched?)?,
                _ = beats.tick() => {
                    self.keep(&mut client).await?;
                    self.tell([Word::Confirmed]);
                    self.publish(&mut client).await?;
                }
                changed = changes.changed() => {
                    // Whoever sees is there as long as this is.
                    changed.map_err(|_| Error::Unavailable("this server ends".to_owned()))?;
                    sleep(GATHERING).await;
                    changes.mark_unchanged();
                    self.publish(&mut client).await?;
                }
            }
        }
    }

    /// Has a lease: the one of before, if it has not ended.
    async fn take_lease(&mut self, client: &mut Client) -> Result<(), Error> {
        if let Some(lease) = self.lease
            && self.in_time(client.keep(lease)).await? == Kept::Kept
        {
            return Ok(());
        }
        let lease = self.in_time(client.grant(self.store.lease)).await?;
        self.forget_told();
        // What this server has said before it ended may be there still, with a lease of then.
        let prefix = self.keys.own_targets();
        self.in_time(client.write(&[Write::DeleteAll { prefix }])).await?;
        self.lease = Some(lease);
        Ok(())
    }

    /// Keeps the lease.
    async fn keep(&mut self, client: &mut Client) -> Result<(), Error> {
        let Some(lease) = self.lease else { return Err(Error::Unavailable("there is no lease".to_owned())) };
        match self.in_time(client.keep(lease)).await? {
            Kept::Kept => Ok(()),
            Kept::Ended => {
                self.lease = None;
                Err(Error::Unavailable("the lease of this server has ended".to_owned()))
            }
        }
    }

    /// What takes longer than a store takes that is well is an error of the link.
    async fn in_time<T>(&self, request: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let answer = timeout(self.beat(), request).await;
        answer.unwrap_or(Err(Error::Link(http_client::Error::TimedOut)))
    }

    fn forget_told(&mut self) {
        self.told.clear();
        self.presence = None;
    }

    /// Writes what is seen now, where something else stands in the store.
    async fn publish(&mut self, client: &mut Client) -> Result<(), Error> {
        let Some(lease) = self.lease else { return Ok(()) };
        let Sights { suspects_itself, verdicts } = self.exchange.sights();
        let mut writes: Vec<Telling> = Vec::new();
        if self.presence != Some(suspects_itself) {
            let value = if suspects_itself { SUSPECTS_ITSELF } else { HERE };
            let (key, value) = (self.keys.own(), value.into());
            writes.push((None, Write::Put { key, value, lease: Some(lease) }));
        }
        let seen: HashMap<Arc<str>, Verdict> = verdicts.into_iter().collect();
        for target in self.told.keys().filter(|target| !seen.contains_key(*target)) {
            let Some(key) = self.keys.own_target(target) else { continue };
            writes.push((Some((Arc::clone(target), Verdict::Pending)), Write::Delete { key }));
        }
        for (target, verdict) in seen {
            if self.told.get(&target) == Some(&verdict) {
                continue;
            }
            let (Some(key), Some(value)) = (self.keys.own_target(&target), VantageKeys::value(verdict))
            else {
                continue;
            };
            writes.push((Some((target, verdict)), Write::Put { key, value, lease: Some(lease) }));
        }
        let mut kept = Instant::now();
        for part in writes.chunks(WRITES_MAX) {
            let requests: Vec<Write> = part.iter().map(|(_, write)| write.clone()).collect();
            if let Err(error) = self.in_time(client.write(&requests)).await {
                // Some of it may be written, or the lease has ended: with the next lease all is told anew.
                self.lease = None;
                return Err(error);
            }
            for (told, _) in part {
                match told {
                    None => self.presence = Some(suspects_itself),
                    Some((target, Verdict::Pending)) => drop(self.told.remove(target)),
                    Some((target, verdict)) => drop(self.told.insert(Arc::clone(target), *verdict)),
                }
            }
            if kept.elapsed() > self.beat() {
                self.keep(client).await?;
                kept = Instant::now();
            }
        }
        let told = self.told.len();
        self.status.change(|status| status.told = told);
        Ok(())
    }

    /// Takes in what others say, and looks after what this server has said.
    fn take(&mut self, Watched { changes, .. }: Watched) -> Result<(), Error> {
        let own = self.keys.own();
        let mut words = Vec::new();
        for change in changes {
            match change {
                Change::Put(kv) if kv.key == own && kv.lease != self.lease => {
                    (self.lease, self.is_shared) = (None, true);
                    let name = &self.store.name;
                    return Err(Error::Refused(format!("another server says that it is the vantage {name}")));
                }
                Change::Gone { key, .. } if key == own => {
                    self.lease = None;
                    return Err(Error::Unavailable(
                        "what this server had said is gone from the store".to_owned(),
                    ));
                }
                Change::Put(kv) => words.extend(self.word(&kv)),
                Change::Gone { key, .. } => {
                    self.note_sound(&key);
                    words.extend(self.keys.gone(&key));
                }
            }
        }
        self.show_faults();
        self.tell(words);
        Ok(())
    }

    /// What a key tells. One that says nothing of use is told, and says nothing any more.
    fn word(&mut self, kv: &KeyValue) -> Option<Word> {
        match self.keys.told(kv) {
            Ok(word) => {
                self.note_sound(&kv.key);
                word
            }
            Err(VantageFault { key, what }) => {
                if self.faults.len() < FAULTS_MAX {
                    let fault = VantageFault { key, what };
                    if self.faults.len() < FAULTS_SHOWN_MAX && !self.faults.contains_key(&fault.key) {
                        warn!("vantage {}: a key of etcd is left out: {fault}", self.store.name);
                    }
                    self.faults.insert(fault.key, fault.what);
                }
                self.keys.gone(&kv.key)
            }
        }
    }

    fn note_sound(&mut self, key: &[u8]) {
        if !self.faults.is_empty() {
            self.faults.remove(&words(&String::from_utf8_lossy(key)));
        }
    }

    fn show_faults(&self) {
        let shown = self.faults.iter().take(FAULTS_SHOWN_MAX).map(|(key, what)| format!("{key}: {what}"));
        let (shown, faulty) = (shown.collect(), self.faults.len());
        self.status.change(|status| (status.faults, status.faulty) = (shown, faulty));
    }

    /// Tells what others see, and says it in the log when that begins or ends to count.
    fn tell(&mut self, words: impl IntoIterator<Item = Word>) {
        let Some(standing) = self.exchange.tell(words) else { return };
        let is_news = self.standing.as_ref().map(discriminant) != Some(discriminant(&standing));
        if is_news {
            let name = &self.store.name;
            match &standing {
                Standing::Heard => info!("vantage {name}: {standing}"),
                Standing::Alone { .. } | Standing::Minority { .. } => warn!("vantage {name}: {standing}"),
            }
        }
        self.standing = Some(standing);
    }

    /// The store is not heard.
    fn lose(&mut self, error: &Error) {
        let why = match self.client().and_then(|client| client.endpoint()) {
            Some(endpoint) => format!("{endpoint}: {error}"),
            None => error.to_string(),
        };
        self.status.change(|status| {
            if std::mem::take(&mut status.connected) {
                status.lost = status.lost.saturating_add(1);
            }
            status.fault = Some(why.clone());
        });
        self.tell([Word::Lost { why }]);
    }
}

/// One of so many parts; all of it where there are none.
fn part_of(time: Duration, parts: u32) -> Duration {
    time.checked_div(parts).unwrap_or(time)
}

/// What is written, and of which target it tells what; none: that this server is there.
type Telling = (Option<(Arc<str>, Verdict)>, Write);
