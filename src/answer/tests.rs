//! Answers, whatever comes: random bytes, random changes of good queries.
//!
//! What is answered to which question is tested in `tests/answers`.

use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::serialize::binary::BinEncodable;
use proptest::prelude::*;

use super::*;
use crate::dns::Name;
use crate::dns::edns::Edns;
use crate::dns::message::{Extra, Header, Question};
use crate::health::{Board, Verdict};
use crate::source::{Diagnostics, Sources, Span};
use crate::zone::{Builder, Zone};
use crate::zonefile;

const ZONE: &str = r#"
$TTL 60
@ SOA ns host 1 2 3 4 30
@ NS ns
ns A 192.0.2.53
ns AAAA 2001:db8::53
*.w A 192.0.2.1
x.ent.w TXT "x"
mx MX 5 ns
*.star MX 5 api
_x._tcp SRV 0 0 1 api
_y._tcp SRV 0 0 1 x.apps
api LUA A "ifportup(1, {'192.0.2.1', '192.0.2.2'})"
api LUA AAAA "ifportup(1, {'2001:db8::1', '2001:db8::2'})"
*.apps LUA A "ifportup(1, {'192.0.2.1', '192.0.2.2'})"
alias CNAME api
*.alias CNAME api.d
d DNAME t
api.t LUA A "ifportup(1, {'192.0.2.1', '192.0.2.2'})"
*.w.t LUA A "ifportup(1, {'192.0.2.3'})"
srv.t SRV 0 0 1 api.t
srv.t SRV 0 0 2 mx
cname.t CNAME api
sub.t NS ns.sub.t
ns.sub.t A 192.0.2.54
loop DNAME x.loop
sub NS ns.sub
sub DS 1 8 2 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
ns.sub A 192.0.2.54
$GENERATE 1-99 big A 192.0.2.$
$GENERATE 1-500 huge MX $ host-$.some.where
"#;

/// Names that lead everywhere in the zone.
const QNAMES: [&str; 18] = [
    "example.",
    "API.example.",
    "a.b.w.example.",
    "b.ent.w.example.",
    "Long.Name.star.example.",
    "_x._tcp.example.",
    "_y._tcp.example.",
    "x.apps.example.",
    "q.alias.example.",
    "api.D.example.",
    "some.w.d.example.",
    "srv.d.example.",
    "cname.d.example.",
    "x.sub.d.example.",
    "a.loop.example.",
    "x.sub.example.",
    "big.example.",
    "huge.example.",
];

/// A zone that comes signed, with aliases that lead back to names that a wildcard makes. Nothing verifies its signatures.
const SIGNED: &str = r#"
$TTL 60
@ SOA ns host 1 2 3 4 30
@ NS ns
@ DNSKEY 257 3 13 AAAA
@ RRSIG DNSKEY 13 1 60 20300101000000 20200101000000 1 example. AAAA
*.w CNAME x
*.w RRSIG CNAME 13 2 60 20300101000000 20200101000000 1 example. AAAB
x CNAME y
x RRSIG CNAME 13 2 60 20300101000000 20200101000000 1 example. AAAC
y CNAME Foo.w
y RRSIG CNAME 13 2 60 20300101000000 20200101000000 1 example. AAAD
y RRSIG CNAME 13 2 60 20300101000000 20200101000000 2 example. AAAE
*.own CNAME foo.own
*.own RRSIG CNAME 13 2 60 20300101000000 20200101000000 1 example. AAAF
"#;

const QTYPES: [u16; 12] = [0, 1, 2, 5, 6, 15, 28, 33, 39, 43, 255, 0xffff];

fn zone(text: &str) -> Zone {
    let mut sources = Sources::default();
    let file = sources.add("example.zone", text.as_bytes().to_vec());
    let mut builder = Builder::new("example.".parse().unwrap(), Span::new(file, 0, 0));
    let mut found = Diagnostics::default();
    zonefile::read(&mut sources, file, &mut builder, &zonefile::Settings::default(), &mut found);
    builder.finish(&mut found).unwrap_or_else(|| panic!("{found:?}"))
}

/// A server with this zone where all targets are up.
fn snapshot(zone: &Zone) -> Snapshot {
    snapshot_of(zone, compile(zone).unwrap())
}

/// The same with a compiled form of it.
fn snapshot_of(zone: &Zone, compiled: impl Into<Arc<CompiledZone>>) -> Snapshot {
    let members = zone.pools().iter().flat_map(|pool| pool.groups.iter().flatten());
    let board: Board = members.map(|_| Verdict::Up).collect();
    let mut ids = board.ids();
    let bound = zone.pools().iter().map(|pool| BoundPool::new(Arc::clone(pool), &mut ids));
    let bound: Vec<BoundPool> = bound.collect();
    let compiled = Some(compiled.into());
    let slot = ZoneEntry {
        apex: zone.apex().to_name(),
        compiled,
        pools: Arc::new(Pools::new(&bound, &board)),
        access: None,
        expires: None,
    };
    Snapshot {
        identity: Arc::new(Identity {
            nsid: Some("n".repeat(300)),
            version: Some("1".into()),
            cookies: Some(CookieSecret::new([7; 16])),
        }),
        zones: Arc::new(ZoneTable::new(vec![slot])),
        ..Snapshot::default()
    }
}

