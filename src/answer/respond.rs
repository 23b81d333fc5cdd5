//! The one function that answers a query. HOT.
//!
//! Responsible for the order in which a query is looked at and for what is
//! decided at a query rather than at load.
//! Not responsible for bytes of records: those are ready in the `book`.

use std::sync::Arc;
use std::time::Duration;

use super::book::{Book, NodeFlags, Plan, Section};
use super::cookie::{CLIENT_COOKIE_BYTES, COOKIE_BYTES};
use super::counters::{Count, Counters};
use super::lookup::{Asked, Found};
use super::outside::{Admission, Begun};
use super::pools::next_chance;
use super::rate_limit::{Buckets, RateLimit, Ration, Source};
use super::snapshot::{Identity, Snapshot, ZoneSlot};
use super::write::{QNAME_POINTER, Response, moved};
use super::{Peer, Reply, Transport, UDP_PAYLOAD_MAX, UDP_PAYLOAD_PLAIN, chaos, splice};
use crate::dns::message::{
    Edns, Extra, HEADER_BYTES, Header, Opcode, Options, Question, Rcode, class, option,
};
use crate::dns::{NameRef, Rtype};

/// What one worker needs besides the snapshot: room for one name, its
/// counters, its source of chance, and the time of the batch.
pub struct Scratch {
    pub(super) asked: Asked,
    pub(super) splice: splice::Room,
    pub(super) chance: u64,
    counters: Arc<Counters>,
    buckets: Buckets,
    now_seconds: u32,
    now_ns: u64,
}

impl Scratch {
    /// For one worker; `seed` starts its source of chance.
    pub fn new(counters: Arc<Counters>, seed: u64) -> Self {
        // The generator stands still at 0.
        let chance = seed | 1;
        Self {
            asked: Asked::new(),
            splice: splice::Room::new(),
            chance,
            counters,
            buckets: Buckets::new(seed),
            now_seconds: 0,
            now_ns: 0,
        }
    }

    /// The time, for cookies and rate limits; told once per batch.
    #[inline]
    pub fn set_now(&mut self, since_1970: Duration) {
        // Modulo 2^32, as RFC 9018 counts; the nanoseconds of a u64 last until 2554.
        self.now_seconds = u32::try_from(since_1970.as_secs() & u64::from(u32::MAX)).unwrap_or(0);
        self.now_ns = u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX);
    }

    /// What becomes of a response. Over a stream nobody's address is forged.
    fn ration(&mut self, limit: &RateLimit, peer: Peer, (count, source): (Count, Source)) -> Ration {
        if peer.transport == Transport::Tcp || limit.spares(peer.address) {
            return Ration::Whole;
        }
        let entropy = next_chance(&mut self.chance) >> 32;
        let ration = self.buckets.ration(limit, (peer.address, count, source), self.now_ns, entropy);
        if ration == Ration::Nothing {
            self.counters.add(Count::Limited);
        }
        ration
    }

    /// A response of `len` bytes, which is counted.
    #[inline]
    fn sent(&self, rcode: Rcode, len: usize) -> Reply {
        self.counters.spread.response(rcode, len);
        Reply::Send { len }
    }
}

/// Where an answer is taken from: a zone and what belongs to it.
pub(super) struct Authority<'s> {
    pub(super) snapshot: &'s Snapshot,
    pub(super) zone: &'s ZoneSlot,
    pub(super) book: &'s Book,
}

/// What is read of a query behind its question.
#[derive(Default)]
struct Extras<'q> {
    edns: Option<Edns<'q>>,
    cookie: Option<&'q [u8]>,
    /// The cookie is one we made for this client lately.
    cookie_is_ours: bool,
    wants_nsid: bool,
    tsig: Option<Tsig<'q>>,
}

/// What comes back of a transaction signature (RFC 8945, section 4.2).
struct Tsig<'q> {
    key: NameRef<'q>,
    algorithm: NameRef<'q>,
    /// When it was signed, and how far the clocks may differ.
    signed_and_fudge: &'q [u8; 8],
}

