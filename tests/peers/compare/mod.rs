//! `edgedns compare` with PowerDNS, Knot DNS, BIND and another edgedns: what the command prints, and its exit
//! status.
//!
//! Which single answers mean the same is tested in `tools::compare`.

mod peer;

use std::net::{SocketAddr, UdpSocket};
use std::process::Output;
use std::time::{Duration, Instant};

use harness::program::{Program, Site, said};
use harness::tools::is_installed;
use harness::{free_port, loopback};
use peer::{Kind, RESOLVER};

/// Everything that answers are made of: addresses, an alias, a wildcard, an empty non-terminal, a zone cut, a service,
/// and a set that fits in no datagram.
fn zone() -> String {
    let mut text = String::from(
        "$TTL 300\n@ IN SOA ns1 hostmaster 7 10800 1800 1209600 60\n@ IN NS ns1\n@ IN MX 10 mail\nns1 IN A 192.0.2.53\n\
         mail IN A 192.0.2.25\nmail IN AAAA 2001:db8::25\nwww IN CNAME web\nweb 60 IN A 192.0.2.80\nweb 60 IN A 192.0.2.81\n\
         *.wild IN A 192.0.2.90\n*.wild IN TXT \"any\"\na.b.c IN A 192.0.2.3\nsub IN NS ns.sub\nns.sub IN A 192.0.2.54\n\
         _etcd._tcp IN SRV 0 10 2380 mail\n",
    );
    for number in 0..30 {
        text += &format!("large IN TXT \"{number:03} {}\"\n", "x".repeat(90));
    }
    text
}

/// Pools as LUA records, whose members are addresses where nothing listens.
const POOLS: &str = "api 10 IN LUA A \"ifportup(6443, {'127.0.1.13', '127.0.1.14', '127.0.1.15'})\"\n\
    *.apps 10 IN LUA A \"ifportup(443, {'127.0.1.13', '127.0.1.14', '127.0.1.15'})\"\n";

const CONFIG: &str = "[[zone]]\nname = \"x.example\"\nfile = \"x.zone\"\n";

/// A folder with this text of the zone.
fn site(zone: &str) -> Site {
    let site = Site::new();
    site.configure(CONFIG);
    site.write("x.zone", zone);
    site
}

/// Another edgedns with this text of the zone, running.
fn edgedns(zone: &str) -> (Site, Program) {
    let site = site(zone);
    let program = site.start();
    (site, program)
}

/// Compares what the folder holds with a server, fast.
fn compare(site: &Site, with: SocketAddr, more: &[&str]) -> Output {
    let with = with.to_string();
    let rate: &[&str] = if more.contains(&"--rate") { &[] } else { &["--rate", "2000"] };
    site.run(&[&["compare", "--config", "edgedns.toml", "--with", &with][..], rate, more].concat())
}

#[test]
fn power_dns_with_the_same_text_answers_the_same_pools_included() {
    if !Kind::PowerDns.is_installed() {
        return;
    }
    let text = zone() + POOLS;
    let peer = Kind::PowerDns.serve(&text);
    let output = compare(&site(&text), peer.place, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains(" 0 differently"), "{}", said(&output));
}

#[test]
fn a_resolver_in_front_is_recognized_and_only_its_answers_count() {
    if !Kind::PowerDns.is_installed() || !is_installed(RESOLVER) {
        return;
    }
    // Whomever the resolver takes for a name server, it stays on this host.
    let text = (zone() + POOLS).replace("192.0.2.", "127.0.1.");
    let behind = Kind::PowerDns.serve(&text);
    let peer = behind.behind_a_resolver();
    let output = compare(&site(&text), peer.place, &["--rate", "500"]);
    assert!(said(&output).contains("is a resolver"), "{}", said(&output));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let other = compare(&site(&text.replace("127.0.1.81", "127.0.1.82")), peer.place, &["--rate", "500"]);
    assert!(said(&other).contains("+ web.x.example. 60 IN A 127.0.1.82"), "{}", said(&other));
}

