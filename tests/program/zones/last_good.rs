//! A start with a broken zone file: what was good the last time is served, and nobody can miss it.

use std::fs;
use std::net::SocketAddr;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use serde_json::Value;

use harness::client::{ask, sorted_addresses};
use harness::http::get;
use harness::program::{Program, Site};
use harness::{PATIENCE, free_port, loopback, wait_for};

const LAB: &str = "www.lab.example.";

struct Lab {
    site: Site,
    admin: SocketAddr,
}

impl Lab {
    fn new() -> Lab {
        let lab = Lab { site: Site::new(), admin: free_port(loopback()) };
        fs::create_dir(lab.site.folder().join("state")).expect("a scratch folder");
        lab.site.write("lab.zone", &zone(1));
        lab.site.write("www.inc", "www A 192.0.2.1\n");
        lab.site.write("other.zone", &zone(7));
        lab.configure(&["lab", "other"]);
        lab
    }

    fn configure(&self, zones: &[&str]) {
        let admin = format!("[admin]\nlisten = \"{}\"\nstate-directory = \"state\"\n", self.admin);
        let zone = |name: &&str| format!("\n[[zone]]\nname = \"{name}.example\"\nfile = \"{name}.zone\"\n");
        self.site.configure(&format!("{admin}{}", zones.iter().map(zone).collect::<String>()));
    }

    fn kept(&self, zone: &str) -> std::path::PathBuf {
        self.site.folder().join(format!("state/last-good/{zone}.example.zone"))
    }

    /// Waits until this text of the zone is kept.
    fn wait_for_kept(&self, zone: &str, text: &str) {
        let kept = || fs::read_to_string(self.kept(zone)).ok().filter(|kept| kept.contains(text));
        wait_for("a kept text", PATIENCE, kept);
    }

    fn zone_status(&self) -> Value {
        let status: Value = get(self.admin, "/status").json();
        status["zones"][0].clone()
    }
}

/// Version `number` of a zone, which says so in its serial; its address is in a file of its own.
fn zone(number: u8) -> String {
    format!("$TTL 60\n@ SOA ns host {number} 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\n$INCLUDE www.inc\n")
}

fn addresses(program: &Program, qname: &str) -> Vec<String> {
    let found = sorted_addresses(program.listen(), qname, RecordType::A).expect("an answer");
    found.iter().map(ToString::to_string).collect()
}

fn reload(program: &Program) {
    let before = program.log_len();
    program.reload();
    program.wait_for_line_after(before, "reloaded: ");
}

#[test]
fn a_start_with_a_broken_zone_serves_its_last_good_text_and_says_so_everywhere() {
    let lab = Lab::new();
    let program = lab.site.start();
    lab.wait_for_kept("lab", " host 1 ");
    lab.site.write("lab.zone", &zone(2));
    reload(&program);
    lab.wait_for_kept("lab", " host 2 ");
    program.stop();
    lab.site.write("lab.zone", "@ IN AA 1\n");
    lab.site.write("www.inc", "www A 192.0.2.99\n");

    let program = lab.site.start();
    assert_eq!(addresses(&program, LAB), ["192.0.2.1"]);
    assert_eq!(addresses(&program, "www.other.example."), ["192.0.2.99"]);
    let line = program.wait_for_line("serial 2 is served, the last good text");
    assert!(line.text.contains("ERROR"), "{line:?}");
    let ready = get(lab.admin, "/readyz");
    assert_eq!(ready.code, 503);
    assert!(ready.body.contains("last good text, serial 2 of 20"), "{}", ready.body);
    assert!(ready.body.contains("lab.zone:1:"), "{}", ready.body);
    let zone_status = lab.zone_status();
    assert_eq!(zone_status["serial"], 2);
    assert!(zone_status["kept_at"].is_string() && zone_status["error"].is_string(), "{zone_status}");
    let metrics = get(lab.admin, "/metrics").body;
    for sample in ["edgedns_zone_ok{zone=\"lab.example.\"} 0", "edgedns_zone_kept{zone=\"lab.example.\"} 1"] {
        assert!(metrics.lines().any(|line| line == sample), "no {sample} in\n{metrics}");
    }

    // A reload that cannot read it either changes nothing; one that can ends it.
    reload(&program);
    assert_eq!(addresses(&program, LAB), ["192.0.2.1"]);
    assert!(lab.zone_status()["kept_at"].is_string());
    lab.site.write("lab.zone", &zone(3));
    reload(&program);
    assert_eq!(addresses(&program, LAB), ["192.0.2.99"]);
    assert_eq!(get(lab.admin, "/readyz").code, 200);
    assert!(lab.zone_status()["kept_at"].is_null());
    program.stop();
}