/// A query, with an OPT record that asks for everything.
fn query(qname: &str, qtype: u16, payload: u16) -> Vec<u8> {
    let mut query = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    query.extend_from_slice(qname.parse::<Name>().unwrap().as_ref().wire());
    query.extend_from_slice(&qtype.to_be_bytes());
    query.extend_from_slice(&[0, 1, 0, 0, 41]);
    query.extend_from_slice(&payload.to_be_bytes());
    query.extend_from_slice(b"\0\0\0\0\0\x10\0\x03\0\0\0\x0a\0\x08cccccccc");
    query
}

fn answer(snapshot: &Snapshot, transport: Transport, query: &[u8], room: usize) -> Option<Vec<u8>> {
    let mut worker = WorkerContext::new(Arc::new(Counters::default()), 1);
    let mut out = vec![0xaa; room];
    let peer = Peer { address: "127.0.0.1".parse().unwrap(), transport };
    match respond(snapshot, &mut worker, peer, query, &mut out) {
        Reply::Send { len } => Some(out[..len].to_vec()),
        Reply::Drop | Reply::Forward | Reply::ForwardTail { .. } | Reply::HandOver(_) => None,
    }
}

/// The longest response to a query over UDP.
fn longest(query: &[u8]) -> usize {
    let payload = Question::read(query).and_then(|(_, mut rest)| {
        let mut payload = None;
        while let Some((extra, after)) = Extra::read(rest) {
            payload = payload.or(Edns::of(&extra).map(|edns| usize::from(edns.payload)));
            rest = after;
        }
        payload
    });
    // A transaction signature comes on top: it was not asked for by a payload size.
    payload.map_or(UDP_PAYLOAD_PLAIN, |size| size.clamp(UDP_PAYLOAD_PLAIN, UDP_PAYLOAD_MAX))
}

/// What holds whatever was sent.
fn assert_sound(query: &[u8], response: Option<&[u8]>, transport: Transport) {
    let header = Header::read(query);
    let Some(response) = response else {
        assert!(header.is_none_or(|header| header.is_response()), "silence is for responses only");
        return;
    };
    assert_eq!(response[..2], query[..2], "the id");
    if let Err(error) = Message::from_vec(response) {
        panic!("{error}: {response:02x?}");
    }
    if transport == Transport::Udp {
        assert!(response.len() <= longest(query), "{} bytes", response.len());
    }
}

fn transports() -> impl Strategy<Value = Transport> {
    proptest::sample::select(&Transport::ALL[..])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_get_a_sound_answer_or_none(
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
        transport in transports(),
    ) {
        let snapshot = snapshot(&zone(SMALL));
        let response = answer(&snapshot, transport, &bytes, room(transport));
        assert_sound(&bytes, response.as_deref(), transport);
    }

    #[test]
    fn a_random_body_behind_a_header_gets_a_sound_answer(
        counts in proptest::array::uniform4(0..3_u16),
        body in proptest::collection::vec(prop_oneof![0..4_u8, any::<u8>()], 0..80),
        transport in transports(),
    ) {
        let mut query = vec![1, 2, 0, 0];
        query.extend(counts.iter().flat_map(|count| count.to_be_bytes()));
        query.extend(body);
        let response = answer(&snapshot(&zone(SMALL)), transport, &query, room(transport));
        assert_sound(&query, response.as_deref(), transport);
    }
}

/// A zone that is compiled often.
const SMALL: &str = "@ 60 SOA ns host 1 2 3 4 30\n* 60 TXT x\nd 60 DNAME t\nc 60 CNAME x.d\n";

fn room(transport: Transport) -> usize {
    if transport.is_stream() { 65_535 } else { UDP_PAYLOAD_MAX }
}

/// Bytes that are changed in a query: where (in parts of its length) and into what.
fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)
}

