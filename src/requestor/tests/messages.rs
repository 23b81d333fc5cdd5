//! Messages for tests: records, and responses to one question.

use crate::dns::Name;

/// A record whose owner is the name of the question.
pub(crate) fn record(rtype: u16, ttl: u32, rdata: &[u8]) -> Vec<u8> {
    let mut record = vec![0xc0, 12];
    record.extend_from_slice(&rtype.to_be_bytes());
    record.extend_from_slice(&[0, 1]);
    record.extend_from_slice(&ttl.to_be_bytes());
    record.extend_from_slice(&u16::try_from(rdata.len()).unwrap().to_be_bytes());
    record.extend_from_slice(rdata);
    record
}

/// An SOA record whose last field is `minimum`.
pub(crate) fn soa(ttl: u32, minimum: u32) -> Vec<u8> {
    let mut rdata = vec![0, 0];
    rdata.extend_from_slice(&[0; 16]);
    rdata.extend_from_slice(&minimum.to_be_bytes());
    record(6, ttl, &rdata)
}

/// A response to a question for `www.example.`, with records by section.
pub(crate) fn response(flags: u16, sections: [&[Vec<u8>]; 3]) -> Vec<u8> {
    let mut message = vec![0, 7];
    message.extend_from_slice(&(0x8180 | flags).to_be_bytes());
    message.extend_from_slice(&[0, 1]);
    for section in sections {
        message.extend_from_slice(&u16::try_from(section.len()).unwrap().to_be_bytes());
    }
    message.extend_from_slice("www.example.".parse::<Name>().unwrap().as_ref().wire());
    message.extend_from_slice(&[0, 1, 0, 1]);
    sections.concat().concat().iter().for_each(|byte| message.push(*byte));
    message
}

/// A record below another owner.
pub(crate) fn record_of(owner: &[u8], rtype: u16, ttl: u32, rdata: &[u8]) -> Vec<u8> {
    [owner, &record(rtype, ttl, rdata)[2..]].concat()
}