/// Extended DNS errors (RFC 8914, section 4).
mod extended_error {
    /// The client is not among those who may ask.
    pub(super) const PROHIBITED: u16 = 18;
    /// The server is not authoritative for the name, and asks nobody else.
    pub(super) const NOT_AUTHORITATIVE: u16 = 20;
}

/// Bytes of an OPT record without options (RFC 6891, section 6.1.2).
const OPT_BYTES: usize = 11;
/// The DO bit, which is copied (RFC 3225, section 3).
const DNSSEC_OK: u8 = 0x80;

/// Answers one query. HOT: no allocation, lock, log, clock, system call or panic.
///
/// `query` is a whole DNS message; `out` takes the response: it should hold
/// [`UDP_PAYLOAD_MAX`] bytes for UDP and 65,535 for TCP, and what does not fit
/// is sent truncated. Into fewer than [`UDP_PAYLOAD_PLAIN`] nothing is sent.
pub fn respond(
    snapshot: &Snapshot,
    scratch: &mut Scratch,
    peer: Peer,
    query: &[u8],
    out: &mut [u8],
) -> Reply {
    scratch.counters.add(Count::of(peer.transport));
    let header = Header::read(query).filter(|header| !header.is_response());
    let Some(header) = header.filter(|_| out.len() >= UDP_PAYLOAD_PLAIN) else {
        scratch.counters.add(Count::Dropped);
        return Reply::Drop;
    };
    if header.opcode() != Opcode::QUERY {
        return bare(snapshot, scratch, peer, &header, Rcode::NOTIMP, out);
    }
    if header.counts[0] == 0 {
        return without_question(snapshot, scratch, peer, &header, query, out);
    }
    let read = if header.counts[0] == 1 { Question::read(query) } else { None };
    let Some((question, rest)) = read else {
        return bare(snapshot, scratch, peer, &header, Rcode::FORMERR, out);
    };
    scratch.counters.spread.question(question.qtype);
    let mut extras = Extras::default();
    if read_extras(&header, rest, &mut extras).is_none() {
        return bare(snapshot, scratch, peer, &header, Rcode::FORMERR, out);
    }
    let reserved = if extras.edns.is_some() { opt_bytes(&snapshot.identity, &extras) } else { 0 };
    let limit = size_limit(peer.transport, extras.edns.as_ref());
    let mut response = Response::new(out, question.wire, limit, reserved);
    let mut because = decide(snapshot, scratch, peer, &question, &extras, &mut response);
    let mut begun = Begun::No;
    if let Some(outside) = &snapshot.outside {
        match because {
            Because::NotOurs => match outside.admit(&scratch.asked, peer.address, &header, &question) {
                Admission::Admitted => {
                    scratch.counters.add(Count::Forwarded);
                    return Reply::Elsewhere;
                }
                Admission::Prohibited => because = Because::Prohibited,
                Admission::NotForwarded => {}
            },
            Because::Nothing => {
                begun = outside.begun(snapshot, scratch, peer, (&header, &question), &response)
            }
            Because::Prohibited => {}
        }
    }
    match respond_with(snapshot, scratch, peer, (&header, 1), &mut extras, response, because) {
        Reply::Send { len } if begun == Begun::Yes => Reply::Begun { len },
        reply => reply,
    }
}

/// Why a response is what it is, for its extended error.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Because {
    Nothing,
    NotOurs,
    /// Ours or forwarded, but not for this client.
    Prohibited,
}

impl Because {
    /// Its extended error; none where the response code says it all.
    #[inline]
    fn extended_error(self) -> Option<u16> {
        match self {
            Because::Nothing => None,
            Because::NotOurs => Some(extended_error::NOT_AUTHORITATIVE),
            Because::Prohibited => Some(extended_error::PROHIBITED),
        }
    }
}