#[test]
fn a_changed_query_gets_a_sound_answer() {
    let snapshot = snapshot(&zone(ZONE));
    let mut runner =
        proptest::test_runner::TestRunner::new(ProptestConfig { cases: 4000, ..ProptestConfig::default() });
    let questions = (prop::sample::select(&QNAMES[..]), prop::sample::select(&QTYPES[..]), any::<u16>());
    let strategy = (questions, changes(), any::<prop::sample::Index>(), transports());
    let run = runner.run(&strategy, |((qname, qtype, payload), changes, cut, transport)| {
        let mut query = query(qname, qtype, payload);
        for (at, byte) in &changes {
            let at = at.index(query.len());
            query[at] = *byte;
        }
        if changes.len() == 3 {
            query.truncate(cut.index(query.len()));
        }
        let response = answer(&snapshot, transport, &query, room(transport));
        assert_sound(&query, response.as_deref(), transport);
        Ok(())
    });
    run.unwrap_or_else(|fault| panic!("{fault}"));
}

#[test]
fn every_question_is_answered_soundly_in_any_room() {
    let snapshot = snapshot(&zone(ZONE));
    for qname in QNAMES {
        for qtype in QTYPES {
            for payload in [0, 512, 600, 1232, 65_535] {
                let query = query(qname, qtype, payload);
                for transport in [Transport::Udp, Transport::Tcp] {
                    let response = answer(&snapshot, transport, &query, room(transport));
                    assert_sound(&query, response.as_deref(), transport);
                }
            }
        }
    }
}

#[test]
fn into_a_buffer_of_less_than_a_datagram_nothing_is_written() {
    let snapshot = snapshot(&zone(ZONE));
    for room in [0, 11, 12, 100, UDP_PAYLOAD_PLAIN - 1] {
        assert_eq!(answer(&snapshot, Transport::Udp, &query("api.example.", 1, 1232), room), None);
    }
    let query = query("big.example.", 1, 1232);
    let response = answer(&snapshot, Transport::Udp, &query, UDP_PAYLOAD_PLAIN).unwrap();
    assert_sound(&query, Some(&response), Transport::Udp);
}

/// The longest question with the longest options must stay below the least payload size.
#[test]
fn a_long_nsid_is_left_out_behind_a_long_qname() {
    let snapshot = snapshot(&zone(ZONE));
    let label = "x".repeat(63);
    for last in 1..=50 {
        let qname = format!("{label}.{label}.{label}.{}.example.", "y".repeat(last));
        for payload in [512, 550, 1232] {
            let query = query(&qname, 1, payload);
            let response = answer(&snapshot, Transport::Udp, &query, UDP_PAYLOAD_MAX).unwrap();
            assert_sound(&query, Some(&response), Transport::Udp);
            assert_eq!(Message::from_vec(&response).unwrap().queries.len(), 1);
        }
    }
}

#[test]
fn a_zone_compiled_twice_gives_the_same_bytes() {
    let (first, second) = (compile(&zone(ZONE)).unwrap(), compile(&zone(ZONE)).unwrap());
    assert!(first.raw() == second.raw());
    let other = compile(&zone(&ZONE.replace("192.0.2.54", "192.0.2.55"))).unwrap();
    assert!(first.raw() != other.raw());
}

/// Behind a DNAME the templates of other names are taken apart and put together again: what they say must not
/// change.
#[test]
fn what_a_dname_leads_to_is_answered_as_if_it_were_asked() {
    let snapshot = snapshot(&zone(ZONE));
    for below in ["api", "some.w", "srv", "cname", "x.sub", "missing"] {
        for qtype in QTYPES.into_iter().filter(|qtype| !matches!(qtype, 5 | 39)) {
            let sections = |parent: &str| {
                let query = query(&format!("{below}.{parent}.example."), qtype, 1232);
                let response = answer(&snapshot, Transport::Tcp, &query, 65_535).unwrap();
                let Message { answers, authorities, additionals, .. } = Message::from_vec(&response).unwrap();
                let sorted = |records: Vec<hickory_proto::rr::Record>| {
                    let mut records: Vec<String> = records.iter().map(ToString::to_string).collect();
                    records.sort();
                    records
                };
                (answers, sorted(authorities), sorted(additionals))
            };
            let (direct, direct_authorities, direct_additionals) = sections("t");
            let (mut redirected, authorities, additionals) = sections("d");
            // The DNAME and the CNAME that it makes come first.
            redirected.drain(..2);
            let sorted = |records: Vec<hickory_proto::rr::Record>| {
                let mut records: Vec<String> = records.iter().map(ToString::to_string).collect();
                records.sort();
                records
            };
            assert_eq!(sorted(redirected), sorted(direct), "{below} {qtype}");
            assert_eq!(authorities, direct_authorities, "{below} {qtype}");
            assert_eq!(additionals, direct_additionals, "{below} {qtype}");
        }
    }
}

mod handed_over;
mod changes;
mod large;

