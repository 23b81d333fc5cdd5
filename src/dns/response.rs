//! Responses read back: what a message says, names in full.
//!
//! Responsible for taking apart what this server has written, for people who want to see it.
//! Not responsible for queries (that is `message`), and never on the way of an answer.

use std::fmt;

use super::message::{Extra, HEADER_BYTES, Header, Options, Question, Rcode, option};
use super::name::{LABELS_MAX, NAME_BYTES_MAX};
use super::{Name, Rtype, rdata};

/// A response, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The header as it stands.
    pub header: Header,
    /// The whole response code, with what an OPT record adds (RFC 6891, section 6.1.3).
    pub rcode: Rcode,
    /// The records of the answer, authority and additional sections, an OPT record aside.
    pub sections: [Vec<Record>; 3],
    /// What the OPT record says, if there is one.
    pub edns: Option<EdnsTold>,
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

/// What a server says with its OPT record (RFC 6891).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdnsTold {
    /// Largest UDP payload that it takes, in bytes.
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
                    let [extended, ..] = extra.ttl.to_be_bytes();
                    response.rcode = Rcode(response.rcode.0 | u16::from(extended) << 4);
                    response.edns = Some(EdnsTold::of(&extra));
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
            (0x0080, "ra"),
            (0x0020, "ad"),
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
    /// The record at `at` of a message, and where the next one begins.
    fn read(message: &[u8], at: usize) -> Option<(Record, usize)> {
        let (owner, at) = name(message, at)?;
        let (&[t, u, c, d, e, f, g, h, l, m], _) = message.get(at..)?.split_first_chunk::<10>()?;
        let from = at.checked_add(10)?;
        let end = from.checked_add(usize::from(u16::from_be_bytes([l, m])))?;
        let rtype = Rtype(u16::from_be_bytes([t, u]));
        let rdata = in_full(rtype, message, from, end)?;
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

impl EdnsTold {
    fn of(extra: &Extra<'_>) -> EdnsTold {
        let errors = Options::new(extra.rdata).flatten().filter(|(code, _)| *code == option::EXTENDED_ERROR);
        let mut codes = errors.filter_map(|(_, value)| value.first_chunk().copied());
        EdnsTold { payload: extra.class, error: codes.next().map(u16::from_be_bytes) }
    }
}

/// How names stand in RDATA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamesWithin {
    /// Bytes before the first.
    pub before: usize,
    /// Names, one behind the other.
    pub names: usize,
    /// Bytes behind the last.
    pub behind: usize,
}

/// The names in the RDATA of a type, where they may be compressed; none for all other types. Those of RFC 1035 are
/// compressed, and those of a few later types are to be understood so (RFC 3597, section 4).
pub fn names_within(rtype: Rtype) -> Option<NamesWithin> {
    let (before, names, behind) = match rtype {
        // MD, MF, MB, MG and MR as well.
        Rtype::NS | Rtype::CNAME | Rtype::PTR | Rtype::DNAME | Rtype(3 | 4 | 7..=9) => (0, 1, 0),
        Rtype::SOA => (0, 2, 20),
        // MINFO, and RP.
        Rtype(14 | 17) => (0, 2, 0),
        // AFSDB and RT as well.
        Rtype::MX | Rtype(18 | 21) => (2, 1, 0),
        // PX.
        Rtype(26) => (2, 2, 0),
        Rtype::SRV => (6, 1, 0),
        _ => return None,
    };
    Some(NamesWithin { before, names, behind })
}

/// The RDATA between two offsets, its names in full.
fn in_full(rtype: Rtype, message: &[u8], from: usize, end: usize) -> Option<Vec<u8>> {
    let Some(NamesWithin { before, names, .. }) = names_within(rtype) else {
        return message.get(from..end).map(<[u8]>::to_vec);
    };
    let mut at = from.checked_add(before)?;
    let mut rdata = message.get(from..at)?.to_vec();
    for _ in 0..names {
        let (inner, next) = name(message, at)?;
        rdata.extend_from_slice(inner.as_ref().wire());
        at = next;
    }
    rdata.extend_from_slice(message.get(at..end)?);
    Some(rdata)
}

/// The name at `at` of a message, in full, and where it ends there; none where it does not end.
pub fn name(message: &[u8], mut at: usize) -> Option<(Name, usize)> {
    let mut wire = Vec::new();
    let mut end = None;
    // Each label is one turn, and so is each pointer between two of them.
    for _ in 0..=2 * LABELS_MAX {
        let &length = message.get(at)?;
        if length >= 0xc0 {
            let &[high, low] = message.get(at..)?.first_chunk()?;
            end = end.or(Some(at.checked_add(2)?));
            at = usize::from(u16::from_be_bytes([high & 0x3f, low]));
            continue;
        }
        let next = at.checked_add(usize::from(length))?.checked_add(1)?;
        wire.extend_from_slice(message.get(at..next)?);
        if wire.len() > NAME_BYTES_MAX {
            return None;
        }
        if length == 0 {
            return Some((Name::from_wire(&wire).ok()?, end.unwrap_or(next)));
        }
        at = next;
    }
    None
}

#[cfg(test)]
mod tests;
