//! Answers transfer requests: plans, sends, counts and logs.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use tracing::{info, warn};

use super::contents::{Contents, SentRecord};
use super::counters::{TransferCounters, TransferTotals};
use super::limits::{RunningTransfers, TransferLimits};
use super::packer::{MessageHead, OptHead, Owners, Packer, Pushed, Sent};
use super::plan::{Plan, TransferRefusal};
use super::request::{TransferRequest, malformed};
use super::told::RefusalLog;
use super::zones::{OutgoingZone, OutgoingZones, Permission};
use crate::answer::Requester;
use crate::dns::Name;
use crate::dns::message::{Header, MESSAGE_BYTES_MAX, Rcode};
use crate::sync::lock;
use crate::transfer::history::Condensed;
use crate::transfer::soa::Soa;
use crate::transport::{Gone, HandedOver, SENT_AT_ONCE_MAX};
use crate::zone;

/// Sends zones to other servers.
#[derive(Default)]
pub struct Outgoing {
    served: Mutex<ServedTransfer>,
    under_way: RunningTransfers,
    told: RefusalLog,
    counters: TransferCounters,
}

/// What is served now.
#[derive(Clone, Default)]
struct ServedTransfer {
    zones: Arc<OutgoingZones>,
    limits: TransferLimits,
}

/// A transfer on its way to a client.
struct Sending {
    message: HandedOver,
    packer: Packer,
    /// Messages that are filled and not sent yet, fewer than [`SENT_AT_ONCE_MAX`] between two records.
    filled: Vec<Box<[u8]>>,
    records: u64,
    messages: u64,
    bytes: u64,
}

impl Outgoing {
    /// Serves these zones from now on. Transfers that are under way keep what they began with.
    pub fn serve(&self, zones: OutgoingZones, limits: TransferLimits) {
        *lock(&self.served) = ServedTransfer { zones: Arc::new(zones), limits };
    }

    /// Whether any zone can be transferred.
    pub fn has_zones(&self) -> bool {
        !lock(&self.served).zones.is_empty()
    }

    /// What a client would get of a zone; none: nobody gets a zone of this name, as that client sees it.
    pub fn permission(&self, zone: &Name, requester: &Requester) -> Option<Permission> {
        let zones = Arc::clone(&lock(&self.served).zones);
        Some(zones.find(zone, requester.address)?.permission(requester))
    }

    /// Counts of transfer requests.
    pub fn totals(&self) -> TransferTotals {
        self.counters.totals(self.under_way.count())
    }

    /// Answers one AXFR or IXFR request completely.
    pub async fn treat(&self, message: HandedOver) {
        let Some(request) = TransferRequest::read(&message.message) else {
            TransferCounters::add(&self.counters.refused);
            if let Some(response) = malformed(&message.message) {
                answer(message, &response);
            }
            return;
        };
        let requester = message.requester();
        let ServedTransfer { zones, limits } = lock(&self.served).clone();
        let way = (message.peer.transport, message.transfer_bar());
        match Plan::of(&request, &zones, &requester, way) {
            Plan::Refused(refusal) => self.refuse(message, &request, &requester, &refusal),
            Plan::OneSoa(zone, contents) => {
                TransferCounters::add(&self.counters.soa);
                let mut packer = Packer::new(head(&request, zone, &contents), Owners::Anyhow, 0);
                if let Some(soa) = contents.soa() {
                    packer.push(&soa.sent());
                }
                answer(message, &packer.take());
            }
            Plan::Whole(zone, contents) => {
                let Some(_turn) = self.under_way.begin(requester.address, limits) else {
                    return self.limit(message, &request, &requester);
                };
                let sending = Sending::new(message, head(&request, zone, &contents), Owners::Together);
                let (began, ended) = (Instant::now(), sending.whole(&contents).await);
                self.tell(&zone.called, &requester, ended, &format!("serial {}", contents.serial()), began);
            }
            Plan::Steps(zone, contents, from, steps) => {
                let Some(_turn) = self.under_way.begin(requester.address, limits) else {
                    return self.limit(message, &request, &requester);
                };
                let sending = Sending::new(message, head(&request, zone, &contents), Owners::Anyhow);
                let (began, ended) = (Instant::now(), sending.steps(&contents, from, &steps).await);
                let what = format!("serial {from} to {}", contents.serial());
                self.tell(&zone.called, &requester, ended, &what, began);
            }
        }
    }

