//! One message of a transfer: header, question, and the records of its answer section, names in full.
//!
//! Checks that a message answers the query, and that each record is in the zone. `receiver` puts the records together.

use super::fault::TransferFault;
use crate::dns::compression::{Decompressed, rdata_in_full};
use crate::dns::edns::Edns;
use crate::dns::message::{Extra, HEADER_BYTES, Header, Opcode, Question, Rcode, class};
use crate::dns::{NameRef, Rtype, Ttl, rdata};
use crate::zone::Record;

/// A record as it was sent, names in full.
pub(super) struct ReceivedRecord<'m> {
    pub(super) owner: NameRef<'m>,
    pub(super) rtype: Rtype,
    pub(super) ttl: Ttl,
    pub(super) rdata: &'m [u8],
}

impl ReceivedRecord<'_> {
    /// The record, to be kept.
    pub(super) fn to_record(&self) -> Record {
        let ReceivedRecord { owner, rtype, ttl, rdata } = *self;
        Record { owner: owner.to_name(), rtype, ttl, rdata: rdata.into() }
    }
}

/// What was asked.
pub(super) struct ExpectedResponse<'q> {
    pub(super) id: u16,
    pub(super) apex: NameRef<'q>,
    pub(super) qtype: Rtype,
}

/// Which message of a transfer one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MessagePlace {
    /// The first, which repeats the question.
    First,
    /// A later one, which may leave it out (RFC 5936, section 2.2).
    Later,
}

/// A message that is a response to what was asked.
pub(super) struct TransferMessage<'m> {
    message: &'m [u8],
    /// Where the answer section begins.
    at: usize,
    answers: u16,
    flags: u16,
}

impl<'m> TransferMessage<'m> {
    /// Reads header and question.
    pub(super) fn read(
        message: &'m [u8],
        asked: &ExpectedResponse<'_>,
        place: MessagePlace,
    ) -> Result<TransferMessage<'m>, TransferFault> {
        let header = Header::read(message).ok_or(TransferFault::Malformed)?;
        if !header.is_response() || header.opcode() != Opcode::QUERY || header.id != asked.id {
            return Err(TransferFault::Mismatched);
        }
        let [questions, answers, ..] = header.counts;
        let at = match (questions, place) {
            (0, MessagePlace::Later) => HEADER_BYTES,
            (1, _) => {
                let (question, rest) = Question::read(message).ok_or(TransferFault::Malformed)?;
                let is_asked = question.qname == asked.apex
                    && question.qtype == asked.qtype
                    && question.qclass == class::IN;
                if !is_asked {
                    return Err(TransferFault::Mismatched);
                }
                message.len().checked_sub(rest.len()).ok_or(TransferFault::Malformed)?
            }
            // Some servers repeat nothing when they refuse.
            (0, MessagePlace::First) if header.flags & 0x000f != 0 => HEADER_BYTES,
            _ => return Err(TransferFault::Mismatched),
        };
        let rcode = Rcode(header.flags & 0x000f);
        if rcode != Rcode::NOERROR {
            return Err(TransferFault::Rcode(rcode));
        }
        if header.flags & Header::TC != 0 {
            return Err(TransferFault::Truncated);
        }
        Ok(TransferMessage { message, at, answers, flags: header.flags })
    }

    /// Whether it comes from a server that has the zone.
    pub(super) fn is_authoritative(&self) -> bool {
        self.flags & Header::AA != 0
    }

    /// Hands every record of the answer section to `take`, from first to last.
    pub(super) fn each(
        &self,
        apex: NameRef<'_>,
        mut take: impl FnMut(&ReceivedRecord<'_>) -> Result<(), TransferFault>,
    ) -> Result<(), TransferFault> {
        let (mut owner, mut data) = (Decompressed::new(), Vec::new());
        let mut at = self.at;
        for _ in 0..self.answers {
            at = owner.read(self.message, at).ok_or(TransferFault::Malformed)?;
            let name = owner.name().ok_or(TransferFault::Malformed)?;
            let (head, end) = AnswerHead::read(self.message, at).ok_or(TransferFault::Malformed)?;
            data.clear();
            let full = rdata_in_full(head.rtype, self.message, head.rdata_at, end, &mut data);
            full.ok_or(TransferFault::Malformed)?;
            at = end;
            if !name.is_at_or_below(apex) {
                return Err(TransferFault::OutOfZone(name.to_name()));
            }
            if head.class != class::IN {
                return Err(TransferFault::Class(name.to_name()));
            }
            if head.rtype.is_meta() {
                return Err(TransferFault::Meta(name.to_name(), head.rtype));
            }
            if head.rtype != Rtype::LUA && !rdata::is_sound(head.rtype, &data) {
                return Err(TransferFault::Rdata(name.to_name(), head.rtype));
            }
            // RFC 2181, section 8: a TTL whose highest bit is set counts as 0.
            let ttl = Ttl::from_seconds(head.ttl).unwrap_or_default();
            take(&ReceivedRecord { owner: name, rtype: head.rtype, ttl, rdata: &data })?;
        }
        Ok(())
    }
}

/// The OPT record of a message, wherever its OPT record is; none where there is none.
pub(super) fn edns_of(message: &[u8]) -> Option<Edns<'_>> {
    let header = Header::read(message)?;
    let mut rest = match header.counts[0] {
        0 => message.get(HEADER_BYTES..)?,
        _ => Question::read(message)?.1,
    };
    let records = header.counts.iter().skip(1).map(|count| u32::from(*count)).sum::<u32>();
    for _ in 0..records {
        let (extra, after) = Extra::read(rest)?;
        if let Some(edns) = Edns::of(&extra) {
            return Some(edns);
        }
        rest = after;
    }
    None
}

/// What stands between a record's owner and its RDATA.
struct AnswerHead {
    rtype: Rtype,
    class: u16,
    ttl: u32,
    rdata_at: usize,
}

impl AnswerHead {
    /// The head at a place, and where the record ends.
    fn read(message: &[u8], at: usize) -> Option<(AnswerHead, usize)> {
        let (&[t, u, c, d, e, f, g, h, l, m], _) = message.get(at..)?.split_first_chunk::<10>()?;
        let rdata_at = at.checked_add(10)?;
        let end = rdata_at.checked_add(usize::from(u16::from_be_bytes([l, m])))?;
        message.get(rdata_at..end)?;
        let [rtype, class] = [[t, u], [c, d]].map(u16::from_be_bytes);
        Some((
            AnswerHead { rtype: Rtype(rtype), class, ttl: u32::from_be_bytes([e, f, g, h]), rdata_at },
            end,
        ))
    }
}