/// Chooses the answer and writes its records.
#[inline]
fn decide(
    snapshot: &Snapshot,
    scratch: &mut Scratch,
    peer: Peer,
    question: &Question<'_>,
    extras: &Extras<'_>,
    response: &mut Response<'_>,
) -> Because {
    if extras.edns.is_some_and(|edns| edns.version != 0) {
        response.rcode = Rcode::BADVERS;
        return Because::Nothing;
    }
    if extras.tsig.is_some() {
        response.rcode = Rcode::NOTAUTH;
        return Because::Nothing;
    }
    if let Some(cookie) = extras.cookie
        && !matches!(cookie.len(), 8 | 16..=40)
    {
        response.rcode = Rcode::FORMERR;
        return Because::Nothing;
    }
    match question.qclass {
        // A wildcard class is answered as IN, the only class there is here.
        class::IN | class::ANY => {}
        class::CH => {
            chaos::answer(&snapshot.identity, question, response);
            return Because::Nothing;
        }
        _ => {
            response.rcode = Rcode::REFUSED;
            return Because::Nothing;
        }
    }
    scratch.asked.set(question.qname);
    let Some(zone) = zone_of(snapshot, &scratch.asked, question.qtype) else {
        response.rcode = Rcode::REFUSED;
        return Because::NotOurs;
    };
    let Some(zone) = snapshot.zones.version_for(zone, peer.address) else {
        response.rcode = Rcode::REFUSED;
        return Because::Prohibited;
    };
    if matches!(question.qtype, Rtype::AXFR | Rtype::IXFR) {
        response.rcode = Rcode::REFUSED;
        return Because::Nothing;
    }
    match zone.book.as_deref() {
        Some(book) => {
            let authority = Authority { snapshot, zone, book };
            authority.answer(scratch, peer, question, response);
        }
        None => response.rcode = Rcode::SERVFAIL,
    }
    Because::Nothing
}

/// The zone that answers a name, the first of its versions. Delegation signers stand on the parent's
/// side of a cut (RFC 4035, section 3.1.4.1), so a DS question for an apex
/// goes to the zone above, if that is ours, too.
#[inline]
pub(super) fn zone_of<'s>(snapshot: &'s Snapshot, asked: &Asked, qtype: Rtype) -> Option<&'s ZoneSlot> {
    let labels = asked.labels();
    let above = match (qtype, labels.checked_sub(1)) {
        (Rtype::DS, Some(above)) => snapshot.zones.find(asked, above),
        _ => None,
    };
    above.or_else(|| snapshot.zones.find(asked, labels)).map(|(zone, _)| zone)
}

impl<'s> Authority<'s> {
    /// Answers from this zone.
    #[inline]
    fn answer(
        &self,
        scratch: &mut Scratch,
        peer: Peer,
        question: &Question<'_>,
        response: &mut Response<'_>,
    ) {
        let qtype = plan_type(question.qtype);
        let asked = &scratch.asked;
        let found = self.book.search(asked);
        response.source = found.source(asked, self.book.apex_labels());
        if let Found::Dname(node, labels) = found {
            return splice::redirect(self, scratch, peer, question, (node, labels), response);
        }
        let longer = asked.offset(self.book.apex_labels());
        let (plan, base) = self.plan(&found, qtype, asked.labels());
        match plan {
            Some(plan) => {
                let shift = asked.offset(base);
                self.put(scratch, peer, question, (&plan, shift, longer), response);
            }
            None => {
                response.authoritative = true;
                let exists = !matches!(found, Found::NxDomain);
                response.rcode = if exists { Rcode::NOERROR } else { Rcode::NXDOMAIN };
                response.plan(&self.book.negative(), longer);
                response.count(Section::Authority, 1);
            }
        }
    }

