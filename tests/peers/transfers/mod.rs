//! Zones for other servers: transfers asked for by `dig` and `kdig`, and NSD, Knot DNS, BIND and PowerDNS as secondaries.
//!
//! | | first copy | what has changed | NOTIFY | the same with TSIG |
//! |---|---|---|---|---|
//! | NSD | AXFR | IXFR | heeded | `nsd_follows_with_a_key` |
//! | Knot DNS | AXFR | IXFR | heeded | `knot_follows_with_a_key` |
//! | BIND | AXFR | IXFR | heeded | `bind_follows_with_a_key` |
//! | PowerDNS | AXFR | AXFR: its bind backend takes no differences | heeded | `powerdns_follows_with_a_key` |

mod secondary;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;

use socket2::{Domain, Socket, Type};

use harness::program::{Program, Site};
use harness::tools::tool;
use harness::{PATIENCE, free_port, loopback, wait_for};
use secondary::{Kind, Secondary};

/// The zone, with this many hosts; the serial is in the addresses of the first two.
fn zone(serial: u32, hosts: u32) -> String {
    let mut zone =
        format!("$TTL 60\n@ SOA ns.Example.net. host {serial} 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\n");
    for host in 0..hosts {
        writeln!(zone, "h{host} A 10.{}.{}.{}", if host < 2 { serial } else { 0 }, host / 256, host % 256)
            .expect("a text");
    }
    zone.push_str("same TXT \"as before\"\n");
    zone
}

/// edgedns with the zone at serial 1, which these may have.
fn primary(hosts: u32, allow: &str, more: &str) -> (Site, Program) {
    let site = Site::new();
    site.write("example.zone", &zone(1, hosts));
    site.configure(&format!(
        "[admin]\nsocket = \"control.sock\"\n\n[[zone]]\nname = \"example.net\"\nfile = \"example.zone\"\n\
         allow-transfer = [{allow}]\n{more}"
    ));
    let program = site.start();
    (site, program)
}

/// Has another version served, and its difference from the one before be known.
fn change(site: &Site, program: &Program, serial: u32, hosts: u32) {
    site.write("example.zone", &zone(serial, hosts));
    let reloaded = site.run(&["reload", "--socket", "control.sock"]);
    assert!(reloaded.status.success(), "{reloaded:?}");
    drop(program.log());
}

