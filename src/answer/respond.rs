//! The one function that answers a query. HOT.
//!
//! Responsible for the order in which a query is looked at and for what is
//! decided at a query rather than at load.
//! Not responsible for bytes of records: those are ready in the `book`.

use std::sync::Arc;
use std::time::Duration;

use super::authority::Authority;
use super::counters::{Count, Counters};
use super::extras::{Extras, read_extras};
use super::lookup::Asked;
use super::opt::{Because, opt_bytes, write_opt};
use super::outside::{Admission, Begun};
use super::pools::next_chance;
use super::rate_limit::{Buckets, RateLimit, Ration, Source};
use super::snapshot::{Snapshot, ZoneSlot};
use super::tsig::write_tsig;
use super::write::Response;
use super::{Peer, Reply, Transport, UDP_PAYLOAD_PLAIN, chaos, splice};
use crate::dns::Rtype;
use crate::dns::message::{HEADER_BYTES, Header, Opcode, Question, Rcode, class};
use crate::dns::message_writer::MessageWriter;

/// What one worker needs besides the snapshot: room for one name, its
/// counters, its source of chance, and the time of the batch.
pub struct Scratch {
    pub(super) asked: Asked,
    pub(super) splice: splice::Room,
    pub(super) chance: u64,
    pub(super) counters: Arc<Counters>,
    buckets: Buckets,
    pub(super) now_seconds: u32,
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

/// Answers one query. HOT: no allocation, lock, log, clock, system call or panic.
///
/// `query` is a whole DNS message; `out` takes the response: it should hold
/// [`UDP_PAYLOAD_MAX`](super::UDP_PAYLOAD_MAX) bytes for UDP and 65,535 for TCP, and what does not fit
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
    let [_, behind @ ..] = header.counts;
    if behind != [0; 3] && read_extras(&header, rest, &mut extras).is_none() {
        return bare(snapshot, scratch, peer, &header, Rcode::FORMERR, out);
    }
    let reserved = if extras.edns.is_some() { opt_bytes(&snapshot.identity, &extras) } else { 0 };
    let mut message = MessageWriter::new(out, peer.transport.size_limit(extras.edns.as_ref()));
    message.put_question(question.wire);
    message.reserve(reserved);
    let mut response = Response::new(message);
    let mut because = decide(snapshot, scratch, peer, &question, &extras, &mut response);
    let mut begun = Begun::No;
    if let Some(outside) = &snapshot.outside {
        match because {
            Because::NotOurs => match outside.admit(&scratch.asked, peer.address, &header, &question) {
                Admission::Admitted => {
                    return forwarded(snapshot, scratch, peer, &header, &mut extras, &mut response);
                }
                Admission::Prohibited => because = Because::Prohibited,
                Admission::NotForwarded => {}
            },
            // What does not fit is asked again over TCP, and gone on from there.
            Because::Nothing if !response.message.is_overflown() => {
                begun = outside.begun(snapshot, scratch, peer, (&header, &question), &response)
            }
            Because::Nothing => {}
            Because::Prohibited => {}
        }
    }
    match complete(snapshot, scratch, peer, &header, &mut extras, &mut response, because) {
        reply if begun == Begun::No => reply,
        Reply::Send { len } if response.message.counts()[0] != 0 => Reply::Begun { len },
        // Of what was held back nothing is left to go on from.
        reply => {
            scratch.counters.add(Count::ForwardLimited);
            reply
        }
    }
}

/// Chooses the answer and writes its records.
#[inline(always)]
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

/// Completes a response: rate limit, truncation, TSIG, OPT, header, counters.
#[inline(always)]
fn complete(
    snapshot: &Snapshot,
    scratch: &mut Scratch,
    peer: Peer,
    header: &Header,
    extras: &mut Extras<'_>,
    response: &mut Response<'_>,
    because: Because,
) -> Reply {
    let mut flags = reply_flags(header);
    // By what it would have been, also where that does not fit or is over the limit.
    let count = count_of(response);
    look_at_cookie(snapshot, scratch, peer, extras);
    match &snapshot.limit {
        Some(limit) if !extras.cookie_is_ours => {
            match scratch.ration(limit, peer, (count, response.source)) {
                Ration::Whole => {}
                Ration::Slip => flags |= slip(scratch, extras, response),
                Ration::Nothing => return Reply::Drop,
            }
        }
        _ => {}
    }
    scratch.counters.add(count);
    if response.message.is_overflown() {
        response.message.clear();
        flags |= Header::TC;
        scratch.counters.add(Count::Truncated);
    }
    if response.authoritative {
        flags |= Header::AA;
    }
    close(snapshot, scratch, peer, (header, flags), extras, response, because)
}

