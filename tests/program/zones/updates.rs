//! Updates (RFC 2136) from clients of others, with files that are edited, and with processes that end at any moment.

use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use harness::client::{ask, sorted_addresses};
use harness::http::{get, sample};
use harness::program::{Program, Site, said};
use harness::tools::{self, not_tried};
use harness::{PATIENCE, free_port, loopback, wait_for};

const ZONE: &str =
    "$TTL 60\n@ SOA ns.lab.example. root.lab.example. 7 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n";

/// A server of one zone that clients on loopback may change.
fn site(admin: SocketAddr) -> Site {
    let site = Site::new();
    site.write("lab.zone", ZONE);
    site.configure(&format!(
        r#"
[admin]
socket = "control.sock"
state-directory = "."
listen = "{admin}"

[[zone]]
name = "lab.example"
file = "lab.zone"

[[zone.update]]
allow = ["127.0.0.0/8"]
names = ["**"]
types = ["A", "TXT", "CNAME"]
"#
    ));
    site
}

/// What `nsupdate` says of these lines; none: it is not installed.
fn nsupdate(program: &Program, options: &[&str], lines: &str) -> Option<String> {
    tools::nsupdate(program.listen(), "lab.example", options, lines)
}

fn serial(admin: SocketAddr) -> f64 {
    sample(admin, "edgedns_zone_serial{zone=\"lab.example.\"}")
}

fn address(program: &Program, owner: &str) -> Option<Vec<String>> {
    let found = sorted_addresses(program.listen(), &format!("{owner}.lab.example."), RecordType::A)?;
    Some(found.iter().map(ToString::to_string).collect())
}

#[test]
fn nsupdate_adds_and_removes_over_udp_and_tcp_and_is_refused_what_no_rule_allows() {
    let admin = free_port(loopback());
    let site = site(admin);
    let program = site.start();
    for options in [&[][..], &["-v"]] {
        let before = serial(admin);
        let Some(said) = nsupdate(&program, options, "update add a.lab.example. 60 A 192.0.2.1") else {
            return;
        };
        assert!(said.contains("status: NOERROR"), "{said}");
        assert_eq!(address(&program, "a"), Some(vec!["192.0.2.1".to_owned()]));
        assert_eq!(serial(admin), before + 1.0);
        let absent = "prereq nxrrset a.lab.example. A\nupdate add a.lab.example. 60 A 192.0.2.2";
        let said = nsupdate(&program, options, absent).unwrap();
        assert!(said.contains("YXRRSET"), "{said}");
        let said = nsupdate(&program, options, "update delete a.lab.example. A").unwrap();
        assert!(said.contains("status: NOERROR"), "{said}");
        assert_eq!(
            ask(program.listen(), "a.lab.example.", RecordType::A).unwrap().metadata.response_code,
            ResponseCode::NXDomain
        );
        let refused = "update add a.lab.example. 60 MX 5 mail.lab.example.";
        let said = nsupdate(&program, options, refused).unwrap();
        assert!(said.contains("REFUSED"), "{said}");
        program.wait_for_line("a.lab.example. MX: no [[zone.update]] allows this client this name and type");
    }
    let metrics = get(admin, "/metrics").body;
    for line in [
        "edgedns_updates_total{result=\"made\"} 4",
        "edgedns_updates_total{result=\"name-or-type\"} 2",
        "edgedns_updates_total{result=\"prerequisite\"} 2",
    ] {
        assert!(metrics.lines().any(|one| one == line), "no {line} in\n{metrics}");
    }
    program.stop();
}

#[test]
fn nsupdate_adds_a_thousand_records_in_one_message_and_the_log_has_the_serials() {
    let admin = free_port(loopback());
    let site = site(admin);
    let program = site.start();
    let added = |at: u32| format!("update add h{at}.batch.lab.example. 60 A 10.0.{}.{}", at / 256, at % 256);
    let lines: Vec<String> = (0..1500).map(added).collect();
    let Some(said) = nsupdate(&program, &["-v"], &lines.join("\n")) else { return };
    assert!(said.contains("status: NOERROR"), "{said}");
    assert_eq!(address(&program, "h1499.batch"), Some(vec!["10.0.5.219".to_owned()]));
    assert_eq!(serial(admin), 8.0, "all of them are one change");
    program.wait_for_line("update of zone lab.example. by 127.0.0.1: made, serial 7 → 8");
    program.stop();
}

