//! Pools in zones that are signed here: what Unbound, delv and dnssec-verify say of them while members go down and come
//! back.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::process::Command;

use harness::client::addresses;
use harness::program::{Program, Site, said};
use harness::tools::tool;
use harness::unbound::Unbound;
use harness::zone_keys;
use harness::{PATIENCE, free_port, loopback, wait_for};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

/// The zone that is signed.
const APEX: &str = "pools.test.";

/// Names with pools, and names that lead to pools, that wildcards with pools make, and that are not there. None that leads to
/// an alias at a wildcard, whose TTL is over soon: Unbound 1.17 takes the rest of such chains from its cache and fails, in zones
/// without pools as well.
const NAMES: [&str; 29] = [
    "all", "fixed", "some", "one", "hashed", "sample", "weighted", "wrandom", "named", "ring", "seen",
    "told", "none", "first", "nothing", "x.apps", "y.z.apps", "*.apps", "x.wild", "alias", "to-none",
    "chosen", "x.chosen", "x.d", "mx", "gone", "gone.all", "aaa.none", "zzz",
];

/// A server of a signed zone with a pool of each selector, and three hosts that are probed.
struct Lab {
    site: Site,
    program: Program,
    hosts: [Ipv4Addr; 3],
    port: u16,
    open: Vec<TcpListener>,
}

impl Lab {
    fn start() -> Lab {
        Lab::with_denial("nsec")
    }

    /// The same with names denied in this way.
    fn with_denial(denial: &str) -> Lab {
        let hosts = [loopback(), loopback(), loopback()];
        let port = free_port(hosts[0]).port();
        let [a, b, c] = hosts;
        let up = format!("ifportup({port}, {{'{a}', '{b}', '{c}'}}");
        let or_none = "{backupSelector='empty'}";
        let site = Site::new();
        site.write(
            "pools.zone",
            &format!(
                "$TTL 300\n@ SOA ns host 7 3600 600 86400 300\n@ NS ns\nns A 127.0.0.1\n\
                 all 1 LUA A \"{up})\"\n\
                 fixed 1 A {a}\nfixed 1 A {b}\nfixed 1 A {c}\nsome 1 A {a}\nsome 1 A {b}\nsome 1 A {c}\n\
                 first 1 A {a}\nfirst 1 A {b}\nnothing 1 A {a}\nnothing 1 A {b}\nnothing TXT \"beside\"\n\
                 one 1 LUA A \"{up}, {{selector='random'}})\"\nhashed 1 LUA A \"{up}, {{selector='hashed'}})\"\n\
                 sample 1 LUA A \"pickrandomsample(2, {{'{a}', '{b}', '{c}'}})\"\n\
                 weighted 1 LUA A \"pickwhashed({{{{1, '{a}'}}, {{2, '{b}'}}}})\"\n\
                 wrandom 1 LUA A \"pickwrandom({{{{1, '{a}'}}, {{2, '{b}'}}}})\"\n\
                 named 1 LUA TXT \"picknamehashed({{{{1, 'one'}}, {{2, 'two'}}}})\"\n\
                 ring 1 LUA A \"pickchashed({{{{1, '{a}'}}, {{2, '{b}'}}}})\"\n\
                 seen 1 LUA A \"view({{{{{{'0.0.0.0/0', '::/0'}}, {{'{a}', '{b}'}}}}}})\"\n\
                 told 1 LUA A \"pickselfweighted('http://{a}:{port}/', {{'{a}', '{b}'}})\"\n\
                 none 1 LUA A \"{up}, {or_none})\"\nnone TXT \"beside\"\n\
                 *.apps 1 LUA A \"{up}, {or_none})\"\n*.wild 1 LUA A \"{up})\"\nalias CNAME all\nto-none CNAME none\n\
                 chosen 1 LUA CNAME \"pickrandom({{'all.{APEX}', 'x.apps.{APEX}', 'gone.{APEX}', 'alias.{APEX}'}})\"\n\
                 *.chosen LUA CNAME \"pickrandom({{'none.{APEX}', 'x.wild.{APEX}', 'all.{APEX}'}})\"\n\
                 picked CNAME y.chosen\nd DNAME t\nx.t 1 LUA A \"{up}, {or_none})\"\nmx MX 5 all\nmx MX 6 none\n"
            ),
        );
        zone_keys::generate(&site, APEX, "keys");
        let guard =
            |name: &str, more: &str| format!("[[zone.probe]]\nnames = [\"{name}\"]\ntcp = {port}\n{more}\n");
        site.configure(&format!(
            "[admin]\nsocket = \"control.sock\"\nstate-directory = \"state\"\n[probe]\ninterval = \"100ms\"\ntimeout = \"100ms\"\nrise = 1\nfall = 1\n\
             [[zone]]\nname = \"{APEX}\"\nfile = \"pools.zone\"\nallow-transfer = [\"127.0.0.0/8\"]\n\
             [zone.dnssec]\nkeys = \"keys\"\ndenial = \"{denial}\"\n[[zone.update]]\nallow = [\"127.0.0.0/8\"]\n\
             names = [\"**\"]\ntypes = [\"ANY\"]\n{}{}{}{}",
            guard("fixed", "order = \"fixed\""),
            guard("some", "max-answers = 2"),
            guard("first", "selector = \"first\""),
            guard("nothing", "all-down = \"none\""),
        ));
        let program = site.start();
        let mut lab = Lab { site, program, hosts, port, open: Vec::new() };
        lab.have_up(&hosts);
        lab
    }

