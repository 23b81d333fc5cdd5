//! What is sent, without sockets: plans, and messages read by others' code.

use std::collections::BTreeSet;
use std::sync::Arc;

use hickory_proto::op::Message;
use proptest::prelude::*;

use super::comparing::{Comparing, Comparison};
use super::contents::{Contents, SentPools, UpPool};
use super::difference::{between, between_rrsets};
use super::notifier::Notifier;
use super::packer::{MessageHead, Owners, Packer, Pushed};
use super::plan::Plan;
use super::request::{TransferKind, TransferRequest};
use super::zones::{OutgoingZone, OutgoingZones};
use crate::answer::{Access, Allowed, Requester, Transport};
use crate::dns::message::{Header, Rcode};
use crate::dns::{Name, Rtype};
use crate::source::{Diagnostics, Sources, Span};
use crate::tls::ClientProof;
use crate::transfer::history::Differences;
use crate::zone::{Builder, Changeset, Zone};
use crate::zonefile;

const ZONE: &str = r#"
$TTL 60
@ SOA NS host 7 2 3 4 30
@ NS ns
NS A 192.0.2.53
Mixed.Case MX 5 ns
cut NS ns.cut
ns.cut A 192.0.2.54
*.wild TXT "x" "y"
svc SRV 0 0 443 Mixed.Case
api LUA A "ifportup(443, {'192.0.2.1', '192.0.2.2'})"
"#;

fn zone(text: &str) -> Arc<Zone> {
    let mut sources = Sources::default();
    let file = sources.add("example.zone", text.as_bytes().to_vec());
    let mut builder = Builder::new("example.".parse().unwrap(), Span::new(file, 0, 0));
    let mut found = Diagnostics::default();
    zonefile::read(&mut sources, file, &mut builder, &zonefile::Settings::default(), &mut found);
    Arc::new(builder.finish(&mut found).unwrap_or_else(|| panic!("{found:?}")))
}

fn records(contents: &Contents) -> Vec<String> {
    let mut packer = Packer::new(head(), Owners::Together, 0);
    for record in contents.records() {
        assert_eq!(packer.push(&record.sent()), Pushed::Taken);
    }
    let message = Message::from_vec(&packer.take()).unwrap();
    let mut records: Vec<String> = message.answers.iter().map(ToString::to_string).collect();
    records.sort();
    records
}

fn head() -> MessageHead {
    let question = [&b"\x07example\x00"[..], &[0, 252, 0, 1]].concat();
    MessageHead { id: 7, flags: Header::QR | Header::AA, question, opt: None }
}

#[test]
fn every_record_is_sent_in_the_case_of_the_file_and_a_pool_as_its_members() {
    let sent = records(&Contents::new(zone(ZONE), SentPools::Members));
    assert_eq!(
        sent,
        [
            "*.wild.example. 60 IN TXT xy",
            "Mixed.Case.example. 60 IN MX 5 ns.example.",
            "NS.example. 60 IN A 192.0.2.53",
            "api.example. 60 IN A 192.0.2.1",
            "api.example. 60 IN A 192.0.2.2",
            "cut.example. 60 IN NS ns.cut.example.",
            "example. 60 IN NS ns.example.",
            "ns.cut.example. 60 IN A 192.0.2.54",
            "svc.example. 60 IN SRV 0 0 443 Mixed.Case.example.",
        ]
    );
}

#[test]
fn a_pool_is_sent_as_the_lua_record_that_it_is_to_who_wants_it() {
    let contents = Contents::new(zone(ZONE), SentPools::Lua);
    let lua: Vec<Vec<u8>> = contents
        .records()
        .filter(|record| record.rtype == Rtype::LUA)
        .map(|record| record.rdata.to_vec())
        .collect();
    let code = b"ifportup(443, {'192.0.2.1', '192.0.2.2'})";
    assert_eq!(lua, [[&[0, 1, 41][..], code].concat()]);
}

fn outgoing(text: &str, allow: &[&str], history: Differences) -> OutgoingZone {
    outgoing_to(None, text, allow, history)
}

fn outgoing_to(
    access: Option<Box<Access>>,
    text: &str,
    allow: &[&str],
    history: Differences,
) -> OutgoingZone {
    let allow =
        allow.iter().map(|prefix| Allowed { prefix: Some(prefix.parse().unwrap()), ..Allowed::default() });
    let apex = "example.".parse().unwrap();
    let zone_sent = OutgoingZone::new(apex, "example.".into(), access, allow.collect(), Arc::new(history));
    zone_sent.offer(Some(Contents::new(zone(text), SentPools::Members)));
    zone_sent
}

fn planned(zones: Vec<OutgoingZone>, from: &str, wanted: TransferKind, transport: Transport) -> String {
    planned_over(zones, from, wanted, (transport, None))
}

