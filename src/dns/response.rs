//! Responses read back, names in full: for `explain`, `compare`, traces and tests.
//!
//! Allocates, so it is never used on the way of an answer. Queries are read by `message`.

use std::fmt;

use super::compression::{name, rdata_in_full};
use super::edns::Edns;
use super::message::{Extra, HEADER_BYTES, Header, Question, Rcode};
use super::name::Name;
use super::rdata;
use super::rtype::Rtype;

/// A response, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The header.
    pub header: Header,
    /// The whole response code, with what an OPT record adds (RFC 6891, section 6.1.3).
    pub rcode: Rcode,
    /// The records of the answer, authority and additional sections, an OPT record aside.
    pub sections: [Vec<Record>; 3],
    /// The contents of the OPT record, if there is one.
    pub edns: Option<ResponseEdns>,
    /// Length of the message in bytes.
    pub bytes: usize,
}

/// A record of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The owner.
    pub owner: Name,
    /// The type.
    pub rtype: Rtype,
    /// The class.
    pub class: u16,
    /// The TTL, in seconds.
    pub ttl: u32,
    /// The RDATA, names in full.
    pub rdata: Vec<u8>,
}

/// The contents of a response's OPT record (RFC 6891).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseEdns {
    /// Largest UDP payload that the server accepts, in bytes.
    pub payload: u16,
    /// The first of its extended errors (RFC 8914).
    pub error: Option<u16>,
}

impl Response {
    /// Takes a message apart. None when it does not hold what its header says.
    pub fn read(message: &[u8]) -> Option<Response> {
        let header = Header::read(message).filter(Header::is_response)?;
        let mut at = HEADER_BYTES;
        if header.counts[0] != 0 {
            let (_, rest) = Question::read(message)?;
            at = message.len().checked_sub(rest.len())?;
        }
        let mut response = Response {
            header,
            rcode: Rcode(header.flags & 0x000f),
            sections: [Vec::new(), Vec::new(), Vec::new()],
            edns: None,
            bytes: message.len(),
        };
        for (section, &count) in response.sections.iter_mut().zip(header.counts.iter().skip(1)) {
            for _ in 0..count {
                let (record, end) = Record::read(message, at)?;
                if record.rtype == Rtype::OPT {
                    let (extra, _) = Extra::read(message.get(at..)?)?;
                    let edns = Edns::of(&extra)?;
                    response.rcode = edns.rcode(&header);
                    response.edns =
                        Some(ResponseEdns { payload: edns.payload, error: edns.extended_error() });
                } else {
                    section.push(record);
                }
                at = end;
            }
        }
        Some(response)
    }

    /// The flags that are set, as `dig` names them.
    pub fn flags(&self) -> impl Iterator<Item = &'static str> + use<> {
        const FLAGS: [(u16, &str); 7] = [
            (Header::QR, "qr"),
            (Header::AA, "aa"),
            (Header::TC, "tc"),
            (Header::RD, "rd"),
            (Header::RA, "ra"),
            (Header::AD, "ad"),
            (Header::CD, "cd"),
        ];
        let set = self.header.flags;
        FLAGS.into_iter().filter(move |(bit, _)| set & bit != 0).map(|(_, name)| name)
    }

    /// Whether it comes from authority.
    pub fn is_authoritative(&self) -> bool {
        self.header.flags & Header::AA != 0
    }

    /// The records of the answer section.
    pub fn answers(&self) -> &[Record] {
        &self.sections[0]
    }
}

impl Record {
    /// The record at `at` of a message, and where the next one begins; none where it does not end.
    pub fn read(message: &[u8], at: usize) -> Option<(Record, usize)> {
        let (owner, at) = name(message, at)?;
        let (&[t, u, c, d, e, f, g, h, l, m], _) = message.get(at..)?.split_first_chunk::<10>()?;
        let from = at.checked_add(10)?;
        let end = from.checked_add(usize::from(u16::from_be_bytes([l, m])))?;
        let rtype = Rtype(u16::from_be_bytes([t, u]));
        let mut rdata = Vec::new();
        rdata_in_full(rtype, message, from, end, &mut rdata)?;
        let class = u16::from_be_bytes([c, d]);
        Some((Record { owner, rtype, class, ttl: u32::from_be_bytes([e, f, g, h]), rdata }, end))
    }

    /// The RDATA in presentation format.
    pub fn data(&self) -> String {
        let mut text = String::new();
        rdata::write(self.rtype, &self.rdata, &mut text);
        text
    }

    /// The name that a CNAME or DNAME record leads to.
    pub fn target(&self) -> Option<Name> {
        let leads = matches!(self.rtype, Rtype::CNAME | Rtype::DNAME);
        leads.then(|| Name::from_wire(&self.rdata).ok())?
    }
}

/// As in zone text.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} IN {} {}", self.owner, self.ttl, self.rtype, self.data())
    }
}

#[cfg(test)]
mod tests;