    /// Has these hosts up and the others down, and waits until that is answered.
    fn have_up(&mut self, hosts: &[Ipv4Addr]) {
        self.open.clear();
        let listener = |host: &Ipv4Addr| TcpListener::bind((*host, self.port)).expect("a port");
        self.open = hosts.iter().map(listener).collect();
        let mut wanted: Vec<IpAddr> = hosts.iter().map(|host| (*host).into()).collect();
        wanted.sort();
        for name in ["none", "nothing", "x.apps", "x.t"] {
            let of_two = name == "nothing";
            let wanted: Vec<IpAddr> = wanted
                .iter()
                .filter(|host| !of_two || **host != IpAddr::from(self.hosts[2]))
                .copied()
                .collect();
            self.program.wait_for_addresses(&format!("{name}.{APEX}"), &wanted);
        }
    }

    fn listen(&self) -> SocketAddr {
        self.program.listen()
    }

    /// What delv says of the addresses of a name.
    fn delv(&self, name: &str) -> Option<String> {
        let mut command = tool("delv")?;
        zone_keys::write_anchors(&self.site, APEX, &self.key());
        let (ip, port) = (self.listen().ip(), self.listen().port());
        command.args([format!("@{ip}"), "-p".into(), port.to_string(), "-a".into()]);
        command.arg(self.site.folder().join("anchors"));
        command.args([format!("+root={APEX}"), format!("{name}.{APEX}"), "A".into()]);
        Some(said(&command.output().expect("delv runs")))
    }

    /// The data of its key, as `257 3 13 …`.
    fn key(&self) -> String {
        zone_keys::only_key(&self.site, "keys")
    }
}

/// Has a resolver validate every answer; returns those that are not sound.
fn unsound(unbound: &Unbound, found: &mut BTreeSet<String>) {
    let types = [
        RecordType::A,
        RecordType::AAAA,
        RecordType::TXT,
        RecordType::CNAME,
        RecordType::MX,
        RecordType::ANY,
    ];
    for name in NAMES {
        // Asked for an alias below a DNAME, Unbound takes it for a missing DS.
        for qtype in types.into_iter().filter(|qtype| name != "x.d" || *qtype != RecordType::CNAME) {
            let qname = format!("{name}.{APEX}");
            let Some(answer) = unbound.ask(&qname, qtype) else {
                found.insert(format!("{qname} {qtype}: silent"));
                continue;
            };
            let code = answer.metadata.response_code;
            let is_sound = matches!(code, ResponseCode::NoError | ResponseCode::NXDomain)
                && answer.metadata.authentic_data;
            if !is_sound {
                found.insert(format!("{qname} {qtype}: {code}, {}", answer.metadata.authentic_data));
            }
        }
    }
}