#[test]
fn nsupdate_signs_with_a_key_that_a_rule_names_and_nobody_else_is_let_in() {
    const SECRET: &str = "mDd4nWx7FOfPpQpDUTFHcEeo6/Y1ebMoCNUqzgdNFLo=";
    let site = Site::new();
    site.write("lab.zone", ZONE);
    site.write("dyn.secret", SECRET);
    let only_ours = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(site.folder().join("dyn.secret"), only_ours).expect("a mode");
    site.configure(
        r#"
[admin]
state-directory = "."

[[key]]
name = "dyn"
secret-file = "dyn.secret"

[[zone]]
name = "lab.example"
file = "lab.zone"

[[zone.update]]
allow = ["127.0.0.0/8 key:dyn"]
names = ["_acme-challenge.**"]
types = ["TXT"]
"#,
    );
    let program = site.start();
    let token = "update add _acme-challenge.apps.lab.example. 60 TXT token";
    let key = format!("hmac-sha256:dyn:{SECRET}");
    let Some(said) = nsupdate(&program, &["-y", &key], token) else { return };
    assert!(said.contains("status: NOERROR"), "{said}");
    let response =
        ask(program.listen(), "_acme-challenge.apps.lab.example.", RecordType::TXT).expect("a response");
    assert_eq!(response.answers.len(), 1);
    assert!(nsupdate(&program, &[], token).unwrap().contains("REFUSED"));
    program.wait_for_line(
        "update of zone lab.example. by 127.0.0.1 is REFUSED: no [[zone.update]] of the zone allows",
    );
    let other = "hmac-sha256:dyn:AAAAnWx7FOfPpQpDUTFHcEeo6/Y1ebMoCNUqzgdNFLo=";
    let said = nsupdate(&program, &["-y", other], token).unwrap();
    assert!(said.contains("NOTAUTH") || said.contains("BADSIG"), "{said}");
    program.stop();
}

#[test]
fn dnspython_makes_several_changes_with_prerequisites_in_one_message() {
    const SCRIPT: &str = r#"
import sys, dns.query, dns.rcode, dns.update
where, port = sys.argv[1], int(sys.argv[2])
def send(build, over=dns.query.udp):
    update = dns.update.Update("lab.example")
    build(update)
    print(dns.rcode.to_text(over(update, where, port=port, timeout=10).rcode()))
def first(update):
    update.absent("x")
    update.add("x", 60, "A", "192.0.2.1")
    update.add("x", 60, "TXT", "one", "two")
    update.add("y.z", 300, "CNAME", "x")
def second(update):
    update.present("x", "A", "192.0.2.1")
    update.replace("x", 30, "A", "192.0.2.2")
    update.delete("x", "TXT")
def third(update):
    update.present("y.z", "TXT")
    update.delete("x")
send(first)
send(second, dns.query.tcp)
send(third)
send(first, dns.query.tcp)
"#;
    let admin = free_port(loopback());
    let site = site(admin);
    let program = site.start();
    let mut interpreters = ["python3", "/usr/bin/python3"].into_iter();
    let has_module = |python: &&str| {
        Command::new(python)
            .args(["-c", "import dns.update"])
            .output()
            .is_ok_and(|tried| tried.status.success())
    };
    let Some(python) = interpreters.find(has_module) else { return not_tried("dnspython is not installed") };
    let (address, port) = (program.listen().ip().to_string(), program.listen().port().to_string());
    let run = Command::new(python).args(["-c", SCRIPT, &address, &port]).output().expect("python runs");
    assert_eq!(said(&run), "NOERROR\nNOERROR\nNXRRSET\nYXDOMAIN\n");
    assert_eq!(self::address(&program, "x"), Some(vec!["192.0.2.2".to_owned()]));
    assert_eq!(self::address(&program, "y.z"), Some(vec!["192.0.2.2".to_owned()]));
    assert_eq!(serial(admin), 9.0);
    program.stop();
}

