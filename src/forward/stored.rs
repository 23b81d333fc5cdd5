//! An answer of an upstream, ready to be given to any client that asks the
//! same.
//!
//! Responsible for how long it holds, and for its bytes in a response: id,
//! question, flags, TTLs and OPT are the client's, the records are copied.
//! Not responsible for where it is kept.

use std::time::Duration;

use super::asked::{AUTHENTIC, Asked, DNSSEC_OK, Wanted, records_at};
use super::settings::CacheSettings;
use crate::answer::{CookieSecret, Peer, Transport, UDP_PAYLOAD_MAX, UDP_PAYLOAD_PLAIN};
use crate::dns::Rtype;
use crate::dns::edns::option;
use crate::dns::message::Section;
use crate::dns::message::{Header, Rcode};
use crate::requestor::{Meaning, Record, Response};

/// Header bit: recursion is available.
pub(super) const RECURSION_AVAILABLE: u16 = 0x0080;

/// TTL of what is served although its time is over (RFC 8767, section 4).
const STALE_TTL_SECONDS: u32 = 30;

/// Bytes of an OPT record without options.
const OPT_BYTES: usize = 11;

/// An answer.
pub(super) struct Stored {
    /// Everything behind the question, without OPT. The question has the same
    /// length whoever asks it, so that compression pointers stay right.
    records: Box<[u8]>,
    /// Where the TTLs are in there.
    ttls: Box<[u16]>,
    counts: [u16; 3],
    rcode: Rcode,
    authentic: Authentic,
    extended_error: Option<ExtendedError>,
    /// Whether it holds the whole chain of aliases.
    end: End,
    /// How long it may be given out; zero: it is not kept.
    pub(super) lifetime: Duration,
}

/// Where an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// At what there is, or is not, without any alias on the way.
    Plain,
    /// The same, at the end of a chain of aliases.
    BehindAlias,
    /// At an alias whose target somebody else is asked for.
    AtAlias,
}

/// Whether the upstream has checked the signatures.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Authentic {
    Yes,
    No,
}

/// An extended error (RFC 8914) with what it says besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ExtendedError {
    code: u16,
    text: &'static str,
}

impl ExtendedError {
    /// What an upstream said.
    pub(super) fn of(code: u16) -> Self {
        Self { code, text: "" }
    }

    pub(super) const STALE: Self = Self { code: 3, text: "" };
    pub(super) const STALE_NXDOMAIN: Self = Self { code: 19, text: "" };
    pub(super) const LOOP: Self = Self { code: 0, text: "forwarding loop" };
    pub(super) const BUSY: Self = Self { code: 0, text: "too many queries wait" };
    pub(super) const BLOCKED: Self = Self { code: 15, text: "a private address for a public name" };
    pub(super) const NO_UPSTREAM: Self = Self { code: 22, text: "no upstream is known" };
    pub(super) const REFERRAL: Self = Self { code: 0, text: "the upstream does not recurse" };
    pub(super) const NO_TCP: Self =
        Self { code: 22, text: "upstreams answer over UDP, but not over TCP, which this answer takes" };
    pub(super) const UNREACHABLE: Self = Self { code: 22, text: "no upstream answers" };
}

/// How old an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    /// So many seconds.
    Seconds(u32),
    /// Its time is over.
    Stale,
}

/// What the server adds to responses of its own.
#[derive(Clone, Copy, Default)]
pub(super) struct Courtesy {
    pub(super) cookies: Option<CookieSecret>,
    /// Seconds since 1970, modulo 2^32 (RFC 9018, section 4.3).
    pub(super) now_seconds: u32,
}

impl Courtesy {
    /// With the time since 1970.
    pub(super) fn new(cookies: Option<CookieSecret>, now: Duration) -> Self {
        // Modulo 2^32, as RFC 9018 counts: 32 bits are left.
        let now_seconds = u32::try_from(now.as_secs() & u64::from(u32::MAX)).unwrap_or(0);
        Self { cookies, now_seconds }
    }
}

impl Stored {
    /// What a response says, with its TTLs within the bounds.
    pub(super) fn of(response: &Response<'_>, bounds: &CacheSettings) -> Self {
        let from = records_at(&response.question);
        let mut records: Box<[u8]> = response.message.get(from..response.end).unwrap_or_default().into();
        let mut ttls = Vec::with_capacity(response.records.len());
        let mut least = None;
        for record in &response.records {
            let ttl = ttl(record, bounds);
            least = Some(least.unwrap_or(ttl).min(ttl));
            let at = record.ttl_at.saturating_sub(from);
            if let (Some(place), Ok(short)) =
                (records.get_mut(at..).and_then(<[u8]>::first_chunk_mut), u16::try_from(at))
            {
                *place = ttl.to_be_bytes();
                ttls.push(short);
            }
        }
        let keeps = match response.meaning() {
            Meaning::Records => true,
            // Without an SOA it is not kept (RFC 2308, section 5).
            Meaning::Nothing => response.records.iter().any(is_negative_soa),
            Meaning::Failure => false,
        };
        let lifetime = Duration::from_secs(u64::from(least.filter(|_| keeps).unwrap_or(0)));
        let authentic = response.header.flags & AUTHENTIC != 0;
        Self {
            records,
            ttls: ttls.into_boxed_slice(),
            counts: response.counts(),
            rcode: response.rcode,
            authentic: if authentic { Authentic::Yes } else { Authentic::No },
            extended_error: response.extended_error.map(|code| ExtendedError { code, text: "" }),
            end: if response.records.iter().any(is_alias) { End::BehindAlias } else { End::Plain },
            lifetime,
        }
    }