#[test]
fn names_in_a_type_of_rfc_1035_are_read_through_their_pointers_behind_a_dname() {
    let snapshot = snapshot(&zone("@ 60 SOA ns host 1 2 3 4 30\nold.t 60 MINFO ns.t host.t\nd 60 DNAME t\n"));
    let minfo = |qname: &str| {
        let response = answer(&snapshot, Transport::Tcp, &query(qname, 14, 1232), 65_535).unwrap();
        let response = crate::dns::response::Response::read(&response).unwrap();
        response.answers().last().unwrap().data()
    };
    assert_eq!(minfo("old.t.example."), "ns.t.example. host.t.example.");
    assert_eq!(minfo("old.d.example."), minfo("old.t.example."));
}

#[test]
fn a_chain_of_aliases_that_leads_back_to_its_wildcard_has_the_signatures_of_its_links_and_no_others() {
    let snapshot = snapshot(&zone(SIGNED));
    let mut worker = WorkerContext::new(Arc::new(Counters::default()), 1);
    let peer = Peer { address: "127.0.0.1".parse().unwrap(), transport: Transport::Tcp };
    let mut told = |qname: &str, flags: u8| -> Vec<String> {
        let mut query = query(qname, 1, 4096);
        // DO is in the OPT record's TTL.
        let at = query.len() - 20;
        query[at] = flags;
        let mut out = vec![0; 65_535];
        let Reply::Send { len } = respond(&snapshot, &mut worker, peer, &query, &mut out) else {
            return Vec::new();
        };
        let message = Message::from_vec(&out[..len]).unwrap();
        let line = |record: &hickory_proto::rr::Record| {
            let owner = record.name.to_string().to_ascii_lowercase();
            let rtype = record.record_type().to_string();
            // What a signature ends with.
            let last = record.to_bytes().unwrap().last().copied().unwrap();
            let tags = ["AAAA", "AAAB", "AAAC", "AAAD", "AAAE", "AAAF"];
            let tag = if rtype == "RRSIG" { tags[usize::from(last)] } else { "" };
            format!("{owner} {rtype} {tag}")
        };
        message.answers.iter().map(line).collect()
    };
    let links = ["foo.w.example. CNAME ", "x.example. CNAME ", "y.example. CNAME "];
    assert_eq!(told("foo.w.example.", 0), links);
    let signatures = [
        "foo.w.example. RRSIG AAAB",
        "x.example. RRSIG AAAC",
        "y.example. RRSIG AAAD",
        "y.example. RRSIG AAAE",
    ];
    assert_eq!(told("foo.w.example.", 0x80), [&links[..], &signatures[..]].concat());
    assert_eq!(told("FOO.own.example.", 0x80), ["foo.own.example. CNAME ", "foo.own.example. RRSIG AAAF"]);
    // Another name below the wildcard has one link more.
    assert_eq!(told("bar.w.example.", 0x80).len(), 4 + 5);
}

#[test]
fn a_copy_says_how_long_it_holds_still_and_never_more_than_expire() {
    let zone = zone("@ SOA ns host 1 2 3 3600 30\n@ NS ns\nns A 192.0.2.53\n");
    let mut snapshot = snapshot(&zone);
    let mut worker = WorkerContext::new(Arc::new(Counters::default()), 7);
    worker.set_now(Duration::from_secs(1_000_000));
    let peer = Peer { address: "127.0.0.1".parse().unwrap(), transport: Transport::Udp };
    let mut query = query("example.", 6, 1232);
    let opt = query.len() - 11 - 16;
    query.truncate(opt);
    query.extend_from_slice(b"\0\0\x29\x04\xd0\0\0\0\0\0\x04\0\x09\0\0");
    for (at, left) in [(None, 3600), (Some(1_000_060), 60), (Some(1_009_999), 3600), (Some(999_999), 0)] {
        let expires = at.map(|at| CopyExpiry::at(Duration::from_secs(at)));
        let mut zones = ZoneTable::clone(&snapshot.zones);
        let ZoneEntry { compiled, pools, .. } = zones.zone(0).unwrap().clone();
        zones.replace(0, compiled, pools, expires);
        snapshot.zones = Arc::new(zones);
        let mut out = [0; UDP_PAYLOAD_MAX];
        let Reply::Send { len } = respond(&snapshot, &mut worker, peer, &query, &mut out) else {
            panic!("no answer")
        };
        assert_eq!(expire_in(&out[..len]), Some(left), "{at:?}");
    }
}

/// What an EXPIRE option says.
fn expire_in(response: &[u8]) -> Option<u32> {
    let header = Header::read(response).unwrap();
    let (_, mut rest) = Question::read(response).unwrap();
    let records = header.counts[1..].iter().map(|count| u32::from(*count)).sum::<u32>();
    (0..records).find_map(|_| {
        let (record, after) = Extra::read(rest).unwrap();
        rest = after;
        let value = Edns::of(&record)?.option(crate::dns::edns::option::EXPIRE)?;
        Some(u32::from_be_bytes(value.try_into().unwrap()))
    })
}