#[test]
fn an_operator_sees_and_takes_back_what_updates_did() {
    let admin = free_port(loopback());
    let site = site(admin);
    let program = site.start();
    let mut client = Client::new(program.listen());
    assert_eq!(client.update(&[added("a", 1), added("b", 2)]), Some(0));
    site.write("lab.zone", &ZONE.replace("ns A 127.0.0.1", "ns A 127.0.0.1\nb CNAME ns"));
    program.reload_and_wait();
    program.wait_for_line("an update is set aside, b.lab.example. A: the file has a CNAME record there");
    let shown = said(&site.run(&["updates", "--socket", "control.sock", "show"]));
    assert!(shown.contains("+ a.lab.example. 60 A 192.0.2.1   ; 127.0.0.1"), "{shown}");
    assert!(
        shown.contains("not served: the file has a CNAME record there, and an alias stands alone, "),
        "{shown}"
    );
    assert!(shown.contains("lab.zone:5\n"), "{shown}");
    let drop =
        |name: &str| said(&site.run(&["updates", "--socket", "control.sock", "drop", "lab.example", name]));
    assert!(drop("a.lab.example").starts_with("1 records of a.lab.example."));
    assert!(drop("b.lab.example").starts_with("1 records of b.lab.example."));
    assert_eq!(
        ask(program.listen(), "a.lab.example.", RecordType::A).unwrap().metadata.response_code,
        ResponseCode::NXDomain
    );
    let shown = said(&site.run(&["updates", "--socket", "control.sock", "show", "lab.example"]));
    assert!(shown.contains("0 records other than in its file"), "{shown}");
    let refused = site.run(&["updates", "--socket", "control.sock", "show", "other.example"]);
    assert!(said(&refused).contains("no zone that is updated here") && !refused.status.success());
    program.stop();
}

#[test]
fn updates_stay_when_the_file_is_edited_and_after_a_restart_and_the_file_is_never_written() {
    let admin = free_port(loopback());
    let site = site(admin);
    let program = site.start();
    let mut client = Client::new(program.listen());
    assert_eq!(client.update(&[added("a", 1), added("b", 2)]), Some(0));
    site.write("lab.zone", &ZONE.replace("ns A 127.0.0.1", "ns A 127.0.0.1\nwww A 192.0.2.9"));
    program.reload_and_wait();
    assert_eq!(address(&program, "www"), Some(vec!["192.0.2.9".to_owned()]));
    assert_eq!(address(&program, "a"), Some(vec!["192.0.2.1".to_owned()]));
    assert_eq!(serial(admin), 9.0, "one for the update, one for the edit");
    drop(program);
    let program = site.start();
    assert_eq!(address(&program, "b"), Some(vec!["192.0.2.2".to_owned()]));
    assert_eq!(address(&program, "www"), Some(vec!["192.0.2.9".to_owned()]));
    assert_eq!(wait_for("the metrics", PATIENCE, || Some(serial(admin)).filter(|serial| *serial > 0.0)), 9.0);
    let text = std::fs::read_to_string(site.folder().join("lab.zone")).unwrap();
    assert!(!text.contains("192.0.2.1"), "{text}");
    program.stop();
}

#[test]
fn a_journal_that_is_of_no_use_is_seen_in_the_metrics_until_it_is_written() {
    let admin = free_port(loopback());
    let site = site(admin);
    let in_the_way = site.folder().join("updates/lab.example.journal");
    std::fs::create_dir_all(&in_the_way).expect("a folder where the journal is to be");
    let program = site.start();
    let is_ok = || sample(admin, "edgedns_zone_journal_ok{zone=\"lab.example.\"}");
    assert_eq!(is_ok(), 0.0);
    let mut client = Client::new(program.listen());
    assert_eq!(client.update(&[added("a", 1)]), Some(2), "SERVFAIL");
    assert_eq!(
        ask(program.listen(), "a.lab.example.", RecordType::A).unwrap().metadata.response_code,
        ResponseCode::NXDomain
    );
    assert_eq!(is_ok(), 0.0);
    std::fs::remove_dir(&in_the_way).expect("an empty folder");
    assert_eq!(client.update(&[added("a", 1)]), Some(0));
    assert_eq!(is_ok(), 1.0);
    program.stop();
}

#[test]
fn a_request_that_comes_again_is_answered_as_before_and_made_once() {
    let admin = free_port(loopback());
    let site = site(admin);
    let program = site.start();
    let mut client = Client::new(program.listen());
    let request = message(1, &[added("a", 1)]);
    assert_eq!(client.exchange(&request), Some(0));
    assert_eq!(client.update(&[removed("a", 1)]), Some(0));
    assert_eq!(client.exchange(&request), Some(0));
    assert_eq!(
        ask(program.listen(), "a.lab.example.", RecordType::A).unwrap().metadata.response_code,
        ResponseCode::NXDomain
    );
    assert_eq!(serial(admin), 9.0);
    program.stop();
}

