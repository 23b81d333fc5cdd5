//! The response to an UPDATE message (RFC 2136, section 3.8).

use super::rejection::Rejection;
use crate::dns::edns::{OPT_BYTES, OptWriter};
use crate::dns::message::{Header, Question, Rcode};
use crate::dns::message_writer::owned;
use crate::dns::truncation::find_opt;

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
        if find_opt(request).is_none() || message.room() < OPT_BYTES {
            return;
        }
        let mut opt = OptWriter::new(message, rcode, 0);
        if let Some((code, text)) = rejection.and_then(|rejection| rejection.reason.extended_error()) {
            opt.extended_error(code, text);
        }
        opt.finish();
    }))
}
