//! Pools as clients see them: from zone text to answers, through `respond`.

use std::num::NonZeroU32;
use std::sync::Arc;

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name as HickoryName, RecordType};

use super::*;
use crate::answer::{
    Counters, Peer, Reply, Snapshot, Transport, WorkerContext, ZoneEntry, ZoneTable, compile, respond,
};
use crate::health::Verdict;
use crate::source::{Diagnostics, Sources, Span};
use crate::zone::{AllDown, Builder, Guarding, Member, Pool, PoolSettings, Selector, Zone};
use crate::zonefile;

/// A zone that is answered from, every target with the same verdict.
struct Served {
    snapshot: Snapshot,
    worker: WorkerContext,
}

/// A response: code, then the records of each section as text.
#[derive(Debug, PartialEq, Eq)]
struct Given {
    code: ResponseCode,
    answers: Vec<String>,
    authorities: usize,
    additionals: usize,
}

const HEAD: &str = "$TTL 60\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.53\n";

fn zone(text: &str, guardings: Vec<Guarding>) -> (Option<Zone>, Vec<String>) {
    let mut sources = Sources::default();
    let named = sources.add("edgedns.toml", b"x".to_vec());
    let file = sources.add("x.zone", format!("{HEAD}{text}").into_bytes());
    let mut builder = Builder::new("x.example.".parse().unwrap(), Span::new(named, 0, 1));
    let mut found = Diagnostics::default();
    zonefile::read(&mut sources, file, &mut builder, &zonefile::Settings::default(), &mut found);
    guardings.into_iter().for_each(|guarding| builder.guard(guarding));
    let zone = builder.finish(&mut found);
    let said = found.iter().map(|one| format!("{} {}", one.severity.word(), sources.sentence(one)));
    (zone, said.collect())
}

impl Served {
    fn new(text: &str) -> Served {
        let (zone, said) = zone(text, Vec::new());
        Served::of(&zone.unwrap_or_else(|| panic!("{said:?}")), Verdict::Up)
    }

    fn of(zone: &Zone, verdict: Verdict) -> Served {
        let guards = zone.pools().iter().flat_map(|pool| pool.groups.iter().flatten());
        let count = guards.map(|member| member.guards.len()).sum();
        let board: Board = std::iter::repeat_n(verdict, count).collect();
        let mut ids = board.ids();
        let bound: Vec<BoundPool> =
            zone.pools().iter().map(|pool| BoundPool::new(Arc::clone(pool), &mut ids)).collect();
        let slot = ZoneEntry {
            apex: zone.apex().to_name(),
            compiled: Some(Arc::new(compile(zone).unwrap())),
            pools: Arc::new(Pools::new(&bound, &board)),
            access: None,
            expires: None,
        };
        let snapshot = Snapshot { zones: Arc::new(ZoneTable::new(vec![slot])), ..Snapshot::default() };
        Served { snapshot, worker: WorkerContext::new(Arc::new(Counters::default()), 7) }
    }

    fn ask_from(&mut self, client: &str, owner: &str, rtype: RecordType) -> Given {
        let mut query = Message::query();
        let qname = if owner == "@" { "x.example.".to_owned() } else { format!("{owner}.x.example.") };
        query.add_query(Query::query(qname.parse::<HickoryName>().unwrap(), rtype));
        let peer = Peer { address: client.parse().unwrap(), transport: Transport::Tcp };
        let mut out = vec![0; 65_535];
        let query = query.to_vec().unwrap();
        let Reply::Send { len } = respond(&self.snapshot, &mut self.worker, peer, &query, &mut out) else {
            panic!("an answer")
        };
        let response = Message::from_vec(&out[..len]).unwrap();
        let line = |record: &hickory_proto::rr::Record| {
            let owner = record.name.to_string();
            let owner = owner.strip_suffix("x.example.").unwrap_or(&owner).trim_end_matches('.').to_owned();
            format!("{owner} {} {} {}", record.ttl, record.record_type(), record.data)
        };
        Given {
            code: response.metadata.response_code,
            answers: response.answers.iter().map(line).collect(),
            authorities: response.authorities.len(),
            additionals: response.additionals.len(),
        }
    }

    fn ask(&mut self, owner: &str, rtype: RecordType) -> Given {
        self.ask_from("127.0.0.1", owner, rtype)
    }

