//! Tells other servers that zones have changed: one task for all zones and servers.
//!
//! Sends over UDP or TLS, checks what comes back, and says once that a server does not answer. When to send is for
//! `notification`.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};
use tracing::{info, warn};

use super::contents::Contents;
use super::notification::{Notification, NotifyOutcome, NotifyTry};
use crate::dns::message::{Header, Opcode, Rcode, Section, class};
use crate::dns::message_writer::{self, RecordHead};
use crate::dns::{Name, Rtype, Ttl};
use crate::requestor::{Failure, Fit, Protocol, Query, Remote, Requestor};
use crate::sync::lock;
use crate::tls::{Credentials, Random};
use crate::transfer::history::Differences;
use crate::tsig::{ClientExchange, Key, Time};

/// NOTIFY messages under way at once; others wait.
const AT_ONCE_MAX: usize = 64;

/// Longest message: header, question, SOA record and signature.
const BYTES_MAX: usize = 2048;

/// A server to notify of a zone.
#[derive(Clone, Debug)]
pub struct NotifyTarget {
    /// The server.
    pub server: NotifyServer,
    /// The key that signs messages to it.
    pub key: Option<Arc<Key>>,
}

/// A server that is notified, whatever of. Over TLS it has one connection, of however many zones it is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NotifyServer {
    /// Where it is, and how it is told.
    pub remote: Remote,
    /// The source address of messages to it: it knows us by one of ours. None: the system chooses.
    pub source: Option<IpAddr>,
    /// By what it and this server know each other, over TLS.
    pub credentials: Credentials,
}

/// A zone, and the servers to notify.
pub struct NotifiedZone {
    /// What it is called in messages.
    called: Arc<str>,
    /// Its apex.
    apex: Name,
    /// The servers to notify.
    targets: Vec<NotifyTarget>,
    /// What is served of it; none: nothing yet, or no more.
    served: Mutex<Option<Served>>,
}

/// What a NOTIFY says of a zone, and when it may be sent.
#[derive(Clone)]
struct Served {
    serial: u32,
    ttl: Ttl,
    /// Of the SOA record.
    rdata: Arc<[u8]>,
    history: Arc<Differences>,
}

/// Counts of NOTIFY messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NotifyTotals {
    /// Messages that were answered.
    pub heard: u64,
    /// Messages that were not, or that were refused.
    pub failed: u64,
    /// Pairs of zone and server whose newest serial was not acknowledged.
    pub failing: usize,
}

/// The handle of the task.
pub struct Notifier {
    waiting: Arc<Mutex<Waiting>>,
    wake: watch::Sender<()>,
    counters: Arc<NotifyCounters>,
}

/// What the task has not seen yet: of each zone that it is to be looked at, and nothing of how often it has changed.
#[derive(Default)]
struct Waiting {
    /// Which zones there are now; none: as before.
    zones: Option<Vec<Arc<NotifiedZone>>>,
    /// Zones that have changed, by what they are called.
    changed: HashMap<Arc<str>, Arc<NotifiedZone>>,
}

#[derive(Default)]
struct NotifyCounters {
    heard: AtomicU64,
    failed: AtomicU64,
    failing: Mutex<usize>,
}

impl NotifiedZone {
    /// A zone of which nothing is served yet.
    pub fn new(called: Arc<str>, apex: Name, targets: Vec<NotifyTarget>) -> Self {
        Self { called, apex, targets, served: Mutex::default() }
    }

    /// This is served of it now; `history` is what led there.
    pub fn set(&self, contents: &Contents, history: &Arc<Differences>) {
        let served = contents.soa().map(|soa| Served {
            serial: contents.serial(),
            ttl: soa.ttl,
            rdata: soa.rdata.as_ref().into(),
            history: Arc::clone(history),
        });
        *lock(&self.served) = served;
    }

    /// Nothing is served of it now.
    pub fn clear(&self) {
        *lock(&self.served) = None;
    }

    fn served(&self) -> Option<Served> {
        lock(&self.served).clone()
    }

    /// What there is to be told; none while it is still being found out what led there: whoever finds it says so, and who
    /// is told sooner would get the whole zone.
    fn news(&self) -> Option<Served> {
        self.served().filter(|served| served.history.is_settled())
    }
}

