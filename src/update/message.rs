//! An UPDATE message (RFC 2136, section 2), read whole.
//!
//! Checks its form. What its records may be depends on their section, and is checked there.

use std::collections::BTreeSet;

use super::rejection::Reason;
use crate::dns::compression::name;
use crate::dns::edns::Edns;
use crate::dns::message::{Extra, Header, Opcode, Question, class};
use crate::dns::response::Record;
use crate::dns::{Name, Rtype, rdata};

/// QCLASS NONE (RFC 2136, section 1.3).
pub(super) const NONE: u16 = 254;

/// An UPDATE message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateMessage {
    /// The zone to be updated.
    pub zone: Name,
    /// Its class.
    pub class: u16,
    /// What must hold (section 2.4).
    pub prerequisites: Vec<Record>,
    /// What is to be done (section 2.5).
    pub updates: Vec<Record>,
    /// The client's payload size, where it speaks EDNS.
    pub payload: Option<u16>,
}

/// The name and class in the zone section of a message; none: it is no UPDATE with a zone section.
pub fn zone_of(message: &[u8]) -> Option<(Name, u16)> {
    let header =
        Header::read(message).filter(|header| header.opcode() == Opcode::UPDATE && !header.is_response())?;
    let (zone, _) = Question::read(message)?;
    let is_zone = header.counts.first() == Some(&1) && zone.qtype == Rtype::SOA;
    is_zone.then(|| (zone.qname.to_name(), zone.qclass))
}

impl UpdateMessage {
    /// Reads a message, from its header to its last byte.
    ///
    /// # Errors
    ///
    /// [`Reason::Malformed`]: what ends early, has bytes behind its end, or is no update.
    pub fn read(message: &[u8]) -> Result<UpdateMessage, Reason> {
        let header = Header::read(message).ok_or(Reason::Malformed("the header is cut off"))?;
        if header.opcode() != Opcode::UPDATE || header.is_response() {
            return Err(Reason::Malformed("no UPDATE request"));
        }
        let [zones, prerequisites, updates, additionals] = header.counts;
        // Section 3.1.1.
        if zones != 1 {
            return Err(Reason::Malformed("the zone section has not exactly one record"));
        }
        let (zone, rest) = Question::read(message).ok_or(Reason::Malformed("the zone section is cut off"))?;
        if zone.qtype != Rtype::SOA {
            return Err(Reason::Malformed("the type in the zone section is not SOA"));
        }
        let mut at = message.len().saturating_sub(rest.len());
        let prerequisites = records(message, &mut at, prerequisites)?;
        let updates = records(message, &mut at, updates)?;
        let payload = additional(message.get(at..).unwrap_or_default(), additionals)?;
        Ok(UpdateMessage { zone: zone.qname.to_name(), class: zone.qclass, prerequisites, updates, payload })
    }

    /// The owners of which it is to delete something, each once.
    pub fn deleted_owners(&self) -> BTreeSet<&Name> {
        let deletions = self.updates.iter().filter(|record| matches!(record.class, class::ANY | NONE));
        deletions.map(|record| &record.owner).collect()
    }

    /// Whether it is to delete this record, with its RDATA in lower case: alone, or with its RRset or name (sections
    /// 2.5.2 to 2.5.4).
    pub fn deletes(&self, owner: &Name, rtype: Rtype, caseless: &[u8]) -> bool {
        self.updates.iter().filter(|record| record.owner == *owner).any(|record| match record.class {
            class::ANY => record.rtype == Rtype::ANY || record.rtype == rtype,
            NONE => record.rtype == rtype && *rdata::caseless(rtype, &record.rdata) == *caseless,
            _ => false,
        })
    }

    /// Whether the zone section names this zone, of class IN.
    pub fn is_for(&self, apex: &Name) -> bool {
        self.class == class::IN && self.zone == *apex
    }
}

/// A section of so many records from `at` on, which moves behind it.
fn records(message: &[u8], at: &mut usize, count: u16) -> Result<Vec<Record>, Reason> {
    let mut records = Vec::new();
    for _ in 0..count {
        let (record, end) = record(message, *at).ok_or(Reason::Malformed("a record cannot be read"))?;
        *at = end;
        records.push(record);
    }
    Ok(records)
}

/// The record at `at`, and where it ends. Its RDATA is that of its type, or empty (section 2.4).
fn record(message: &[u8], at: usize) -> Option<(Record, usize)> {
    let (owner, head_at) = name(message, at)?;
    let (&[t, u, c, d, e, f, g, h, l, m], _) = message.get(head_at..)?.split_first_chunk::<10>()?;
    if [l, m] != [0, 0] {
        return Record::read(message, at).filter(|(record, _)| rdata::is_sound(record.rtype, &record.rdata));
    }
    let (rtype, class) = (Rtype(u16::from_be_bytes([t, u])), u16::from_be_bytes([c, d]));
    let record = Record { owner, rtype, class, ttl: u32::from_be_bytes([e, f, g, h]), rdata: Vec::new() };
    Some((record, head_at.checked_add(10)?))
}

/// The client's payload size from the OPT record, of which there is one at most (RFC 6891, section 6.1.1).
fn additional(mut rest: &[u8], count: u16) -> Result<Option<u16>, Reason> {
    let mut payload = None;
    for _ in 0..count {
        let (extra, behind) =
            Extra::read(rest).ok_or(Reason::Malformed("the additional section is cut off"))?;
        rest = behind;
        if extra.rtype == Rtype::OPT {
            let edns = Edns::of(&extra).filter(|_| payload.is_none());
            payload = Some(edns.ok_or(Reason::Malformed("the OPT record is not one at the root"))?.payload);
        }
    }
    if rest.is_empty() { Ok(payload) } else { Err(Reason::Malformed("bytes behind the last record")) }
}