/// Kills the server at moments that a fixed seed gives, while updates come. Each of them adds two records, so that one
/// that was made in part would be seen.
#[test]
fn whatever_was_answered_is_there_after_a_kill_and_nothing_is_there_in_part() {
    /// Rounds without `KILLS`, which says another number of them.
    const ROUNDS: u32 = 25;
    let rounds = std::env::var("KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    let admin = free_port(loopback());
    let site = site(admin);
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let (mut number, mut answered_in_all) = (0_u32, 0);
    for round in 0..rounds {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let lasts = Duration::from_millis(random >> 33 & 0x7f);
        let program = site.start();
        let listen = program.listen();
        let first = number;
        let sender = std::thread::spawn(move || {
            let mut client = Client::new(listen);
            let (mut next, mut answered) = (first, Vec::new());
            loop {
                let owner = format!("u{next}");
                let response = client.update(&[added(&owner, 1), added(&owner, 2)]);
                next += 1;
                match response {
                    Some(0) => answered.push(next - 1),
                    Some(other) => panic!("RCODE {other}"),
                    None => return (next, answered),
                }
            }
        });
        // A moment that is as good as any other, not one that something is to have happened by.
        let end = Instant::now() + lasts;
        while Instant::now() < end {
            std::thread::yield_now();
        }
        // SIGKILL.
        drop(program);
        let (next, answered) = sender.join().expect("each response is NOERROR");
        number = next;
        answered_in_all += answered.len();
        let program = site.start();
        for number in first..next {
            let owner = format!("u{number}.lab.example.");
            let found = ask(program.listen(), &owner, RecordType::A).expect("a response").answers.len();
            let wanted: &[usize] = if answered.contains(&number) { &[2] } else { &[0, 2] };
            assert!(wanted.contains(&found), "round {round}, update {number}: {found} records");
        }
        drop(program);
    }
    assert!(answered_in_all > 0);
}

/// A record to be added or removed: owner, class, TTL, last byte of its address.
type Change = (String, u16, u32, u8);

fn added(owner: &str, last: u8) -> Change {
    (owner.to_owned(), 1, 60, last)
}

fn removed(owner: &str, last: u8) -> Change {
    (owner.to_owned(), 254, 0, last)
}

/// An UPDATE of the zone.
fn message(id: u16, changes: &[Change]) -> Vec<u8> {
    let count = u16::try_from(changes.len()).unwrap();
    let mut bytes = [id, 5 << 11, 1, 0, count, 0].map(u16::to_be_bytes).concat();
    bytes.extend(b"\x03lab\x07example\0\0\x06\0\x01");
    for (owner, class, ttl, last) in changes {
        bytes.push(u8::try_from(owner.len()).unwrap());
        bytes.extend(owner.as_bytes());
        bytes.extend([0xc0, 12, 0, 1]);
        bytes.extend(class.to_be_bytes());
        bytes.extend(ttl.to_be_bytes());
        bytes.extend([0, 4, 192, 0, 2, *last]);
    }
    bytes
}

/// Sends updates, one after the other.
struct Client {
    socket: UdpSocket,
    id: u16,
}

impl Client {
    fn new(server: SocketAddr) -> Client {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.connect(server).expect("a server");
        socket.set_read_timeout(Some(Duration::from_millis(500))).expect("a limit");
        Client { socket, id: 100 }
    }

    fn update(&mut self, changes: &[Change]) -> Option<u8> {
        self.id = self.id.wrapping_add(1);
        let request = message(self.id, changes);
        self.exchange(&request)
    }

    /// The RCODE; none: no response comes, since nobody is there.
    fn exchange(&mut self, request: &[u8]) -> Option<u8> {
        self.socket.send(request).ok()?;
        let mut response = [0; 512];
        let length = self.socket.recv(&mut response).ok()?;
        assert!(
            length >= 12 && response[..2] == request[..2] && response[2] == 0xa8,
            "{:?}",
            &response[..length]
        );
        Some(response[3] & 0x0f)
    }
}
