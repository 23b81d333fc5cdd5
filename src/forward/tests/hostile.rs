//! Responses that are one thing to us and another to a client: they are none.

use std::time::Duration;

use super::super::client_query::ClientQuery;
use super::super::rehearsal::{Client, Rehearsal, Way};
use super::super::settings::{ForwardZone, Rebinding, Settings, Upstreams};
use super::messages::query;
use crate::answer::{Peer, Transport};
use crate::dns::Name;
use crate::requestor::tests::messages::{record, record_of, response, soa};

use hickory_proto::op::{Message, ResponseCode};

const PEER: Peer =
    Peer { address: std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), transport: Transport::Udp };

#[test]
fn bytes_that_are_not_counted_are_no_opt_record() {
    let mut query = query("www.example.", 1, Some((0, &[])));
    assert!(ClientQuery::read(PEER, &query).unwrap().edns.is_some());
    query[11] = 0;
    assert!(ClientQuery::read(PEER, &query).unwrap().edns.is_none());
}

/// What a client gets whose alias in our zone leads to `some.where.test.`.
fn behind_alias(code: u16, sections: [&[Vec<u8>]; 3]) -> Message {
    let partial = response(0, [&[record(5, 60, b"\x04some\x05where\x04test\0")], &[], &[]]);
    let query = query("www.example.", 1, None);
    let client = Client { peer: PEER, query: &query, partial: Some(&partial) };
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
