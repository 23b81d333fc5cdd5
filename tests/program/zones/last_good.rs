//! A start with a broken zone file serves the last good text, and log, status and metrics say so.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use serde_json::Value;

use harness::client::{ask, sorted_addresses};
use harness::http::get;
use harness::program::Program;
use harness::versions::{self, Versions};
use harness::{PATIENCE, wait_for};

const QNAME: &str = "www.lab.example.";

/// Two zones that are served, with their address in a file that both include.
fn lab() -> Versions {
    let lab = Versions::new(&["lab", "other"]);
    lab.write("lab", &zone(1));
    lab.write("other", &zone(7));
    lab.site.write("www.inc", "www A 192.0.2.1\n");
    lab
}

/// What the status says of the first zone.
fn zone_status(lab: &Versions) -> Value {
    lab.status()["zones"][0].clone()
}

/// Version `number` of a zone; its address is in a file of its own.
fn zone(number: u8) -> String {
    let own = format!("www A 192.0.2.{number}\n");
    versions::zone(number).replace(&own, "$INCLUDE www.inc\n")
}

fn addresses(program: &Program, qname: &str) -> Vec<String> {
    let found = sorted_addresses(program.listen(), qname, RecordType::A).expect("an answer");
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn a_start_with_a_broken_zone_serves_its_last_good_text_and_says_so_everywhere() {
    let lab = lab();
    let program = lab.site.start();
    lab.wait_for_kept_version("lab", 1);
    lab.write("lab", &zone(2));
    program.reload_and_wait();
    lab.wait_for_kept_version("lab", 2);
    program.stop();
    lab.write("lab", "@ IN AA 1\n");
    lab.site.write("www.inc", "www A 192.0.2.99\n");

    let program = lab.site.start();
    assert_eq!(addresses(&program, QNAME), ["192.0.2.1"]);
    assert_eq!(addresses(&program, "www.other.example."), ["192.0.2.99"]);
    let line = program.wait_for_line("serial 2 is served, the last good text");
    assert!(line.text.contains("ERROR"), "{line:?}");
    let ready = get(lab.admin, "/readyz");
    assert_eq!(ready.code, 503);
    assert!(ready.body.contains("last good text, serial 2 of 20"), "{}", ready.body);
    assert!(ready.body.contains("lab.zone:1:"), "{}", ready.body);
    let status = zone_status(&lab);
    assert_eq!(status["serial"], 2);
    assert!(status["kept_at"].is_string() && status["error"].is_string(), "{status}");
    let metrics = get(lab.admin, "/metrics").body;
    for sample in ["edgedns_zone_ok{zone=\"lab.example.\"} 0", "edgedns_zone_kept{zone=\"lab.example.\"} 1"] {
        assert!(metrics.lines().any(|line| line == sample), "no {sample} in\n{metrics}");
    }

    // A reload that cannot read it either changes nothing; one that can ends it.
    program.reload_and_wait();
    assert_eq!(addresses(&program, QNAME), ["192.0.2.1"]);
    assert!(zone_status(&lab)["kept_at"].is_string());
    lab.write("lab", &zone(3));
    program.reload_and_wait();
    assert_eq!(addresses(&program, QNAME), ["192.0.2.99"]);
    assert_eq!(get(lab.admin, "/readyz").code, 200);
    assert!(zone_status(&lab)["kept_at"].is_null());
    program.stop();
}

#[test]
fn a_power_cut_costs_neither_the_kept_text_nor_the_start() {
    let lab = lab();
    let program = lab.site.start();
    lab.wait_for_kept_version("lab", 1);
    // Killed, and a text was half written then.
    drop(program);
    let whole = fs::read(lab.kept("lab")).expect("a kept text");
    let unfinished = lab.kept("lab").with_extension("zone.new");
    fs::write(&unfinished, &whole[..whole.len() / 2]).expect("a scratch file");
    lab.write("lab", "");
    let program = lab.site.start();
    assert_eq!(addresses(&program, QNAME), ["192.0.2.1"]);
    wait_for("an end of what was half written", PATIENCE, || (!unfinished.exists()).then_some(()));
    assert_eq!(fs::read(lab.kept("lab")).expect("a kept text"), whole);
    program.stop();
}

#[test]
fn a_zone_that_a_reload_brings_back_broken_is_served_from_its_kept_text() {
    let lab = lab();
    let program = lab.site.start();
    lab.wait_for_kept_version("lab", 1);
    lab.configure(&["other"]);
    program.reload_and_wait();
    let gone = ask(program.listen(), QNAME, RecordType::A).expect("an answer");
    assert_eq!(gone.metadata.response_code, ResponseCode::Refused);
    lab.write("lab", "");
    lab.configure(&["lab", "other"]);
    program.reload_and_wait();
    assert_eq!(addresses(&program, QNAME), ["192.0.2.1"]);
    program.stop();
}

#[test]
fn a_kept_text_that_is_corrupt_is_told_of_and_its_zone_alone_answers_servfail() {
    let lab = lab();
    let program = lab.site.start();
    lab.wait_for_kept_version("lab", 1);
    program.stop();
    let mut bytes = fs::read(lab.kept("lab")).expect("a kept text");
    *bytes.last_mut().expect("a byte") ^= 1;
    fs::write(lab.kept("lab"), bytes).expect("a scratch file");
    lab.write("lab", "");
    let program = lab.site.start();
    let line = program.wait_for_line("cannot use the last good text of zone lab.example.");
    assert!(line.text.contains("WARN"), "{line:?}");
    let response = ask(program.listen(), QNAME, RecordType::A).expect("an answer");
    assert_eq!(response.metadata.response_code, ResponseCode::ServFail);
    assert_eq!(addresses(&program, "www.other.example."), ["192.0.2.1"]);
    program.stop();
}

#[test]
fn a_state_directory_that_is_not_there_is_made_for_the_server_alone() {
    let lab = lab();
    fs::remove_dir(lab.file("state")).expect("an empty folder");
    let program = lab.site.start();
    lab.wait_for_kept_version("lab", 1);
    let mode = fs::metadata(lab.file("state")).expect("the folder").permissions().mode();
    assert_eq!(mode & 0o7777, 0o700);
    program.stop();
}

#[test]
fn a_state_directory_that_cannot_be_had_is_a_warning_and_nothing_else() {
    let lab = lab();
    fs::remove_dir(lab.file("state")).expect("an empty folder");
    fs::write(lab.file("state"), "").expect("a file in its place");
    let program = lab.site.start();
    let line = program.wait_for_line("cannot store the last good text");
    assert!(line.text.contains("WARN") && line.text.contains("state-directory"), "{line:?}");
    assert_eq!(addresses(&program, QNAME), ["192.0.2.1"]);
    assert_eq!(get(lab.admin, "/readyz").code, 200);
    program.reload_and_wait();
    program.reload_and_wait();
    // Not for each zone, and not at each reload.
    let said =
        program.log().iter().filter(|line| line.text.contains("cannot store the last good text")).count();
    assert_eq!(said, 1);
    program.stop();
}
