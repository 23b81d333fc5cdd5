//! Partial answers: our zones or an upstream have answered as far as an alias, and others are asked for what
//! it leads to.
//!
//! Joins both parts, because stub resolvers want the whole chain (RFC 1034, section 5.3.1), and limits how
//! long a chain is followed. Not responsible for either part.

use std::time::Duration;

use super::cache_key::CacheKey;
use super::client_query::ClientQuery;
use super::cookies::Cookies;
use super::stored::{Age, ChainEnd, Stored};
use crate::dns::compression::name;
use crate::dns::message::{HEADER_BYTES, Header, Rcode, Section};
use crate::dns::message_writer::MessageWriter;
use crate::dns::{Name, Rtype};
use crate::requestor::{Record, Response};
use crate::zone::CNAME_CHAIN_MAX;

/// An answer, with its age when it is served.
#[derive(Clone, Copy)]
pub(super) struct Aged<'s> {
    /// What it is the answer to.
    pub(super) key: &'s CacheKey,
    pub(super) stored: &'s Stored,
    pub(super) age: Age,
}

/// What has been written.
pub(super) enum Written {
    /// The response, of this length in bytes.
    Response(usize),
    /// The answer as far as its last alias.
    Partial(Box<[u8]>),
}

/// What upstreams are asked for a query; none behind a partial answer that does not end at an alias.
pub(super) fn key(query: &ClientQuery<'_>, partial: Option<&[u8]>) -> Option<CacheKey> {
    match partial {
        None => Some(query.key().to_key()),
        Some(partial) => target(partial).map(|target| query.key_of(target.as_ref())),
    }
}

/// Where the alias leads that a response ends with.
fn target(partial: &[u8]) -> Option<Name> {
    let response = Response::read(partial)?;
    let last = response.records.iter().rfind(|record| record.section == Section::Answer)?;
    if last.rtype == Rtype::CNAME { Some(name(partial, last.rdata_at()?)?.0) } else { None }
}

/// Where a chain is followed to from its last alias; none where it has been already, or is longer than chains
/// are followed.
pub(super) fn next(partial: &[u8]) -> Option<Name> {
    let target = target(partial)?;
    let response = Response::read(partial)?;
    let cnames = response.records.iter().filter(|record| record.rtype == Rtype::CNAME);
    let owners: Vec<Name> = cnames.filter_map(|record| response.owner(record)).collect();
    (owners.len() < CNAME_CHAIN_MAX && !owners.contains(&target)).then_some(target)
}

/// Writes the response to a query, or, where the answer ends at an alias too, the partial answer so far.
pub(super) fn write_on(
    query: &ClientQuery<'_>,
    partial: Option<&[u8]>,
    answer: Aged<'_>,
    cookies: Cookies,
    out: &mut [u8],
) -> Written {
    if answer.stored.end() != ChainEnd::AtAlias {
        return Written::Response(write(query, partial, answer, cookies, out));
    }
    // Neither OPT nor a limit yet: both are the whole response's.
    let length = write(&query.unbounded(), partial, answer, Cookies::default(), out);
    Written::Partial(out.get(..length).unwrap_or_default().into())
}

/// Writes a partial answer as the response: what it leads to is not asked for.
pub(super) fn write_alone(
    query: &ClientQuery<'_>,
    partial: &[u8],
    cookies: Cookies,
    out: &mut [u8],
) -> usize {
    let nothing = Stored::nothing();
    let key = query.key().to_key();
    let answer = Aged { key: &key, stored: &nothing, age: Age::Seconds(0) };
    write(query, Some(partial), answer, cookies, out)
}

/// Writes the response to a query, behind a partial answer if there is one; returns its length in bytes.
pub(super) fn write(
    query: &ClientQuery<'_>,
    partial: Option<&[u8]>,
    Aged { key, stored, age }: Aged<'_>,
    cookies: Cookies,
    out: &mut [u8],
) -> usize {
    let Some(partial) = partial else { return stored.write(query, age, cookies, out) };
    // An alias whose target cannot be resolved is not an answer.
    if stored.is_error() {
        return stored.write(query, age, cookies, out);
    }
    let behind = stored.message(key, age);
    let joined = Response::read(partial).and_then(|first| join(&first, &Response::read(&behind)?));
    let Some(joined) = joined else {
        let error = Stored::error(Rcode::SERVFAIL, None, Duration::ZERO);
        return error.write(query, age, cookies, out);
    };
    // AA is the first part's (RFC 1035, section 4.1.1), the code the last one's (RFC 6604, section 3).
    let mut flags = Header::QR | joined.authority | Header::RA | stored.rcode().0 & 0x0f;
    flags |= query.header.flags & (Header::RD | Header::CD);
    let extended_error = stored.extended_error(age);
    let mut message = MessageWriter::new(out, query.size_limit());
    message.put_question(query.question.wire);
    message.reserve(Stored::opt_bytes(query, extended_error));
    message.put(&joined.records);
    if message.is_overflown() {
        message.clear();
        flags |= Header::TC;
    } else {
        message.count(Section::Answer, joined.answers);
        message.count(Section::Authority, joined.authorities);
    }
    message.release();
    stored.write_opt(query, extended_error, cookies, &mut message);
    message.finish(query.header.id, flags)
}

/// Two parts of an answer, joined.
struct Joined {
    /// AA of the first part.
    authority: u16,
    records: Vec<u8>,
    answers: u16,
    authorities: u16,
}

/// Joins the answer section of the first part with that of the other, and with what says that there is
/// nothing.
fn join(first: &Response<'_>, other: &Response<'_>) -> Option<Joined> {
    let own = first.records.iter().filter(|record| record.section == Section::Answer);
    let last = own.clone().next_back()?;
    let end = last.rdata_at()?.checked_add(last.rdata.len())?;
    let start = HEADER_BYTES.checked_add(first.question.wire.len())?;
    let mut joined = Joined {
        authority: first.header.flags & Header::AA,
        records: first.message.get(start..end)?.to_vec(),
        answers: u16::try_from(own.count()).ok()?,
        authorities: 0,
    };
    for record in &other.records {
        match record.section {
            Section::Answer => joined.answers = joined.answers.checked_add(1)?,
            Section::Authority => joined.authorities = joined.authorities.checked_add(1)?,
            Section::Additional => continue,
        }
        append(&mut joined.records, other, record)?;
    }
    Some(joined)
}

/// Appends a record with all its names in full.
fn append(records: &mut Vec<u8>, response: &Response<'_>, record: &Record<'_>) -> Option<()> {
    records.extend_from_slice(response.owner(record)?.as_ref().wire());
    let fixed = record.ttl_at.checked_sub(4)?..record.ttl_at.checked_add(4)?;
    records.extend_from_slice(response.message.get(fixed)?);
    let rdata = response.whole_rdata(record)?;
    records.extend_from_slice(&u16::try_from(rdata.len()).ok()?.to_be_bytes());
    records.extend_from_slice(&rdata);
    Some(())
}
