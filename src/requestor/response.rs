//! Responses of other servers.
//!
//! Looks through every record once, so that nothing that is passed on or kept ends early or overruns, or
//! means one thing to us and another to a client; and says what a response means. Not responsible for whether
//! a message is a response to our query: that is `query`.

use super::names::walk;
use crate::dns::compression::{NamesWithin, name, names_within};
use crate::dns::edns::{Edns, Options, option};
use crate::dns::message::{Extra, Header, Question, Rcode, Section};
use crate::dns::{Name, Rtype};

/// Records of one response that are taken; 65,535 bytes hold no more than 5,900.
const RECORDS_MAX: usize = 6000;

/// A response that is well formed.
pub struct Response<'m> {
    /// The whole message.
    pub message: &'m [u8],
    /// Its header.
    pub header: Header,
    /// Its question.
    pub question: Question<'m>,
    /// All that is passed on, in the order of the message.
    pub records: Vec<Record<'m>>,
    /// Where the last of them ends.
    pub end: usize,
    /// With the bits that the OPT record adds.
    pub rcode: Rcode,
    /// Whether it has an OPT record.
    pub edns: Spoken,
    /// Why, as the server says (RFC 8914).
    pub extended_error: Option<u16>,
    /// Where the TTLs of all records so far are.
    ttls: Vec<u16>,
}

/// Whether a server speaks EDNS.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Spoken {
    /// It has sent an OPT record.
    Yes,
    /// It has not.
    No,
}

/// A record of a response.
pub struct Record<'m> {
    /// Its section.
    pub section: Section,
    /// Its type.
    pub rtype: Rtype,
    /// Its TTL, in seconds.
    pub ttl: u32,
    /// Where its owner begins in the message.
    pub at: usize,
    /// Where its TTL is: four bytes before the length, which is before the RDATA.
    pub ttl_at: usize,
    /// Its RDATA, as it stands in the message.
    pub rdata: &'m [u8],
}

/// What a response means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// There are records.
    Records,
    /// There are none, or no such name.
    Nothing,
    /// The server cannot or will not answer, or refers us to other servers.
    Failure,
}

impl Record<'_> {
    /// Where its RDATA begins in the message: behind TTL and length.
    pub fn rdata_at(&self) -> Option<usize> {
        self.ttl_at.checked_add(6)
    }
}

impl<'m> Response<'m> {
    /// Looks through a message; none where it is not well formed.
    pub fn read(message: &'m [u8]) -> Option<Self> {
        let header = Header::read(message)?;
        let (question, mut rest) = Question::read(message)?;
        let low = header.flags.to_be_bytes()[1] & 0x0f;
        let mut response = Self {
            message,
            header,
            question,
            records: Vec::new(),
            end: message.len().saturating_sub(rest.len()),
            rcode: Rcode(u16::from(low)),
            edns: Spoken::No,
            extended_error: None,
            ttls: Vec::new(),
        };
        let [_, answers, authorities, additionals] = header.counts.map(usize::from);
        let sections = [
            (Section::Answer, answers),
            (Section::Authority, authorities),
            (Section::Additional, additionals),
        ];
        for (section, count) in sections {
            for _ in 0..count {
                rest = response.take(section, rest)?;
            }
        }
        Some(response)
    }

