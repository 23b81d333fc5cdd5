//! What primaries send: every form of a transfer, and every lie.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::dns::message::{Header, Rcode, Section, class};
use crate::dns::message_writer::{self, RecordHead};
use crate::dns::{NameRef, Ttl};
use crate::source::{Diagnostics, Sources};
use crate::zone::{Apexes, Builder, Changeset, Record, Zone};
use crate::zonefile;

const ID: u16 = 4711;
const MEBIBYTE: u64 = 1 << 20;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn asked(base: Option<u32>) -> TransferQuery {
    let span = Span::new(Sources::default().add("edgedns.toml", b"example".to_vec()), 0, 7);
    TransferQuery {
        apex: name("example."),
        id: ID,
        base,
        newer_than: base,
        lua: LuaRecords::Refuse,
        bytes_max: MEBIBYTE,
        origin: span.into(),
        span,
    }
}

fn record(owner: &str, rtype: Rtype, rdata: &[u8]) -> Record {
    Record { owner: name(owner), rtype, ttl: Ttl::from_seconds(60).unwrap(), rdata: rdata.into() }
}

fn soa(serial: u32) -> Record {
    let rdata = [&[0, 0][..], &serial.to_be_bytes(), &[0, 0, 0, 60].repeat(4)].concat();
    record("example.", Rtype::SOA, &rdata)
}

fn ns() -> Record {
    record("example.", Rtype::NS, b"\x02ns\x04test\x00")
}

fn a(owner: &str, last: u8) -> Record {
    record(&format!("{owner}.example."), Rtype::A, &[192, 0, 2, last])
}

/// A message of a transfer with these records.
fn message(qtype: Option<Rtype>, records: &[Record]) -> Vec<u8> {
    message_of(ID, Header::QR | Header::AA, qtype, class::IN, records)
}

fn message_of(id: u16, flags: u16, qtype: Option<Rtype>, class: u16, records: &[Record]) -> Vec<u8> {
    message_writer::owned(65_535, id, flags, |message| {
        if let Some(qtype) = qtype {
            message.question(name("example.").as_ref(), qtype, class::IN);
        }
        for Record { owner, rtype, ttl, rdata } in records {
            let head = RecordHead { rtype: *rtype, class, ttl: ttl.seconds() };
            message.record(Section::Answer, owner.as_ref().wire(), &head, &[rdata]);
        }
    })
}

/// What comes of these messages; `None`: there is more to come.
fn received(asked: TransferQuery, messages: &[Vec<u8>]) -> Result<Option<(Soa, Received)>, TransferFault> {
    let mut receiver = Receiver::new(asked);
    for (number, message) in messages.iter().enumerate() {
        match receiver.take(message)? {
            TransferProgress::More(more) => receiver = more,
            TransferProgress::Done { soa, received } => {
                assert_eq!(number + 1, messages.len(), "it ends before the last message");
                return Ok(Some((soa, received)));
            }
        }
    }
    Ok(None)
}

/// What comes of one message.
fn axfr(records: &[Record]) -> Result<Option<(Soa, Received)>, TransferFault> {
    received(asked(None), &[message(Some(Rtype::AXFR), records)])
}

fn ixfr(base: u32, records: &[Record]) -> Result<Option<(Soa, Received)>, TransferFault> {
    received(asked(Some(base)), &[message(Some(Rtype::IXFR), records)])
}

/// The fault of a transfer.
fn fault(done: Result<Option<(Soa, Received)>, TransferFault>) -> String {
    done.err().expect("a fault").to_string()
}

fn finished(whole: Whole) -> Zone {
    let mut found = Diagnostics::default();
    let settings = zonefile::Settings::default();
    let zone = whole.finish(&settings, &[], Vec::new(), Arc::<Apexes>::default(), &mut found);
    zone.unwrap_or_else(|| panic!("{:?}", found.iter().collect::<Vec<_>>()))
}

fn whole(done: Result<Option<(Soa, Received)>, TransferFault>) -> Zone {
    match done.unwrap().expect("an end") {
        (_, Received::Whole(whole)) => finished(*whole),
        (_, Received::Nothing | Received::Changes(_)) => panic!("not the whole zone"),
    }
}