    /// The same, which ends at an alias that somebody else is asked about.
    pub(super) fn leading_on(self) -> Self {
        Self { end: End::AtAlias, ..self }
    }

    /// Where it ends.
    pub(super) fn end(&self) -> End {
        self.end
    }

    /// An error, which holds for `lifetime`.
    pub(super) fn error(rcode: Rcode, extended_error: Option<ExtendedError>, lifetime: Duration) -> Self {
        Self {
            records: Box::default(),
            ttls: Box::default(),
            counts: [0; 3],
            rcode,
            authentic: Authentic::No,
            extended_error,
            end: End::Plain,
            lifetime,
        }
    }

    /// Nothing, behind an alias that is all there is to be told.
    pub(super) fn nothing() -> Self {
        Self::error(Rcode::NOERROR, None, Duration::ZERO)
    }

    /// Whether it says only that there is no answer. Such a thing has no records.
    pub(super) fn is_error(&self) -> bool {
        !matches!(self.rcode, Rcode::NOERROR | Rcode::NXDOMAIN | Rcode::YXDOMAIN)
    }

    /// Whether it is better than nothing when its time is over: an error is not.
    pub(super) fn may_be_stale(&self) -> bool {
        !self.is_error()
    }

    /// Frees its records.
    pub(super) fn forget(&mut self) {
        (self.records, self.ttls) = (Box::default(), Box::default());
    }

    /// The memory it takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let ttls = self.ttls.len().saturating_mul(2);
        self.records.len().saturating_add(ttls).saturating_add(size_of::<Self>())
    }

    /// Writes the response to `asked`; returns its length. HOT.
    pub(super) fn write(
        &self,
        asked: &Asked<'_>,
        peer: Peer,
        age: Age,
        courtesy: Courtesy,
        out: &mut [u8],
    ) -> usize {
        let mut flags = Header::QR | RECURSION_AVAILABLE | asked.header.flags & (Header::RD | Header::CD);
        if self.authentic == Authentic::Yes && asked.understands_authentic() {
            flags |= AUTHENTIC;
        }
        flags |= self.rcode.0 & 0x0f;
        let extended_error = self.extended_error(age);
        let limit = limit(asked, peer).min(out.len());
        let reserved = asked.edns.map_or(0, |_| opt_bytes(asked, extended_error));
        let start = records_at(&asked.question);
        let end = start.saturating_add(self.records.len());
        let fits = end.saturating_add(reserved) <= limit;
        let mut counts = self.counts;
        let mut at = start;
        if let Some(place) = out.get_mut(start..end).filter(|_| fits) {
            place.copy_from_slice(&self.records);
            self.age(place, age);
            at = end;
        } else {
            counts = [0; 3];
            flags |= Header::TC;
        }
        if asked.edns.is_some() {
            let [_, _, additionals] = &mut counts;
            *additionals = additionals.saturating_add(1);
            at = self.write_opt(asked, peer, extended_error, courtesy, (out, at));
        }
        let [answers, authorities, additionals] = counts;
        let fields = [asked.header.id, flags, 1, answers, authorities, additionals];
        for (to, field) in out.as_chunks_mut::<2>().0.iter_mut().zip(fields) {
            *to = field.to_be_bytes();
        }
        if let Some(place) = out.get_mut(crate::dns::message::HEADER_BYTES..start) {
            place.copy_from_slice(asked.question.wire);
        }
        at
    }

    /// What is said besides, at that age.
    pub(super) fn extended_error(&self, age: Age) -> Option<ExtendedError> {
        match (age, self.rcode) {
            (Age::Seconds(_), _) => self.extended_error,
            (Age::Stale, Rcode::NXDOMAIN) => Some(ExtendedError::STALE_NXDOMAIN),
            (Age::Stale, _) => Some(ExtendedError::STALE),
        }
    }

    /// The response code.
    pub(super) fn rcode(&self) -> Rcode {
        self.rcode
    }

    /// The answer as a message again, to the question it is kept under.
    pub(super) fn message(&self, wanted: &Wanted, age: Age) -> Vec<u8> {
        let [answers, authorities, additionals] = self.counts;
        let mut message = Vec::with_capacity(self.records.len().saturating_add(280));
        for field in [0, Header::QR | self.rcode.0 & 0x0f, 1, answers, authorities, additionals] {
            message.extend_from_slice(&field.to_be_bytes());
        }
        message.extend_from_slice(wanted.qname().wire());
        message.extend_from_slice(&wanted.qtype().0.to_be_bytes());
        message.extend_from_slice(&[0, 1]);
        let start = message.len();
        message.extend_from_slice(&self.records);
        self.age(message.get_mut(start..).unwrap_or_default(), age);
        message
    }

    /// Writes how long the records still hold.
    fn age(&self, records: &mut [u8], age: Age) {
        for &at in &self.ttls {
            let Some(place) = records.get_mut(usize::from(at)..).and_then(<[u8]>::first_chunk_mut) else {
                continue;
            };
            let ttl = match age {
                Age::Seconds(seconds) => u32::from_be_bytes(*place).saturating_sub(seconds),
                Age::Stale => STALE_TTL_SECONDS,
            };
            *place = ttl.to_be_bytes();
        }
    }

    /// Writes the OPT record at a place; returns where it ends.
    pub(super) fn write_opt(
        &self,
        asked: &Asked<'_>,
        peer: Peer,
        extended_error: Option<ExtendedError>,
        courtesy: Courtesy,
        (out, at): (&mut [u8], usize),
    ) -> usize {
        let dnssec_ok = asked.edns.map_or(0, |edns| edns.flags & DNSSEC_OK);
        // A constant of 1,232.
        let [size_high, size_low] = u16::try_from(UDP_PAYLOAD_MAX).unwrap_or(u16::MAX).to_be_bytes();
        let [high, low] = self.rcode.0.to_be_bytes();
        let mut opt = Writer { out, at };
        opt.put(&[0, 0, 41, size_high, size_low, high << 4 | low >> 4, 0, dnssec_ok, 0, 0, 0]);
        let options = opt.at;
        if let (Some(client), Some(secret)) = (asked.cookie, courtesy.cookies) {
            opt.option(option::COOKIE, &[&secret.cookie(client, courtesy.now_seconds, peer.address)]);
        }
        if let Some(ExtendedError { code, text }) = extended_error {
            opt.option(option::EXTENDED_ERROR, &[&code.to_be_bytes(), text.as_bytes()]);
        }
        // A cookie and a text of ours: `opt_bytes`.
        let length = u16::try_from(opt.at.saturating_sub(options)).unwrap_or(0);
        if let Some(place) = opt.out.get_mut(options.saturating_sub(2)..).and_then(<[u8]>::first_chunk_mut) {
            *place = length.to_be_bytes();
        }
        opt.at
    }
}