fn planned_over(
    zones: Vec<OutgoingZone>,
    from: &str,
    wanted: TransferKind,
    way: (Transport, Option<&'static str>),
) -> String {
    let request = TransferRequest {
        id: 7,
        flags: Header::QR,
        question: Vec::new(),
        zone: "EXAMPLE.".parse().unwrap(),
        wanted,
        has_opt: false,
        wants_expire: false,
    };
    let requester = Requester { address: from.parse().unwrap(), key: None, proof: ClientProof::Nothing };
    let zones = OutgoingZones::new(zones.into_iter().map(Arc::new));
    match Plan::of(&request, &zones, &requester, way) {
        Plan::Refused(refusal) => refusal.rcode.to_string(),
        Plan::OneSoa(..) => "one SOA".to_owned(),
        Plan::Whole(..) => "whole".to_owned(),
        Plan::Steps(_, _, from, steps) => {
            let (removed, added) = (steps.changes.removed.len(), steps.changes.added.len());
            format!("from {from}: {removed} go, {added} come")
        }
    }
}

#[test]
fn a_connection_that_bars_transfers_gets_none_not_even_the_soa_record() {
    let planned = |wanted| {
        let zones = vec![outgoing(ZONE, &["192.0.2.0/24"], step())];
        planned_over(zones, "192.0.2.1", wanted, (Transport::Tls, Some("an old version")))
    };
    for wanted in [TransferKind::Whole, TransferKind::Since(6), TransferKind::Since(7)] {
        assert_eq!(planned(wanted), "REFUSED");
    }
}

/// What led from serial 6, and one more host.
fn step() -> Differences {
    let older = ZONE.replace("host 7", "host 6").replace("NS A 192.0.2.53", "NS A 192.0.2.52");
    let contents = |text: &str| Contents::new(zone(text), SentPools::Members);
    let history = Differences::default();
    history.push(6, 7, between(&contents(&older), &contents(ZONE)));
    history
}

#[test]
fn only_who_is_allowed_gets_a_zone_and_only_over_a_stream() {
    let allowed = || vec![outgoing(ZONE, &["192.0.2.0/24"], Differences::default())];
    assert_eq!(planned(allowed(), "192.0.2.1", TransferKind::Whole, Transport::Tcp), "whole");
    assert_eq!(
        planned(allowed(), "192.0.2.1", TransferKind::Whole, Transport::Udp),
        Rcode::FORMERR.to_string()
    );
    assert_eq!(
        planned(allowed(), "198.51.100.1", TransferKind::Whole, Transport::Tcp),
        Rcode::REFUSED.to_string()
    );
    assert_eq!(
        planned(Vec::new(), "192.0.2.1", TransferKind::Whole, Transport::Tcp),
        Rcode::REFUSED.to_string()
    );
    let gone = allowed().remove(0);
    gone.offer(None);
    assert_eq!(
        planned(vec![gone], "192.0.2.1", TransferKind::Whole, Transport::Tcp),
        Rcode::SERVFAIL.to_string()
    );
}

#[test]
fn an_ixfr_gets_the_steps_the_whole_zone_or_the_soa_alone() {
    let ask = |serial, transport| {
        planned(
            vec![outgoing(ZONE, &["192.0.2.0/24"], step())],
            "192.0.2.1",
            TransferKind::Since(serial),
            transport,
        )
    };
    assert_eq!(ask(6, Transport::Tcp), "from 6: 1 go, 1 come");
    assert_eq!(ask(5, Transport::Tcp), "whole", "not known");
    assert_eq!(ask(7, Transport::Tcp), "one SOA", "up to date");
    assert_eq!(ask(8, Transport::Tcp), "one SOA", "ahead");
    assert_eq!(ask(6, Transport::Udp), "one SOA", "it comes again over TCP");
    let small = "$TTL 60\n@ SOA NS host 7 2 3 4 30\n@ NS ns.test.\n";
    let shorter = vec![outgoing(small, &["192.0.2.0/24"], step())];
    assert_eq!(
        planned(shorter, "192.0.2.1", TransferKind::Since(6), Transport::Tcp),
        "whole",
        "it is shorter"
    );
}

#[test]
fn of_several_versions_a_client_gets_the_one_that_it_sees() {
    let zones = || {
        let view = Access::new(Some(vec!["192.0.2.0/25".parse().unwrap()]), None);
        let inside = outgoing_to(view, ZONE, &["0.0.0.0/0"], Differences::default());
        inside.offer(None);
        vec![inside, outgoing(ZONE, &["192.0.2.128/25"], Differences::default())]
    };
    assert_eq!(
        planned(zones(), "192.0.2.1", TransferKind::Whole, Transport::Tcp),
        Rcode::SERVFAIL.to_string()
    );
    assert_eq!(planned(zones(), "192.0.2.200", TransferKind::Whole, Transport::Tcp), "whole");
}

/// Changes as lines, in order of the text.
fn told(changes: &Changeset) -> [Vec<String>; 2] {
    [&changes.removed, &changes.added].map(|records| {
        let line = |one: &crate::zone::Record| {
            format!("{} {} {} {:?}", one.owner, one.ttl.seconds(), one.rtype, one.rdata)
        };
        let mut lines: Vec<String> = records.iter().map(line).collect();
        lines.sort();
        lines
    })
}

proptest! {
    #[test]
    fn what_is_found_of_the_rrsets_that_changed_is_what_is_found_of_all(
        before in prop::collection::btree_set((0..5_u8, 0..3_u8, 0..2_u8), 0..12),
        after in prop::collection::btree_set((0..5_u8, 0..3_u8, 0..2_u8), 0..12),
    ) {
        let version = |serial: u32, records: &BTreeSet<(u8, u8, u8)>| {
            let mut text = format!("@ 60 SOA ns h {serial} 2 3 4 30\n@ 60 NS ns.test.\n");
            for (owner, last, ttl) in records {
                // An owner has one TTL, and a type of its own.
                let (rtype, data) = if owner % 2 == 0 { ("A", format!("192.0.2.{last}")) } else { ("TXT", format!("t{last}")) };
                let ttl = records.iter().filter(|one| one.0 == *owner).map(|one| one.2).min().unwrap_or(*ttl);
                text += &format!("h{owner} {} {rtype} {data}\n", 60 + u32::from(ttl));
            }
            Contents::new(zone(&text), SentPools::Members)
        };
        let (from, to) = (version(1, &before), version(2, &after));
        let owners = before.union(&after).map(|(owner, ..)| *owner);
        let rrsets: BTreeSet<(Name, Rtype)> = owners
            .map(|owner| (format!("h{owner}.example.").parse().unwrap(), if owner % 2 == 0 { Rtype::A } else { Rtype::TXT }))
            .collect();
        prop_assert_eq!(told(&between_rrsets(&from, &to, &rrsets)), told(&between(&from, &to)));
    }
}

#[test]
fn what_pools_answer_is_sent_and_what_they_answer_otherwise_is_a_change() {
    let zone = zone(ZONE);
    let up = |addresses: &[[u8; 4]]| {
        let rdatas = addresses.iter().map(|address| Box::from(*address)).collect();
        let pool = UpPool { ttl: crate::dns::Ttl::from_seconds(5).unwrap(), rdatas };
        Contents::new(Arc::clone(&zone), SentPools::Up([pool].into()))
    };
    let (one, two) = ([192, 0, 2, 1], [192, 0, 2, 2]);
    let of_api = |contents: &Contents| {
        records(contents).into_iter().filter(|line| line.starts_with("api")).collect::<Vec<_>>()
    };
    assert_eq!(of_api(&up(&[two])), ["api.example. 5 IN A 192.0.2.2"]);
    assert_eq!(of_api(&up(&[])), Vec::<String>::new());
    assert_eq!(up(&[one]).pools_since(&up(&[one])), Some(Vec::new()));
    let api: Name = "api.example.".parse().unwrap();
    assert_eq!(up(&[one]).pools_since(&up(&[two])), Some(vec![(api, Rtype::A)]));
    assert_eq!(up(&[one]).pools_since(&Contents::new(Arc::clone(&zone), SentPools::Members)), None);
}

#[tokio::test]
async fn versions_that_come_while_others_are_compared_are_one_step_and_who_is_told_hears_of_it_then() {
    let notifier = Arc::new(Notifier::start());
    let comparing = Comparing::start(notifier);
    let history = Arc::<Differences>::default();
    let version = |serial: u32| {
        let text = format!("$TTL 60\n@ SOA ns h {serial} 2 3 4 30\n@ NS ns.test.\nh{serial} A 192.0.2.1\n");
        Contents::new(zone(&text), SentPools::Members)
    };
    let called: Arc<str> = "example.".into();
    for serial in 1..50 {
        let (from, to) = (version(serial), version(serial + 1));
        comparing.compare(&called, Comparison::new(from, to, None, Arc::clone(&history), None));
        assert!(!history.is_settled(), "it is not known yet");
    }
    let start = std::time::Instant::now();
    while !history.is_settled() {
        assert!(start.elapsed() < std::time::Duration::from_secs(20));
        tokio::task::yield_now().await;
    }
    assert!(history.len() <= 2, "{} steps", history.len());
    let net = crate::transfer::history::condensed(&*history, 1, 50).unwrap();
    assert_eq!((net.changes.removed.len(), net.changes.added.len()), (1, 1), "{net:?}");
    // What is known to be little is found at once.
    let owners = [50, 51].map(|serial| (format!("h{serial}.example.").parse().unwrap(), Rtype::A));
    let rrsets = Arc::new(BTreeSet::from(owners));
    let last = Comparison::new(version(50), version(51), Some(&rrsets), Arc::clone(&history), None);
    comparing.compare(&called, last);
    assert!(history.is_settled());
    let net = crate::transfer::history::condensed(&*history, 50, 51).unwrap();
    assert_eq!((net.changes.removed.len(), net.changes.added.len()), (1, 1), "{net:?}");
}
