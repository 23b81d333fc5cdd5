//! A zone that PowerDNS signs with keys of `bind-dnssec-db` is signed with the same keys after an import.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::Command;

use harness::node::Node;
use harness::program::said;
use harness::tools::{is_installed, tool};
use harness::{free_port, loopback};

use super::access::imported;
use super::servers::{Server, installed};

const ZONE: &str = "$TTL 60\n@ IN SOA ns host 7 3h 30m 2w 60\n@ IN NS ns\nns IN A 192.0.2.1\nwww IN A 192.0.2.2\n*.apps IN A 192.0.2.3\n";

/// Zones, and what `pdnsutil` is told of each.
const ZONES: &[(&str, &[&[&str]])] = &[
    ("one.test", &[&["secure-zone", "one.test"], &["set-publish-cds", "one.test"]]),
    ("hashed.test", &[&["secure-zone", "hashed.test"], &["set-nsec3", "hashed.test", "1 0 0 -"]]),
    (
        "pair.test",
        &[
            &["add-zone-key", "pair.test", "ksk", "active", "published", "ed25519"],
            &["add-zone-key", "pair.test", "zsk", "active", "published", "ed25519"],
            &["add-zone-key", "pair.test", "zsk", "inactive", "published", "ed25519"],
        ],
    ),
    ("plain.test", &[]),
];

/// Tells a program something; what it says.
fn told(command: &mut Command) -> String {
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The DNSKEY records of a zone, each as its data; none where there is no answer.
fn keys(server: SocketAddr, zone: &str) -> BTreeSet<String> {
    let mut dig = tool("dig").expect("it was there");
    dig.args([
        "+short",
        "+tries=1",
        "+time=2",
        "-p",
        &server.port().to_string(),
        &format!("@{}", server.ip()),
    ]);
    let output = dig.args(["DNSKEY", zone]).output().expect("it runs");
    let is_record = |line: &&str| !line.starts_with(';');
    String::from_utf8_lossy(&output.stdout).lines().filter(is_record).map(str::to_owned).collect()
}

/// The DS records with SHA-256 in a text, each as tag and digest.
fn ds(text: &str) -> BTreeSet<(String, String)> {
    let record = |line: &str| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let at = words.iter().position(|word| *word == "DS")?;
        let (tag, digest) = (words.get(at + 1)?, words.get(at + 4)?);
        (words.get(at + 3) == Some(&"2")).then(|| ((*tag).to_owned(), digest.to_ascii_lowercase()))
    };
    text.lines().filter_map(record).collect()
}

#[test]
fn a_zone_that_powerdns_signs_has_the_same_keys_and_ds_records_and_is_sound() {
    let Some(pdns) = installed("pdns_server") else { return };
    if !["pdnsutil", "sqlite3", "dig", "dnssec-verify"].into_iter().all(is_installed) {
        return;
    }
    let node = Node::new(&[("etc/pdns/lab.zone", ZONE)]);
    let folder = node.path("etc/pdns").display().to_string();
    let theirs = free_port(loopback());
    node.write(
        "etc/pdns/pdns.conf",
        &format!(
            "launch=bind\nbind-config={folder}/bind.conf\nbind-dnssec-db={folder}/keys.db\nlocal-address={}\nlocal-port={}\n\
             allow-axfr-ips=127.0.0.0/8\n",
            theirs.ip(),
            theirs.port()
        ),
    );
    let zone = |(name, _): &(&str, &[&[&str]])| {
        format!("zone \"{name}\" {{ type master; file \"{folder}/lab.zone\"; }};\n")
    };
    node.write("etc/pdns/bind.conf", &ZONES.iter().map(zone).collect::<String>());
    let tell = |words: &[&str]| {
        told(tool("pdnsutil").expect("it was there").arg(format!("--config-dir={folder}")).args(words))
    };
    tell(&["create-bind-db", &format!("{folder}/keys.db")]);
    ZONES.iter().flat_map(|(_, steps)| *steps).for_each(|words| _ = tell(words));
    let mut server = Server::pdns(&pdns, &node.path("etc/pdns"));
    server.wait_until("PowerDNS answers", || (keys(theirs, "pair.test").len() == 3).then_some(()));

    // While it runs, and has the database open.
    let result = node.pdns();
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
    assert_eq!(keys(theirs, "pair.test").len(), 3, "PowerDNS has what it had");
    let (site, program) = imported(&result, &node.path("new"));
    for (name, steps) in ZONES {
        let (wanted, got) = (keys(theirs, name), keys(site.listen(), name));
        assert_eq!(got, wanted, "{name}");
        if steps.is_empty() {
            assert!(got.is_empty(), "{name}");
            continue;
        }
        let of_parent = site.run(&["dnssec", "ds", name, "--keys", "edgedns/dnssec"]);
        let of_parent = ds(&said(&of_parent));
        assert!(
            !of_parent.is_empty() && of_parent.is_subset(&ds(&tell(&["export-zone-ds", name]))),
            "{name}: {of_parent:?}"
        );
        let mut dig = tool("dig").expect("it was there");
        let [port, at] = [site.listen().port().to_string(), format!("@{}", site.listen().ip())];
        let signed = told(dig.args(["+onesoa", "+noall", "+answer", "-p", &port, &at, "AXFR", name]));
        assert_eq!(signed.contains("NSEC3PARAM"), *name == "hashed.test", "{signed}");
        assert_eq!(signed.contains("\tCDS\t"), *name == "one.test", "{signed}");
        site.write("signed", &signed);
        let mut verify = tool("dnssec-verify").expect("it was there");
        // One key that does both has the flag of those that sign keys alone.
        let both: &[&str] = if *name == "pair.test" { &[] } else { &["-z"] };
        told(verify.args(both).args(["-o", name]).arg(site.folder().join("signed")));
    }
    program.stop();
}
