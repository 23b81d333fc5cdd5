//! RRsets of up to a whole message, beside each other at one name.

use super::super::compile::{Linking, compile_into};
use super::*;
use crate::dns::Rtype;
use crate::source::Severity;
use crate::zone::NodeKind;

/// A zone whose name `m` has, besides records of other types, MX records for hosts with so many addresses
/// each, and a TXT record of so many bytes.
fn text(addresses: &[usize], txt: usize, extra: &str) -> String {
    let mut text = String::from("$TTL 60\n@ SOA ns host 1 2 3 4 30\n@ NS ns\nns A 192.0.2.53\n");
    for (host, addresses) in addresses.iter().enumerate() {
        text += &format!("m MX {host} host{host}\n");
        for number in 0..*addresses {
            text += &format!("host{host} A 10.{host}.{}.{}\n", number / 256, number % 256);
        }
    }
    for piece in 0..txt / 250 {
        text += &format!("m TXT \"{piece:05}{}\"\n", "x".repeat(233));
    }
    text += "m A 192.0.2.1\nm AAAA 2001:db8::1\nm SRV 0 0 1 host0\nm CAA 0 issue \"ca.example\"\n";
    text + extra
}

/// How many records of a type a name is answered with over TCP.
fn answered(snapshot: &Snapshot, qname: &str, qtype: Rtype) -> usize {
    let query = query(qname, qtype.0, 1232);
    let response = answer(snapshot, Transport::Tcp, &query, 65_535).unwrap();
    assert_sound(&query, Some(&response), Transport::Tcp);
    let message = Message::from_vec(&response).unwrap();
    assert!(!message.truncation, "{qname} {qtype}");
    message.answers.iter().filter(|record| u16::from(record.record_type()) == qtype.0).count()
}

/// Asks for everything that is in the zone.
fn assert_all_is_answered(zone: &Zone) {
    let snapshot = snapshot(zone);
    for node in zone.nodes() {
        assert_eq!(node.kind(), NodeKind::Plain);
        for rtype in node.types() {
            let records = node.rrset(rtype).unwrap().rdatas().len();
            assert_eq!(
                answered(&snapshot, &node.name().to_string(), rtype),
                records,
                "{} {rtype}",
                node.name()
            );
        }
    }
}

/// The zone, if it is sound, and its errors.
fn read(text: &str) -> (Option<Zone>, Vec<String>) {
    let mut sources = Sources::default();
    let file = sources.add("example.zone", text.as_bytes().to_vec());
    let mut builder = Builder::new("example.".parse().unwrap(), Span::new(file, 0, 0));
    let mut found = Diagnostics::default();
    zonefile::read(&mut sources, file, &mut builder, &zonefile::Settings::default(), &mut found);
    let zone = builder.finish(&mut found);
    let errors = found.iter().filter(|one| one.severity == Severity::Error);
    (zone, errors.map(|one| sources.sentence(one)).collect())
}

#[test]
fn additional_addresses_that_do_not_fit_take_nothing_away_from_other_types() {
    assert_all_is_answered(&zone(&text(&[2900, 4000], 1000, "")));
}

#[test]
fn of_the_additional_addresses_those_that_fit_are_sent() {
    let snapshot = snapshot(&zone(&text(&[2900, 4000, 3], 0, "")));
    let response = answer(&snapshot, Transport::Tcp, &query("m.example.", 15, 1232), 65_535).unwrap();
    let additionals = Message::from_vec(&response).unwrap().additionals;
    let of = |host: &str| {
        additionals.iter().filter(|one| one.name.to_string() == format!("{host}.example.")).count()
    };
    assert_eq!([of("host0"), of("host1"), of("host2")], [2900, 0, 3]);
}