fn changes(done: Result<Option<(Soa, Received)>, TransferFault>) -> Changeset {
    match done.unwrap().expect("an end") {
        (_, Received::Changes(changes)) => changes.finish(),
        (_, Received::Nothing | Received::Whole(_)) => panic!("no changes"),
    }
}

#[test]
fn a_whole_zone_comes_in_one_message_or_in_many() {
    let records = [soa(7), ns(), a("h", 1), a("h", 2), a("www", 3), soa(7)];
    let at_once = axfr(&records);
    let one_by_one: Vec<Vec<u8>> = records
        .iter()
        .enumerate()
        .map(|(number, record)| {
            let question = (number == 0).then_some(Rtype::AXFR);
            message(question, std::slice::from_ref(record))
        })
        .collect();
    for done in [at_once, received(asked(None), &one_by_one)] {
        let zone = whole(done);
        assert_eq!((zone.serial(), zone.record_count()), (7, 5));
    }
    assert!(received(asked(None), &one_by_one[..5]).unwrap().is_none(), "it has not ended");
}

#[test]
fn an_answer_to_ixfr_may_be_the_whole_zone_or_say_that_nothing_is_newer() {
    let zone = whole(ixfr(3, &[soa(7), ns(), a("h", 1), soa(7)]));
    assert_eq!((zone.serial(), zone.record_count()), (7, 3));
    for serial in [3, 2] {
        let (soa, received) = ixfr(3, &[soa(serial)]).unwrap().unwrap();
        assert!(matches!(received, Received::Nothing), "{serial}");
        assert_eq!(soa.serial, serial);
    }
    // One record for each message is a way to send the whole zone.
    let split = [message(Some(Rtype::IXFR), &[soa(7)]), message(None, &[ns(), soa(7)])];
    assert_eq!(whole(received(asked(Some(3)), &split)).serial(), 7);
}

#[test]
fn changes_over_several_versions_are_taken_as_one() {
    let records = [
        soa(5),
        soa(3),
        a("gone", 1),
        a("h", 1),
        soa(4),
        a("between", 1),
        a("h", 2),
        soa(4),
        a("between", 1),
        a("h", 2),
        soa(5),
        a("new", 1),
        a("h", 3),
        soa(5),
    ];
    let condensed = changes(ixfr(3, &records));
    let owners = |records: &[Record]| -> Vec<String> {
        records.iter().map(|record| format!("{} {}", record.owner, record.rtype)).collect()
    };
    assert_eq!(owners(&condensed.removed), ["example. SOA", "gone.example. A", "h.example. A"]);
    assert_eq!(owners(&condensed.added), ["example. SOA", "h.example. A", "new.example. A"]);
    assert_eq!(condensed.added[0], soa(5));
}

#[test]
fn what_goes_and_comes_again_as_it_was_has_not_changed_and_with_another_ttl_it_has() {
    let there_again = [soa(5), soa(3), a("h", 1), soa(4), soa(4), soa(5), a("h", 1), soa(5)];
    let condensed = changes(ixfr(3, &there_again));
    assert_eq!((condensed.removed, condensed.added), (vec![soa(3)], vec![soa(5)]));
    let longer = Record { ttl: Ttl::from_seconds(600).unwrap(), ..a("h", 1) };
    let condensed = changes(ixfr(3, &[soa(4), soa(3), a("h", 1), soa(4), longer.clone(), soa(4)]));
    assert_eq!(condensed.added, [soa(4), longer]);
}

#[test]
fn changes_make_of_the_version_that_is_here_the_one_that_is_there() {
    let before = whole(axfr(&[soa(3), ns(), a("h", 1), a("www", 1), soa(3)]));
    let sent = changes(ixfr(3, &[soa(4), soa(3), a("h", 1), soa(4), a("new", 1), soa(4)]));
    let mut found = Diagnostics::default();
    let after = sent.apply(&before, &[], asked(None).span, &mut found).unwrap().finish(&mut found).unwrap();
    let told: Vec<String> = after.records().map(|(owner, rtype, ..)| format!("{owner} {rtype}")).collect();
    assert_eq!(told, ["example. SOA", "example. NS", "new.example. A", "www.example. A"]);
}

