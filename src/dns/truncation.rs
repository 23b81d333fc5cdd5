//! Messages that are too long for their way: found out from the OPT record, and cut to question and OPT.
//!
//! For messages that are written already. Whoever still writes one asks the message writer for the limit.

use std::ops::Range;

use super::compression::Decompressed;
use super::edns::Edns;
use super::message::{Extra, HEADER_BYTES, Header};

/// The OPT record of a message, and where it is. None when there is none, or what is before it is not well formed.
pub fn find_opt(message: &[u8]) -> Option<(Range<usize>, Edns<'_>)> {
    let header = Header::read(message)?;
    let mut at = questions_end(message, &header)?;
    let [_, records @ ..] = header.counts.map(u32::from);
    for _ in 0..records.into_iter().fold(0, u32::saturating_add) {
        let (record, rest) = Extra::read(message.get(at..)?)?;
        let end = message.len().checked_sub(rest.len())?;
        if let Some(edns) = Edns::of(&record) {
            return Some((at..end, edns));
        }
        at = end;
    }
    None
}

/// Where the questions of a message end.
fn questions_end(message: &[u8], header: &Header) -> Option<usize> {
    let mut name = Decompressed::new();
    (0..header.counts[0]).try_fold(HEADER_BYTES, |at, _| name.read(message, at)?.checked_add(4))
}

/// Makes of a response one that says so with TC: its question and its OPT record, no other, and NOERROR (RFC 8945, section
/// 5.3). What is not well formed stays as it is.
pub fn truncate(response: &mut Vec<u8>) {
    let Some(mut header) = Header::read(response) else { return };
    let Some(end) = questions_end(response, &header).filter(|end| *end <= response.len()) else { return };
    let opt = find_opt(response).and_then(|(range, _)| response.get(range)).map(<[u8]>::to_vec);
    header.flags = header.flags & 0xfff0 | Header::TC;
    header.counts = [header.counts[0], 0, 0, u16::from(opt.is_some())];
    response.truncate(end);
    response.extend_from_slice(&opt.unwrap_or_default());
    if let Some(place) = response.first_chunk_mut::<HEADER_BYTES>() {
        header.write(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::edns::OptWriter;
    use crate::dns::message::{Rcode, Section, class};
    use crate::dns::message_writer::{RecordHead, owned};
    use crate::dns::{Name, Rtype};

    /// What is in a response.
    #[derive(Clone, Copy, PartialEq)]
    enum Record {
        Address,
        Opt,
    }

    /// A response with these records.
    fn response(records: &[Record], flags: u16) -> Vec<u8> {
        let qname: Name = "www.example.".parse().unwrap();
        owned(512, 7, Header::QR | flags, |message| {
            message.question(qname.as_ref(), Rtype::A, class::IN);
            if records.contains(&Record::Address) {
                let head = RecordHead { rtype: Rtype::A, class: class::IN, ttl: 60 };
                message.record(Section::Answer, &[0xc0, 12], &head, &[&[192, 0, 2, 1]]);
            }
            if records.contains(&Record::Opt) {
                OptWriter::new(message, Rcode::NOERROR, 0).finish();
            }
        })
    }

    #[test]
    fn question_and_opt_are_left() {
        for left in [&[][..], &[Record::Opt]] {
            let mut cut = response(&[&[Record::Address], left].concat(), Rcode::NXDOMAIN.0);
            truncate(&mut cut);
            assert_eq!(cut, response(left, Header::TC));
        }
    }

    #[test]
    fn the_opt_record_is_found_wherever_it_stands() {
        let with = response(&[Record::Address, Record::Opt], 0);
        let (range, edns) = find_opt(&with).unwrap();
        assert_eq!((range, edns.payload), (with.len() - 11..with.len(), 1232));
        assert!(find_opt(&response(&[Record::Address], 0)).is_none());
    }

    #[test]
    fn what_is_cut_short_is_left_alone() {
        let whole = response(&[Record::Address, Record::Opt], 0);
        for length in 0..whole.len() {
            let mut cut = whole[..length].to_vec();
            assert!(find_opt(&cut).is_none());
            truncate(&mut cut);
        }
    }
}
