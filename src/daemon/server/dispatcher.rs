//! What becomes of messages that are no plain queries: their signature is verified, and then each kind has its
//! treatment.
//!
//! Responsible for taking them from the workers, for how many are treated at once, and that nothing is treated
//! whose signature is wrong. Not responsible for what any of them asks for.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tracing::{debug, warn};

use super::settings::random_secret;
use super::signatures::{SignatureJudgement, Signatures};
use super::signed_queries::SignedQueries;
use crate::answer::{MessageKind, MessageKinds, Readers};
use crate::config::TsigKey;
use crate::dns::message::{Header, Question, Rcode};
use crate::dns::message_writer::{self, QUERY_BYTES_MAX};
use crate::sync::lock;
use crate::transport::{HandedOver, MessageTaker};
use crate::tsig::Time;

/// Messages treated at once; further ones are answered SERVFAIL, so that who sent them asks another server, or later.
/// What a treatment holds besides is bounded by itself.
const TREATED_MAX: usize = 4096;

/// Bytes of all of them: an UPDATE may have 64 KiB, everything else at most 4 KiB.
const TREATED_BYTES_MAX: usize = 16 << 20;

/// How often it is told at most that messages were turned away.
const TOLD_INTERVAL: Duration = Duration::from_secs(60);

/// Treats the messages of one kind, each to its end: answers it, or lets it go unanswered.
pub(super) trait Treatment: Send + Sync {
    /// Whether there is something that such a message could be about now; otherwise workers refuse it.
    fn is_wanted(&self) -> bool {
        true
    }

    /// Whether it treats a message though its signature, if it has one, is for another server to verify.
    fn takes_unverified(&self, message: &HandedOver) -> bool {
        let _ = message;
        false
    }

    /// Treats one. Its signature was verified if it had one, and is taken off, unless it was taken unverified:
    /// `message.key()` says whose it was, and what is sent is signed.
    fn treat(&self, message: HandedOver) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// Who treats which kind of message. What nobody treats is refused by the workers.
#[derive(Default)]
pub(super) struct Treatments(Vec<(MessageKind, Box<dyn Treatment>)>);

impl Treatments {
    /// Has messages of a kind treated.
    pub(super) fn add(&mut self, kind: MessageKind, treatment: impl Treatment + 'static) {
        self.0.push((kind, Box::new(treatment)));
    }
}

/// Takes messages from the workers, and has them treated on a runtime.
pub(super) struct Dispatcher {
    handle: Handle,
    room: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    turned_away: TurnedAway,
    shared: Arc<Shared>,
}

/// Messages for which there was no room.
#[derive(Default)]
struct TurnedAway {
    count: AtomicU64,
    /// When that was told last, and how many there were then.
    told: Mutex<Option<(Instant, u64)>>,
}

struct Shared {
    treatments: Treatments,
    signatures: Signatures,
    /// Answers signed queries that are plain besides; none before the first snapshot.
    queries: OnceLock<SignedQueries>,
}

impl Dispatcher {
    /// Has messages treated on the runtime of `handle`; they may be signed with these keys.
    pub(super) fn new(handle: Handle, treatments: Treatments, keys: &[TsigKey]) -> Self {
        let signatures = Signatures::default();
        signatures.set_keys(keys);
        let shared = Shared { treatments, signatures, queries: OnceLock::new() };
        let [room, bytes] = [TREATED_MAX, TREATED_BYTES_MAX].map(|most| Arc::new(Semaphore::new(most)));
        Self { handle, room, bytes, turned_away: TurnedAway::default(), shared: Arc::new(shared) }
    }

    /// The keys, and what came of signatures.
    pub(super) fn signatures(&self) -> &Signatures {
        &self.shared.signatures
    }

    /// How many messages were turned away since the start.
    pub(super) fn turned_away(&self) -> u64 {
        self.turned_away.count.load(Ordering::Relaxed)
    }

    /// Has signed queries answered from what `readers` show.
    pub(super) fn answer_queries_from(&self, readers: Readers) {
        let seed = random_secret().map_or(1, |secret| secret.seed());
        // There is one cell of snapshots, made at the start.
        let _ = self.shared.queries.set(SignedQueries::new(readers, seed));
    }

