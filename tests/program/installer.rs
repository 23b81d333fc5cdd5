//! `edgedns check --installer`: what is said of a server that has the zones of `edgedns init`, and of one that is not there.

use std::process::Output;

use harness::lab::QUICK_PROBES;
use harness::program::{Program, Site, command, said};

const MASTERS: [&str; 3] = ["192.0.2.13", "192.0.2.14", "192.0.2.15"];

/// A server with the zones that `edgedns init` makes, and `change`d ones.
fn served(change: impl FnOnce(String) -> String) -> (Site, Program) {
    let site = Site::new();
    let mut init = command();
    init.args(["init", "--cluster", "ocp4", "--base-domain", "example.com", "--into"]).arg(site.folder());
    for master in MASTERS {
        init.args(["--master", master]);
    }
    let made = init.output().expect("edgedns runs");
    assert!(made.status.success(), "{}", said(&made));
    // The names as they are written, at a port that nobody else has, and without probes: nothing is sent to the masters.
    let config = std::fs::read_to_string(site.folder().join("edgedns.toml")).expect("the config");
    let zones = config.find("\n[[zone]]").expect("a zone");
    let table = config.find("\n[[zone.probe]]").expect("a probe");
    let end = config[table..].find("\n[[zone]]").expect("a reverse zone") + table;
    site.configure(&format!("{QUICK_PROBES}{}{}", &config[zones..table], &config[end..]));
    let zone = site.folder().join("edgedns/zones/ocp4.example.com.zone");
    let text = change(std::fs::read_to_string(&zone).expect("the zone"));
    std::fs::write(zone, text).expect("the zone");
    let program = site.start();
    (site, program)
}

fn check(site: &Site, server: &str, more: &[&str]) -> Output {
    site.run(&[&["check", "--installer", "ocp4.example.com", "--with", server], more].concat())
}

#[test]
fn the_zones_that_init_writes_are_all_that_an_installation_needs() {
    let (site, program) = served(|zone| zone);
    let nodes = ["--node", "master-0=192.0.2.13", "--node", "master-1=192.0.2.14", "--node", "192.0.2.15"];
    let output = check(&site, &site.listen().to_string(), &nodes);
    assert!(output.status.success(), "{}", said(&output));
    for line in [
        "fine: `api-int.ocp4.example.com` has 192.0.2.13, 192.0.2.14 and 192.0.2.15",
        "fine: 192.0.2.15 is `master-2.ocp4.example.com`, and back",
        "fine: `_etcd-server-ssl._tcp.ocp4.example.com` leads to 3 hosts with addresses",
    ] {
        assert!(said(&output).contains(line), "{line}\n{}", said(&output));
    }
    program.stop();
}

#[test]
fn what_is_missing_is_drawn_with_what_to_do_and_told_to_scripts() {
    let (site, program) = served(|zone| {
        let kept = zone.lines().filter(|line| !line.starts_with("api-int") && !line.starts_with("*.apps"));
        kept.map(|line| format!("{line}\n")).collect::<String>() + "* IN A 192.0.2.99\n"
    });
    let server = site.listen().to_string();
    let output = check(&site, &server, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let text = said(&output);
    assert!(text.contains("every name in `ocp4.example.com` is answered, with 192.0.2.99"), "{text}");
    assert!(text.contains("= help: take the wildcard away") && text.contains("\nnot ok: "), "{text}");
    let output = check(&site, &server, &["--format", "json"]);
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let findings = told["servers"][0]["findings"].as_array().expect("findings");
    assert!(told["ok"] == false && told["servers"][0]["server"] == server, "{told}");
    assert!(findings.iter().any(|one| one["subject"] == "wildcards" && one["severity"] == "error"), "{told}");
    program.stop();
}

#[test]
fn a_server_that_says_nothing_is_one_error() {
    let site = Site::new();
    let output = check(&site, &site.listen().to_string(), &[]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("not ok: 1 error, 0 warnings"), "{}", said(&output));
}
