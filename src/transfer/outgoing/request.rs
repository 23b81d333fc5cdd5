//! Reads transfer requests.

use crate::dns::edns::{Edns, OptWriter, extended_error, option};
use crate::dns::message::{Extra, HEADER_BYTES, Header, Question, Rcode, class};
use crate::dns::message_writer;
use crate::dns::{Name, Rtype};

/// A question for a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TransferRequest {
    pub(super) id: u16,
    /// Those of the response, without the response code and AA.
    pub(super) flags: u16,
    /// In wire form.
    pub(super) question: Vec<u8>,
    pub(super) zone: Name,
    pub(super) wanted: TransferKind,
    pub(super) has_opt: bool,
    /// It asks how long the zone holds (RFC 7314).
    pub(super) wants_expire: bool,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TransferKind {
    /// All records.
    Whole,
    /// What has changed since this serial.
    Since(u32),
}

/// Bytes of a response without records, besides the longest question.
const BARE_BYTES_MAX: usize = 1024;

impl TransferRequest {
    /// Reads a message; none: it is malformed.
    pub(super) fn read(message: &[u8]) -> Option<TransferRequest> {
        let header = Header::read(message)?;
        let (question, mut rest) = Question::read(message)?;
        let [questions, answers, authorities, additionals] = header.counts;
        if questions != 1 || question.qclass != class::IN {
            return None;
        }
        let (mut serial, mut opt) = (None, None);
        let before = u32::from(answers);
        let authority = before..before.saturating_add(u32::from(authorities));
        for number in 0..authority.end.saturating_add(u32::from(additionals)) {
            let (record, after) = Extra::read(rest)?;
            if record.rtype == Rtype::SOA && authority.contains(&number) {
                // Before the last four of five numbers; its names may be compressed.
                let numbers = record.rdata.last_chunk::<20>()?;
                serial = Some(u32::from_be_bytes(*numbers.first_chunk()?));
            }
            opt = opt.or(Edns::of(&record));
            rest = after;
        }
        let wanted = match question.qtype {
            Rtype::AXFR => TransferKind::Whole,
            // RFC 1995, section 3: the serial is in the authority section.
            Rtype::IXFR => TransferKind::Since(serial?),
            _ => return None,
        };
        Some(TransferRequest {
            id: header.id,
            // Opcode and RD come back as they were (RFC 1035, section 4.1.1).
            flags: Header::QR | header.flags & (0x7800 | Header::RD),
            question: question.wire.to_vec(),
            zone: question.qname.to_name(),
            wanted,
            has_opt: opt.is_some(),
            wants_expire: opt.is_some_and(|opt| opt.option(option::EXPIRE).is_some()),
        })
    }

    /// A response without records that says why there are none.
    pub(super) fn refusal(&self, rcode: Rcode, why: &str) -> Vec<u8> {
        message_writer::owned(BARE_BYTES_MAX, self.id, self.flags | rcode.0, |message| {
            message.put_question(&self.question);
            if self.has_opt {
                let mut opt = OptWriter::new(message, rcode, 0);
                let code =
                    if rcode == Rcode::REFUSED { extended_error::PROHIBITED } else { extended_error::OTHER };
                opt.extended_error(code, why);
                opt.finish();
            }
        })
    }
}

/// The response to what cannot be read; none where not even the header can.
pub(super) fn malformed(message: &[u8]) -> Option<Vec<u8>> {
    let header = Header::read(message)?;
    let flags = Header::QR | header.flags & (0x7800 | Header::RD) | Rcode::FORMERR.0;
    Some(message_writer::owned(HEADER_BYTES, header.id, flags, |_| {}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(qtype: u8, authorities: u8, behind: &[u8]) -> Vec<u8> {
        let mut query = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, authorities, 0, 0];
        query.extend_from_slice(b"\x04test\x00\x00");
        query.extend_from_slice(&[qtype, 0, 1]);
        query.extend_from_slice(behind);
        query
    }

    /// A SOA record with compressed names, and serial 258.
    const SOA: &[u8] =
        b"\xc0\x0c\0\x06\0\x01\0\0\0\x3c\0\x18\xc0\x0c\xc0\x0c\0\0\x01\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

    #[test]
    fn the_serial_of_an_ixfr_is_in_its_authority_section() {
        let request = TransferRequest::read(&query(251, 1, SOA)).unwrap();
        assert_eq!(
            (request.wanted, request.zone.to_string()),
            (TransferKind::Since(258), "test.".to_owned())
        );
        assert_eq!(TransferRequest::read(&query(252, 1, SOA)).unwrap().wanted, TransferKind::Whole);
        assert_eq!(TransferRequest::read(&query(251, 0, SOA)), None, "not in the authority section");
        assert_eq!(TransferRequest::read(&query(251, 1, &SOA[..30])), None, "cut off");
    }

    #[test]
    fn whether_expire_is_asked_for_is_in_the_opt_record() {
        let asked = |options: &[u8]| {
            let opt = [&b"\0\0\x29\x04\xd0\0\0\0\0\0"[..], &[u8::try_from(options.len()).unwrap()], options]
                .concat();
            let mut query = query(252, 0, &opt);
            query[11] = 1;
            let request = TransferRequest::read(&query).unwrap();
            (request.has_opt, request.wants_expire)
        };
        assert_eq!(asked(b""), (true, false));
        assert_eq!(asked(b"\0\x03\0\0"), (true, false));
        assert_eq!(asked(b"\0\x03\0\0\0\x09\0\0"), (true, true));
    }

    #[test]
    fn a_refusal_says_why_to_who_speaks_edns() {
        let mut asked = query(252, 0, b"\0\0\x29\x04\xd0\0\0\0\0\0\0");
        asked[11] = 1;
        let refusal = TransferRequest::read(&asked).unwrap().refusal(Rcode::REFUSED, "not you");
        let read = crate::dns::response::Response::read(&refusal).unwrap();
        assert_eq!(read.rcode, Rcode::REFUSED);
        assert_eq!(read.edns.and_then(|edns| edns.error), Some(extended_error::PROHIBITED));
        let plain = TransferRequest::read(&query(252, 0, b"")).unwrap().refusal(Rcode::REFUSED, "not you");
        assert_eq!(plain.len(), 12 + 10, "no OPT for who sent none");
    }
}