#[test]
fn what_does_not_begin_or_end_with_the_soa_is_refused() {
    assert!(fault(axfr(&[ns(), soa(7)])).contains("does not begin with the SOA"));
    assert!(fault(axfr(&[soa(7), ns(), soa(8)])).contains("is not the one at the beginning"));
    assert!(fault(axfr(&[soa(7), ns(), soa(7), a("h", 1)])).contains("follow the SOA record that ends"));
    let elsewhere = Record { owner: name("h.example."), ..soa(7) };
    assert!(fault(axfr(&[soa(7), ns(), elsewhere, soa(7)])).contains("does not lie in the zone"));
    assert!(fault(axfr(&[])).contains("without a record"));
    assert!(axfr(&[soa(7), ns(), a("h", 1)]).unwrap().is_none(), "half of it is no zone");
}

#[test]
fn changes_to_another_version_or_with_a_gap_are_refused() {
    assert!(fault(ixfr(3, &[soa(5), soa(2), soa(5), soa(5)])).contains("changes to serial 2"));
    let gap = [soa(9), soa(3), soa(4), soa(6), soa(9), soa(9)];
    assert!(fault(ixfr(3, &gap)).contains("changes to serial 6 where those to serial 4"));
    let twice = [soa(4), soa(3), a("h", 1), a("h", 1), soa(4), soa(4)];
    assert!(fault(ixfr(3, &twice)).contains("twice"));
    // Nothing there is newer, and yet there is more.
    assert!(ixfr(3, &[soa(3), soa(3), soa(3)]).is_err());
}

#[test]
fn a_whole_zone_that_is_not_newer_than_what_is_here_is_refused_at_its_first_record() {
    let of = |ours, serial| {
        let asked = TransferQuery { newer_than: Some(ours), ..asked(None) };
        received(asked, &[message(Some(Rtype::AXFR), &[soa(serial), ns(), soa(serial)])])
    };
    for (ours, serial) in [(7, 7), (7, 6), (7, 7 + (1 << 31)), (0, u32::MAX)] {
        assert_eq!(of(ours, serial).err(), Some(TransferFault::NotNewer { serial, ours }));
    }
    for (ours, serial) in [(7, 8), (u32::MAX, 0), (7, 6 + (1 << 31))] {
        assert_eq!(whole(of(ours, serial)).serial(), serial);
    }
    // It comes in answer to IXFR as well.
    assert!(fault(ixfr(7, &[soa(6), ns(), soa(6)])).contains("serial 6, which is not newer than ours, 7"));
}

#[test]
fn records_of_another_zone_or_class_or_of_no_zone_are_refused() {
    let records = |record: Record| [soa(7), ns(), record, soa(7)];
    assert!(fault(axfr(&records(record("h.test.", Rtype::A, &[192, 0, 2, 1])))).contains("`h.test.`"));
    assert!(fault(axfr(&records(record("h.example.", Rtype::ANY, &[])))).contains("cannot be in a zone"));
    assert!(
        fault(axfr(&records(record("h.example.", Rtype::A, &[192, 0, 2]))))
            .contains("is not that of its type")
    );
    let chaos = message_of(ID, Header::QR, Some(Rtype::AXFR), class::CH, &[soa(7), ns(), soa(7)]);
    assert!(fault(received(asked(None), &[chaos])).contains("class is not IN"));
}

#[test]
fn a_message_that_is_no_response_to_the_query_is_refused() {
    let of = |id, flags, qtype| message_of(id, flags, qtype, class::IN, &[soa(7), ns(), soa(7)]);
    let (qr, axfr) = (Header::QR, Some(Rtype::AXFR));
    for strange in [of(ID + 1, qr, axfr), of(ID, 0, axfr), of(ID, qr, Some(Rtype::IXFR)), of(ID, qr, None)] {
        assert_eq!(received(asked(None), &[strange]).err(), Some(TransferFault::Mismatched));
    }
    assert_eq!(received(asked(None), &[of(ID, qr | Header::TC, axfr)]).err(), Some(TransferFault::Truncated));
    let refused = message_of(ID, qr | 5, axfr, class::IN, &[]);
    assert_eq!(received(asked(None), &[refused]).err(), Some(TransferFault::Rcode(Rcode::REFUSED)));
    let half = of(ID, qr, axfr);
    assert_eq!(
        received(asked(None), &[half[..half.len() - 1].to_vec()]).err(),
        Some(TransferFault::Malformed)
    );
}