    /// The plan for what was found, and the labels of the name it was made
    /// for. Without a plan the answer is the zone's negative one.
    #[inline]
    pub(super) fn plan(&self, found: &Found<'s>, qtype: u16, asked: usize) -> (Option<Plan<'s>>, usize) {
        let (node, base) = match *found {
            Found::Exact(node) if node.has(NodeFlags::WILDCARD) => (node, asked.saturating_sub(1)),
            Found::Exact(node) => (node, asked),
            Found::Wildcard(node, encloser) => (node, encloser),
            Found::Cut(node, cut) => {
                let at_cut = if cut == asked && qtype == Rtype::DS.0 { node.plan(qtype) } else { None };
                return (at_cut.or_else(|| node.plan(super::book::ANY_OTHER)), cut);
            }
            Found::Dname(..) | Found::NxDomain => return (None, asked),
        };
        let own = if qtype == Rtype::ANY.0 { node.plan_for_any() } else { node.plan(qtype) };
        (own.or_else(|| node.plan(super::book::ANY_OTHER)), base)
    }

    /// Writes a plan: its bytes, its pools, its negative SOA.
    #[inline]
    fn put(
        &self,
        scratch: &mut Scratch,
        peer: Peer,
        question: &Question<'_>,
        (plan, shift, longer): (&Plan<'_>, usize, usize),
        response: &mut Response<'_>,
    ) {
        response.rcode = plan.flags().rcode();
        response.authoritative = plan.flags().is_authoritative();
        response.plan(plan, shift);
        if plan.flags().is_repeating() {
            splice::cut_repetition(response);
        }
        let mut negative = plan.flags().is_negative();
        if plan.has_pools() {
            let owner = |pointer: u16, moves| if moves { moved(pointer, shift) } else { pointer };
            let own = |at: super::book::PoolRef| owner(at.owner, at.moves).to_be_bytes();
            match self.put_pools(&mut scratch.chance, peer, plan, response, own) {
                Pooled::Alias => return splice::chase(self, scratch, peer, question, response),
                Pooled::Records => {}
                Pooled::Empty => negative = true,
                Pooled::Fails => return,
            }
        }
        if negative {
            response.plan(&self.book.negative(), longer);
            response.count(Section::Authority, 1);
        }
    }

    /// Writes the records of a plan's pools, each under the owner that
    /// `owner` gives for it.
    #[inline]
    pub(super) fn put_pools<O: AsRef<[u8]>>(
        &self,
        chance: &mut u64,
        peer: Peer,
        plan: &Plan<'_>,
        response: &mut Response<'_>,
        owner: impl Fn(super::book::PoolRef) -> O,
    ) -> Pooled {
        let mut answered = 0_u16;
        for at in plan.pools() {
            let Some(pool) = self.snapshot.pools.get(self.zone.pools_from, at.pool) else { continue };
            let owner = owner(at);
            let courtesy = at.section == Section::Additional && !plan.is_referral();
            if courtesy && pool.bytes_max(owner.as_ref().len()) > response.room() {
                continue;
            }
            let records = response.pool(at.section, owner.as_ref(), pool, chance, peer.address);
            match (at.section, records) {
                (Section::Answer, Some(1..)) if at.leads_on => return Pooled::Alias,
                (Section::Answer, Some(records)) => answered = answered.saturating_add(records),
                (Section::Answer, None) => {
                    response.clear();
                    response.rcode = Rcode::SERVFAIL;
                    response.authoritative = false;
                    return Pooled::Fails;
                }
                (Section::Authority | Section::Additional, _) => {}
            }
        }
        if answered == 0 && plan.flags().is_pooled() { Pooled::Empty } else { Pooled::Records }
    }
}

/// What the pools of a plan came to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pooled {
    /// There is something in the answer section.
    Records,
    /// The last record there is an alias that is to be followed.
    Alias,
    /// The type exists only by its pools, and they give nothing: NODATA.
    Empty,
    /// A pool wants SERVFAIL.
    Fails,
}

/// The type a plan is looked up by: two reserved types have other meanings there.
#[inline]
pub(super) fn plan_type(qtype: Rtype) -> u16 {
    if qtype.0 == super::book::DNAME_BELOW { super::book::ANY_OTHER } else { qtype.0 }
}