#[test]
fn a_referral_keeps_the_glue_that_fits_and_all_its_name_servers() {
    let mut more = String::from("sub NS a.sub\nsub NS b.sub\nsub NS c.sub\n");
    for (host, addresses) in [("a", 2900), ("b", 4000), ("c", 5)] {
        for number in 0..addresses {
            more += &format!("{host}.sub A 10.0.{}.{}\n", number / 256, number % 256);
        }
    }
    let snapshot = snapshot(&zone(&text(&[], 0, &more)));
    let response = answer(&snapshot, Transport::Tcp, &query("x.sub.example.", 1, 1232), 65_535).unwrap();
    let message = Message::from_vec(&response).unwrap();
    assert_eq!((message.authorities.len(), message.additionals.len()), (3, 2905));
}

#[test]
fn an_rrset_that_fits_alone_but_not_behind_its_aliases_is_refused_at_load() {
    let long = "y".repeat(60);
    let mut aliases = format!("a0 CNAME a1.{long}\n");
    for link in 1..12 {
        aliases += &format!("a{link}.{long} CNAME a{}.{long}\n", link + 1);
    }
    aliases += &format!("a12.{long} CNAME big\n");
    let set = |bytes: usize| {
        (0..bytes / 1012)
            .map(|number| format!("big TYPE65280 \\# 1000 {number:08x}{}\n", "00".repeat(996)))
            .collect::<String>()
    };
    let (sound, said) = read(&text(&[], 0, &format!("{aliases}{}", set(63_000))));
    assert_eq!(said, Vec::<String>::new());
    let sound = sound.unwrap();
    let served = snapshot(&sound);
    for owner in ["a0.example.".to_owned(), format!("a7.{long}.example."), "big.example.".to_owned()] {
        assert_eq!(answered(&served, &owner, Rtype(65_280)), 62, "{owner}");
    }
    let (refused, said) = read(&text(&[], 0, &format!("{aliases}{}", set(64_900))));
    assert!(refused.is_none());
    assert!(
        said[0].contains("leads to 64768 bytes of TYPE65280 records, which do not fit a message behind"),
        "{said:?}"
    );
    // A single alias leaves room enough.
    let (sound, said) = read(&text(&[], 0, &format!("one CNAME big\n{}", set(64_900))));
    assert_eq!((answered(&snapshot(&sound.unwrap()), "one.example.", Rtype(65_280)), said.len()), (64, 0));
}

#[test]
fn more_lua_records_of_one_type_than_an_answer_can_name_are_refused_at_load() {
    let records = |count: usize| {
        let lua =
            |number: usize| format!("l LUA A \"pickrandom({{'10.0.{}.{}'}})\"\n", number / 256, number % 256);
        (0..count).map(lua).collect::<String>()
    };
    let (zone, _) = read(&text(&[], 0, &records(255)));
    assert_eq!(answered(&snapshot(&zone.unwrap()), "l.example.", Rtype::A), 255);
    let (zone, said) = read(&text(&[], 0, &records(256)));
    assert!(zone.is_none());
    assert!(said[0].contains("`l.example.` has 256 LUA records of type A"), "{said:?}");
}

/// What the rules do not foresee ends in an error, never in bytes.
#[test]
fn a_zone_that_outgrows_its_places_is_an_error_that_names_the_owner() {
    let zone = zone(&text(&[3], 0, ""));
    let whole = compile(&zone).unwrap();
    let bytes = whole.raw().1.len();
    let fitting = compile_into(&zone, bytes, Linking::None);
    assert!(fitting.is_ok_and(|(compiled, _)| compiled.raw() == whole.raw()));
    let error = compile_into(&zone, bytes - 1, Linking::None).map(|_| ()).unwrap_err();
    assert!(error.to_string().ends_with("up to it the compiled zone takes more than 4 GiB"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_rrset_of_a_node_is_answered_whatever_its_size(
        addresses in proptest::collection::vec(1..4000_usize, 1..4),
        txt in 1000..64_000_usize,
    ) {
        let (zone, said) = read(&text(&addresses, txt, ""));
        prop_assert!(zone.is_some(), "{:?}", said);
        assert_all_is_answered(&zone.unwrap());
    }
}