impl Notifier {
    /// Starts the task, on the runtime that this is called on.
    pub fn start() -> Self {
        let (wake, woken) = watch::channel(());
        let (waiting, counters) = (Arc::<Mutex<Waiting>>::default(), Arc::<NotifyCounters>::default());
        let task = Task {
            waiting: Arc::clone(&waiting),
            entries: HashMap::new(),
            requestors: HashMap::new(),
            due: BTreeSet::new(),
            under_way: JoinSet::new(),
            random: Arc::new(Random::new()),
            counters: Arc::clone(&counters),
        };
        tokio::spawn(task.run(woken));
        Self { waiting, wake, counters }
    }

    /// Notifies of these zones from now on, and of no others; at once where a serial is new to a server.
    pub fn serve(&self, zones: Vec<Arc<NotifiedZone>>) {
        *lock(&self.waiting) = Waiting { zones: Some(zones), changed: HashMap::new() };
        self.wake.send_replace(());
    }

    /// One of the zones has changed: whoever does not know its newest serial is told that.
    pub fn tell(&self, zone: &Arc<NotifiedZone>) {
        lock(&self.waiting).changed.insert(Arc::clone(&zone.called), Arc::clone(zone));
        self.wake.send_replace(());
    }

    /// What has come of it.
    pub fn totals(&self) -> NotifyTotals {
        NotifyTotals {
            heard: self.counters.heard.load(Ordering::Relaxed),
            failed: self.counters.failed.load(Ordering::Relaxed),
            failing: *lock(&self.counters.failing),
        }
    }
}

/// A zone and a server.
type EntryKey = (Arc<str>, SocketAddr);

struct NotifyEntry {
    zone: Arc<NotifiedZone>,
    target: NotifyTarget,
    /// Asks it over TLS; none: it is told over UDP.
    requestor: Option<Arc<Requestor>>,
    notification: Notification,
    /// When it stands in the list of what is due.
    due: Option<Instant>,
    /// The last NOTIFY to it failed, and that was logged.
    is_failing: bool,
}

struct Task {
    waiting: Arc<Mutex<Waiting>>,
    entries: HashMap<EntryKey, NotifyEntry>,
    /// Those of servers over TLS, each with the connection that is kept.
    requestors: HashMap<NotifyServer, Arc<Requestor>>,
    /// What is to be sent, and when.
    due: BTreeSet<(Instant, EntryKey)>,
    under_way: JoinSet<(EntryKey, NotifyOutcome)>,
    random: Arc<Random>,
    counters: Arc<NotifyCounters>,
}