/// Whether the cookie is one of ours.
#[inline(always)]
fn look_at_cookie(snapshot: &Snapshot, scratch: &Scratch, peer: Peer, extras: &mut Extras<'_>) {
    if let (Some(cookie), Some(secret)) = (extras.cookie, &snapshot.identity.cookies) {
        extras.cookie_is_ours = secret.is_ours(cookie, scratch.now_seconds, peer.address);
    }
}

/// Ends a response: OPT, TSIG and header.
#[inline(always)]
fn close(
    snapshot: &Snapshot,
    scratch: &Scratch,
    peer: Peer,
    (header, mut flags): (&Header, u16),
    extras: &Extras<'_>,
    response: &mut Response<'_>,
    because: Because,
) -> Reply {
    let [_, rcode] = response.rcode.0.to_be_bytes();
    flags |= u16::from(rcode & 0x0f);
    if let Some(edns) = extras.edns {
        scratch.counters.add(Count::Edns);
        response.message.release();
        write_opt(snapshot, scratch, peer, extras, edns, because, response);
    }
    if let Some(tsig) = &extras.tsig {
        write_tsig(header, tsig, response);
    }
    scratch.sent(response.rcode, response.message.finish(header.id, flags))
}

/// For a name that is forwarded for this client. What an upstream will say is
/// not known, so the rate limit takes all that is forwarded for one kind of
/// response, by the name asked; and what it holds back is not asked for.
#[inline(never)]
fn forwarded(
    snapshot: &Snapshot,
    scratch: &mut Scratch,
    peer: Peer,
    header: &Header,
    extras: &mut Extras<'_>,
    response: &mut Response<'_>,
) -> Reply {
    look_at_cookie(snapshot, scratch, peer, extras);
    let source = Source::Name(scratch.asked.hash(scratch.asked.labels()));
    let ration = match &snapshot.limit {
        Some(limit) if !extras.cookie_is_ours => scratch.ration(limit, peer, (Count::Forwarded, source)),
        _ => Ration::Whole,
    };
    if ration != Ration::Whole {
        scratch.counters.add(Count::ForwardLimited);
    }
    match ration {
        Ration::Whole => {
            scratch.counters.add(Count::Forwarded);
            Reply::Elsewhere
        }
        Ration::Slip => {
            scratch.counters.add(Count::Forwarded);
            scratch.counters.add(Count::Slipped);
            extras.wants_nsid = false;
            response.message.clear();
            response.rcode = Rcode::NOERROR;
            // Over TCP the recursion is available that is held back here.
            let flags = reply_flags(header) | Header::TC | Header::RA;
            close(snapshot, scratch, peer, (header, flags), extras, response, Because::Nothing)
        }
        Ration::Nothing => Reply::Drop,
    }
}

/// What is sent to a client that is over its limit, so that it asks again in
/// a way that cannot be forged: the question with TC. An error, which has no
/// records to leave out, is sent as it is. Returns flags to be set.
#[cold]
fn slip(scratch: &Scratch, extras: &mut Extras<'_>, response: &mut Response<'_>) -> u16 {
    scratch.counters.add(Count::Slipped);
    // Who is not limited can still ask for it.
    extras.wants_nsid = false;
    if response.message.counts() == [0; 3] {
        return 0;
    }
    response.message.clear();
    Header::TC
}

#[inline]
fn reply_flags(header: &Header) -> u16 {
    // Opcode and RD come back as they were (RFC 1035, section 4.1.1).
    Header::QR | header.flags & (0x7800 | Header::RD)
}

/// What a response is counted as.
#[inline]
fn count_of(response: &Response<'_>) -> Count {
    let [answers, authorities, _] = response.message.counts();
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
    let mut response = Response::new(MessageWriter::new(out, HEADER_BYTES));
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
    scratch.sent(rcode, response.message.finish(header.id, reply_flags(header) | rcode.0))
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
            let mut response = Response::new(MessageWriter::new(out, UDP_PAYLOAD_PLAIN));
            complete(snapshot, scratch, peer, header, &mut extras, &mut response, Because::Nothing)
        }
        _ => bare(snapshot, scratch, peer, header, Rcode::FORMERR, out),
    }
}
