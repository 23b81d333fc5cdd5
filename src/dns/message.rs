//! Messages as they come off the wire: header, question, records (RFC 1035, section 4).
//!
//! Reads a query without copying or allocating, and defines the words of the header. HOT. EDNS is read and
//! written by `edns`, messages are written by `message_writer`.

use std::fmt;

use super::{NameRef, Rtype};

/// Length of a message header in bytes (RFC 1035, section 4.1.1).
pub const HEADER_BYTES: usize = 12;

/// Longest message in bytes: what the length field of a stream can say (RFC 1035, section 4.2.2).
pub const MESSAGE_BYTES_MAX: usize = 65_535;

/// A response code (RFC 1035, section 4.1.1; RFC 6891, section 6.1.3 for those above 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rcode(pub u16);

impl Rcode {
    /// No error.
    pub const NOERROR: Rcode = Rcode(0);
    /// The query could not be read.
    pub const FORMERR: Rcode = Rcode(1);
    /// The server cannot answer this now.
    pub const SERVFAIL: Rcode = Rcode(2);
    /// The name does not exist.
    pub const NXDOMAIN: Rcode = Rcode(3);
    /// An opcode that is not served.
    pub const NOTIMP: Rcode = Rcode(4);
    /// Not answered by policy: not our zone, or a transfer.
    pub const REFUSED: Rcode = Rcode(5);
    /// The name a DNAME leads to is too long (RFC 6672, section 2.2). In an update: a name exists that should not (RFC
    /// 2136, section 2.2).
    pub const YXDOMAIN: Rcode = Rcode(6);
    /// An RRset exists that should not (RFC 2136, section 2.2).
    pub const YXRRSET: Rcode = Rcode(7);
    /// An RRset that should exist does not (RFC 2136, section 2.2).
    pub const NXRRSET: Rcode = Rcode(8);
    /// A TSIG that no key here could have made (RFC 8945, section 5.2). In an update: not a zone of ours (RFC 2136,
    /// section 2.2).
    pub const NOTAUTH: Rcode = Rcode(9);
    /// A name does not lie in the zone (RFC 2136, section 2.2).
    pub const NOTZONE: Rcode = Rcode(10);
    /// An EDNS version that is not spoken here (RFC 6891, section 6.1.3).
    pub const BADVERS: Rcode = Rcode(16);

    /// Codes with their mnemonics.
    const NAMED: [(Rcode, &'static str); 12] = [
        (Rcode::NOERROR, "NOERROR"),
        (Rcode::FORMERR, "FORMERR"),
        (Rcode::SERVFAIL, "SERVFAIL"),
        (Rcode::NXDOMAIN, "NXDOMAIN"),
        (Rcode::NOTIMP, "NOTIMP"),
        (Rcode::REFUSED, "REFUSED"),
        (Rcode::YXDOMAIN, "YXDOMAIN"),
        (Rcode::YXRRSET, "YXRRSET"),
        (Rcode::NXRRSET, "NXRRSET"),
        (Rcode::NOTAUTH, "NOTAUTH"),
        (Rcode::NOTZONE, "NOTZONE"),
        (Rcode::BADVERS, "BADVERS"),
    ];
}

/// The mnemonic of a code that this server sends, the number of any other.
impl fmt::Display for Rcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Rcode::NAMED.iter().find(|(code, _)| code == self) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "RCODE{}", self.0),
        }
    }
}

/// What is asked to be done (RFC 1035, section 4.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opcode(pub u8);

impl Opcode {
    /// A standard query.
    pub const QUERY: Opcode = Opcode(0);
    /// A zone has changed (RFC 1996).
    pub const NOTIFY: Opcode = Opcode(4);
    /// Records are to be added and removed (RFC 2136).
    pub const UPDATE: Opcode = Opcode(5);
}

/// The header of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Message id.
    pub id: u16,
    /// The second and third pair of bytes: QR, opcode, AA, TC, RD, RA, Z, AD, CD, RCODE.
    pub flags: u16,
    /// Questions, and records of the answer, authority and additional section, as announced.
    pub counts: [u16; 4],
}

impl Header {
    /// This is a response.
    pub const QR: u16 = 0x8000;
    /// The answer comes from authority.
    pub const AA: u16 = 0x0400;
    /// The answer did not fit.
    pub const TC: u16 = 0x0200;
    /// The client asks for recursion; copied.
    pub const RD: u16 = 0x0100;
    /// Recursion is available.
    pub const RA: u16 = 0x0080;
    /// The data is authentic (RFC 4035, section 3.2.3); in a query: the client understands this bit (RFC
    /// 6840, section 5.7).
    pub const AD: u16 = 0x0020;
    /// The client checks signatures itself: copied into what is forwarded (RFC 4035, section 3.2.2), cleared
    /// in what is answered with authority (section 3.1.6).
    pub const CD: u16 = 0x0010;

