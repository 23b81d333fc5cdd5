//! Makes messages of an upstream from the bytes of an input: messages that get far, with our id and question
//! and with records that mean something.

use edgedns::dns::message::HEADER_BYTES;

use super::upstream_response::question;

/// A response to `query`, or anything at all. The lowest bits of `how`: 0, the input is the message; 1, it lacks id
/// and question; else, four bytes make a record each.
pub(super) fn of(how: u8, query: &[u8], given: &[u8]) -> Vec<u8> {
    match how & 3 {
        0 => given.to_vec(),
        1 => fitted(query, given),
        _ => built(query, given),
    }
}

/// A response to our query with a header and records that are given.
fn fitted(query: &[u8], given: &[u8]) -> Vec<u8> {
    let (header, records) = given.split_at(given.len().min(HEADER_BYTES - 2));
    [&query[..2], header, question(query), records].concat()
}

/// A response to our query: a byte for the response code, then instructions.
fn built(query: &[u8], given: &[u8]) -> Vec<u8> {
    let (&code, given) = given.split_first().unwrap_or((&0, given));
    let mut sections: [Vec<u8>; 3] = Default::default();
    let mut counts = [0_u16; 3];
    for &instruction in given.as_chunks::<4>().0 {
        let section = usize::from(instruction[0] >> 6) % 3;
        counts[section] += 1;
        sections[section].extend(record(instruction));
    }
    let mut message = [&query[..2], &[0x81, 0x80 | code & 0x0f, 0, 1]].concat();
    counts.iter().for_each(|count| message.extend_from_slice(&count.to_be_bytes()));
    message.extend_from_slice(question(query));
    sections.iter().for_each(|section| message.extend_from_slice(section));
    message
}

/// The record that four bytes make: section and owner, type, TTL, RDATA.
fn record([owner, rtype, ttl, rdata]: [u8; 4]) -> Vec<u8> {
    const OWNERS: [&[u8]; 8] = [
        b"\xc0\x0c",
        b"\0",
        b"\x04host\x07trusted\x04test\0",
        b"\x03www\x07example\0",
        b"\x01a\xc0\x0c",
        b"\xc0\x30",
        b"\xc0\x50",
        b"\xc1\x20",
    ];
    const RDATA: [(u8, &[u8]); 14] = [
        (1, &[198, 51, 100, 7]),
        (1, &[10, 1, 2, 3]),
        (28, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        (28, &[0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        (5, b"\xc0\x0c"),
        (5, b"\x04host\x07trusted\x04test\0"),
        (2, b"\x02ns\xc0\x0c"),
        (6, b"\xc0\x0c\0\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x1e"),
        (15, b"\0\x05\xc0\x0c"),
        (33, b"\0\0\0\0\0\x50\xc0\x0c"),
        (39, b"\xc0\x0c"),
        (65, b"\0\x01\0\0\x04\0\x04\x0a\0\0\x01"),
        (16, b"\x03abc"),
        (41, b""),
    ];
    const TTLS: [u32; 8] = [0, 1, 60, 300, 86_400, 0x7fff_ffff, 0x8000_0000, u32::MAX];
    let (usual, data) = RDATA[usize::from(rdata) % RDATA.len()];
    // 0 stands for the type that the RDATA is of.
    let rtype = if rtype == 0 { usual } else { rtype };
    let mut record = OWNERS[usize::from(owner) % OWNERS.len()].to_vec();
    record.extend_from_slice(&[0, rtype, 0, 1]);
    record.extend_from_slice(&TTLS[usize::from(ttl) % TTLS.len()].to_be_bytes());
    record.extend_from_slice(&u16::try_from(data.len()).expect("short").to_be_bytes());
    record.extend_from_slice(data);
    record
}