#[test]
fn what_takes_more_memory_than_the_zone_may_is_refused_before_it_ends() {
    let sent = |asked: TransferQuery, qtype, first: &[Record]| {
        let mut receiver = Receiver::new(asked);
        let mut next = message(Some(qtype), first);
        for number in 0..1_000_u32 {
            match receiver.take(&next) {
                Ok(TransferProgress::More(more)) => receiver = more,
                Ok(TransferProgress::Done { .. }) => panic!("it ends"),
                Err(fault) => return (fault, number),
            }
            let many = |owner: u32| a(&format!("h{number}-{owner}"), 1);
            next = message(None, &(0..100).map(many).collect::<Vec<Record>>());
        }
        panic!("it is never refused");
    };
    let (whole, after) = sent(asked(None), Rtype::AXFR, &[soa(7), ns()]);
    assert_eq!(whole, TransferFault::TooLarge(MEBIBYTE));
    assert!((10..60).contains(&after), "{after} messages of 100 records");
    let (changes, after) = sent(asked(Some(3)), Rtype::IXFR, &[soa(7), soa(3), soa(7)]);
    assert_eq!(changes, TransferFault::TooLarge(MEBIBYTE));
    assert!((10..100).contains(&after), "{after} messages of 100 records");
}

#[test]
fn changes_that_go_to_and_fro_without_an_end_are_refused() {
    let there =
        message(None, &(0..100).map(|n| a(&format!("h{n}"), 1)).chain([soa(4), soa(4)]).collect::<Vec<_>>());
    let first = message(Some(Rtype::IXFR), &[soa(7), soa(3), soa(4)]);
    let Ok(TransferProgress::More(mut receiver)) = Receiver::new(asked(Some(3))).take(&first) else {
        panic!()
    };
    let mut bytes = first.len();
    loop {
        let flip = message(None, &[soa(4), soa(4)]);
        for next in [&there, &flip] {
            bytes += next.len();
            match receiver.take(next) {
                Ok(TransferProgress::More(more)) => receiver = more,
                Ok(TransferProgress::Done { .. }) => panic!("it ends"),
                Err(_) => {
                    assert!(bytes as u64 <= MEBIBYTE + 65_535);
                    return;
                }
            }
        }
    }
}

#[test]
fn lua_records_are_taken_only_from_a_primary_that_may_send_them() {
    let lua = record("api.example.", Rtype::LUA, b"\x00\x01\x21ifportup(443, {'192.0.2.1', '::1'})");
    let lua = Record { rdata: b"\x00\x01\x1cifportup(443, {'192.0.2.1'})".as_slice().into(), ..lua };
    let records = [soa(7), ns(), lua.clone(), soa(7)];
    assert!(fault(axfr(&records)).contains("`lua = \"accept\"`"));
    let accepting = |base| TransferQuery { lua: LuaRecords::Accept, ..asked(base) };
    let zone = whole(received(accepting(None), &[message(Some(Rtype::AXFR), &records)]));
    assert_eq!(zone.pools().len(), 1);
    let among = message(Some(Rtype::IXFR), &[soa(7), soa(3), soa(7), lua, soa(7)]);
    assert_eq!(received(accepting(Some(3)), &[among]).err(), Some(TransferFault::LuaChanges));
}

/// A zone as its records, sound but for what a test makes of it.
fn hosts() -> impl Strategy<Value = Vec<Record>> {
    let host = (0..5_u8, 0..3_u8).prop_map(|(owner, last)| a(&format!("h{owner}"), last));
    prop::collection::vec(host, 0..8).prop_map(|mut hosts| {
        hosts.sort_by(|a, b| (&a.owner, &a.rdata).cmp(&(&b.owner, &b.rdata)));
        hosts.dedup();
        hosts
    })
}