#[test]
fn every_answer_of_pools_is_validated_while_members_go_down_and_come_back() {
    validate(Lab::start());
}

#[test]
fn every_answer_of_pools_in_a_zone_that_denies_by_hashes_is_validated_too() {
    validate(Lab::with_denial("nsec3"));
}

fn validate(mut lab: Lab) {
    let key = lab.key();
    let Some(unbound) = Unbound::start(lab.listen(), &[(APEX, &key)], "  aggressive-nsec: yes\n") else {
        return;
    };
    let [a, b, c] = lab.hosts;
    let mut found = BTreeSet::new();
    for up in [&[a, b, c][..], &[b], &[], &[a, b], &[], &[a, b, c]] {
        lab.have_up(up);
        unsound(&unbound, &mut found);
        // What was denied while it was empty is asked for again in time: negative answers of other names hold for 300 seconds.
        let mut wanted: Vec<IpAddr> = up.iter().map(|host| (*host).into()).collect();
        wanted.sort();
        for name in ["none", "x.apps", "q.apps", "to-none", "x.d"] {
            wait_for(&format!("{name} {wanted:?}"), PATIENCE, || {
                let answer = unbound.ask(&format!("{name}.{APEX}"), RecordType::A)?;
                if answer.metadata.response_code != ResponseCode::NoError || !answer.metadata.authentic_data {
                    found.insert(format!("{name} A: {}", answer.metadata.response_code));
                    return Some(());
                }
                let mut given = addresses(&answer);
                given.sort();
                (given == wanted).then_some(())
            });
        }
        unsound(&unbound, &mut found);
    }
    assert!(found.is_empty(), "{found:#?}\n{}", unbound.log());
    lab.program.stop();
}

#[test]
fn delv_validates_what_a_pool_answers_and_that_it_is_empty() {
    let mut lab = Lab::start();
    for name in [
        "all", "some", "sample", "one", "x.wild", "x.chosen", "picked", "none", "x.apps", "to-none",
        "nothing",
    ] {
        let Some(told) = lab.delv(name) else { return };
        assert!(told.contains("; fully validated"), "{name}: {told}");
    }
    lab.have_up(&[]);
    for name in ["none", "x.apps", "nothing"] {
        let Some(told) = lab.delv(name) else { return };
        assert!(told.contains("negative response, fully validated"), "{name}: {told}");
    }
    lab.program.stop();
}

#[test]
fn dnssec_verify_accepts_what_is_sent_of_a_zone_with_pools() {
    for denial in ["nsec", "nsec3"] {
        verify(&Lab::with_denial(denial));
    }
}

fn verify(lab: &Lab) {
    let Some(sent) = lab.sent("AXFR") else { return };
    let is_member = |line: &&str| line.starts_with(&format!("all.{APEX}")) && line.contains("\t1\tIN\tA\t");
    assert_eq!(sent.lines().filter(is_member).count(), 3, "{sent}");
    lab.verify(&sent);
}

impl Lab {
    /// What is sent to another server that asks for this type, a record in each line.
    fn sent(&self, rtype: &str) -> Option<String> {
        let mut dig = tool("dig")?;
        let (ip, port) = (self.listen().ip().to_string(), self.listen().port().to_string());
        dig.arg(format!("@{ip}")).args(["-p", &port, APEX, rtype, "+noall", "+answer", "+onesoa", "+tcp"]);
        Some(String::from_utf8(run(&mut dig)).unwrap())
    }

    /// Has dnssec-verify judge a zone.
    fn verify(&self, zone: &str) {
        self.site.write("sent", zone);
        let Some(mut verify) = tool("dnssec-verify") else { return };
        run(verify.args(["-z", "-o", APEX]).arg(self.site.folder().join("sent")));
    }
}

/// The serial of the first SOA record among records.
fn serial(records: &str) -> u32 {
    let soa = records.lines().find(|line| line.contains("\tSOA\t")).expect("a SOA record");
    soa.split_ascii_whitespace().nth(6).and_then(|word| word.parse().ok()).expect("a serial")
}

