//! A signed zone is copied with all that signs it, and stays whole from change to change: Knot DNS signs it anew with each
//! of them, and what we hand on is verified.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use harness::loopback;
use harness::program::{Program, Site};
use harness::tools::{is_installed, tool};

use super::server::{Primary, zone};
use super::wait_for_address;

#[test]
fn a_zone_that_knot_signs_with_nsec_is_copied_and_stays_whole() {
    stays_whole("off");
}

#[test]
fn a_zone_that_knot_signs_with_nsec3_is_copied_and_stays_whole() {
    stays_whole("on");
}

fn stays_whole(nsec3: &'static str) {
    if !is_installed("dnssec-verify") || !is_installed("dig") {
        return;
    }
    let site = Site::new();
    let signing = |folder: &Path, place: SocketAddr, notified: SocketAddr, command: &mut Command| {
        knot(folder, place, notified, nsec3, command);
    };
    let Some(primary) = Primary::start("knotd", loopback(), site.listen(), signing) else { return };
    let ours = super::secondary(&site, primary.place, "allow-transfer = [\"127.0.0.0/8\"]\n");
    wait_for_address(&ours, &primary, 1);
    assert_whole(&ours, &primary);
    for (number, more) in [
        (2, "new.a.b 60 IN A 192.0.2.80\n"),
        (
            3,
            "new.a.b 60 IN A 192.0.2.80\n*.new 60 IN TXT \"x\"\nalias 60 IN CNAME x.new\ndel 60 IN NS ns.test.\n",
        ),
        (4, "alias 60 IN CNAME missing\ndel 60 IN NS ns.test.\ndel 60 IN DS 1 8 2 "),
    ] {
        let digest = if number == 4 { format!("{}\n", "AB".repeat(32)) } else { String::new() };
        primary.change_to(&format!("{}{more}{digest}", zone(1, number)));
        wait_for_address(&ours, &primary, number);
        assert_whole(&ours, &primary);
    }
    let changes = ours.log().iter().filter(|line| line.text.contains(": changes of")).count();
    assert!(changes >= 3, "{:?}", ours.log());
    ours.stop();
}

/// What we hand on is a zone that verifies, and answers with signatures are the primary's.
fn assert_whole(ours: &Program, primary: &Primary) {
    let sent = dig(ours.listen(), &["lab.example.", "AXFR", "+noall", "+answer"]);
    // The SOA comes first and last.
    let records: Vec<&str> = sent.lines().collect();
    let file = primary.folder.path().join("sent");
    fs::write(&file, records[..records.len() - 1].join("\n") + "\n").expect("a zone file");
    let verified = tool("dnssec-verify")
        .expect("it is installed")
        .args(["-z", "-o", "lab.example"])
        .arg(&file)
        .output()
        .expect("dnssec-verify runs");
    assert!(verified.status.success(), "{}\n{sent}", String::from_utf8_lossy(&verified.stderr));
    for (qname, qtype) in [
        ("lab.example.", "SOA"),
        ("lab.example.", "DNSKEY"),
        ("h77.lab.example.", "A"),
        ("h77.lab.example.", "TXT"),
        ("x.wild.lab.example.", "TXT"),
        ("x.wild.lab.example.", "A"),
        ("nobody.lab.example.", "A"),
        ("a.b.lab.example.", "A"),
        ("new.a.b.lab.example.", "A"),
        ("x.new.lab.example.", "TXT"),
        ("alias.lab.example.", "TXT"),
        ("a.sub.lab.example.", "A"),
        ("del.lab.example.", "A"),
        ("del.lab.example.", "DS"),
    ] {
        let told = |place| {
            let arguments =
                [qname, qtype, "+dnssec", "+bufsize=1232", "+noall", "+answer", "+authority", "+comments"];
            let answer = dig(place, &arguments);
            let mut lines: Vec<String> = answer
                .lines()
                .filter(|line| line.contains("status:") || !line.starts_with(';'))
                .map(|line| line.split("id:").next().unwrap_or_default().to_lowercase())
                .collect();
            lines.sort();
            lines
        };
        assert_eq!(told(ours.listen()), told(primary.place), "{qname} {qtype}");
    }
}

fn dig(place: SocketAddr, arguments: &[&str]) -> String {
    let mut command = tool("dig").expect("it is installed");
    let asked =
        command.arg(format!("@{}", place.ip())).args(["-p", &place.port().to_string()]).args(arguments);
    let output = asked.output().expect("dig runs");
    String::from_utf8(output.stdout).expect("a text")
}

fn knot(folder: &Path, place: SocketAddr, notified: SocketAddr, nsec3: &str, command: &mut Command) {
    let (at, ip, port) = (folder.display(), place.ip(), place.port());
    let text = format!(
        "server:\n  rundir: {at}\n  listen: {ip}@{port}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n\
         log:\n  - target: stderr\n    any: info\ndatabase:\n  storage: {at}\nremote:\n  - id: ours\n    address: {}@{}\n\
         acl:\n  - id: all\n    address: 127.0.0.0/8\n    action: transfer\n\
         policy:\n  - id: lab\n    single-type-signing: on\n    algorithm: ecdsap256sha256\n    nsec3: {nsec3}\n    \
         nsec3-iterations: 0\n    nsec3-salt-length: 0\n\
         zone:\n  - domain: lab.example\n    storage: {at}\n    file: lab.zone\n    zonefile-sync: -1\n    \
         zonefile-load: difference-no-serial\n    journal-content: all\n    dnssec-signing: on\n    dnssec-policy: lab\n    \
         notify: ours\n    acl: all\n",
        notified.ip(),
        notified.port()
    );
    fs::write(folder.join("knot.conf"), text).expect("a config file");
    command.arg("-c").arg(folder.join("knot.conf"));
}
