//! Nodes without the package: what `edgedns machineconfig --binary-from` writes, started by systemd: with the network, without
//! it at the next start, and with a binary that is no good.

use std::fs;
use std::process::Command;

use harness::PATIENCE;
use harness::program::{executable, said};
use harness::wait_for;
use serde_json::Value;

use super::machine::{CONFIG, Machine, Plan, zone};

/// Everything is started that such a node would start, and the server it fetches from.
const TARGET: &str = "[Unit]\nRequires=basic.target\n\
                      Wants=edgedns.service edgedns-fetch.service kubelet.service master.socket offer.service\n";

/// Where the binary is had from, and its files.
const URL: &str = "http://127.0.0.1:8080/edgedns";
const OFFER: &str = "[Unit]\nBefore=edgedns-fetch.service\n[Service]\n\
                     ExecStart=/usr/bin/python3 -m http.server 8080 --bind 127.0.0.1 --directory /usr/offer\n";

const STORE: &str = "/usr/local/libexec/edgedns";

/// What a file's digest is.
fn digest(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let file = folder.path().join("file");
    fs::write(&file, bytes).expect("a scratch file");
    let output = Command::new("sha256sum").arg(file).output().expect("sha256sum");
    said(&output).split(' ').next().expect("a digest").to_owned()
}

/// A machine with what the command writes for it, which has no edgedns.
fn plan(sha256: &str) -> Plan {
    let site = tempfile::tempdir().expect("a scratch folder");
    fs::create_dir(site.path().join("edgedns")).expect("a scratch folder");
    fs::write(site.path().join("edgedns.toml"), CONFIG).expect("a scratch file");
    fs::write(site.path().join("edgedns/lab.zone"), zone(1)).expect("a scratch file");
    let output = harness::program::command()
        .args(["machineconfig", "--format", "ignition", "--binary-from", URL, "--sha256", sha256, "--config"])
        .arg(site.path().join("edgedns.toml"))
        .output()
        .expect("edgedns runs");
    let written: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
    let plan = Plan::new();
    plan.remove("usr/bin/edgedns");
    plan.write("units/test.target", TARGET);
    for unit in written["systemd"]["units"].as_array().expect("units") {
        let name = unit["name"].as_str().expect("a name");
        plan.write(&format!("units/{name}"), unit["contents"].as_str().expect("a text"));
    }
    // As Ignition would; the test of the command reads the others.
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    plan.write_program("etc/edgedns/fetch", &fs::read(root.join("systemd/fetch")).expect("the script"));
    plan
}

/// Waits until a line is in the log.
fn wait_for_line(machine: &Machine, line: &str) {
    wait_for(line, PATIENCE, || machine.log().contains(line).then_some(()));
}

#[test]
fn what_was_fetched_once_is_started_without_a_network_and_before_kubelet() {
    let binary = fs::read(executable()).expect("the program");
    let sha256 = digest(&binary);
    let first = plan(&sha256);
    first.write("units/offer.service", OFFER);
    first.write_program("usr/offer/edgedns", &binary);
    let Some(machine) = first.boot() else { return };
    wait_for_line(&machine, &format!("/usr/local/bin/edgedns is {STORE}/edgedns-{sha256} now"));
    machine.wait_for("ActiveState", "active");
    assert_eq!(machine.answer(), "127.0.0.1");
    assert!(machine.run("/usr/local/bin/edgedns status").status.success());
    let kept = machine.done("readlink /usr/local/bin/edgedns");
    drop(machine);

    // The same node, after a power cut of everything: nobody offers anything.
    let second = plan(&sha256);
    second.write_program(kept.trim_start_matches('/'), &binary);
    second.link("usr/local/bin/edgedns", &kept);
    let Some(machine) = second.boot() else { return };
    assert_eq!(machine.answer(), "127.0.0.1");
    let moment =
        |unit: &str, property: &str| -> u64 { machine.show(unit, property).parse().expect("a moment") };
    let ready = moment("edgedns.service", "ActiveEnterTimestampMonotonic");
    let begun = moment("kubelet.service", "ExecMainStartTimestampMonotonic");
    assert!(0 < ready && ready <= begun, "ready at {ready}, kubelet begun at {begun}");
    wait_for("the end of the fetching", PATIENCE, || {
        (machine.show("edgedns-fetch.service", "ActiveState") == "inactive").then_some(())
    });
    assert_eq!(machine.show("edgedns-fetch.service", "Result"), "success", "{}", machine.log());
}

#[test]
fn the_last_good_binary_stays_while_another_is_wrong_or_does_not_start() {
    let binary = fs::read(executable()).expect("the program");
    let good = digest(&binary);
    // Two programs that are not edgedns: one is not what was named, the other is, and serves nothing.
    let useless = b"#!/bin/sh\n[ \"$1\" = --version ] && exit 0\n[ \"$1\" = check ] && exit 0\nexit 1\n";
    let cases = [
        ("f".repeat(64), "does not have the digest"),
        (digest(useless), "does not start: /usr/local/libexec/edgedns/edgedns-"),
    ];
    for (sha256, told) in cases {
        let plan = plan(&sha256);
        plan.write("units/offer.service", OFFER);
        plan.write_program("usr/offer/edgedns", useless);
        let kept = format!("{STORE}/edgedns-{good}");
        plan.write_program(kept.trim_start_matches('/'), &binary);
        plan.link("usr/local/bin/edgedns", &kept);
        let Some(machine) = plan.boot() else { return };
        wait_for_line(&machine, told);
        assert_eq!(machine.done("readlink /usr/local/bin/edgedns"), kept);
        machine.wait_for("SubState", "running");
        assert_eq!(machine.answer(), "127.0.0.1", "{told}");
    }
}
