//! Answers that have been begun, by our zones or by an upstream: they end at
//! an alias that leads to somebody else's names, and what is there belongs
//! behind it.
//!
//! Responsible for putting the two together: stub resolvers want the whole
//! chain (RFC 1034, section 5.3.1); and for how long a chain is followed.
//! Not responsible for either part.

use std::time::Duration;

use super::asked::{Asked, Wanted, records_at};
use super::stored::{Age, Courtesy, End, RECURSION_AVAILABLE, Stored, limit, opt_bytes};
use crate::answer::{Peer, Transport};
use crate::dns::compression::name;
use crate::dns::message::Section;
use crate::dns::message::{HEADER_BYTES, Header, Rcode};
use crate::dns::{Name, Rtype};
use crate::requestor::{Record, Response};
use crate::zone::CNAME_CHAIN_MAX;

/// What has been written.
pub(super) enum Written {
    /// The response, of this length.
    Response(usize),
    /// The answer as far as it goes, for going on at its last alias.
    Begun(Box<[u8]>),
}

/// What upstreams are asked for a query; none where a response has been begun
/// that cannot be gone on with.
pub(super) fn wanted(asked: &Asked<'_>, begun: Option<&[u8]>) -> Option<Wanted> {
    match begun {
        None => Some(Wanted::of(&asked.key())),
        Some(begun) => target(begun).map(|target| Wanted::behind(target.as_ref(), asked)),
    }
}

/// Where the alias leads that a response ends with.
fn target(begun: &[u8]) -> Option<Name> {
    let response = Response::read(begun)?;
    let last = response.records.iter().rfind(|record| record.section == Section::Answer)?;
    if last.rtype == Rtype::CNAME { Some(name(begun, last.rdata_at()?)?.0) } else { None }
}

/// Where a chain is followed to from the alias that it ends with; none where
/// it has been there, or is longer than chains are followed.
pub(super) fn next(begun: &[u8]) -> Option<Name> {
    let target = target(begun)?;
    let response = Response::read(begun)?;
    let cnames = response.records.iter().filter(|record| record.rtype == Rtype::CNAME);
    let owners: Vec<Name> = cnames.filter_map(|record| response.owner(record)).collect();
    (owners.len() < CNAME_CHAIN_MAX && !owners.contains(&target)).then_some(target)
}

/// Writes the response to a query of `peer`, or, where the answer leads on to
/// what others are asked for, how far it goes.
pub(super) fn write_on(
    (peer, begun): (Peer, Option<&[u8]>),
    wanted: &Wanted,
    (stored, age): (&Stored, Age),
    asked: &Asked<'_>,
    courtesy: Courtesy,
    out: &mut [u8],
) -> Written {
    if stored.end() != End::AtAlias {
        return Written::Response(write((peer, begun), wanted, (stored, age), asked, courtesy, out));
    }
    // Neither OPT nor a limit yet: both are the whole response's.
    let stream = Peer { transport: Transport::Tcp, ..peer };
    let plain = Asked { header: asked.header, question: asked.question, edns: None, cookie: None };
    let length = write((stream, begun), wanted, (stored, age), &plain, Courtesy::default(), out);
    Written::Begun(out.get(..length).unwrap_or_default().into())
}

/// Writes what has been begun and nothing more, as the response.
pub(super) fn write_alone(
    (peer, begun): (Peer, &[u8]),
    asked: &Asked<'_>,
    courtesy: Courtesy,
    out: &mut [u8],
) -> usize {
    let nothing = Stored::nothing();
    let wanted = Wanted::of(&asked.key());
    write((peer, Some(begun)), &wanted, (&nothing, Age::Seconds(0)), asked, courtesy, out)
}

/// Writes the response to a query of `peer`, whether it has been begun or
/// not; returns its length.
pub(super) fn write(
    (peer, begun): (Peer, Option<&[u8]>),
    wanted: &Wanted,
    (stored, age): (&Stored, Age),
    asked: &Asked<'_>,
    courtesy: Courtesy,
    out: &mut [u8],
) -> usize {
    let alone = |out| stored.write(asked, peer, age, courtesy, out);
    let Some(begun) = begun else { return alone(out) };
    // An alias whose target cannot be found out is no answer.
    if stored.is_error() {
        return alone(out);
    }
    let message = stored.message(wanted, age);
    let joined = Response::read(begun).and_then(|own| join(&own, &Response::read(&message)?));
    let Some((authority, mut records, mut counts)) = joined else {
        let error = Stored::error(Rcode::SERVFAIL, None, Duration::ZERO);
        return error.write(asked, peer, age, courtesy, out);
    };
    // The bit is the first part's (RFC 1035, section 4.1.1), the code the last one's (RFC 6604, section 3).
    let mut flags = Header::QR | authority | RECURSION_AVAILABLE | stored.rcode().0 & 0x0f;
    flags |= asked.header.flags & (Header::RD | Header::CD);
    let extended_error = stored.extended_error(age);
    let reserved = asked.edns.map_or(0, |_| opt_bytes(asked, extended_error));
    let start = records_at(&asked.question);
    let room = limit(asked, peer).min(out.len()).saturating_sub(reserved);
    if start.saturating_add(records.len()) > room {
        (records, counts) = (Vec::new(), [0; 2]);
        flags |= Header::TC;
    }
    let mut at = start.saturating_add(records.len());
    if let Some(place) = out.get_mut(start..at) {
        place.copy_from_slice(&records);
    }
    let mut additionals = 0;
    if asked.edns.is_some() {
        additionals = 1;
        at = stored.write_opt(asked, peer, extended_error, courtesy, (out, at));
    }
    let [answers, authorities] = counts;
    let fields = [asked.header.id, flags, 1, answers, authorities, additionals];
    for (to, field) in out.as_chunks_mut::<2>().0.iter_mut().zip(fields) {
        *to = field.to_be_bytes();
    }
    if let Some(place) = out.get_mut(HEADER_BYTES..start) {
        place.copy_from_slice(asked.question.wire);
    }
    at
}

/// Whether the first part has authority, as its flag. Its answer section as it
/// is, then the other's, and what says that there is nothing; how many records
/// each section has.
fn join(own: &Response<'_>, other: &Response<'_>) -> Option<(u16, Vec<u8>, [u16; 2])> {
    let ours = own.records.iter().filter(|record| record.section == Section::Answer);
    let end = ours
        .clone()
        .next_back()
        .map(|last| last.ttl_at.saturating_add(6).saturating_add(last.rdata.len()))?;
    let mut records = own.message.get(records_at(&own.question)..end)?.to_vec();
    let mut counts = [u16::try_from(ours.count()).ok()?, 0];
    for record in &other.records {
        let [answers, authorities] = &mut counts;
        match record.section {
            Section::Answer => *answers = answers.saturating_add(1),
            Section::Authority => *authorities = authorities.saturating_add(1),
            Section::Additional => continue,
        }
        append(&mut records, other, record)?;
    }
    Some((own.header.flags & Header::AA, records, counts))
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
