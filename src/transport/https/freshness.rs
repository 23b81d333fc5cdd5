//! How long HTTP may keep a response (RFC 8484, section 5.1).

use crate::dns::Rtype;
use crate::dns::edns::Edns;
use crate::dns::message::{Extra, Header, Question, Rcode};

/// How many seconds a response is fresh: the lowest TTL of its answers, and of the SOA record that a negative answer
/// has, which is kept for no longer than its MINIMUM (RFC 2308, section 5). None of an error, or of what says nothing
/// of how long it holds.
pub(super) fn seconds_fresh(response: &[u8]) -> u32 {
    read(response).unwrap_or(0)
}

fn read(response: &[u8]) -> Option<u32> {
    let header = Header::read(response)?;
    let (_, mut rest) = Question::read(response)?;
    let [_, answers, authorities, additionals] = header.counts.map(u32::from);
    let with_authorities = answers.saturating_add(authorities);
    let mut lowest: Option<u32> = None;
    let mut rcode = Rcode(header.flags & 0x000f);
    for place in 0..with_authorities.saturating_add(additionals) {
        let (record, after) = Extra::read(rest)?;
        rest = after;
        let ttl = if place < answers {
            seconds(record.ttl)
        } else if place < with_authorities && record.rtype == Rtype::SOA {
            let minimum = record.rdata.last_chunk().copied().map_or(0, u32::from_be_bytes);
            seconds(record.ttl).min(seconds(minimum))
        } else {
            if let Some(edns) = Edns::of(&record) {
                rcode = edns.rcode(&header);
            }
            continue;
        };
        lowest = Some(lowest.map_or(ttl, |lowest| lowest.min(ttl)));
    }
    let holds = matches!(rcode, Rcode::NOERROR | Rcode::NXDOMAIN) && header.flags & Header::TC == 0;
    lowest.filter(|_| holds)
}

/// A TTL whose highest bit is set is 0 (RFC 2181, section 8).
fn seconds(ttl: u32) -> u32 {
    i32::try_from(ttl).map_or(0, |_| ttl)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Name;
    use crate::dns::edns::OptWriter;
    use crate::dns::message::{Section, class};
    use crate::dns::message_writer::{RecordHead, owned};

    /// A response with these records, by section and TTL; an SOA's MINIMUM is 60.
    fn response(flags: u16, records: &[(Section, Rtype, u32)], rcode: Rcode) -> Vec<u8> {
        let qname: Name = "www.example.".parse().unwrap();
        owned(512, 0, Header::QR | flags | rcode.0 & 0xf, |message| {
            message.question(qname.as_ref(), Rtype::A, class::IN);
            for &(section, rtype, ttl) in records {
                let head = RecordHead { rtype, class: class::IN, ttl };
                let rdata = [&[0; 18][..], &60_u32.to_be_bytes()].concat();
                message.record(section, &[0xc0, 12], &head, &[&rdata]);
            }
            OptWriter::new(message, rcode, 0).finish();
        })
    }

    const ANSWER: fn(u32) -> (Section, Rtype, u32) = |ttl| (Section::Answer, Rtype::A, ttl);
    const SOA: fn(u32) -> (Section, Rtype, u32) = |ttl| (Section::Authority, Rtype::SOA, ttl);

    #[test]
    fn the_lowest_of_the_answers_counts_and_what_is_only_added_does_not() {
        let records = [
            ANSWER(300),
            ANSWER(20),
            ANSWER(90),
            (Section::Authority, Rtype::NS, 1),
            (Section::Additional, Rtype::A, 2),
        ];
        assert_eq!(seconds_fresh(&response(0, &records, Rcode::NOERROR)), 20);
        assert_eq!(seconds_fresh(&response(0, &[ANSWER(1 << 31)], Rcode::NOERROR)), 0);
        assert_eq!(seconds_fresh(&response(0, &[(Section::Authority, Rtype::NS, 9)], Rcode::NOERROR)), 0);
    }

    #[test]
    fn a_negative_answer_is_fresh_as_long_as_its_soa_says() {
        assert_eq!(seconds_fresh(&response(0, &[SOA(3600)], Rcode::NXDOMAIN)), 60);
        assert_eq!(seconds_fresh(&response(0, &[SOA(5)], Rcode::NOERROR)), 5);
        // An alias that leads to nothing.
        assert_eq!(seconds_fresh(&response(0, &[ANSWER(30), SOA(3600)], Rcode::NXDOMAIN)), 30);
    }

    #[test]
    fn an_error_and_what_is_cut_or_broken_are_never_fresh() {
        let (answer, none) = ([ANSWER(300)], &[][..]);
        for rcode in [Rcode::SERVFAIL, Rcode::REFUSED, Rcode::FORMERR, Rcode::BADVERS] {
            assert_eq!(seconds_fresh(&response(0, &answer, rcode)), 0, "{rcode}");
        }
        assert_eq!(seconds_fresh(&response(Header::TC, &answer, Rcode::NOERROR)), 0);
        assert_eq!(seconds_fresh(&response(0, none, Rcode::NOERROR)), 0);
        let whole = response(0, &answer, Rcode::NOERROR);
        assert_eq!(seconds_fresh(&whole), 300);
        (0..whole.len()).for_each(|length| assert_eq!(seconds_fresh(&whole[..length]), 0, "{length} bytes"));
    }
}