    /// The last octet of the one address that is answered.
    fn octet(&mut self, client: u8, owner: &str) -> u8 {
        let given = self.ask_from(&format!("127.0.0.{client}"), owner, RecordType::A);
        assert_eq!((given.code, given.answers.len()), (ResponseCode::NoError, 1), "{given:?}");
        given.answers[0].rsplit_once('.').unwrap().1.parse().unwrap()
    }
}

fn answers(lines: &[&str]) -> Given {
    let answers = lines.iter().map(|&line| line.to_owned()).collect();
    Given { code: ResponseCode::NoError, answers, authorities: 0, additionals: 0 }
}

/// What PowerDNS 4.7.3 answered to 127.0.0.1 up to 127.0.0.6: `pickhashed` of
/// so many addresses, and `pickwhashed` with weights 1, 3, 5, 2, 4 in turn.
const POWERDNS: &[(u8, [u8; 6], [u8; 6])] = &[
    (1, [1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]),
    (2, [1, 1, 2, 1, 1, 2], [2, 2, 2, 2, 2, 2]),
    (3, [1, 1, 2, 2, 2, 2], [2, 3, 3, 3, 3, 3]),
    (13, [7, 11, 13, 6, 12, 5], [12, 2, 5, 3, 2, 13]),
    (14, [7, 13, 14, 11, 5, 10], [13, 10, 9, 13, 8, 12]),
    (20, [17, 13, 18, 19, 3, 2], [6, 17, 7, 13, 2, 20]),
    (30, [7, 13, 8, 29, 23, 2], [13, 23, 3, 19, 27, 5]),
];

#[test]
fn a_client_gets_from_each_hash_what_powerdns_gave_it() {
    for &(count, hashed, weighted) in POWERDNS {
        let plain: Vec<String> = (1..=count).map(|host| format!("'192.0.2.{host}'")).collect();
        let weigh = |host: u8| format!("{{{}, '192.0.2.{host}'}}", 1 + (usize::from(host - 1) * 7) % 5);
        let weighed: Vec<String> = (1..=count).map(weigh).collect();
        let mut served = Served::new(&format!(
            "h LUA A \"pickhashed({{{}}})\"\nw LUA A \"pickwhashed({{{}}})\"\n",
            plain.join(", "),
            weighed.join(", ")
        ));
        assert_eq!([1, 2, 3, 4, 5, 6].map(|client| served.octet(client, "h")), hashed, "{count}");
        assert_eq!([1, 2, 3, 4, 5, 6].map(|client| served.octet(client, "w")), weighted, "{count}");
    }
}

#[test]
fn targets_that_say_nothing_of_their_weight_are_alike_and_one_is_answered_when_none_is_up() {
    let record = "s LUA A \"pickselfweighted('http://s.x.example/w', {'192.0.2.1', '192.0.2.2', '192.0.2.3'})\"\n\
                  h LUA A \"pickhashed({'192.0.2.1', '192.0.2.2', '192.0.2.3'})\"\n";
    let mut served = Served::new(record);
    for client in 1..=6 {
        assert_eq!(served.octet(client, "s"), served.octet(client, "h"));
    }
    let (zone, said) = zone(record, Vec::new());
    let mut down = Served::of(&zone.unwrap_or_else(|| panic!("{said:?}")), Verdict::Down);
    let seen: std::collections::BTreeSet<u8> = (0..100).map(|_| down.octet(1, "s")).collect();
    assert_eq!(seen.len(), 3, "by chance, whoever asks");
}

#[test]
fn a_name_is_hashed_in_lower_case_whoever_leads_to_it() {
    // h(any.w.x.example) decides, not the name of the alias nor that of the wildcard.
    let mut served = Served::new(
        "*.w LUA A \"picknamehashed({{1, '192.0.2.1'}, {1, '192.0.2.2'}, {1, '192.0.2.3'}, {9, '192.0.2.4'}})\"\n\
         alias CNAME one.w\nd DNAME w\nchosen LUA CNAME \"pickrandom({'one.w.x.example'})\"\n",
    );
    let mut seen = std::collections::BTreeSet::new();
    for label in ["one", "two", "three", "four", "five", "six", "seven", "eight"] {
        let direct = served.octet(1, &format!("{label}.w"));
        assert_eq!(served.octet(2, &format!("{}.W", label.to_uppercase())), direct);
        let below = served.ask(&format!("{label}.d"), RecordType::A).answers;
        assert!(below[2].ends_with(&format!("A 192.0.2.{direct}")), "{below:?}");
        seen.insert(direct);
    }
    assert!(seen.len() > 1, "{seen:?}");
    let expected = served.octet(1, "one.w");
    for (owner, links) in [("alias", 1), ("chosen", 1)] {
        let given = served.ask(owner, RecordType::A).answers;
        assert_eq!(given.len(), links + 1);
        assert!(given[links].ends_with(&format!("one.w 60 A 192.0.2.{expected}")), "{given:?}");
    }
}

