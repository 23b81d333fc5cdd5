//! An answer of an upstream, ready to be given to any client that asks the same.
//!
//! Says how long it is fresh, and writes it into responses: id, question, flags, TTLs and OPT are the
//! client's, the records are copied.

use std::time::Duration;

use super::cache_key::CacheKey;
use super::client_query::{ClientQuery, Padding};
use super::cookies::Cookies;
use super::extended_error::ExtendedError;
use super::settings::CacheSettings;
use crate::answer::COOKIE_BYTES;
use crate::dns::Rtype;
use crate::dns::edns::{DNSSEC_OK, OPT_BYTES, OPTION_HEAD_BYTES, OptWriter, PaddingBlock, option};
use crate::dns::message::{HEADER_BYTES, Header, Rcode, Section, class};
use crate::dns::message_writer::{self, MessageWriter};
use crate::requestor::{Meaning, Record, Response};

/// TTL of stale answers (RFC 8767, section 4).
const STALE_TTL_SECONDS: u32 = 30;

/// An answer.
pub(super) struct Stored {
    /// Everything behind the question, without OPT. The question has the same length for every client, so
    /// that compression pointers stay right.
    records: Box<[u8]>,
    /// Where the TTLs are in there.
    ttls: Box<[u16]>,
    counts: [u16; 3],
    rcode: Rcode,
    authentic: Authentic,
    extended_error: Option<ExtendedError>,
    /// Whether it holds the whole chain of aliases.
    end: ChainEnd,
    /// How long it is fresh; zero: it is not cached.
    pub(super) lifetime: Duration,
}

/// Where an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChainEnd {
    /// At what there is, or is not, without any alias on the way.
    Plain,
    /// The same, at the end of a chain of aliases.
    BehindAlias,
    /// At an alias whose target others are asked for.
    AtAlias,
}

/// Whether the upstream has checked the signatures.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Authentic {
    Yes,
    No,
}

/// How old an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    /// In seconds.
    Seconds(u32),
    /// Its lifetime has passed.
    Stale,
}

impl Stored {
    /// From a response, with its TTLs within the bounds.
    pub(super) fn of(response: &Response<'_>, bounds: &CacheSettings) -> Self {
        let from = HEADER_BYTES.saturating_add(response.question.wire.len());
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
        let authentic = response.header.flags & Header::AD != 0;
        Self {
            records,
            ttls: ttls.into_boxed_slice(),
            counts: response.counts(),
            rcode: response.rcode,
            authentic: if authentic { Authentic::Yes } else { Authentic::No },
            extended_error: response.extended_error.map(ExtendedError::of),
            end: if response.records.iter().any(is_alias) { ChainEnd::BehindAlias } else { ChainEnd::Plain },
            lifetime,
        }
    }

    /// The same, which ends at an alias whose target others are asked for.
    pub(super) fn at_alias(self) -> Self {
        Self { end: ChainEnd::AtAlias, ..self }
    }

    /// Where it ends.
    pub(super) fn end(&self) -> ChainEnd {
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
            end: ChainEnd::Plain,
            lifetime,
        }
    }

    /// No records, behind an alias that is the whole answer.
    pub(super) fn nothing() -> Self {
        Self::error(Rcode::NOERROR, None, Duration::ZERO)
    }

    /// Whether it is an error, without records.
    pub(super) fn is_error(&self) -> bool {
        !matches!(self.rcode, Rcode::NOERROR | Rcode::NXDOMAIN | Rcode::YXDOMAIN)
    }

    /// Whether it may be served when it is stale: an error may not.
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

    /// Writes the response to a query; returns its length in bytes. HOT.
    pub(super) fn write(&self, query: &ClientQuery<'_>, age: Age, cookies: Cookies, out: &mut [u8]) -> usize {
        let mut flags = Header::QR | Header::RA | query.header.flags & (Header::RD | Header::CD);
        if self.authentic == Authentic::Yes && query.understands_authentic() {
            flags |= Header::AD;
        }
        flags |= self.rcode.0 & 0x0f;
        let extended_error = self.extended_error(age);
        let mut message = MessageWriter::new(out, query.size_limit());
        message.put_question(query.question.wire);
        message.reserve(Self::opt_bytes(query, extended_error));
        match message.append(&self.records) {
            Some(records) => {
                self.age(records, age);
                self.count(&mut message);
            }
            None => {
                message.clear();
                flags |= Header::TC;
            }
        }
        message.release();
        self.write_opt(query, extended_error, cookies, &mut message);
        message.finish(query.header.id, flags)
    }

    /// Counts its records.
    fn count(&self, message: &mut MessageWriter<'_>) {
        let sections = [Section::Answer, Section::Authority, Section::Additional];
        sections.into_iter().zip(self.counts).for_each(|(section, count)| message.count(section, count));
    }

    /// The extended error at that age.
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
    pub(super) fn message(&self, key: &CacheKey, age: Age) -> Vec<u8> {
        let question = key.bytes().len().saturating_add(HEADER_BYTES).saturating_add(4);
        let bytes_max = self.records.len().saturating_add(question);
        message_writer::owned(bytes_max, 0, Header::QR | self.rcode.0 & 0x0f, |message| {
            message.question(key.qname(), key.qtype(), class::IN);
            if let Some(records) = message.append(&self.records) {
                self.age(records, age);
                self.count(message);
            }
        })
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

    /// Writes the OPT record, if the query has one.
    pub(super) fn write_opt(
        &self,
        query: &ClientQuery<'_>,
        extended_error: Option<ExtendedError>,
        cookies: Cookies,
        message: &mut MessageWriter<'_>,
    ) {
        let Some(edns) = query.edns else { return };
        let mut opt = OptWriter::new(message, self.rcode, edns.flags & DNSSEC_OK);
        if let (Some(client), Some(secret)) = (query.cookie, cookies.secret) {
            opt.option(option::COOKIE, &secret.cookie(client, cookies.now_seconds, query.peer.address));
        }
        if let Some(ExtendedError { code, text }) = extended_error {
            opt.extended_error(code, text);
        }
        if query.padding == Padding::Wanted {
            opt.pad(PaddingBlock::Response);
        }
        opt.finish();
    }

    /// Room for the OPT record of a response, in bytes.
    pub(super) fn opt_bytes(query: &ClientQuery<'_>, extended_error: Option<ExtendedError>) -> usize {
        if query.edns.is_none() {
            return 0;
        }
        let cookie = query.cookie.map_or(0, |_| COOKIE_BYTES.saturating_add(OPTION_HEAD_BYTES));
        let error = extended_error.map_or(0, |error| {
            // A code of two bytes and the text.
            error.text.len().saturating_add(2).saturating_add(OPTION_HEAD_BYTES)
        });
        OPT_BYTES.saturating_add(cookie).saturating_add(error)
    }
}

/// How long a record may be served, in seconds.
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