#[test]
fn a_power_cut_costs_neither_the_kept_text_nor_the_start() {
    let lab = Lab::new();
    let program = lab.site.start();
    lab.wait_for_kept("lab", " host 1 ");
    // Killed, and a text was half written then.
    drop(program);
    let whole = fs::read(lab.kept("lab")).expect("a kept text");
    let unfinished = lab.kept("lab").with_extension("zone.new");
    fs::write(&unfinished, &whole[..whole.len() / 2]).expect("a scratch file");
    lab.site.write("lab.zone", "");
    let program = lab.site.start();
    assert_eq!(addresses(&program, LAB), ["192.0.2.1"]);
    wait_for("an end of what was half written", PATIENCE, || (!unfinished.exists()).then_some(()));
    assert_eq!(fs::read(lab.kept("lab")).expect("a kept text"), whole);
    program.stop();
}

#[test]
fn a_zone_that_a_reload_brings_back_broken_is_served_from_its_kept_text() {
    let lab = Lab::new();
    let program = lab.site.start();
    lab.wait_for_kept("lab", " host 1 ");
    lab.configure(&["other"]);
    reload(&program);
    let gone = ask(program.listen(), LAB, RecordType::A).expect("an answer");
    assert_eq!(gone.metadata.response_code, ResponseCode::Refused);
    lab.site.write("lab.zone", "");
    lab.configure(&["lab", "other"]);
    reload(&program);
    assert_eq!(addresses(&program, LAB), ["192.0.2.1"]);
    program.stop();
}

#[test]
fn a_kept_text_that_is_corrupt_is_told_of_and_its_zone_alone_answers_servfail() {
    let lab = Lab::new();
    let program = lab.site.start();
    lab.wait_for_kept("lab", " host 1 ");
    program.stop();
    let mut bytes = fs::read(lab.kept("lab")).expect("a kept text");
    *bytes.last_mut().expect("a byte") ^= 1;
    fs::write(lab.kept("lab"), bytes).expect("a scratch file");
    lab.site.write("lab.zone", "");
    let program = lab.site.start();
    let line = program.wait_for_line("the last good text of zone lab.example. is of no use");
    assert!(line.text.contains("WARN"), "{line:?}");
    let response = ask(program.listen(), LAB, RecordType::A).expect("an answer");
    assert_eq!(response.metadata.response_code, ResponseCode::ServFail);
    assert_eq!(addresses(&program, "www.other.example."), ["192.0.2.1"]);
    program.stop();
}

#[test]
fn a_state_directory_that_cannot_be_had_is_a_warning_and_nothing_else() {
    let lab = Lab::new();
    fs::remove_dir(lab.site.folder().join("state")).expect("an empty folder");
    let program = lab.site.start();
    let line = program.wait_for_line("cannot be kept");
    assert!(line.text.contains("WARN") && line.text.contains("state-directory"), "{line:?}");
    assert_eq!(addresses(&program, LAB), ["192.0.2.1"]);
    assert_eq!(get(lab.admin, "/readyz").code, 200);
    reload(&program);
    reload(&program);
    // Not for each zone, and not at each reload.
    let said = program.log().iter().filter(|line| line.text.contains("cannot be kept")).count();
    assert_eq!(said, 1);
    program.stop();
}
