//! Responses that are read, those that mean one thing to us and another to a client, and what they mean.

use super::messages::{record, record_of, response, soa};
use crate::requestor::{Meaning, Response};

/// Where the first record of a response to `www.example.` begins.
const FIRST: u8 = 29;

const OPT: [u8; 11] = [0, 0, 41, 4, 0xd0, 0, 0, 0x80, 0, 0, 0];

fn is_read(answers: &[Vec<u8>]) -> bool {
    Response::read(&response(0, [answers, &[], &[]])).is_some()
}

#[test]
fn a_name_is_read_wherever_it_stood_before() {
    let text = record(16, 60, b"\x03www");
    assert!(is_read(&[record_of(b"\x01a\xc0\x0c", 1, 60, &[0; 4])]), "in the question");
    assert!(is_read(&[text.clone(), record_of(&[0xc0, FIRST], 1, 60, &[0; 4])]), "at an owner");
    let alias = record(5, 60, b"\x01a\xc0\x10");
    assert!(is_read(&[alias, record_of(&[0xc0, FIRST + 12], 1, 60, &[0; 4])]), "in RDATA");
    let unknown = record(65_280, 60, b"\x01a\0");
    assert!(is_read(&[unknown, record_of(&[0xc0, FIRST + 12], 1, 60, &[0; 4])]), "in RDATA of any type");
}

#[test]
fn a_response_with_a_name_that_is_not_the_same_to_everybody_is_malformed() {
    let address = |owner: &[u8]| record_of(owner, 1, 60, &[10, 0, 0, 1]);
    let later = record_of(b"\x03www\x07example\0", 1, 60, &[0; 4]);
    assert!(!is_read(&[address(&[0xc0, FIRST + 16]), later]), "it stands behind");
    assert!(!is_read(&[address(&[0xc0, FIRST])]), "it has no end");
    assert!(!is_read(&[address(&[0xc0, 2])]), "it stands in the header");
    // The TTL holds a pointer, to the question now, and to somewhere else a second later.
    let pointer = record(16, 0xc00c, b"\x01x");
    assert!(!is_read(&[pointer, address(&[0xc0, FIRST + 8])]), "it stands in a TTL");
    assert!(!is_read(&[record(5, 0xc00c, &[0xc0, FIRST + 8])]), "it stands in the TTL before it");
    // It begins within the class: 1 is the length of a label then.
    let begins = record(16, 0x6100_0000, b"\x01x");
    assert!(!is_read(&[begins, address(&[0xc0, FIRST + 5])]), "it goes on in a TTL");
    assert!(!is_read(&[record(16, 60, b"\x01x"), address(&[0xc0, FIRST + 2])]), "it stands in a type");
    let long = [[b"\x3c".as_slice(), &[b'a'; 60]].concat().repeat(4), vec![0xc0, 12]].concat();
    assert!(!is_read(&[address(&long)]), "it is longer than 255 bytes");
}

#[test]
fn a_name_has_no_more_pointers_than_labels() {
    // The first leads to the question, each of the others to the one before.
    let chain = |pointers: u8| {
        let at = FIRST + 12;
        let places = (1..pointers).map(|number| at + 2 * (number - 1));
        let rdata: Vec<u8> = [12].into_iter().chain(places).flat_map(|place| [0xc0, place]).collect();
        let last = at + 2 * (pointers - 1);
        is_read(&[record(65_280, 60, &rdata), record_of(&[0xc0, last], 1, 60, &[0; 4])])
    };
    assert!(chain(100));
    // 127 pointers, of which the last stand beyond the first 256 bytes: in two parts.
    let long: Vec<u8> = (0..200_u16)
        .flat_map(|number| (0xc000 | (u16::from(FIRST) + 12 + 2 * number)).to_be_bytes())
        .collect();
    let rdata = [&[0xc0, 12][..], &long[..long.len() - 2]].concat();
    let owner = (0xc000 | (u16::from(FIRST) + 12 + 2 * 199)).to_be_bytes();
    assert!(!is_read(&[record(65_280, 60, &rdata), record_of(&owner, 1, 60, &[0; 4])]), "200 pointers");
}

#[test]
fn a_response_whose_rdata_is_not_that_of_its_type_is_malformed() {
    for (rtype, rdata) in [
        (1, &[0; 5][..]),
        (1, &[]),
        (28, &[0; 4]),
        (5, b"\x03abc"),
        (5, b"\x01a\0\0"),
        (15, b"\0"),
        (33, b"\0\0\0\0\0\0"),
        (39, b"\0\0"),
        (6, &[0; 21]),
        (41, b""),
        (250, b""),
    ] {
        assert!(!is_read(&[record(rtype, 60, rdata), record(1, 60, &[0; 4])]), "{rtype} {rdata:?}");
    }
    assert!(is_read(&[record(16, 60, b"\xffa"), record(65_280, 60, b"")]), "others may have any");
}

#[test]
fn upstreams_that_cannot_or_send_us_elsewhere_have_failed() {
    let meaning = |message: &[u8]| Response::read(message).unwrap().meaning();
    for rcode in [1, 2, 4, 5, 9] {
        assert_eq!(meaning(&response(rcode, [&[], &[], &[]])), Meaning::Failure, "{rcode}");
    }
    assert_eq!(meaning(&response(0, [&[], &[record(2, 60, &[0])], &[]])), Meaning::Failure, "a referral");
    assert_eq!(meaning(&response(0, [&[], &[record(2, 60, &[0]), soa(1, 1)], &[]])), Meaning::Nothing);
    assert_eq!(meaning(&response(3, [&[record(5, 60, &[0])], &[], &[]])), Meaning::Nothing);
    let mut opt = OPT.to_vec();
    opt[5] = 1;
    assert_eq!(meaning(&response(0, [&[], &[], &[opt]])), Meaning::Failure, "BADVERS");
}
