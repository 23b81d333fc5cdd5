//! Responses that are one thing to us and another to a client: they are none.

use std::time::Duration;

use super::super::asked::{Asked, Wanted};
use super::super::chance::Chance;
use super::super::query::{Case, Fit, Form, Heard, Query};
use super::super::rehearsal::{Client, Rehearsal, Way};
use super::super::response::Response;
use super::super::settings::{ForwardZone, Rebinding, Settings, Upstreams};
use super::messages::{query, record, response, soa};
use crate::answer::{Peer, Transport};
use crate::dns::{Name, Rtype};

use hickory_proto::op::{Message, ResponseCode};

/// Where the first record of a response to `www.example.` begins.
const FIRST: u8 = 29;

const PEER: Peer =
    Peer { address: std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), transport: Transport::Udp };

/// A record below another owner.
fn record_of(owner: &[u8], rtype: u16, ttl: u32, rdata: &[u8]) -> Vec<u8> {
    [owner, &record(rtype, ttl, rdata)[2..]].concat()
}

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
fn bytes_that_are_not_counted_are_no_opt_record() {
    let mut query = query("www.example.", 1, Some((0, &[])));
    assert!(Asked::read(&query).unwrap().edns.is_some());
    query[11] = 0;
    assert!(Asked::read(&query).unwrap().edns.is_none());
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
fn what_is_cut_off_or_has_another_number_of_questions_is_not_taken_over_a_connection_either() {
    let qname: Name = "www.example.".parse().unwrap();
    let wanted = Wanted::plain(qname.as_ref(), Rtype::A);
    let query = Query::new(&wanted, Form::Plain, Case::Lower, &Chance::new());
    let mut message = response(0, [&[record(1, 60, &[0; 4])], &[], &[]]);
    message[..2].copy_from_slice(&query.bytes[..2]);
    assert_eq!((query.take(&message), query.hear(&message)), (Some(Fit::Exact), Heard::Response));
    for (at, bits, heard) in
        [(2, 2, Heard::Truncated), (4, 1, Heard::Stranger), (5, 1, Heard::Stranger), (5, 3, Heard::Stranger)]
    {
        let mut other = message.clone();
        other[at] ^= bits;
        assert_eq!((query.take(&other), query.hear(&other)), (None, heard), "{bits} at {at}");
    }
}

/// What a client gets whose alias in our zone leads to `some.where.test.`.
fn behind_alias(code: u16, sections: [&[Vec<u8>]; 3]) -> Message {
    let begun = response(0, [&[record(5, 60, b"\x04some\x05where\x04test\0")], &[], &[]]);
    let query = query("www.example.", 1, None);
    let client = Client { peer: PEER, query: &query, begun: Some(&begun) };
    let zone = ForwardZone {
        rebinding: Rebinding::Refused,
        ..ForwardZone::new(Name::root(), Upstreams::Listed(Vec::new()))
    };
    let settings = Settings { zones: vec![zone], ..Settings::default() };
    let rehearsal = Rehearsal::new(settings, client, [0; 16]).unwrap();
    let mut message = rehearsal.query()[..12 + 17 + 4].to_vec();
    message[2..12].copy_from_slice(&response(code, sections)[2..12]);
    sections.concat().iter().for_each(|record| message.extend_from_slice(record));
    let mut out = [0; 1232];
    let length = rehearsal.take(&message, Way::Datagram, client, &mut out).expect("a response");
    let again = rehearsal.again(Duration::ZERO, client, &mut [0; 1232]);
    assert_eq!(again, Some(length), "it is kept");
    Message::from_vec(&out[..length]).unwrap()
}

#[test]
fn what_stands_behind_an_alias_of_ours_has_its_own_names_whatever_the_code() {
    for (code, rcode) in
        [(0, ResponseCode::NoError), (3, ResponseCode::NXDomain), (6, ResponseCode::YXDomain)]
    {
        let response = behind_alias(code, [&[record_of(b"\xc0\x11", 5, 60, b"\0")], &[soa(60, 60)], &[]]);
        assert_eq!(response.metadata.response_code, rcode);
        let owners: Vec<String> = response.answers.iter().map(|record| record.name.to_string()).collect();
        assert_eq!(owners, ["www.example.", "where.test."], "{rcode}");
    }
}

#[test]
fn private_addresses_are_refused_wherever_clients_look_for_them() {
    let refused =
        |records: [&[Vec<u8>]; 3]| behind_alias(0, records).metadata.response_code == ResponseCode::Refused;
    let private = record(1, 60, &[10, 0, 0, 1]);
    let public = record(1, 60, &[198, 51, 100, 7]);
    let hint = |address: u8| record(65, 60, &[0, 1, 0, 0, 4, 0, 8, 198, 51, 100, 7, address, 0, 0, 1]);
    assert!(refused([&[public.clone(), private.clone()], &[], &[]]));
    assert!(refused([std::slice::from_ref(&public), &[], &[private]]));
    assert!(refused([&[hint(10)], &[], &[]]));
    assert!(!refused([&[hint(11)], &[], &[]]));
    let private_v6 = |address: &str| {
        let address: std::net::Ipv6Addr = address.parse().unwrap();
        refused([&[record(28, 60, &address.octets())], &[], &[]])
    };
    for address in ["fd00::1", "::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::1"] {
        assert!(private_v6(address), "{address}");
    }
    for address in ["2001:db8::1", "64:ff9b::198.51.100.7", "2002:c633:6407::1"] {
        assert!(!private_v6(address), "{address}");
    }
    let hint_v6 = [&[0, 1, 1, b'a', 0, 0, 1, 0, 3, 2, b'h', b'2', 0, 6, 0, 16, 0xfd][..], &[0; 15]].concat();
    assert!(refused([&[public, record(65, 60, &hint_v6)], &[], &[]]));
}