/// What leads from one set of hosts to another.
fn difference(before: (u32, &[Record]), after: (u32, &[Record])) -> Vec<Record> {
    let gone = before.1.iter().filter(|record| !after.1.contains(record)).cloned();
    let come = after.1.iter().filter(|record| !before.1.contains(record)).cloned();
    [soa(before.0)].into_iter().chain(gone).chain([soa(after.0)]).chain(come).collect()
}

fn zone_of(serial: u32, hosts: &[Record]) -> Zone {
    let records: Vec<Record> =
        [soa(serial), ns()].into_iter().chain(hosts.iter().cloned()).chain([soa(serial)]).collect();
    whole(axfr(&records))
}

fn told(zone: &Zone) -> Vec<String> {
    zone.records().map(|(owner, rtype, ttl, rdata)| format!("{owner} {ttl} {rtype} {rdata:?}")).collect()
}

proptest! {
    #[test]
    fn condensed_changes_lead_where_they_lead_one_by_one(versions in prop::collection::vec(hosts(), 2..6)) {
        let last = u32::try_from(versions.len()).unwrap();
        let steps = versions.windows(2).zip(1..).flat_map(|(pair, serial)| {
            difference((serial, &pair[0]), (serial + 1, &pair[1]))
        });
        let records: Vec<Record> = [soa(last)].into_iter().chain(steps).chain([soa(last)]).collect();
        let sent = changes(ixfr(1, &records));
        let (before, after) = (zone_of(1, &versions[0]), zone_of(last, versions.last().unwrap()));
        let mut found = Diagnostics::default();
        let made = sent.apply(&before, &[], asked(None).span, &mut found).unwrap();
        prop_assert_eq!(told(&Builder::finish(made, &mut found).unwrap()), told(&after));
    }

    #[test]
    fn no_bytes_end_the_program_and_none_make_a_transfer_larger_than_it_may_be(
        base in prop::option::of(0..9_u32),
        hosts in hosts(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let qtype = if base.is_some() { Rtype::IXFR } else { Rtype::AXFR };
        let records: Vec<Record> = [soa(7), soa(3), ns()].into_iter().chain(hosts).chain([soa(7), soa(7)]).collect();
        let mut bytes = message(Some(qtype), &records);
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes.truncate(bytes.len() - cut.index(bytes.len()) / 4);
        let lua = LuaRecords::Accept;
        if let Ok(TransferProgress::Done { received: Received::Whole(whole), .. }) =
            Receiver::new(TransferQuery { lua, ..asked(base) }).take(&bytes)
        {
            let mut found = Diagnostics::default();
            let _ = whole.finish(&zonefile::Settings::default(), &[], Vec::new(), Arc::default(), &mut found);
        }
    }

    #[test]
    fn random_bytes_are_no_transfer(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut bytes = bytes;
        if let Some(id) = bytes.first_chunk_mut::<2>() {
            *id = ID.to_be_bytes();
        }
        prop_assert!(Receiver::new(asked(Some(1))).take(&bytes).is_err());
    }
}

#[test]
fn compressed_names_are_read_in_full_and_letters_keep_their_case() {
    let mut bytes = message(Some(Rtype::AXFR), &[soa(7)]);
    // Each owner and name of the data is a pointer to the question's name behind a label.
    bytes.extend_from_slice(b"\xc0\x0c\x00\x02\x00\x01\x00\x00\x00\x3c\x00\x05\x02Ns\xc0\x0c");
    bytes.extend_from_slice(b"\x02Ns\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01");
    bytes[7] = 3;
    let end = message(None, &[soa(7)]);
    let zone = whole(received(asked(None), &[bytes, end]));
    let told: Vec<String> = zone.records().map(|(owner, rtype, ..)| format!("{owner} {rtype}")).collect();
    assert_eq!(told, ["example. SOA", "example. NS", "Ns.example. A"]);
    let ns = zone.node(crate::zone::NodeId::APEX).rrset(Rtype::NS).unwrap();
    assert_eq!(NameRef::split_from(ns.rdatas().next().unwrap()).unwrap().0.to_string(), "Ns.example.");
}