#[test]
fn every_type_can_be_chosen_from() {
    let mut served = Served::new(
        "t LUA TXT \"pickhashed({'one two', 'three'})\"\nm LUA MX \"pickhashed({'10 a.example.net', '20 ns'})\"\n\
         p LUA PTR \"pickrandom({'host.example.net'})\"\ns LUA SRV \"pickrandom({'0 5 443 ns.x.example.'})\"\n\
         a6 LUA AAAA \"pickrandom({'2001:db8::1'})\"\nu LUA TYPE65280 \"pickrandom({'\\\\# 2 abcd'})\"\n",
    );
    assert_eq!(served.ask("t", RecordType::TXT), answers(&["t 60 TXT one two"]));
    assert_eq!(served.ask("m", RecordType::MX), answers(&["m 60 MX 10 a.example.net."]));
    assert_eq!(served.ask("p", RecordType::PTR), answers(&["p 60 PTR host.example.net."]));
    assert_eq!(served.ask("s", RecordType::SRV), answers(&["s 60 SRV 0 5 443 ns.x.example."]));
    assert_eq!(served.ask("a6", RecordType::AAAA), answers(&["a6 60 AAAA 2001:db8::1"]));
    let unknown = served.ask("u", RecordType::Unknown(65280));
    assert_eq!(unknown.answers.len(), 1);
    assert_eq!(served.ask("t", RecordType::A).authorities, 1, "another type is NODATA");
}

#[test]
fn static_and_chosen_records_of_one_type_are_answered_together() {
    let mut served = Served::new("m MX 5 ns\nm LUA MX \"pickrandom({'10 a.example.net'})\"\n");
    let given = served.ask("m", RecordType::MX);
    assert_eq!(given, answers(&["m 60 MX 5 ns.x.example.", "m 60 MX 10 a.example.net."]));
}

#[test]
fn a_view_answers_by_network_and_servfail_to_strangers() {
    let mut served = Served::new(
        "v LUA A \"view({{{'127.0.0.2/32', '127.0.0.3'}, {'192.0.2.1'}}, {{'127.0.0.4/30'}, {'192.0.2.2'}}})\"\n",
    );
    // As PowerDNS 4.7.3 answered them.
    assert_eq!([2, 3, 4, 7].map(|client| served.octet(client, "v")), [1, 1, 2, 2]);
    for client in ["127.0.0.1", "127.0.0.8", "::1"] {
        let given = served.ask_from(client, "v", RecordType::A);
        assert_eq!((given.code, given.answers.len()), (ResponseCode::ServFail, 0), "{client}");
    }
}

#[test]
fn a_sample_of_nothing_is_nodata() {
    let mut served = Served::new("s LUA A \"pickrandomsample(0, {'192.0.2.1'})\"\n");
    let given = served.ask("s", RecordType::A);
    assert_eq!((given.code, given.answers.len(), given.authorities), (ResponseCode::NoError, 0, 1));
}