/// The records among lines, each with single spaces.
fn records(lines: &str) -> BTreeSet<String> {
    lines.lines().filter(|line| !line.is_empty()).map(plain).collect()
}

fn plain(line: &str) -> String {
    line.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// What becomes of a zone by what an incremental transfer sends (RFC 1995): between SOA records by turns what goes and what
/// comes.
fn after(before: &str, changes: &str) -> BTreeSet<String> {
    let (mut zone, mut parts) = (records(before), 0);
    // The first and the last are the newest one.
    let lines: Vec<&str> = changes.lines().filter(|line| !line.is_empty()).collect();
    for line in &lines[1..lines.len() - 1] {
        parts += usize::from(line.contains("\tSOA\t"));
        if parts % 2 == 1 {
            assert!(zone.remove(&plain(line)), "it was not there: {line}");
        } else {
            zone.insert(plain(line));
        }
    }
    assert!(parts >= 2 && parts % 2 == 0, "{changes}");
    zone
}

#[test]
fn what_is_sent_of_changes_in_a_zone_with_pools_leads_to_what_is_sent_of_it_whole() {
    for denial in ["nsec", "nsec3"] {
        let mut lab = Lab::with_denial(denial);
        let Some(before) = lab.sent("AXFR") else { return };
        let Some(mut nsupdate) = tool("nsupdate") else { return };
        // Verdicts change nothing of what is sent, and members neither.
        let [a, ..] = lab.hosts;
        lab.have_up(&[a]);
        assert_eq!(lab.sent("AXFR").unwrap(), before);
        let (ip, port) = (lab.listen().ip(), lab.listen().port());
        lab.site.write(
            "orders",
            &format!(
                "server {ip} {port}\nzone {APEX}\nupdate add aaa.{APEX} 60 A {a}\nsend\n\
                 update add all.{APEX} 60 TXT beside\nupdate delete mx.{APEX} MX\nsend\n"
            ),
        );
        run(nsupdate.arg(lab.site.folder().join("orders")));
        let whole = lab.sent("AXFR").unwrap();
        assert_eq!(serial(&whole), serial(&before) + 2);
        let changes = lab.sent(&format!("IXFR={}", serial(&before))).unwrap();
        assert!(changes.lines().count() < whole.lines().count(), "{changes}");
        let zone = after(&before, &changes);
        assert_eq!(zone, records(&whole));
        lab.verify(&zone.into_iter().collect::<Vec<_>>().join("\n"));
        lab.program.stop();
    }
}

#[test]
fn signatures_that_are_asked_for_alone_are_those_of_what_a_pool_answers_now() {
    let mut lab = Lab::start();
    let asked = |lab: &Lab, name: &str| {
        let mut dig = tool("dig")?;
        let (ip, port) = (lab.listen().ip().to_string(), lab.listen().port().to_string());
        dig.arg(format!("@{ip}")).args(["-p", &port, &format!("{name}.{APEX}"), "RRSIG", "+short"]);
        let said = String::from_utf8(run(&mut dig)).unwrap();
        let covered = said.lines().filter_map(|line| line.split_ascii_whitespace().next().map(str::to_owned));
        Some(covered.collect::<BTreeSet<String>>())
    };
    let of = |types: &[&str]| Some(types.iter().map(|text| (*text).to_owned()).collect::<BTreeSet<_>>());
    let Some(all) = asked(&lab, "all") else { return };
    assert_eq!(Some(all), of(&["A", "NSEC"]));
    for (name, types) in
        [("none", &["A", "NSEC", "TXT"][..]), ("hashed", &["A", "NSEC"]), ("some", &["A", "NSEC"])]
    {
        assert_eq!(asked(&lab, name), of(types), "{name}");
    }
    assert_eq!(asked(&lab, "x.wild"), of(&["A", "NSEC"]));
    lab.have_up(&[]);
    assert_eq!(asked(&lab, "none"), of(&["NSEC", "TXT"]), "it is empty");
    lab.program.stop();
}

fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{}", said(&output));
    output.stdout
}