    /// The header at the start of a message; none if it is shorter.
    #[inline]
    pub fn read(message: &[u8]) -> Option<Header> {
        let [i, j, f, g, a, b, c, d, e, h, k, l, ..] = *message else { return None };
        let counts = [[a, b], [c, d], [e, h], [k, l]].map(u16::from_be_bytes);
        Some(Header { id: u16::from_be_bytes([i, j]), flags: u16::from_be_bytes([f, g]), counts })
    }

    /// Writes it to the front of a message.
    #[inline]
    pub fn write(&self, message: &mut [u8; HEADER_BYTES]) {
        let [questions, answers, authorities, additionals] = self.counts;
        let fields = [self.id, self.flags, questions, answers, authorities, additionals];
        for (to, field) in message.as_chunks_mut::<2>().0.iter_mut().zip(fields) {
            *to = field.to_be_bytes();
        }
    }

    /// What is asked to be done.
    #[inline]
    pub fn opcode(&self) -> Opcode {
        Opcode(self.flags.to_be_bytes()[0] >> 3 & 0x0f)
    }

    /// Whether this is a response.
    #[inline]
    pub fn is_response(&self) -> bool {
        self.flags & Self::QR != 0
    }
}

/// The sections of a message that hold records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The records that answer the question.
    Answer,
    /// The SOA of a negative answer, or the NS of a referral.
    Authority,
    /// Addresses, glue, OPT and TSIG.
    Additional,
}

/// The question of a query.
#[derive(Clone, Copy, Debug)]
pub struct Question<'q> {
    /// The name, in the case it was asked.
    pub qname: NameRef<'q>,
    /// The type.
    pub qtype: Rtype,
    /// The class.
    pub qclass: u16,
    /// The whole question as it came.
    pub wire: &'q [u8],
}

/// The classes a query may ask for.
pub mod class {
    /// Internet.
    pub const IN: u16 = 1;
    /// Chaos: `version.bind` and its like.
    pub const CH: u16 = 3;
    /// Any class (RFC 1035, section 3.2.5).
    pub const ANY: u16 = 255;
}

impl<'q> Question<'q> {
    /// The question behind the header, and what follows it. None when the message ends early, or the name is
    /// too long or compressed: a first name has nothing to point to.
    #[inline]
    pub fn read(message: &'q [u8]) -> Option<(Question<'q>, &'q [u8])> {
        let body = message.get(HEADER_BYTES..)?;
        let (qname, rest) = NameRef::split_from(body).ok()?;
        let (&[t, u, c, d], after) = rest.split_first_chunk::<4>()?;
        let wire = body.get(..body.len().checked_sub(after.len())?)?;
        let qtype = Rtype(u16::from_be_bytes([t, u]));
        Some((Question { qname, qtype, qclass: u16::from_be_bytes([c, d]), wire }, after))
    }
}

/// A record behind the question of a query, as far as a server looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Extra<'q> {
    /// The type.
    pub rtype: Rtype,
    /// The class; an OPT record's is the client's payload size.
    pub class: u16,
    /// The TTL; an OPT record's holds version and flags.
    pub ttl: u32,
    /// The RDATA.
    pub rdata: &'q [u8],
    /// Whether the owner is the root, as an OPT record's must be.
    pub at_root: bool,
}

impl<'q> Extra<'q> {
    /// The record at the front of `rest`, and what follows it.
    #[inline]
    pub fn read(rest: &'q [u8]) -> Option<(Extra<'q>, &'q [u8])> {
        let (at_root, rest) = skip_name(rest)?;
        let (&[t, u, c, d, e, f, g, h, l, m], rest) = rest.split_first_chunk::<10>()?;
        let length = usize::from(u16::from_be_bytes([l, m]));
        let (rdata, rest) = (rest.get(..length)?, rest.get(length..)?);
        let extra = Extra {
            rtype: Rtype(u16::from_be_bytes([t, u])),
            class: u16::from_be_bytes([c, d]),
            ttl: u32::from_be_bytes([e, f, g, h]),
            rdata,
            at_root,
        };
        Some((extra, rest))
    }
}

/// Skips a name, compressed or not; also says whether it is the root.
#[inline]
fn skip_name(mut rest: &[u8]) -> Option<(bool, &[u8])> {
    if let [0, after @ ..] = rest {
        return Some((true, after));
    }
    // A name has at most 127 labels, and each turn takes one.
    for _ in 0..=super::name::LABELS_MAX {
        match rest {
            [0, after @ ..] => return Some((false, after)),
            [0xc0..=0xff, _, after @ ..] => return Some((false, after)),
            [length @ 1..=63, after @ ..] => rest = after.get(usize::from(*length)..)?,
            _ => return None,
        }
    }
    None
}