impl Task {
    async fn run(mut self, mut woken: watch::Receiver<()>) {
        loop {
            self.begin_due();
            let due = self.next_due();
            let sleep = async {
                match due {
                    Some(due) => sleep_until(due.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = woken.changed() => match changed {
                    Ok(()) => self.take(),
                    // Nobody can tell anything any more.
                    Err(_) => return,
                },
                Some(ended) = self.under_way.join_next() => match ended {
                    Ok((key, outcome)) => self.ended(&key, &outcome),
                    Err(error) => warn!(%error, "a NOTIFY ended early"),
                },
                () = sleep => {}
            }
        }
    }

    /// When the next message is due. None while as many as allowed are under way.
    fn next_due(&self) -> Option<Instant> {
        let has_room = self.under_way.len() < AT_ONCE_MAX;
        self.due.first().map(|(due, _)| *due).filter(|_| has_room)
    }

    fn take(&mut self) {
        let Waiting { zones, changed } = std::mem::take(&mut *lock(&self.waiting));
        if let Some(zones) = zones {
            self.replace(&zones);
        }
        for zone in changed.values() {
            for target in &zone.targets {
                self.note((Arc::clone(&zone.called), target.server.remote.address));
            }
        }
    }

    /// Tells of these zones from now on; what was told of them before is known.
    fn replace(&mut self, zones: &[Arc<NotifiedZone>]) {
        self.due.clear();
        let mut before = std::mem::take(&mut self.entries);
        let mut requestors = std::mem::take(&mut self.requestors);
        for (zone, target) in zones.iter().flat_map(|zone| zone.targets.iter().map(move |one| (zone, one))) {
            let key = (Arc::clone(&zone.called), target.server.remote.address);
            let requestor = self.requestor(&target.server, &mut requestors);
            let (notification, is_failing) = match before.remove(&key) {
                // Whatever has been mended, it is told anew.
                Some(entry) if entry.target.server != target.server => {
                    (Notification::default(), entry.is_failing)
                }
                Some(entry) => (entry.notification, entry.is_failing),
                None => Default::default(),
            };
            let (zone, target) = (Arc::clone(zone), target.clone());
            self.entries.insert(
                key.clone(),
                NotifyEntry { zone, target, requestor, notification, due: None, is_failing },
            );
            self.note(key);
        }
        let failing = self.entries.values().filter(|entry| entry.is_failing).count();
        *lock(&self.counters.failing) = failing;
    }

    /// What asks a server over TLS, taken from those of `before` if it is there; none: it is told over UDP.
    fn requestor(
        &mut self,
        server: &NotifyServer,
        before: &mut HashMap<NotifyServer, Arc<Requestor>>,
    ) -> Option<Arc<Requestor>> {
        match server.remote.protocol {
            Protocol::Udp | Protocol::Tcp => return None,
            Protocol::Encrypted(_) => {}
        }
        let NotifyServer { remote, source, credentials } = server;
        let requestor = self.requestors.entry(server.clone()).or_insert_with(|| {
            let fresh = || Arc::new(Requestor::of_zones(remote.clone(), *source, credentials));
            before.remove(server).unwrap_or_else(fresh)
        });
        Some(Arc::clone(requestor))
    }

    /// Takes note of the serial that there is, where there is one to be told.
    fn note(&mut self, key: EntryKey) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        if let Some(served) = entry.zone.news() {
            entry.notification.changed(served.serial, Instant::now());
        }
        self.schedule(key);
    }

    /// Puts what is to be told where it is found when it is due.
    fn schedule(&mut self, key: EntryKey) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        let due = entry.notification.due();
        if due == entry.due {
            return;
        }
        if let Some(before) = std::mem::replace(&mut entry.due, due) {
            self.due.remove(&(before, key.clone()));
        }
        self.due.extend(due.map(|due| (due, key)));
    }

    fn begin_due(&mut self) {
        let now = Instant::now();
        while self.under_way.len() < AT_ONCE_MAX
            && self.due.first().is_some_and(|(due, _)| *due <= now)
            && let Some((_, key)) = self.due.pop_first()
        {
            let Some(entry) = self.entries.get_mut(&key) else { continue };
            entry.due = None;
            // What it is told is what there is when it is told.
            let Some(served) = entry.zone.served() else { continue };
            entry.notification.changed(served.serial, now);
            let Some(begun) = entry.notification.begin(now) else { continue };
            let message = message(&entry.zone.apex, &served);
            let (target, requestor, key) = (entry.target.clone(), entry.requestor.clone(), key.clone());
            let random = Arc::clone(&self.random);
            self.under_way.spawn(async move {
                let told = tell(&target, requestor.as_deref(), (message, &random), begun).await;
                let outcome = match told {
                    Ok(()) => NotifyOutcome::Heard,
                    Err(error) => NotifyOutcome::Failed(error.to_string()),
                };
                (key, outcome)
            });
        }
    }

    fn ended(&mut self, key: &EntryKey, outcome: &NotifyOutcome) {
        let counter = match outcome {
            NotifyOutcome::Heard => &self.counters.heard,
            NotifyOutcome::Failed(_) => &self.counters.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.notification.ended(outcome, Instant::now());
        let (zone, _) = key;
        let server = &entry.target.server.remote;
        let mut failing = lock(&self.counters.failing);
        match outcome {
            NotifyOutcome::Heard if entry.is_failing => {
                info!("{server} answers NOTIFY of zone {zone} again");
                entry.is_failing = false;
                *failing = failing.saturating_sub(1);
            }
            NotifyOutcome::Failed(why) if entry.notification.is_idle() && !entry.is_failing => {
                warn!(
                    "NOTIFY of zone {zone} to {server} failed: {why}; it asks by itself after `refresh` of the SOA record"
                );
                entry.is_failing = true;
                *failing = failing.saturating_add(1);
            }
            NotifyOutcome::Heard | NotifyOutcome::Failed(_) => {}
        }
        drop(failing);
        self.schedule(key.clone());
    }
}

/// Why a NOTIFY failed.
#[derive(Debug)]
enum Untold {
    System(io::Error),
    Failed(Failure),
    Silent(Duration),
    Refused(Rcode),
    Unsigned(crate::tsig::Unverified),
    TooLong,
}

impl fmt::Display for Untold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Untold::System(error) => error.fmt(f),
            Untold::Failed(failure) => failure.fmt(f),
            Untold::Silent(wait) => write!(f, "no answer within {} s", wait.as_secs()),
            Untold::Refused(rcode) => write!(f, "it answers {rcode}"),
            Untold::Unsigned(error) => error.fmt(f),
            Untold::TooLong => f.write_str("the message has no room for a signature"),
        }
    }
}