/// What a client from `from` gets: the records, one a line.
fn transfer(mut client: Command, from: Ipv4Addr, server: SocketAddr, arguments: &[&str]) -> String {
    client.arg(format!("@{}", server.ip())).args(["-p", &server.port().to_string(), "-b", &from.to_string()]);
    let output = client.args(arguments).output().expect("the client runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Records as words, sorted, without comments.
fn records(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !line.starts_with(';') && !line.trim().is_empty());
    let mut records: Vec<String> =
        lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    records.sort();
    records
}

#[test]
fn dig_and_kdig_get_the_whole_zone_and_only_who_is_allowed() {
    let (Some(dig), Some(kdig)) = (tool("dig"), tool("kdig")) else { return };
    let (secondary, stranger) = (loopback(), loopback());
    let (_site, program) = primary(3000, &format!("\"{secondary}\""), "");
    let with_dig = transfer(dig, secondary, program.listen(), &["example.net", "AXFR"]);
    let with_kdig = transfer(kdig, secondary, program.listen(), &["example.net", "AXFR"]);
    let got = records(&with_dig);
    assert_eq!(got.len(), 3000 + 3 + 2, "the SOA comes first and last: {with_dig}");
    assert!(with_dig.contains("ns.Example.net."), "in the case of the file");
    assert_eq!(records(&with_kdig), got);
    let refused = tool("dig").map(|dig| transfer(dig, stranger, program.listen(), &["example.net", "AXFR"]));
    assert!(refused.as_ref().is_some_and(|said| said.contains("Transfer failed")), "{refused:?}");
    program.wait_for_line(&format!("transfer of zone example.net. to {stranger} refused with REFUSED"));
}

#[test]
fn kdig_gets_what_has_changed_since_its_serial() {
    let Some(_) = tool("kdig") else { return };
    let secondary = loopback();
    let (site, program) = primary(20, &format!("\"{secondary}\""), "");
    let ixfr = |serial: u32, more: &str| {
        let kdig = tool("kdig").expect("it was there");
        transfer(kdig, secondary, program.listen(), &["example.net", &format!("IXFR={serial}"), more])
    };
    assert_eq!(records(&ixfr(1, "+tcp")).len(), 1, "up to date");
    change(&site, &program, 2, 20);
    change(&site, &program, 3, 18);
    // Versions are compared beside serving.
    let got = wait_for("an incremental transfer", PATIENCE, || {
        let got = ixfr(1, "+tcp");
        (records(&got).len() == 4 + 4 + 2).then_some(got)
    });
    let plain: Vec<&str> = got.lines().filter(|line| !line.starts_with(';') && !line.is_empty()).collect();
    let serials: Vec<&str> = plain
        .iter()
        .filter(|line| line.contains("SOA"))
        .filter_map(|line| line.split_whitespace().nth(6))
        .collect();
    assert_eq!(serials, ["3", "1", "3", "3"], "one step: {got}");
    assert!(!got.contains("same.example.net."), "what stays is not sent");
    assert_eq!(records(&ixfr(7, "+tcp")).len(), 1, "ahead of us");
    assert_eq!(records(&ixfr(0, "+tcp")).len(), 18 + 3 + 2, "not known: the whole zone");
    assert_eq!(records(&ixfr(1, "+notcp")).len(), 1, "over UDP the SOA alone");
}

/// A secondary of this kind gets the zone, hears that it has changed, gets what has changed, and serves the same.
fn follows(kind: Kind, key: Option<&str>) {
    if !kind.is_installed() || tool("dig").is_none() {
        return;
    }
    // It asks from the address at which it listens.
    let place = free_port(kind.address());
    let word = key.map(|_| " key:transfer").unwrap_or_default();
    let keys = key
        .map(|secret| format!("[[key]]\nname = \"transfer\"\nsecret = \"{secret}\"\n\n"))
        .unwrap_or_default();
    let site = Site::new();
    site.write("example.zone", &zone(1, 400));
    site.configure(&format!(
        "[admin]\nsocket = \"control.sock\"\n\n{keys}[[zone]]\nname = \"example.net\"\nfile = \"example.zone\"\n\
         allow-transfer = [\"{}{word}\"]\nnotify = [\"{place}{word}\"]\n",
        place.ip()
    ));
    let program = site.start();
    let secondary = Secondary::start(kind, place, program.listen(), key);
    secondary.wait_for_serial(1);
    program.wait_for_line("zone example.net. sent to");
    let from = program.log_len();
    change(&site, &program, 2, 390);
    secondary.wait_for_serial(2);
    let (gone, kept) = (secondary.addresses("h395"), secondary.addresses("h1"));
    assert_eq!((gone.as_str(), kept.as_str()), ("", "10.2.0.1"), "{kind:?}");
    // PowerDNS asks for the whole zone, unless its own metadata say otherwise.
    let sent = if kind == Kind::PowerDns { "serial 2:" } else { "serial 1 to 2:" };
    program.wait_for_line_after(from, sent);
    // It has all that a transfer has, also what stayed.
    assert_eq!(secondary.text("same"), "\"as before\"", "{kind:?}");
}

/// A secondary gets the signatures of a zone whose file stays as it is when it is signed from a reload on, and when the
/// server is started anew: it asks by the serial alone.
#[test]
fn knot_gets_the_signatures_of_a_zone_whose_file_keeps_its_serial() {
    if !Kind::Knot.is_installed() || tool("dig").is_none() {
        return;
    }
    let place = free_port(Kind::Knot.address());
    let site = Site::new();
    site.write("example.zone", &zone(1, 4));
    let made = site.run(&["dnssec", "generate", "example.net", "--keys", "keys"]);
    assert!(made.status.success(), "{made:?}");
    let configure = |more: &str| {
        site.configure(&format!(
            "[admin]\nsocket = \"control.sock\"\nstate-directory = \"state\"\n\n[[zone]]\nname = \"example.net\"\n\
             file = \"example.zone\"\nallow-transfer = [\"{}\"]\nnotify = [\"{place}\"]\n{more}",
            place.ip()
        ));
    };
    configure("");
    let program = site.start();
    let secondary = Secondary::start(Kind::Knot, place, program.listen(), None);
    secondary.wait_for_serial(1);
    assert_eq!(secondary.dig("example.net", "DNSKEY"), "");
    configure("[zone.dnssec]\nkeys = \"keys\"\n");
    program.reload_and_wait();
    secondary.wait_for_serial(2);
    let signatures = secondary.dig("example.net", "RRSIG");
    assert!(signatures.contains(" 13 2 60 "), "{signatures}");
    program.stop();
    // What was signed before a restart is what is served behind it: nothing is to be transferred.
    let program = site.start();
    // Knot answers with one of them alone.
    assert!(secondary::dig(program.listen(), "example.net", "RRSIG").contains(&signatures));
    program.stop();
    // Without what was kept there are others, as ECDSA signs otherwise each time.
    fs::remove_dir_all(site.folder().join("state/signatures")).expect("the signatures that are kept");
    let program = site.start();
    secondary.wait_for_serial(3);
    assert_ne!(secondary.dig("example.net", "RRSIG"), signatures);
    // Once it is served unsigned they are forgotten: signed again, it would have them with a serial that others know.
    let kept = site.folder().join("state/signatures/example.net.signatures");
    wait_for("signatures on the disk", PATIENCE, || kept.exists().then_some(()));
    configure("");
    program.reload_and_wait();
    wait_for("none on the disk", PATIENCE, || (!kept.exists()).then_some(()));
    program.stop();
}

/// For HMAC-SHA256.
const SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

#[test]
fn nsd_follows() {
    follows(Kind::Nsd, None);
}

#[test]
fn nsd_follows_with_a_key() {
    follows(Kind::Nsd, Some(SECRET));
}

#[test]
fn knot_follows() {
    follows(Kind::Knot, None);
}

#[test]
fn knot_follows_with_a_key() {
    follows(Kind::Knot, Some(SECRET));
}

#[test]
fn bind_follows() {
    follows(Kind::Bind, None);
}

#[test]
fn bind_follows_with_a_key() {
    follows(Kind::Bind, Some(SECRET));
}

#[test]
fn powerdns_follows() {
    follows(Kind::PowerDns, None);
}

#[test]
fn powerdns_follows_with_a_key() {
    follows(Kind::PowerDns, Some(SECRET));
}

/// A zone with a pool of two hosts, sent as `pools` says to a PowerDNS; the port is open at the first host.
fn pool_at_powerdns(pools: &str, test: impl FnOnce(&Secondary, [Ipv4Addr; 2], TcpListener)) {
    if !Kind::PowerDns.is_installed() || tool("dig").is_none() {
        return;
    }
    let place = free_port(loopback());
    let hosts = [loopback(), loopback()];
    let port = free_port(hosts[0]).port();
    let open = TcpListener::bind((hosts[0], port)).expect("a port");
    let [one, two] = hosts;
    let site = Site::new();
    site.write(
        "example.zone",
        &format!(
            "$TTL 1\n@ SOA ns host 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\n\
             pool LUA A \"ifportup({port}, {{'{one}', '{two}'}})\"\n"
        ),
    );
    site.configure(&format!(
        "[admin]\nstate-directory = \".\"\n\n[probe]\ninterval = \"200ms\"\ntimeout = \"100ms\"\n\n[[zone]]\nname = \"example.net\"\n\
         file = \"example.zone\"\nallow-transfer = [\"{ip}\"]\nnotify = [\"{place}\"]\ntransfer-pools = \"{pools}\"\n",
        ip = place.ip()
    ));
    let program = site.start();
    let secondary = Secondary::start(Kind::PowerDns, place, program.listen(), None);
    program.wait_for_line("zone example.net. sent to");
    test(&secondary, hosts, open);
}

/// The pool has the first host while that listens, then the second.
fn follows_the_port(secondary: &Secondary, [one, two]: [Ipv4Addr; 2], open: TcpListener) {
    secondary.wait_for_addresses("pool", &[one]);
    let port = open.local_addr().expect("it listens").port();
    drop(open);
    let _open = TcpListener::bind((two, port)).expect("a port");
    secondary.wait_for_addresses("pool", &[two]);
}

#[test]
fn powerdns_gets_a_lua_record_and_follows_the_port_itself() {
    pool_at_powerdns("lua", follows_the_port);
}

#[test]
fn powerdns_gets_all_members_whatever_their_verdicts() {
    pool_at_powerdns("members", |secondary, hosts, open| {
        secondary.wait_for_addresses("pool", &hosts);
        drop(open);
        secondary.wait_for_addresses("pool", &hosts);
    });
}

#[test]
fn powerdns_gets_what_is_up_and_what_changes() {
    pool_at_powerdns("up", follows_the_port);
}

/// Many who ask for the zone and do not read it hold a bounded part of it, and others are served meanwhile.
#[test]
fn clients_that_do_not_read_hold_little_and_no_place_for_long() {
    let Some(dig) = tool("dig") else { return };
    let hostile = loopback();
    let secondary = loopback();
    let (_site, program) = primary(60_000, &format!("\"{hostile}\", \"{secondary}\""), "");
    let query =
        [&[0, 29, 0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], b"\x07example\x03net\0", &[0, 252, 0, 1]].concat();
    let memory = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", program.pid())).expect("a process");
        let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("a line");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number")
    };
    let before = memory();
    let held: Vec<TcpStream> = (0..90)
        .map(|_| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
            // It takes a little, and then no more.
            socket.set_recv_buffer_size(4096).expect("a buffer");
            socket.bind(&SocketAddr::from((hostile, 0)).into()).expect("a loopback address");
            socket.connect(&program.listen().into()).expect("a connection");
            let mut stream = TcpStream::from(socket);
            stream.write_all(&query).expect("a query");
            stream
        })
        .collect();
    let with_dig = transfer(dig, secondary, program.listen(), &["example.net", "AXFR"]);
    assert_eq!(records(&with_dig).len(), 60_000 + 3 + 2, "others get it meanwhile");
    let more = memory().saturating_sub(before);
    assert!(more < 64 << 10, "{more} KiB for {} clients that do not read", held.len());
    program.wait_for_line(&format!("transfer of zone example.net. to {hostile}, serial 1, broke off"));
    program.wait_for_line(&format!("transfer of zone example.net. to {hostile} answered SERVFAIL"));
}