/// Reads the records behind the question. None when they are not well formed.
#[inline]
fn read_extras<'q>(header: &Header, mut rest: &'q [u8], extras: &mut Extras<'q>) -> Option<()> {
    let [_, answers, authorities, additionals] = header.counts.map(u32::from);
    let before = answers.saturating_add(authorities);
    let all = before.saturating_add(additionals);
    for index in 0..all {
        let whole = rest;
        let (extra, after) = Extra::read(rest)?;
        rest = after;
        if extra.rtype == Rtype::OPT {
            // At most one, in the additional section (RFC 6891, section 6.1.1).
            if index < before || extras.edns.is_some() {
                return None;
            }
            read_options(&extra, extras)?;
        } else if extra.rtype == TSIG {
            // Last of all (RFC 8945, section 5.1).
            if index < before || index.saturating_add(1) != all {
                return None;
            }
            extras.tsig = Some(read_tsig(whole, &extra)?);
        }
    }
    Some(())
}

/// Transaction signature (RFC 8945).
const TSIG: Rtype = Rtype(250);

/// What is wanted of a TSIG record. None when it is not well formed.
#[cold]
fn read_tsig<'q>(record: &'q [u8], extra: &Extra<'q>) -> Option<Tsig<'q>> {
    let (key, _) = NameRef::split_from(record).ok()?;
    let (algorithm, rest) = NameRef::split_from(extra.rdata).ok()?;
    let (signed_and_fudge, rest) = rest.split_first_chunk::<8>()?;
    let (&mac_bytes, rest) = rest.split_first_chunk::<2>()?;
    let rest = rest.get(usize::from(u16::from_be_bytes(mac_bytes))..)?;
    // Original id, error, length of the other data, and that.
    let (&[_, _, _, _, high, low], other) = rest.split_first_chunk::<6>()?;
    let whole = other.len() == usize::from(u16::from_be_bytes([high, low]));
    whole.then_some(Tsig { key, algorithm, signed_and_fudge })
}

#[inline]
fn read_options<'q>(extra: &Extra<'q>, extras: &mut Extras<'q>) -> Option<()> {
    let edns = Edns::of(extra)?;
    for one in Options::new(edns.options) {
        match one.ok()? {
            (option::NSID, _) => extras.wants_nsid = true,
            (option::COOKIE, value) => extras.cookie = extras.cookie.or(Some(value)),
            _ => {}
        }
    }
    extras.edns = Some(edns);
    Some(())
}

/// How long the response may be.
#[inline]
fn size_limit(transport: Transport, edns: Option<&Edns<'_>>) -> usize {
    match (transport, edns) {
        (Transport::Tcp, _) => usize::from(u16::MAX),
        (Transport::Udp, None) => UDP_PAYLOAD_PLAIN,
        (Transport::Udp, Some(edns)) => usize::from(edns.payload).clamp(UDP_PAYLOAD_PLAIN, UDP_PAYLOAD_MAX),
    }
}

/// Room to keep for the OPT record.
#[inline]
fn opt_bytes(identity: &Identity, extras: &Extras<'_>) -> usize {
    let nsid = if extras.wants_nsid { nsid(identity).len().saturating_add(4) } else { 0 };
    let cookie = if extras.cookie.is_some() { 4 + COOKIE_BYTES } else { 0 };
    // An extended error stands beside no records, where there is room.
    OPT_BYTES.saturating_add(nsid).saturating_add(cookie)
}

fn nsid(identity: &Identity) -> &[u8] {
    let nsid = identity.nsid.as_deref().unwrap_or_default().as_bytes();
    nsid.get(..nsid.len().min(255)).unwrap_or_default()
}