#[test]
fn a_chosen_alias_answers_every_type_and_is_followed_in_the_zone() {
    let mut served = Served::new(
        "c LUA CNAME \"pickrandom({'a.x.example'})\"\na A 192.0.2.1\na TXT \"x\"\n\
         out LUA CNAME \"pickrandom({'www.example.net'})\"\n\
         gone LUA CNAME \"pickrandom({'nothing.x.example'})\"\n\
         *.w LUA CNAME \"pickrandom({'a.x.example'})\"\nlead CNAME c\n\
         twice LUA CNAME \"pickrandom({'lead.x.example'})\"\nd DNAME a\n\
         through LUA CNAME \"pickrandom({'b.d.x.example'})\"\nb.a A 192.0.2.2\n\
         sub NS ns.sub\nns.sub A 192.0.2.3\ncut LUA CNAME \"pickrandom({'host.sub.x.example'})\"\n",
    );
    let to_a = ["c 60 CNAME a.x.example.", "a 60 A 192.0.2.1"];
    assert_eq!(served.ask("c", RecordType::A), answers(&to_a));
    assert_eq!(served.ask("c", RecordType::TXT), answers(&[to_a[0], "a 60 TXT x"]));
    assert_eq!(served.ask("c", RecordType::CNAME), answers(&to_a[..1]));
    assert_eq!(served.ask("c", RecordType::ANY), answers(&to_a[..1]));
    let nodata = served.ask("c", RecordType::MX);
    assert_eq!((nodata.code, nodata.answers.len(), nodata.authorities), (ResponseCode::NoError, 1, 1));
    assert_eq!(served.ask("out", RecordType::A), answers(&["out 60 CNAME www.example.net."]));
    let gone = served.ask("gone", RecordType::A);
    assert_eq!((gone.code, gone.answers.len(), gone.authorities), (ResponseCode::NXDomain, 1, 1));
    let made = ["k.j.w 60 CNAME a.x.example.", "a 60 A 192.0.2.1"];
    assert_eq!(served.ask("k.j.w", RecordType::A), answers(&made));
    let lead = ["lead 60 CNAME c.x.example.", to_a[0], to_a[1]];
    assert_eq!(served.ask("lead", RecordType::A), answers(&lead));
    let twice = ["twice 60 CNAME lead.x.example.", lead[0], lead[1], lead[2]];
    assert_eq!(served.ask("twice", RecordType::A), answers(&twice));
    let through = [
        "through 60 CNAME b.d.x.example.",
        // hickory does not read this type.
        "d 60 DNAME AWEBeAdleGFtcGxlAA==",
        "b.d 60 CNAME b.a.x.example.",
        "b.a 60 A 192.0.2.2",
    ];
    assert_eq!(served.ask("through", RecordType::A), answers(&through));
    let cut = served.ask("cut", RecordType::A);
    assert_eq!((cut.code, cut.answers.len(), cut.authorities), (ResponseCode::NoError, 1, 1));
    assert_eq!(cut.additionals, 1, "the glue");
}

#[test]
fn chosen_aliases_that_go_round_end() {
    let mut served = Served::new(
        "self LUA CNAME \"pickrandom({'self.x.example'})\"\na LUA CNAME \"pickrandom({'b.x.example'})\"\n\
         b LUA CNAME \"pickrandom({'a.x.example'})\"\n*.w LUA CNAME \"pickrandom({'on.w.x.example'})\"\n",
    );
    assert_eq!(served.ask("self", RecordType::A), answers(&["self 60 CNAME self.x.example."]));
    let round = ["a 60 CNAME b.x.example.", "b 60 CNAME a.x.example."];
    assert_eq!(served.ask("a", RecordType::A), answers(&round));
    let given = served.ask("off.w", RecordType::A);
    assert_eq!(given, answers(&["off.w 60 CNAME on.w.x.example.", "on.w 60 CNAME on.w.x.example."]));
}

#[test]
fn a_name_with_a_chosen_alias_has_nothing_else() {
    let alias = "c LUA CNAME \"pickrandom({'a.example.net'})\"\n";
    for (beside, expected) in [
        ("c A 192.0.2.1\n", "x.zone:6:1: `c.x.example.` has a CNAME record and others"),
        ("c CNAME b.example.net.\n", "x.zone:6:1: `c.x.example.` has more than one CNAME record"),
        (alias, "x.zone:5:1: `c.x.example.` has more than one CNAME record"),
        (
            "c LUA A \"pickrandom({'192.0.2.1'})\"\n",
            "x.zone:6:1: `c.x.example.` has a CNAME record and others",
        ),
    ] {
        let (zone, said) = zone(&format!("{alias}{beside}"), Vec::new());
        assert!(zone.is_none());
        assert!(said.iter().any(|one| one.contains(expected)), "{said:?}");
    }
}

