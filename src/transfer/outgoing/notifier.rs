//! Tells other servers that zones have changed: one task for all zones and servers.
//!
//! Sends over UDP, checks what comes back, and says once that a server does not answer. When to send is for
//! `notification`.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};
use tracing::{info, warn};

use super::contents::Contents;
use super::notification::{Notification, NotifyOutcome, NotifyTry};
use crate::dns::message::{HEADER_BYTES, Header, Opcode, Rcode, Section, class};
use crate::dns::message_writer::{self, RecordHead};
use crate::dns::{Name, Rtype};
use crate::sync::lock;
use crate::tls::Random;
use crate::tsig::{ClientExchange, Key, Time};

/// Servers told at once; the others wait for their turn.
const AT_ONCE_MAX: usize = 64;

/// Longest message: header, question, SOA record and signature.
const BYTES_MAX: usize = 2048;

/// A server to notify of a zone.
#[derive(Clone, Debug)]
pub struct NotifyTarget {
    /// Where it is.
    pub place: SocketAddr,
    /// The source address of messages to it: it knows us by one of ours. None: the system chooses.
    pub source: Option<IpAddr>,
    /// The key that signs messages to it.
    pub key: Option<Arc<Key>>,
}

/// A zone, and whom to tell of it.
pub struct NotifiedZone {
    /// Its apex.
    pub apex: Name,
    /// What it is called in messages.
    pub called: Arc<str>,
    /// What is served of it.
    pub contents: Contents,
    /// Whom to tell.
    pub targets: Vec<NotifyTarget>,
}

/// What came of telling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NotifyTotals {
    /// Messages that were answered.
    pub heard: u64,
    /// Messages that were not, or that were refused.
    pub failed: u64,
    /// Pairs of zone and server whose newest serial was not acknowledged.
    pub failing: usize,
}

/// The end at which zones are told.
pub struct Notifier {
    zones: mpsc::UnboundedSender<Vec<NotifiedZone>>,
    counters: Arc<NotifyCounters>,
}

#[derive(Default)]
struct NotifyCounters {
    heard: AtomicU64,
    failed: AtomicU64,
    failing: Mutex<usize>,
}

impl Notifier {
    /// Starts the task, on the runtime that this is called on.
    pub fn start() -> Self {
        let (zones, told) = mpsc::unbounded_channel();
        let counters = Arc::<NotifyCounters>::default();
        let task = Task {
            zones: told,
            entries: HashMap::new(),
            under_way: JoinSet::new(),
            random: Arc::new(Random::new()),
            counters: Arc::clone(&counters),
        };
        tokio::spawn(task.run());
        Self { zones, counters }
    }