    fn refuse(
        &self,
        message: HandedOver,
        request: &TransferRequest,
        requester: &Requester,
        refusal: &TransferRefusal<'_>,
    ) {
        TransferCounters::add(&self.counters.refused);
        let called = refusal.zone.map_or_else(|| request.zone.to_string(), |zone| zone.called.to_string());
        if self.told.is_news(requester.address, &request.zone, Instant::now()) {
            let (rcode, why) = (refusal.rcode, refusal.why);
            // To the operator alone: which names are wanted is nobody else's business.
            let barred = refusal.zone.filter(|zone| !zone.allows(requester));
            let lacking = barred.and_then(|zone| zone.lacking_certificate(requester));
            let more = lacking.map(|lacking| format!("; {lacking}")).unwrap_or_default();
            warn!("transfer of zone {called} to {requester} refused with {rcode}: {why}{more}");
        }
        answer(message, &request.refusal(refusal.rcode, refusal.why));
    }

    fn limit(&self, message: HandedOver, request: &TransferRequest, requester: &Requester) {
        TransferCounters::add(&self.counters.limited);
        if self.told.is_news(requester.address, &request.zone, Instant::now()) {
            let zone = &request.zone;
            warn!(
                "transfer of zone {zone} to {requester} answered SERVFAIL: `transfers` or `transfers-per-client` is reached"
            );
        }
        answer(message, &request.refusal(Rcode::SERVFAIL, "too many transfers are under way"));
    }

    fn tell(
        &self,
        zone: &str,
        requester: &Requester,
        ended: Result<FinishedTransfer, Broken>,
        what: &str,
        began: Instant,
    ) {
        let ms = began.elapsed().as_millis();
        match ended {
            Ok(FinishedTransfer { form, records, messages, bytes }) => {
                let counter = match form {
                    TransferForm::Whole => &self.counters.axfr,
                    TransferForm::Steps => &self.counters.ixfr,
                };
                TransferCounters::add(counter);
                info!(
                    "zone {zone} sent to {requester}, {what}: {records} records, {messages} messages, {bytes} bytes, {ms} ms"
                );
            }
            Err(broken) => {
                TransferCounters::add(&self.counters.broken);
                let why = match broken {
                    Broken::Gone => "the client has gone, or took too long",
                    Broken::TooLong => "a record fits no message",
                };
                warn!("transfer of zone {zone} to {requester}, {what}, broke off after {ms} ms: {why}");
            }
        }
    }
}

/// A finished transfer.
struct FinishedTransfer {
    form: TransferForm,
    records: u64,
    messages: u64,
    bytes: u64,
}

/// What came of filling messages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fill {
    /// There is room for more before anything is to be sent.
    Room,
    /// Enough are filled to be sent.
    Enough,
}

/// How a zone is sent.
#[derive(Clone, Copy)]
enum TransferForm {
    Whole,
    Steps,
}

/// Why a transfer was broken off.
enum Broken {
    Gone,
    TooLong,
}

impl From<Gone> for Broken {
    fn from(Gone: Gone) -> Self {
        Broken::Gone
    }
}

fn head(request: &TransferRequest, zone: &OutgoingZone, contents: &Contents) -> MessageHead {
    let expire = || Some(zone.holds(Soa::read(&contents.soa()?.rdata)?.expire, Instant::now()));
    let opt = OptHead { expire: if request.wants_expire { expire() } else { None } };
    MessageHead {
        id: request.id,
        flags: request.flags | Header::AA,
        question: request.question.clone(),
        opt: request.has_opt.then_some(opt),
    }
}

/// The client has gone: nothing to log.
fn answer(message: HandedOver, response: &[u8]) {
    if let Err(error) = message.answer(response) {
        tracing::debug!(%error, "a response about a transfer was not sent");
    }
}

impl SentRecord<'_> {
    pub(super) fn sent(&self) -> Sent<'_> {
        Sent { owner: self.owner, rtype: self.rtype, ttl: self.ttl.seconds(), rdata: &self.rdata }
    }
}

impl Sending {
    fn new(message: HandedOver, head: MessageHead, owners: Owners) -> Self {
        // What is signed gets its signature on its way.
        let reserved = MESSAGE_BYTES_MAX.saturating_sub(message.response_bytes_max());
        let packer = Packer::new(head, owners, reserved);
        Self { message, packer, filled: Vec::new(), records: 0, messages: 0, bytes: 0 }
    }