#[test]
fn names_are_included_wherever_the_other_record_stands() {
    let mut served = Served::new(
        "i1 LUA A \";include('config') return A\"\ni2 LUA A \";include('config'); return pickrandom(L)\"\n\
         config LUA LUA \"A='192.0.2.7'; L={'192.0.2.8'}\"\n\
         i3 LUA A \";include('config'); B={A} return pickhashed(B)\"\n",
    );
    assert_eq!(["i1", "i2", "i3"].map(|owner| served.octet(1, owner)), [7, 8, 7]);
    // The other record is a name like others, and its code is told to nobody.
    let given = served.ask("config", RecordType::A);
    assert_eq!((given.code, given.answers.len(), given.authorities), (ResponseCode::NoError, 0, 1));
    assert_eq!(served.ask("config", RecordType::Unknown(65402)).answers, Vec::<String>::new());
}

#[test]
fn a_pool_that_cannot_be_answered_whole_is_refused_at_load() {
    let texts = vec![format!("'{}'", "x".repeat(57)); 1000].join(",\"\n\"");
    let (zone, said) = zone(&format!("t LUA TXT ( \"pickrandomsample(999, {{{texts}}})\" )\n"), Vec::new());
    assert!(zone.is_none());
    assert!(said.iter().any(|one| one.contains("does not fit a message")), "{said:?}");
}

#[test]
fn a_url_whose_host_is_a_name_of_the_zone_is_asked_at_its_addresses() {
    let (zone, said) = zone(
        "ext LUA A \"ifurlextup({{['192.0.2.9']='http://check.x.example:81/', ['192.0.2.10']='http://Www.x.example./'}})\"\n\
         check A 198.51.100.7\ncheck AAAA 2001:db8::7\nwww CNAME web\nweb A 198.51.100.8\n",
        Vec::new(),
    );
    assert_eq!(said, Vec::<String>::new());
    let zone = zone.unwrap();
    let probes: Vec<Vec<String>> = zone.pools()[0].groups[0]
        .iter()
        .map(|member| member.guards.iter().map(|guard| guard.probe.to_string()).collect())
        .collect();
    assert_eq!(
        probes,
        [
            vec!["http://198.51.100.8:80/ as Www.x.example."],
            vec![
                "http://198.51.100.7:81/ as check.x.example:81",
                "http://[2001:db8::7]:81/ as check.x.example:81"
            ],
        ]
    );
}

#[test]
fn a_name_with_more_addresses_than_are_probed_is_refused() {
    let with = |addresses: u32| {
        let addresses: String = (1..=addresses).map(|last| format!("check A 198.51.100.{last}\n")).collect();
        let url = "ext LUA A \"ifurlextup({{['192.0.2.9']='http://check.x.example/'}})\"\n";
        zone(&format!("{url}{addresses}"), Vec::new())
    };
    let (whole, said) = with(64);
    assert_eq!((whole.unwrap().pools()[0].groups[0][0].guards.len(), said), (64, Vec::<String>::new()));
    let (none, said) = with(65);
    assert!(none.is_none());
    assert!(said.concat().contains("`check.x.example.` has more than 64 addresses to probe"), "{said:?}");
}

#[test]
fn a_url_whose_host_has_no_address_here_is_refused_with_what_to_write() {
    for (host, what) in [
        (
            "check.elsewhere.test",
            "`check.elsewhere.test.`, which this URL asks, is not a name of the zone `x.example.`",
        ),
        ("missing.x.example", "`missing.x.example.`, which this URL asks, leads to no address of this zone"),
        ("text.x.example", "`text.x.example.`, which this URL asks, has no address"),
        ("ext.x.example", "`ext.x.example.`, which this URL asks, is answered by this record itself"),
        ("a.sub.x.example", "`a.sub.x.example.`, which this URL asks, leads to no address of this zone"),
        ("out.x.example", "`out.x.example.`, which this URL asks, leads to no address of this zone"),
    ] {
        let (zone, said) = zone(
            &format!(
                "ext LUA A \"ifurlextup({{{{['192.0.2.9']='http://{host}/'}}}})\"\ntext TXT x\nsub NS ns\n\
                 out CNAME www.elsewhere.test.\n"
            ),
            Vec::new(),
        );
        assert!(zone.is_none(), "{host}");
        let told = said.iter().find(|one| one.contains(what)).unwrap_or_else(|| panic!("{what} in {said:?}"));
        assert!(told.contains("write the address in the URL, as in 'https://192.0.2.9:6443/'"), "{told}");
    }
}

mod guarded;
