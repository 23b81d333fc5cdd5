//! `edgedns check --system` on this host: a port that another process holds, and files that the service's
//! user cannot read.
//!
//! Each single subject is tested beside its code, on hosts made of files.

use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;

use harness::namespace;
use harness::program::Site;

const ZONE: &str = "[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n";

/// A config with one sound zone.
fn site() -> Site {
    let site = Site::new();
    site.configure(ZONE);
    site.write("lab.zone", "@ 60 SOA ns1 hostmaster 1 3h 30m 2w 10\n@ 60 NS ns1\nns1 60 A 192.0.2.1\n");
    site
}

/// The findings about the host, as JSON.
fn found(site: &Site) -> (bool, serde_json::Value) {
    let config = site.folder().join("edgedns.toml");
    let output = site.run(&["check", "--config", config.to_str().unwrap(), "--system", "--format", "json"]);
    let said = serde_json::from_slice(&output.stdout).expect("one JSON object");
    (output.status.success(), said)
}

/// The findings about a subject, each with its severity and message.
fn about(said: &serde_json::Value, subject: &str) -> Vec<(String, String)> {
    let all = said["system"].as_array().expect("findings");
    let own = all.iter().filter(|finding| finding["subject"] == subject);
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    own.map(|finding| (text(&finding["severity"]), text(&finding["message"]))).collect()
}

#[test]
fn the_process_that_has_the_port_is_named() {
    let site = site();
    let address = site.listen();
    let free = ("fine".to_owned(), format!("nothing listens on {address} yet"));
    assert!(about(&found(&site).1, "ports").contains(&free));

    let _datagrams = UdpSocket::bind(address).unwrap();
    let _connections = TcpListener::bind(address).unwrap();
    let (ok, said) = found(&site);
    let ports = about(&said, "ports");
    let pid = std::process::id();
    assert!(!ok && ports.len() == 1 && ports[0].0 == "error", "{ports:?}");
    for part in [format!("(pid {pid}"), format!("{address} over TCP and {address} over UDP")] {
        assert!(ports[0].1.contains(&part), "{ports:?} does not say {part}");
    }
    assert!(said["errors"].as_u64() >= Some(1) && said["ok"] == false, "{said}");
}

#[test]
fn an_edgedns_that_is_not_the_service_is_no_stranger() {
    let site = site();
    let _program = site.start();
    let ports = about(&found(&site).1, "ports");
    assert!(ports.len() == 1 && ports[0].0 == "warning", "{ports:?}");
    assert!(ports[0].1.contains("`edgedns` (pid ") && ports[0].1.contains("beside the service"), "{ports:?}");
}

#[test]
fn a_folder_that_the_service_does_not_see_is_an_error() {
    let site = site();
    let (ok, said) = found(&site);
    let files = about(&said, "files");
    assert!(!ok && files.iter().all(|(severity, _)| severity == "error"), "{files:?}");
    let mode = site.folder().metadata().unwrap().permissions().mode() & 0o777;
    let parts = ["PrivateTmp=yes".to_owned(), format!("{mode:04o}")];
    assert!(files.iter().any(|(_, message)| parts.iter().any(|part| message.contains(part))), "{files:?}");
}

#[test]
fn a_text_for_people_draws_trouble_and_lists_what_is_fine() {
    let site = site();
    let _datagrams = UdpSocket::bind(site.listen()).unwrap();
    let config = site.folder().join("edgedns.toml");
    let output = site.run(&["check", "--config", config.to_str().unwrap(), "--system"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("zone lab.example.: serial 1") && said.contains("\nfine: "), "{said}");
    assert!(said.contains(&format!("has {} over UDP", site.listen())) && said.contains("= help: "), "{said}");
    assert!(said.contains("\nnot ok: "), "{said}");
}

/// A host with 198.51.100.1 and a link-local address.
const HOST: &str = r#"
set -u
ip link set lo up
ip link add v0 type veth peer name v1
ip address add 198.51.100.1/24 dev v0; ip link set v0 up; ip link set v1 up
"$1" check --config edgedns.toml --system 2>check.log
grep -o 'edgedns starts anyway' check.log
"$1" --config edgedns.toml 2>log &
server=$!
trap 'kill $server; wait $server' EXIT
for _ in $(seq 400); do grep -q ready log && break; kill -0 $server || break; sleep 0.05; done
grep -o ready log
"#;

#[test]
fn a_start_at_addresses_that_are_not_there_is_what_was_said_of_it() {
    for listen in ["192.0.2.77:5300", "[2001:db8::77]:5300", "[fe80::77%v0]:5300"] {
        let site = site();
        let text = format!("[server]\nlisten = [\"{listen}\"]\nworkers = 1\nwatch = false\n\n{ZONE}");
        site.write("edgedns.toml", &text);
        let Some(host) = namespace::run(&site, HOST) else { return };
        let said = String::from_utf8_lossy(&host.stdout);
        let text = |file: &str| std::fs::read_to_string(site.folder().join(file)).unwrap_or_default();
        assert_eq!(
            said,
            "edgedns starts anyway\nready\n",
            "{listen}\n{}\n{}",
            text("check.log"),
            text("log")
        );
    }
}