    /// Tells of these zones from now on, and of no others: at once of those whose serial is new to a server.
    pub fn serve(&self, zones: Vec<NotifiedZone>) {
        // The task ends with this.
        let _ = self.zones.send(zones);
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

struct Entry {
    apex: Name,
    target: NotifyTarget,
    contents: Contents,
    notification: Notification,
    /// It did not hear when it was told last; that has been said.
    is_failing: bool,
}

struct Task {
    zones: mpsc::UnboundedReceiver<Vec<NotifiedZone>>,
    entries: HashMap<EntryKey, Entry>,
    under_way: JoinSet<(EntryKey, NotifyOutcome)>,
    random: Arc<Random>,
    counters: Arc<NotifyCounters>,
}

impl Task {
    async fn run(mut self) {
        loop {
            self.begin_all();
            let due = self.next_due();
            let sleep = async {
                match due {
                    Some(due) => sleep_until(due.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                zones = self.zones.recv() => match zones {
                    Some(zones) => self.take(zones),
                    None => return,
                },
                Some(ended) = self.under_way.join_next() => match ended {
                    Ok((key, outcome)) => self.ended(&key, &outcome),
                    Err(error) => warn!(%error, "a NOTIFY ended early"),
                },
                () = sleep => {}
            }
        }
    }

    /// When something is due that may begin; those beyond the limit wait until others have ended.
    fn next_due(&self) -> Option<Instant> {
        let has_room = self.under_way.len() < AT_ONCE_MAX;
        self.entries.values().filter_map(|entry| entry.notification.due()).min().filter(|_| has_room)
    }

    fn take(&mut self, zones: Vec<NotifiedZone>) {
        let now = Instant::now();
        let mut before = std::mem::take(&mut self.entries);
        for NotifiedZone { apex, called, contents, targets } in zones {
            for target in targets {
                let key = (Arc::clone(&called), target.place);
                let known = before.remove(&key);
                let (mut notification, is_failing) =
                    known.map(|entry| (entry.notification, entry.is_failing)).unwrap_or_default();
                notification.changed(contents.serial(), now);
                let (apex, contents) = (apex.clone(), contents.clone());
                self.entries.insert(key, Entry { apex, target, contents, notification, is_failing });
            }
        }
        self.count_failing();
    }

    fn begin_all(&mut self) {
        let now = Instant::now();
        for (key, entry) in &mut self.entries {
            if self.under_way.len() >= AT_ONCE_MAX {
                return;
            }
            let Some(begun) = entry.notification.begin(now) else { continue };
            let message = message(&entry.apex, &entry.contents, self.random.id());
            let (key, target) = (key.clone(), entry.target.clone());
            self.under_way.spawn(async move {
                let outcome = match tell(&target, message, begun).await {
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
        let (zone, place) = key;
        match outcome {
            NotifyOutcome::Heard if entry.is_failing => {
                info!("{place} answers NOTIFY of zone {zone} again");
                entry.is_failing = false;
            }
            NotifyOutcome::Failed(why) if entry.notification.is_idle() && !entry.is_failing => {
                warn!(
                    "NOTIFY of zone {zone} to {place} failed: {why}; it asks by itself after `refresh` of the SOA record"
                );
                entry.is_failing = true;
            }
            NotifyOutcome::Heard | NotifyOutcome::Failed(_) => {}
        }
        self.count_failing();
    }

    fn count_failing(&self) {
        *lock(&self.counters.failing) = self.entries.values().filter(|entry| entry.is_failing).count();
    }
}

/// Why a NOTIFY failed.
#[derive(Debug)]
enum Untold {
    System(io::Error),
    Silent(Duration),
    Refused(Rcode),
    Unsigned(crate::tsig::Unverified),
    TooLong,
}

impl fmt::Display for Untold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Untold::System(error) => error.fmt(f),
            Untold::Silent(wait) => write!(f, "no answer within {} s", wait.as_secs()),
            Untold::Refused(rcode) => write!(f, "it answers {rcode}"),
            Untold::Unsigned(error) => error.fmt(f),
            Untold::TooLong => f.write_str("the message has no room for a signature"),
        }
    }
}

/// The message: the question is the SOA of the zone, and the answer section says which there is now (RFC 1996, section
/// 3.7).
fn message(apex: &Name, contents: &Contents, id: u16) -> Vec<u8> {
    let flags = u16::from(Opcode::NOTIFY.0) << 11 | Header::AA;
    message_writer::owned(BYTES_MAX, id, flags, |message| {
        message.question(apex.as_ref(), Rtype::SOA, class::IN);
        if let Some(soa) = contents.soa() {
            let head = RecordHead { rtype: Rtype::SOA, class: class::IN, ttl: soa.ttl.seconds() };
            message.record(Section::Answer, soa.owner.wire(), &head, &[&soa.rdata]);
        }
    })
}

/// Tells a server once, and waits for its answer.
async fn tell(target: &NotifyTarget, mut message: Vec<u8>, begun: NotifyTry) -> Result<(), Untold> {
    let signed = match &target.key {
        Some(key) => {
            let now = Time::of(SystemTime::now());
            let signed = ClientExchange::sign_request(Arc::clone(key), &mut message, now);
            Some(signed.map_err(|_| Untold::TooLong)?)
        }
        None => None,
    };
    let any = match target.place {
        SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind((target.source.unwrap_or(any), 0)).await.map_err(Untold::System)?;
    // The kernel takes datagrams of that address and port alone.
    socket.connect(target.place).await.map_err(Untold::System)?;
    socket.send(&message).await.map_err(Untold::System)?;
    let answered = timeout(begun.wait, answer(&socket, &message)).await;
    let mut response = answered.map_err(|_| Untold::Silent(begun.wait))?.map_err(Untold::System)?;
    let header = Header::read(&response).unwrap_or(Header { id: 0, flags: 0, counts: [0; 4] });
    if let Some(mut signed) = signed {
        signed.verify(&mut response, Time::of(SystemTime::now())).map_err(Untold::Unsigned)?;
    }
    match Rcode(header.flags & 0x000f) {
        Rcode::NOERROR => Ok(()),
        rcode => Err(Untold::Refused(rcode)),
    }
}

/// The first datagram that answers the message.
async fn answer(socket: &UdpSocket, message: &[u8]) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; BYTES_MAX];
    loop {
        let length = socket.recv(&mut bytes).await?;
        let datagram = bytes.get(..length).unwrap_or_default();
        if is_answer(message, datagram) {
            return Ok(datagram.to_vec());
        }
    }
}

/// Whether a datagram answers a message: id, opcode, and the question, which some leave out.
fn is_answer(message: &[u8], datagram: &[u8]) -> bool {
    let (Some(asked), Some(header)) = (Header::read(message), Header::read(datagram)) else { return false };
    let question = |of: &[u8]| {
        let (question, _) = crate::dns::message::Question::read(of)?;
        Some((question.qname.to_name(), question.qtype, question.qclass))
    };
    let same = match header.counts {
        [0, ..] => datagram.len() >= HEADER_BYTES,
        _ => question(datagram).is_some() && question(datagram) == question(message),
    };
    header.is_response() && header.id == asked.id && header.opcode() == asked.opcode() && same
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_the_id_the_opcode_and_the_question() {
        let asked = message_writer::owned(512, 7, u16::from(Opcode::NOTIFY.0) << 11, |message| {
            message.question("Test.".parse::<Name>().unwrap().as_ref(), Rtype::SOA, class::IN);
        });
        let change = |at: usize, byte: u8| {
            let mut answer = asked.clone();
            answer[2] |= 0x80;
            answer[at] = byte;
            answer
        };
        assert!(is_answer(&asked, &change(1, 7)));
        assert!(is_answer(&asked, &change(13, b't')), "names are the same in any case");
        for (what, other) in [
            ("no response", asked.clone()),
            ("id", change(1, 8)),
            ("opcode", change(2, 0x80)),
            ("name", change(13, b'b')),
            ("type", change(19, 1)),
            ("cut off", change(1, 7)[..14].to_vec()),
        ] {
            assert!(!is_answer(&asked, &other), "{what}");
        }
        let mut bare = change(5, 0);
        bare.truncate(12);
        assert!(is_answer(&asked, &bare), "without a question");
    }
}