/// Completes a response: rate limit, truncation, TSIG, OPT, header, counters.
#[inline]
fn respond_with(
    snapshot: &Snapshot,
    scratch: &mut Scratch,
    peer: Peer,
    (header, questions): (&Header, u16),
    extras: &mut Extras<'_>,
    mut response: Response<'_>,
    because: Because,
) -> Reply {
    let mut flags = reply_flags(header);
    // By what it would have been, also where that does not fit or is over the limit.
    let count = count_of(&response);
    if let (Some(cookie), Some(secret)) = (extras.cookie, &snapshot.identity.cookies) {
        extras.cookie_is_ours = secret.is_ours(cookie, scratch.now_seconds, peer.address);
    }
    match &snapshot.limit {
        Some(limit) if !extras.cookie_is_ours => {
            match scratch.ration(limit, peer, (count, response.source)) {
                Ration::Whole => {}
                Ration::Slip => flags |= slip(scratch, extras, &mut response),
                Ration::Nothing => return Reply::Drop,
            }
        }
        _ => {}
    }
    scratch.counters.add(count);
    if response.overflown() {
        response.clear();
        flags |= Header::TC;
        scratch.counters.add(Count::Truncated);
    }
    if response.authoritative {
        flags |= Header::AA;
    }
    let [_, rcode] = response.rcode.0.to_be_bytes();
    flags |= u16::from(rcode & 0x0f);
    if let Some(edns) = extras.edns {
        scratch.counters.add(Count::Edns);
        response.open();
        write_opt(snapshot, scratch, peer, extras, edns, because, &mut response);
    }
    if let Some(tsig) = &extras.tsig {
        write_tsig(header, tsig, &mut response);
    }
    scratch.sent(response.rcode, response.finish(header, flags, questions))
}

/// What is sent to a client that is over its limit, so that it asks again in
/// a way that cannot be forged: the question with TC. An error, which has no
/// records to leave out, is sent as it is. Returns flags to be set.
#[cold]
fn slip(scratch: &Scratch, extras: &mut Extras<'_>, response: &mut Response<'_>) -> u16 {
    scratch.counters.add(Count::Slipped);
    // Who is not limited can still ask for it.
    extras.wants_nsid = false;
    if response.counts == [0; 3] {
        return 0;
    }
    response.clear();
    Header::TC
}

#[inline]
fn reply_flags(header: &Header) -> u16 {
    // Opcode and RD come back as they were (RFC 1035, section 4.1.1).
    Header::QR | header.flags & (0x7800 | Header::RD)
}

#[inline]
fn write_opt(
    snapshot: &Snapshot,
    scratch: &Scratch,
    peer: Peer,
    extras: &Extras<'_>,
    edns: Edns<'_>,
    because: Because,
    response: &mut Response<'_>,
) {
    let start = response.position();
    let [size_high, size_low] = SIZE_TOLD.to_be_bytes();
    let [rcode_high, rcode_low] = response.rcode.0.to_be_bytes();
    let extended = rcode_high << 4 | rcode_low >> 4;
    let dnssec_ok = edns.flags & DNSSEC_OK;
    response.put(&[0, 0, 41, size_high, size_low, extended, 0, dnssec_ok, 0, 0, 0]);
    let options = response.position();
    if let (Some(cookie), Some(secret)) = (extras.cookie, &snapshot.identity.cookies)
        && let Some(client) = cookie.first_chunk::<CLIENT_COOKIE_BYTES>()
    {
        if extras.cookie_is_ours {
            scratch.counters.add(Count::Cookie);
        }
        put_option(response, option::COOKIE, &secret.cookie(*client, scratch.now_seconds, peer.address));
    }
    if let Some(code) = because.extended_error() {
        put_option(response, option::EXTENDED_ERROR, &code.to_be_bytes());
    }
    // Last, because a long one may not fit behind a long QNAME.
    if extras.wants_nsid && snapshot.identity.nsid.is_some() {
        put_option(response, option::NSID, nsid(&snapshot.identity));
    }
    let length = response.position().saturating_sub(options);
    if length != 0 {
        let rdlength_at = start.saturating_add(OPT_BYTES).saturating_sub(2);
        response.patch(rdlength_at, u16::try_from(length).unwrap_or(0));
    }
    response.count(Section::Additional, 1);
}

/// The UDP payload told to clients.
const SIZE_TOLD: u16 = 1232;

