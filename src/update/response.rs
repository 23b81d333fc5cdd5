//! The response to an UPDATE message (RFC 2136, section 3.8).

use super::rejection::Rejection;
use crate::dns::edns::{Edns, OPT_BYTES, OptWriter};
use crate::dns::message::{Extra, HEADER_BYTES, Header, Question, Rcode};
use crate::dns::message_writer::owned;

/// Longest response in bytes, and what a client without EDNS takes: header, zone section, OPT with a line of text.
pub const RESPONSE_BYTES_MAX: usize = 512;

/// The response to `request`, which need not be readable but for its header; `rejection` says why it was not made.
/// None: there is not even a header.
pub fn respond(request: &[u8], rejection: Option<&Rejection>) -> Option<Vec<u8>> {
    let header = Header::read(request)?;
    let rcode = rejection.map_or(Rcode::NOERROR, Rejection::rcode);
    // All bits between opcode and RCODE are zero (section 2.2).
    let flags = Header::QR | header.flags & 0x7800 | rcode.0 & 0x000f;
    let zone = Question::read(request).map(|(zone, _)| zone).filter(|_| header.counts.first() == Some(&1));
    Some(owned(RESPONSE_BYTES_MAX, header.id, flags, |message| {
        if let Some(zone) = zone {
            message.put_question(zone.wire);
        }
        if !speaks_edns(request) || message.room() < OPT_BYTES {
            return;
        }
        let mut opt = OptWriter::new(message, rcode, 0);
        if let Some((code, text)) = rejection.and_then(|rejection| rejection.reason.extended_error()) {
            opt.extended_error(code, text);
        }
        opt.finish();
    }))
}

/// Whether some record of a message is an OPT record at the root.
fn speaks_edns(request: &[u8]) -> bool {
    let Some(header) = Header::read(request) else { return false };
    let mut rest = match Question::read(request) {
        Some((_, rest)) => rest,
        None => request.get(HEADER_BYTES..).unwrap_or_default(),
    };
    let records: usize = header.counts.iter().skip(1).map(|count| usize::from(*count)).sum();
    for _ in 0..records {
        let Some((extra, behind)) = Extra::read(rest) else { return false };
        if Edns::of(&extra).is_some() {
            return true;
        }
        rest = behind;
    }
    false
}