    /// The kinds that are treated, for the snapshot. With keys that is whatever may be signed, as its answer is
    /// to be signed, too, even if it says no. Without any no signature can be verified, which a worker says as
    /// well.
    pub(super) fn kinds(&self) -> MessageKinds {
        let signed = [MessageKind::Signed, MessageKind::Notify, MessageKind::Update];
        let signed = signed.into_iter().filter(|_| self.shared.signatures.have_keys());
        let wanted = self.shared.treatments.0.iter().filter(|(_, treatment)| treatment.is_wanted());
        wanted.map(|(kind, _)| *kind).chain(signed).collect()
    }
}

impl MessageTaker for Dispatcher {
    fn take(&self, message: HandedOver) {
        let room = Arc::clone(&self.room).try_acquire_owned();
        // A message has 65,535 bytes at most.
        let length = u32::try_from(message.message.len()).unwrap_or(u32::MAX);
        let bytes = Arc::clone(&self.bytes).try_acquire_many_owned(length);
        let (Ok(room), Ok(bytes)) = (room, bytes) else {
            return self.turned_away.turn_away(message);
        };
        let shared = Arc::clone(&self.shared);
        self.handle.spawn(async move {
            match shared.taking_unverified(&message) {
                Some(treatment) => treatment.treat(message).await,
                None => {
                    if let Some(message) = shared.admit(message) {
                        shared.treat(message).await;
                    }
                }
            }
            drop((room, bytes));
        });
    }
}

impl TurnedAway {
    fn turn_away(&self, message: HandedOver) {
        let count = self.count.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if let Some(more) = self.news(count, Instant::now()) {
            warn!(
                "{more} transfers, NOTIFY messages, updates and signed queries were answered SERVFAIL: as many others are being treated as may be"
            );
        }
        if let Some(response) = no_room(&message.message) {
            send(message, &response);
        }
    }

    /// How many there are since it was told last, if it is to be told `now`.
    fn news(&self, count: u64, now: Instant) -> Option<u64> {
        let mut told = lock(&self.told);
        let (at, before) = told.unwrap_or((now, 0));
        if told.is_some() && now.saturating_duration_since(at) < TOLD_INTERVAL {
            return None;
        }
        *told = Some((now, count));
        Some(count.saturating_sub(before))
    }
}

/// The response to a message for which there is no room; none where not even its header can be read.
fn no_room(message: &[u8]) -> Option<Vec<u8>> {
    let header = Header::read(message)?;
    // Opcode and RD come back as they were.
    let flags = Header::QR | header.flags & (0x7800 | Header::RD) | Rcode::SERVFAIL.0;
    Some(message_writer::owned(QUERY_BYTES_MAX, header.id, flags, |response| {
        if let Some((question, _)) = Question::read(message) {
            response.put_question(question.wire);
        }
    }))
}

impl Shared {
    /// Verifies the signature of a message, if it has one; none where it was answered with what is wrong.
    fn admit(&self, message: HandedOver) -> Option<HandedOver> {
        let mut bytes = message.message.to_vec();
        let now = Time::of(SystemTime::now());
        match self.signatures.judge(&message.peer.address, &mut bytes, now) {
            SignatureJudgement::Taken(None) => Some(message),
            SignatureJudgement::Taken(Some(signature)) => {
                let kind = kind_of(&bytes);
                let mut message = message.verified(bytes, signature);
                message.kind = kind;
                Some(message)
            }
            SignatureJudgement::Answered(response) => {
                send(message, &response);
                None
            }
            SignatureJudgement::Ignored => None,
        }
    }

    async fn treat(&self, message: HandedOver) {
        match self.treatment_of(message.kind) {
            Some(treatment) => treatment.treat(message).await,
            None => self.answer(message),
        }
    }

    /// Who treats a message as it has come; none: its signature is verified first.
    fn taking_unverified(&self, message: &HandedOver) -> Option<&dyn Treatment> {
        self.treatment_of(message.kind).filter(|treatment| treatment.takes_unverified(message))
    }

    fn treatment_of(&self, kind: MessageKind) -> Option<&dyn Treatment> {
        let mut wanted = self.treatments.0.iter().filter(|(_, treatment)| treatment.is_wanted());
        wanted.find(|(of, _)| *of == kind).map(|(_, treatment)| &**treatment)
    }

    /// A signed query that is plain besides; or what nobody treats here, and is refused.
    fn answer(&self, message: HandedOver) {
        let answer = |queries: &SignedQueries| queries.answer(message.peer, &message.message);
        if let Some(response) = self.queries.get().and_then(answer) {
            send(message, &response);
        }
    }
}

/// What a message is that was signed.
fn kind_of(message: &[u8]) -> MessageKind {
    let opcode = Header::read(message).map(|header| header.opcode());
    let qtype = Question::read(message).map(|(question, _)| question.qtype);
    opcode
        .zip(qtype)
        .and_then(|(opcode, qtype)| MessageKind::of(opcode, qtype))
        .unwrap_or(MessageKind::Signed)
}

/// Sends the only response to a message.
fn send(message: HandedOver, response: &[u8]) {
    let client = message.peer.address;
    if let Err(error) = message.answer(response) {
        debug!("a response to {client} was not sent: {error}");
    }
}

#[cfg(test)]
mod tests;
