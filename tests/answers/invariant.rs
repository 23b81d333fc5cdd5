//! What holds for the bytes of every response, whatever was asked: id, question, length, compression.

use edgedns::answer::{UDP_PAYLOAD_MAX, UDP_PAYLOAD_PLAIN};
use edgedns::dns::Rtype;
use edgedns::dns::edns::Edns;
use edgedns::dns::message::{Extra, HEADER_BYTES, Header, Question};

/// Fails unless the response could be one to this query.
pub(crate) fn check(query: &[u8], response: &[u8], stream: Stream) {
    let asked = Header::read(query).expect("only whole headers are answered");
    let header = Header::read(response).expect("a whole header");
    assert_eq!(header.id, asked.id, "the id comes back");
    assert!(header.is_response(), "QR is set");
    assert_eq!(header.opcode(), asked.opcode(), "the opcode comes back");
    assert!(header.counts[0] <= 1, "at most one question");
    let mut at = HEADER_BYTES;
    if header.counts[0] == 1 {
        let (question, _) = Question::read(query).expect("a question that comes back was one");
        at += question.wire.len();
        assert_eq!(response.get(HEADER_BYTES..at), Some(question.wire), "the question, byte for byte");
    } else {
        assert_eq!(header.counts[1..3], [0, 0], "no question, no answer");
    }
    assert!(response.len() <= longest(query, stream), "{} bytes are too many", response.len());
    let records: u16 = header.counts[1..].iter().sum();
    for _ in 0..records {
        at = record(response, at);
    }
    assert_eq!(at, response.len(), "nothing follows the last record");
}

/// How the response goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Datagram,
    Connection,
}

/// A transaction signature.
const TSIG: Rtype = Rtype(250);

/// The longest response a client can take.
pub(crate) fn longest(query: &[u8], stream: Stream) -> usize {
    if stream == Stream::Connection {
        return usize::from(u16::MAX);
    }
    let mut longest = UDP_PAYLOAD_PLAIN;
    let mut rest = Question::read(query).map_or(&[][..], |(_, rest)| rest);
    while let Some((extra, after)) = Extra::read(rest) {
        if extra.rtype == TSIG {
            // What it is refused with must be sent, however long (RFC 8945, section 5.3.2).
            longest = UDP_PAYLOAD_MAX;
        } else if let Some(edns) = Edns::of(&extra) {
            longest = longest.max(usize::from(edns.payload).min(UDP_PAYLOAD_MAX));
        }
        rest = after;
    }
    longest
}

/// Walks over a record; returns where it ends.
fn record(message: &[u8], at: usize) -> usize {
    let fixed = name(message, at, Pointers::Allowed);
    let short = |at: usize| u16::from_be_bytes([message[at], message[at + 1]]);
    let rdata = fixed + 10;
    let end = rdata + usize::from(short(fixed + 8));
    // Only the types of RFC 1035 may be compressed (RFC 3597, section 4).
    let (first, names, pointers) = match Rtype(short(fixed)) {
        Rtype::NS | Rtype::CNAME | Rtype::PTR => (0, 1, Pointers::Allowed),
        Rtype::MX => (2, 1, Pointers::Allowed),
        Rtype::SOA => (0, 2, Pointers::Allowed),
        Rtype::DNAME => (0, 1, Pointers::Forbidden),
        Rtype::SRV => (6, 1, Pointers::Forbidden),
        Rtype::SVCB | Rtype::HTTPS => (2, 1, Pointers::Forbidden),
        _ => (0, 0, Pointers::Forbidden),
    };
    let mut inner = rdata + first;
    for _ in 0..names {
        inner = name(message, inner, pointers);
    }
    assert!(inner <= end, "the names of RDATA lie in it");
    end
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pointers {
    Allowed,
    Forbidden,
}

/// Walks over a name; returns where it ends. Each pointer must lead back, before the name it is part of (RFC 1035,
/// section 4.1.4: to a prior occurrence).
fn name(message: &[u8], start: usize, pointers: Pointers) -> usize {
    let (mut at, mut end, mut before) = (start, None, start);
    loop {
        let length = usize::from(message[at]);
        if length < 64 {
            at += length + 1;
            if length == 0 {
                return end.unwrap_or(at);
            }
        } else {
            assert!(length >= 0xc0, "label of an unknown kind at {at}");
            assert!(pointers == Pointers::Allowed, "a pointer at {at} where none may be");
            let to = (length & 0x3f) << 8 | usize::from(message[at + 1]);
            assert!((HEADER_BYTES..before).contains(&to), "the pointer at {at} leads to {to}");
            end = end.or(Some(at + 2));
            (at, before) = (to, to);
        }
    }
}