/// Appends an option where there is room for it.
fn put_option(response: &mut Response<'_>, code: u16, value: &[u8]) {
    if response.room() < value.len().saturating_add(4) {
        return;
    }
    response.put(&code.to_be_bytes());
    response.put(&u16::try_from(value.len()).unwrap_or(0).to_be_bytes());
    response.put(value);
}

/// Error BADKEY (RFC 8945, section 3): there is no key here that could have
/// made this signature.
const BADKEY: u16 = 17;

/// The TSIG record that says so: the query's, without a signature (RFC 8945,
/// section 5.3.2).
#[cold]
fn write_tsig(header: &Header, tsig: &Tsig<'_>, response: &mut Response<'_>) {
    response.open_all();
    response.put(tsig.key.wire());
    response.put(&[0, 250, 0, 255, 0, 0, 0, 0]);
    let length = tsig.algorithm.wire().len().saturating_add(16);
    response.put(&u16::try_from(length).unwrap_or(0).to_be_bytes());
    response.put(tsig.algorithm.wire());
    response.put(tsig.signed_and_fudge);
    // No MAC; the original id; the error; no other data.
    response.put(&[0, 0]);
    response.put(&header.id.to_be_bytes());
    response.put(&BADKEY.to_be_bytes());
    response.put(&[0, 0]);
    response.count(Section::Additional, 1);
}

/// What a response is counted as.
#[inline]
fn count_of(response: &Response<'_>) -> Count {
    let [answers, authorities, _] = response.counts;
    match response.rcode {
        Rcode::NOERROR if answers != 0 => Count::Answered,
        Rcode::NOERROR if authorities != 0 && !response.authoritative => Count::Referral,
        Rcode::NOERROR => Count::NoData,
        Rcode::NXDOMAIN => Count::NxDomain,
        Rcode::FORMERR => Count::FormErr,
        Rcode::SERVFAIL => Count::ServFail,
        Rcode::NOTIMP => Count::NotImp,
        Rcode::REFUSED => Count::Refused,
        _ => Count::OtherRcode,
    }
}

/// A response of a header alone, for what cannot be read or is not served.
#[cold]
fn bare(
    snapshot: &Snapshot,
    scratch: &mut Scratch,
    peer: Peer,
    header: &Header,
    rcode: Rcode,
    out: &mut [u8],
) -> Reply {
    let mut response = Response::new(out, &[], HEADER_BYTES, 0);
    response.rcode = rcode;
    let count = count_of(&response);
    if let Some(limit) = &snapshot.limit {
        match scratch.ration(limit, peer, (count, response.source)) {
            Ration::Whole => {}
            Ration::Slip => scratch.counters.add(Count::Slipped),
            Ration::Nothing => return Reply::Drop,
        }
    }
    scratch.counters.add(count);
    scratch.sent(rcode, response.finish(header, reply_flags(header) | rcode.0, 0))
}

/// No question: a client may ask for a server cookie alone (RFC 7873, section
/// 5.4); anything else is a format error.
#[cold]
fn without_question(
    snapshot: &Snapshot,
    scratch: &mut Scratch,
    peer: Peer,
    header: &Header,
    query: &[u8],
    out: &mut [u8],
) -> Reply {
    let mut extras = Extras::default();
    let read = query.get(HEADER_BYTES..).and_then(|rest| read_extras(header, rest, &mut extras));
    match read {
        Some(()) if extras.cookie.is_some_and(|cookie| matches!(cookie.len(), 8 | 16..=40)) => {
            let response = Response::new(out, &[], UDP_PAYLOAD_PLAIN, 0);
            respond_with(snapshot, scratch, peer, (header, 0), &mut extras, response, Because::Nothing)
        }
        _ => bare(snapshot, scratch, peer, header, Rcode::FORMERR, out),
    }
}

/// The pointer every record of the question's own name begins with.
pub(super) const OWN: [u8; 2] = QNAME_POINTER.to_be_bytes();