/// The message: the question is the SOA of the zone, and the answer section says which there is now (RFC 1996, section
/// 3.7). Whoever sends it gives it an id.
fn message(apex: &Name, served: &Served) -> Vec<u8> {
    let flags = u16::from(Opcode::NOTIFY.0) << 11 | Header::AA;
    message_writer::owned(BYTES_MAX, 0, flags, |message| {
        message.question(apex.as_ref(), Rtype::SOA, class::IN);
        let head = RecordHead { rtype: Rtype::SOA, class: class::IN, ttl: served.ttl.seconds() };
        message.record(Section::Answer, apex.as_ref().wire(), &head, &[&served.rdata]);
    })
}

/// Sends one NOTIFY and waits for the answer: over what `requestor` keeps open, or over UDP.
async fn tell(
    target: &NotifyTarget,
    requestor: Option<&Requestor>,
    (message, random): (Vec<u8>, &Random),
    begun: NotifyTry,
) -> Result<(), Untold> {
    // Under a fresh id, which the signature covers.
    let query = Query::of_message(message, random).ok_or(Untold::TooLong)?;
    let mut message = query.bytes().to_vec();
    let signed = match &target.key {
        Some(key) => {
            let now = Time::of(SystemTime::now());
            let signed = ClientExchange::sign_request(Arc::clone(key), &mut message, now);
            Some(signed.map_err(|_| Untold::TooLong)?)
        }
        None => None,
    };
    let mut response = match requestor {
        Some(requestor) => {
            // Over a connection that is shared it gets another id: the signature is made with the one before.
            let of = if signed.is_some() { Query::of_signed } else { Query::of_message };
            let query = of(message, random).ok_or(Untold::TooLong)?;
            over_connection(requestor, query, begun.wait).await?
        }
        None => in_datagram(&target.server, &message, &query, begun.wait).await?,
    };
    let header = Header::read(&response).unwrap_or(Header { id: 0, flags: 0, counts: [0; 4] });
    if let Some(mut signed) = signed {
        signed.verify(&mut response, Time::of(SystemTime::now())).map_err(Untold::Unsigned)?;
    }
    match Rcode(header.flags & 0x000f) {
        Rcode::NOERROR => Ok(()),
        rcode => Err(Untold::Refused(rcode)),
    }
}

/// Asks over TLS.
async fn over_connection(requestor: &Requestor, query: Query, wait: Duration) -> Result<Vec<u8>, Untold> {
    let asked = Instant::now();
    requestor.send(query, wait).await.map_err(|failure| match failure {
        Failure::TimedOut => {
            // The next try is not lost with the connection.
            requestor.leave_if_silent_since(asked);
            Untold::Silent(wait)
        }
        failure => Untold::Failed(failure),
    })
}

/// Asks over UDP: sends `message`, which is `query`, signed or not.
async fn in_datagram(
    server: &NotifyServer,
    message: &[u8],
    query: &Query,
    wait: Duration,
) -> Result<Vec<u8>, Untold> {
    let place = server.remote.address;
    let any = match place {
        SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind((server.source.unwrap_or(any), 0)).await.map_err(Untold::System)?;
    // The kernel takes datagrams of that address and port alone.
    socket.connect(place).await.map_err(Untold::System)?;
    socket.send(message).await.map_err(Untold::System)?;
    let answered = timeout(wait, answer(&socket, query)).await;
    answered.map_err(|_| Untold::Silent(wait))?.map_err(Untold::System)
}

/// The first datagram that answers the message.
async fn answer(socket: &UdpSocket, query: &Query) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; BYTES_MAX];
    loop {
        let length = socket.recv(&mut bytes).await?;
        let datagram = bytes.get(..length).unwrap_or_default();
        if query.fit(datagram) != Fit::None {
            return Ok(datagram.to_vec());
        }
    }
}

#[cfg(test)]
mod tests;