    /// Takes the record at the front of `rest`; returns what follows it.
    fn take(&mut self, section: Section, rest: &'m [u8]) -> Option<&'m [u8]> {
        if self.records.len() >= RECORDS_MAX {
            return None;
        }
        let at = self.message.len().checked_sub(rest.len())?;
        let (extra, after) = Extra::read(rest)?;
        let end = self.message.len().checked_sub(after.len())?;
        let ttl_at = end.checked_sub(extra.rdata.len())?.checked_sub(6)?;
        walk(self.message, at, &self.ttls)?;
        self.ttls.push(u16::try_from(ttl_at).ok()?);
        if let Some(edns) = Edns::of(&extra) {
            // At most one, in the additional section (RFC 6891, section 6.1.1).
            if self.edns == Spoken::Yes || section != Section::Additional {
                return None;
            }
            self.edns = Spoken::Yes;
            let [extended, ..] = extra.ttl.to_be_bytes();
            self.rcode.0 |= u16::from(extended) << 4;
            for one in Options::new(edns.options) {
                if let (option::EXTENDED_ERROR, value) = one.ok()? {
                    self.extended_error = value.first_chunk().copied().map(u16::from_be_bytes);
                }
            }
            return Some(after);
        }
        // One whose owner is not written as the root would stand beside the one we write.
        if extra.rtype == Rtype::OPT {
            return None;
        }
        let record = Record { section, rtype: extra.rtype, ttl: extra.ttl, at, ttl_at, rdata: extra.rdata };
        self.look_into(&record)?;
        // What follows the OPT record would have to be moved into its place; it is left out, as signatures of
        // the transaction must be.
        if self.edns == Spoken::No {
            // We sign no query, so that no signature is for us.
            if record.rtype == Rtype::TSIG {
                return None;
            }
            self.end = end;
            self.records.push(record);
        }
        Some(after)
    }

    /// Whether the RDATA is that of its type: addresses, which we look at, and names that may be compressed,
    /// which point to where they may not. All else is passed on as it is.
    fn look_into(&self, record: &Record<'_>) -> Option<()> {
        let within = match record.rtype {
            Rtype::A => NamesWithin { before: 4, names: 0, behind: 0 },
            Rtype::AAAA => NamesWithin { before: 16, names: 0, behind: 0 },
            rtype => match names_within(rtype) {
                Some(within) => within,
                None => return Some(()),
            },
        };
        let from = record.ttl_at.checked_add(6)?;
        let mut at = from.checked_add(within.before)?;
        for _ in 0..within.names {
            at = walk(self.message, at, &self.ttls)?;
        }
        (at.checked_add(within.behind)? == from.checked_add(record.rdata.len())?).then_some(())
    }

    /// How many records each section has.
    pub fn counts(&self) -> [u16; 3] {
        [Section::Answer, Section::Authority, Section::Additional].map(|section| {
            let count = self.records.iter().filter(|record| record.section == section).count();
            // A record takes 11 bytes at least, and a message has 65,535.
            u16::try_from(count).unwrap_or(u16::MAX)
        })
    }

    /// What it means.
    pub fn meaning(&self) -> Meaning {
        let has_answers = self.records.iter().any(|record| record.section == Section::Answer);
        match self.rcode {
            Rcode::NOERROR if has_answers => Meaning::Records,
            Rcode::NOERROR if self.is_referral() => Meaning::Failure,
            Rcode::NOERROR | Rcode::NXDOMAIN => Meaning::Nothing,
            // Part of the chain of DNAME records; nothing that asking elsewhere would change.
            Rcode::YXDOMAIN => Meaning::Records,
            _ => Meaning::Failure,
        }
    }

    /// Whether it sends us elsewhere: its server is authoritative for the zone above, and does not ask on for
    /// us (RFC 1034, section 4.3.2).
    pub fn is_referral(&self) -> bool {
        let is = |record: &Record<'_>, section, rtype| record.section == section && record.rtype == rtype;
        self.rcode == Rcode::NOERROR
            && !self.records.iter().any(|record| record.section == Section::Answer)
            && self.records.iter().any(|record| is(record, Section::Authority, Rtype::NS))
            && !self.records.iter().any(|record| is(record, Section::Authority, Rtype::SOA))
    }

    /// The RDATA of a record with its names in full: it can stand in another message then.
    pub fn whole_rdata(&self, record: &Record<'_>) -> Option<Vec<u8>> {
        let Some(within) = names_within(record.rtype) else { return Some(record.rdata.to_vec()) };
        let mut whole = record.rdata.get(..within.before)?.to_vec();
        let mut at = record.ttl_at.checked_add(6)?.checked_add(within.before)?;
        for _ in 0..within.names {
            let (inner, next) = name(self.message, at)?;
            whole.extend_from_slice(inner.as_ref().wire());
            at = next;
        }
        let behind = record.rdata.len().checked_sub(within.behind)?;
        whole.extend_from_slice(record.rdata.get(behind..)?);
        Some(whole)
    }

    /// The owner of a record.
    pub fn owner(&self, record: &Record<'_>) -> Option<Name> {
        Some(name(self.message, record.at)?.0)
    }
}