    /// Sends all records: SOA first and last (RFC 5936, section 2.2).
    async fn whole(mut self, contents: &Contents) -> Result<FinishedTransfer, Broken> {
        self.soa(contents).await?;
        let mut records = contents.records();
        while self.fill(&mut records)? == Fill::Enough {
            self.flush().await?;
        }
        self.soa(contents).await?;
        self.end(TransferForm::Whole).await
    }

    /// Fills messages until so many are to be sent, or all records are taken.
    fn fill<'z>(&mut self, records: &mut impl Iterator<Item = SentRecord<'z>>) -> Result<Fill, Broken> {
        for record in records {
            if self.take(&record.sent())? == Fill::Enough {
                return Ok(Fill::Enough);
            }
        }
        Ok(Fill::Room)
    }

    /// Sends the changes since a serial: new SOA, old SOA and deleted records, new SOA and added records, new SOA (RFC 1995,
    /// section 4).
    async fn steps(
        mut self,
        contents: &Contents,
        from: u32,
        steps: &Condensed,
    ) -> Result<FinishedTransfer, Broken> {
        let Condensed { soa, changes } = steps;
        self.soa(contents).await?;
        match soa {
            Some(soa) => self.all(std::slice::from_ref(soa)).await?,
            None => self.old_soa(contents, from).await?,
        }
        self.all(&changes.removed).await?;
        self.soa(contents).await?;
        self.all(&changes.added).await?;
        self.soa(contents).await?;
        self.end(TransferForm::Steps).await
    }

    async fn all(&mut self, records: &[zone::Record]) -> Result<(), Broken> {
        for record in records {
            let (owner, ttl) = (record.owner.as_ref(), record.ttl.seconds());
            self.push(&Sent { owner, rtype: record.rtype, ttl, rdata: &record.rdata }).await?;
        }
        Ok(())
    }

    async fn soa(&mut self, contents: &Contents) -> Result<(), Broken> {
        match contents.soa() {
            Some(soa) => self.push(&soa.sent()).await,
            None => Ok(()),
        }
    }

    /// The SOA record of an earlier version whose own is not known: as it is now, with that serial.
    async fn old_soa(&mut self, contents: &Contents, serial: u32) -> Result<(), Broken> {
        let Some(soa) = contents.soa() else { return Ok(()) };
        let mut rdata = soa.rdata.to_vec();
        if let Some([first, ..]) = rdata.last_chunk_mut::<20>().map(|numbers| numbers.as_chunks_mut::<4>().0)
        {
            *first = serial.to_be_bytes();
        }
        self.push(&Sent { rdata: &rdata, ..soa.sent() }).await
    }

    async fn push(&mut self, record: &Sent<'_>) -> Result<(), Broken> {
        match self.take(record)? {
            Fill::Enough => self.flush().await,
            Fill::Room => Ok(()),
        }
    }

    /// Takes a record into the message, or into the next one.
    fn take(&mut self, record: &Sent<'_>) -> Result<Fill, Broken> {
        self.records = self.records.saturating_add(1);
        if self.packer.push(record) == Pushed::Taken {
            return Ok(Fill::Room);
        }
        self.end_message();
        match self.packer.push(record) {
            Pushed::Taken if self.filled.len() < SENT_AT_ONCE_MAX => Ok(Fill::Room),
            Pushed::Taken => Ok(Fill::Enough),
            Pushed::Full => Err(Broken::TooLong),
        }
    }

    fn end_message(&mut self) {
        let message = self.packer.take();
        self.messages = self.messages.saturating_add(1);
        // A message has 65,535 bytes at most.
        self.bytes = self.bytes.saturating_add(u64::try_from(message.len()).unwrap_or(0));
        self.filled.push(message.into());
    }

    /// Sends the messages that are filled, and waits for a slow client.
    async fn flush(&mut self) -> Result<(), Broken> {
        Ok(self.message.send(std::mem::take(&mut self.filled)).await?)
    }

    async fn end(mut self, form: TransferForm) -> Result<FinishedTransfer, Broken> {
        if !self.packer.is_empty() {
            self.end_message();
        }
        self.flush().await?;
        let Sending { records, messages, bytes, .. } = self;
        Ok(FinishedTransfer { form, records, messages, bytes })
    }
}