/// Appends to a response; the room has been reckoned before.
struct Writer<'o> {
    out: &'o mut [u8],
    at: usize,
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) {
        let end = self.at.saturating_add(bytes.len());
        if let Some(place) = self.out.get_mut(self.at..end) {
            place.copy_from_slice(bytes);
            self.at = end;
        }
    }

    fn option(&mut self, code: u16, parts: &[&[u8]]) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        self.put(&code.to_be_bytes());
        // A cookie or a text of ours: `opt_bytes`.
        self.put(&u16::try_from(length).unwrap_or(0).to_be_bytes());
        parts.iter().for_each(|part| self.put(part));
    }
}

/// How long the response may be.
pub(super) fn limit(asked: &Asked<'_>, peer: Peer) -> usize {
    match (peer.transport, asked.edns) {
        (Transport::Tcp, _) => usize::from(u16::MAX),
        (Transport::Udp, None) => UDP_PAYLOAD_PLAIN,
        (Transport::Udp, Some(edns)) => usize::from(edns.payload).clamp(UDP_PAYLOAD_PLAIN, UDP_PAYLOAD_MAX),
    }
}

/// Room for the OPT record.
pub(super) fn opt_bytes(asked: &Asked<'_>, extended_error: Option<ExtendedError>) -> usize {
    let cookie = asked.cookie.map_or(0, |_| crate::answer::COOKIE_BYTES.saturating_add(4));
    let error = extended_error.map_or(0, |error| error.text.len().saturating_add(6));
    OPT_BYTES.saturating_add(cookie).saturating_add(error)
}

/// How long a record may be given out, in seconds.
fn ttl(record: &Record<'_>, bounds: &CacheSettings) -> u32 {
    // A duration: a TTL has 32 bits.
    let seconds = |duration: Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
    // One with its highest bit set counts as 0 (RFC 2181, section 8).
    let sound = |ttl: u32| if ttl > i32::MAX.unsigned_abs() { 0 } else { ttl };
    let (mut ttl, mut most) = (sound(record.ttl), seconds(bounds.ttl_max));
    if is_negative_soa(record) {
        // Its last field says how long there is nothing (RFC 2308, section 5).
        let minimum = record.rdata.last_chunk().map_or(0, |minimum| u32::from_be_bytes(*minimum));
        ttl = ttl.min(sound(minimum));
        most = most.min(seconds(bounds.negative_ttl_max));
    }
    ttl.max(seconds(bounds.ttl_min)).min(most)
}

/// Whether a record leads to another name.
fn is_alias(record: &Record<'_>) -> bool {
    record.section == Section::Answer && matches!(record.rtype, Rtype::CNAME | Rtype::DNAME)
}

/// Whether a record says how long an answer that there is nothing holds.
fn is_negative_soa(record: &Record<'_>) -> bool {
    record.section == Section::Authority && record.rtype == Rtype::SOA
}