#[test]
fn power_dns_with_another_member_is_told_apart() {
    if !Kind::PowerDns.is_installed() {
        return;
    }
    let theirs = zone() + "api 10 IN LUA A \"ifportup(6443, {'127.0.1.99'})\"\nold IN DNAME wild\n";
    let peer = Kind::PowerDns.serve(&theirs);
    let ours = zone() + POOLS + "old IN DNAME wild\n";
    let output = compare(&site(&ours), peer.place, &["--rate", "1000"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let said = said(&output);
    assert!(said.contains("- api.x.example. 10 IN A 127.0.1.99"), "{said}");
    assert!(said.contains("+ api.x.example. 10 IN A any of 127.0.1.13, 127.0.1.14, 127.0.1.15"), "{said}");
    assert!(said.contains("with `dname-processing=yes` only"), "{said}");
    assert!(said.contains("edgedns-compare.apps.x.example. A\n  rcode       - NXDOMAIN\n"), "{said}");
}

#[test]
fn knot_and_bind_with_the_same_text_differ_in_nothing_that_counts() {
    for kind in [Kind::Knot, Kind::Bind] {
        if kind.is_installed() {
            let text = zone() + "old IN DNAME wild\n";
            let peer = kind.serve(&text);
            let output = compare(&site(&text), peer.place, &[]);
            assert_eq!(output.status.code(), Some(0), "{kind:?}\n{}", said(&output));
            let with_ns = said(&output).contains("NS records behind an answer");
            assert_eq!(with_ns, kind == Kind::Bind, "{kind:?}\n{}", said(&output));
        }
    }
}

#[test]
fn a_deliberate_difference_is_drawn_and_told_to_machines() {
    let theirs = zone()
        .replace("web 60 IN A 192.0.2.81", "web 60 IN A 192.0.2.82")
        .replace("mail IN AAAA", "mail 5 IN AAAA");
    let (_folder, peer) = edgedns(&theirs);
    let ours = site(&zone());
    let output = compare(&ours, peer.listen(), &[]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let drawn = "web.x.example. A\n  answer      - web.x.example. 60 IN A 192.0.2.82\n              \
                 + web.x.example. 60 IN A 192.0.2.81\n";
    assert!(said(&output).contains(drawn), "{}", said(&output));
    let output = compare(&ours, peer.listen(), &["--format", "json"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let lines: Vec<serde_json::Value> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let (end, differences) = lines.split_last().expect("lines");
    assert_eq!(end["end"]["different"], differences.len(), "{lines:?}");
    let aaaa =
        differences.iter().map(|line| &line["difference"]).find(|one| one["type"] == "AAAA").expect("AAAA");
    assert_eq!(aaaa["parts"][0]["theirs"][0], "mail.x.example. 5 IN AAAA 2001:db8::25");
    assert!(aaaa["reason"].as_str().is_some_and(|reason| reason.contains("TTL")), "{aaaa}");
    peer.stop();
}

#[test]
fn a_running_edgedns_can_be_asked_for_our_answers() {
    let (_one, first) = edgedns(&zone());
    let (_other, second) = edgedns(&zone());
    let local = second.listen().to_string();
    // The files differ from what runs: it is the running server that counts.
    let files = site(&zone().replace("192.0.2.80", "192.0.2.70"));
    let output = compare(&files, first.listen(), &["--local", &local]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(compare(&files, first.listen(), &[]).status.code(), Some(1));
}

#[test]
fn a_server_without_the_zone_is_told_once() {
    let other = Site::new();
    other.configure("[[zone]]\nname = \"y.example\"\nfile = \"y.zone\"\n");
    other.write("y.zone", &zone());
    let peer = other.start();
    let output = compare(&site(&zone()), peer.listen(), &[]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("- REFUSED") && said.contains("the zone is not served there"), "{said}");
    assert!(said.contains("1 question: 0 answered the same, 1 differently; "), "{said}");
}

#[test]
fn a_server_that_does_not_answer_is_told_at_once() {
    let ours = site(&zone());
    let begin = Instant::now();
    let nobody = free_port(loopback());
    let output = compare(&ours, nobody, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains(&format!("{nobody} cannot be asked: Connection refused")),
        "{}",
        said(&output)
    );
    let silent = UdpSocket::bind((loopback(), 0)).expect("a loopback address");
    let output = compare(&ours, silent.local_addr().expect("a bound socket"), &[]);
    assert!(said(&output).contains("does not answer: asked 3 times"), "{}", said(&output));
    assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
}

#[test]
fn a_server_that_falls_silent_is_given_up() {
    let server = UdpSocket::bind((loopback(), 0)).expect("a loopback address");
    let place = server.local_addr().expect("a bound socket");
    let silent = server.try_clone().expect("a socket");
    std::thread::spawn(move || {
        let mut buffer = [0; 1500];
        // An authoritative answer without records, twice; then nothing more.
        for _ in 0..2 {
            let (length, client) = server.recv_from(&mut buffer).expect("a query");
            buffer[2] |= 0x84;
            server.send_to(&buffer[..length], client).expect("a client on loopback");
        }
    });
    let output = compare(&site(&zone()), place, &[]);
    drop(silent);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("has stopped answering, after"), "{}", said(&output));
}

#[test]
fn questions_keep_to_their_rate() {
    let (_folder, peer) = edgedns(&zone());
    let begin = Instant::now();
    let output = compare(&site(&zone()), peer.listen(), &["--rate", "40"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let text = said(&output);
    let asked: f64 =
        text.split(' ').next().and_then(|word| word.parse().ok()).expect("a number of questions");
    let fastest = Duration::from_secs_f64(asked / 40.0 * 0.9);
    assert!(asked > 40.0 && begin.elapsed() > fastest, "{asked} questions in {:?}", begin.elapsed());
}

#[test]
fn zones_that_cannot_be_served_are_told_before_anything_is_asked() {
    let output = compare(&site("@ IN A\n"), free_port(loopback()), &[]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("x.zone:1") && said(&output).contains("nothing was asked"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_name_for_a_server_is_a_wrong_command_line() {
    let ours = site(&zone());
    for more in [&["--with", "ns1.example.com"][..], &["--with", "127.0.0.1", "--rate", "0"]] {
        let output = ours.run(&[&["compare", "--config", "edgedns.toml"], more].concat());
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    }
}
