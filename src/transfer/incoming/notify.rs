//! NOTIFY: a primary says that a zone has changed (RFC 1996).
//!
//! Reads the message and writes the response. `zones` decides who may send one.

use super::message::edns_of;
use crate::dns::compression::{Decompressed, rdata_in_full};
use crate::dns::edns::{OPT_BYTES, OptWriter};
use crate::dns::message::{HEADER_BYTES, Header, MESSAGE_BYTES_MAX, Opcode, Question, Rcode, class};
use crate::dns::message_writer;
use crate::dns::{NameRef, Rtype};
use crate::transfer::soa::Soa;

/// A NOTIFY message.
#[derive(Clone, Copy, Debug)]
pub struct Notify<'m> {
    header: Header,
    question: Question<'m>,
    has_edns: bool,
    serial: Option<u32>,
}

impl<'m> Notify<'m> {
    /// Reads a message. None where it is no NOTIFY that can be answered.
    pub fn read(message: &'m [u8]) -> Option<Notify<'m>> {
        let header = Header::read(message)?;
        if header.is_response() || header.opcode() != Opcode::NOTIFY || header.counts[0] != 1 {
            return None;
        }
        let (question, _) = Question::read(message)?;
        let serial = told_serial(message, &header, &question);
        Some(Notify { header, question, has_edns: edns_of(message).is_some(), serial })
    }

    /// The zone that has changed; none where it tells of something else than the SOA record of one.
    pub fn apex(&self) -> Option<NameRef<'m>> {
        let Question { qname, qtype, qclass, .. } = self.question;
        (qtype == Rtype::SOA && qclass == class::IN).then_some(qname)
    }

    /// The serial that it tells of. It may be forged: it only says whether to ask.
    pub fn serial(&self) -> Option<u32> {
        self.serial
    }

    /// The response.
    pub fn respond(&self, rcode: Rcode) -> Vec<u8> {
        let bytes_max = HEADER_BYTES.saturating_add(self.question.wire.len()).saturating_add(OPT_BYTES);
        // Twelve bits of which the first eight are in an OPT record; those that are used here have four.
        // Who refuses has no authority to claim.
        let authority = if rcode == Rcode::NOERROR { Header::AA } else { 0 };
        let flags = Header::QR | authority | (self.header.flags & 0x7800) | (rcode.0 & 0x000f);
        message_writer::owned(bytes_max.min(MESSAGE_BYTES_MAX), self.header.id, flags, |message| {
            message.put_question(self.question.wire);
            if self.has_edns {
                OptWriter::new(message, rcode, 0).finish();
            }
        })
    }
}

/// The serial of the first record of the answer section, if that is the SOA record of the zone.
fn told_serial(message: &[u8], header: &Header, question: &Question<'_>) -> Option<u32> {
    if header.counts[1] == 0 {
        return None;
    }
    let mut owner = Decompressed::new();
    let at = owner.read(message, HEADER_BYTES.checked_add(question.wire.len())?)?;
    let (&[t, u, _, _, _, _, _, _, l, m], _) = message.get(at..)?.split_first_chunk::<10>()?;
    if Rtype(u16::from_be_bytes([t, u])) != Rtype::SOA || owner.name()? != question.qname {
        return None;
    }
    let from = at.checked_add(10)?;
    let mut rdata = Vec::new();
    let end = from.checked_add(usize::from(u16::from_be_bytes([l, m])))?;
    rdata_in_full(Rtype::SOA, message, from, end, &mut rdata)?;
    Some(Soa::read(&rdata)?.serial)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may stop at an overflow")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dns::Name;
    use crate::dns::message::Section;
    use crate::dns::message_writer::RecordHead;

    /// A NOTIFY as BIND sends it: with the SOA record, and with EDNS.
    fn message(flags: u16, qtype: Rtype, serial: Option<u32>) -> Vec<u8> {
        let apex: Name = "lab.example.".parse().unwrap();
        message_writer::owned(512, 7, flags, |message| {
            message.question(apex.as_ref(), qtype, class::IN);
            if let Some(serial) = serial {
                let head = RecordHead { rtype: Rtype::SOA, class: class::IN, ttl: 0 };
                let rdata = [&[0, 0][..], &serial.to_be_bytes(), &[0; 16]];
                message.record(Section::Answer, &[0xc0, 12], &head, &rdata);
            }
            OptWriter::new(message, Rcode::NOERROR, 0).finish();
        })
    }

    #[test]
    fn a_notify_names_its_zone_and_the_serial_if_it_has_one() {
        let with = message(0x2400, Rtype::SOA, Some(9));
        let notify = Notify::read(&with).unwrap();
        assert_eq!(notify.apex().unwrap().to_string(), "lab.example.");
        assert_eq!(notify.serial(), Some(9));
        let without = message(0x2400, Rtype::SOA, None);
        assert_eq!(Notify::read(&without).unwrap().serial(), None);
        let other = message(0x2400, Rtype::A, Some(9));
        assert!(Notify::read(&other).unwrap().apex().is_none());
        for flags in [0, 0xa400, 0x2800] {
            assert!(Notify::read(&message(flags, Rtype::SOA, None)).is_none(), "{flags:04x}");
        }
    }

    #[test]
    fn the_response_repeats_the_question_and_speaks_edns_where_the_request_did() {
        let request = message(0x2400, Rtype::SOA, Some(9));
        let response = Notify::read(&request).unwrap().respond(Rcode::REFUSED);
        let header = Header::read(&response).unwrap();
        assert_eq!((header.id, header.flags, header.counts), (7, 0xa005, [1, 0, 0, 1]));
        let heard = Notify::read(&request).unwrap().respond(Rcode::NOERROR);
        assert_eq!(Header::read(&heard).unwrap().flags, 0xa400);
        let (question, _) = Question::read(&response).unwrap();
        assert_eq!((question.qname.to_string().as_str(), question.qtype), ("lab.example.", Rtype::SOA));
    }

    proptest! {
        #[test]
        fn no_bytes_end_the_program(
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = message(0x2400, Rtype::SOA, Some(9));
            for (place, byte) in damage {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            bytes.truncate(cut.index(bytes.len() + 1));
            if let Some(notify) = Notify::read(&bytes) {
                prop_assert!(Header::read(&notify.respond(Rcode::NOERROR)).is_some());
            }
        }
    }
}
