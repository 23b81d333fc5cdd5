//! The list of keys is complete, and its defaults are the true ones.

use std::path::Path;

use super::super::keys::{ConfigKey, KEYS, Section};
use super::{Outcome, ZONE, probe_kinds, read_in};
use crate::setting::Absent;
use crate::zone::Selector;

/// A key for transactions, whose name examples have.
const SIGNED: [&str; 3] = ["[[key]]", "name = \"transfer\"", "secret = \"c2VjcmV0c2VjcmV0c2VjcmV0\""];

/// What is in the file besides the key that is looked at, so that it would be
/// sound; a key that is always there is left to the caller.
fn surroundings(key: &ConfigKey) -> String {
    let lines = if is_encrypted(key) { around_encryption(key) } else { around(key) };
    lines.join("\n") + "\n"
}

/// The same for a key that needs no certificate.
fn around(key: &ConfigKey) -> Vec<&'static str> {
    let own = |line: &&str| !line.starts_with(&format!("{} =", key.name));
    let zone = || ZONE.lines().filter(own);
    match key.section {
        Section::Root
        | Section::Server
        | Section::Tls
        | Section::Admin
        | Section::Limit
        | Section::Probe
        | Section::Lua
        | Section::Cache => ZONE.lines().chain([key.section.header()]).collect(),
        Section::Kubernetes => around_cluster(key),
        Section::Vantage => around_vantage(key),
        Section::Log => {
            let needed = (key.name != "queries").then_some("queries = \"queries.sock\"");
            ZONE.lines().chain([Section::Log.header()]).chain(needed).collect()
        }
        Section::Webhook => {
            let needed = ["url = \"https://192.0.2.7/\"", "secret-file = \"webhook.secret\""];
            let other = match key.name {
                "cert" => Some("key = \"client.key\""),
                "key" => Some("cert = \"client.pem\""),
                _ => None,
            };
            let block = needed.into_iter().filter(own).chain(other);
            ZONE.lines().chain([Section::Webhook.header()]).chain(block).collect()
        }
        Section::Key => {
            let secret = (!key.name.starts_with("secret")).then_some("secret = \"c2VjcmV0c2VjcmV0c2VjcmV0\"");
            let block = ["name = \"transfer\""].into_iter().chain(secret).filter(own);
            ZONE.lines().chain([Section::Key.header()]).chain(block).collect()
        }
        Section::Forward | Section::ForwardProbe => around_forwarding(key),
        Section::Zone if key.name == "reverse-of" => {
            let origin = ["[[zone]]", "name = \"ocp4.example.com\"", "file = \"a.zone\""];
            let own = ["[[zone]]", "name = \"2.0.192.in-addr.arpa\"", "file = \"b.zone\""];
            origin.into_iter().chain(own).collect()
        }
        Section::Zone if key.name == "primary" => {
            SIGNED.into_iter().chain(["[[zone]]", "name = \"lab.example\""]).collect()
        }
        Section::Zone if matches!(key.name, "ca" | "client-cert" | "client-key") => {
            let zone = ["[[zone]]", "name = \"lab.example\"", "primary = [\"tls://192.0.2.1\"]"];
            zone.into_iter().chain(other_of_pair(key)).collect()
        }
        Section::Zone if matches!(key.name, "allow-transfer" | "notify") => {
            let above = zone().take_while(|line| *line != Section::ZoneProbe.header());
            SIGNED.into_iter().chain(above).collect()
        }
        Section::Zone => zone().take_while(|line| *line != Section::ZoneProbe.header()).collect(),
        Section::Source(header) => {
            let needed = ["endpoints = [\"https://192.0.2.9\"]", "nameservers = [\"ns.test\"]"];
            let block = needed.into_iter().filter(|line| header == "[zone.etcd]" && own(line));
            let beside = beside_in_a_store(key);
            ["[[zone]]", "name = \"lab.example\"", header].into_iter().chain(block).chain([beside]).collect()
        }
        Section::Catalog | Section::CatalogGroup | Section::CatalogGroupUpdate => around_catalog(key),
        Section::ZoneUpdate => {
            below_a_file(key, &["allow = [\"192.0.2.1\"]", "names = [\"**\"]", "types = [\"ANY\"]"])
        }
        Section::ZoneDnssec => below_a_file(key, &["keys = \"keys\""]),
        Section::ZoneProbe => around_probe(key),
        Section::Kind(kind) => around_kind(kind, key),
    }
}

/// The same for a key of what is forwarded.
fn around_forwarding(key: &ConfigKey) -> Vec<&'static str> {
    let own = |line: &&str| !line.starts_with(&format!("{} =", key.name));
    let zone = ["zone = \".\"", "upstream = \"resolv.conf\""];
    let above = ZONE.lines().chain([Section::Forward.header()]);
    if key.section == Section::Forward {
        return above.chain(zone.into_iter().filter(own)).collect();
    }
    let block = ["name = \"example.com\""].into_iter().filter(own);
    above.chain(zone).chain([Section::ForwardProbe.header()]).chain(block).collect()
}

/// What a key of a client's certificate has no effect without.
fn other_of_pair(key: &ConfigKey) -> Option<&'static str> {
    match key.name {
        "client-cert" => Some("client-key = \"client.key\""),
        "client-key" => Some("client-cert = \"client.pem\""),
        _ => None,
    }
}

/// The key without which a key of how a store is reached says nothing.
fn beside_in_a_store(key: &ConfigKey) -> &'static str {
    match key.name {
        "cert" => "key = \"etcd/client.key\"",
        "key" => "cert = \"etcd/client.pem\"",
        "user" => "password-file = \"etcd/password\"",
        "password-file" => "user = \"edgedns\"",
        _ => "",
    }
}

/// The same for a key of the store that carries verdicts.
fn around_vantage(key: &ConfigKey) -> Vec<&'static str> {
    let endpoints = (key.name != "endpoints").then_some("endpoints = [\"https://192.0.2.9\"]");
    ZONE.lines().chain(["[vantage]"]).chain(endpoints).chain([beside_in_a_store(key)]).collect()
}

/// The same for a key of a guard.
fn around_probe(key: &ConfigKey) -> Vec<&'static str> {
    let own = |line: &&str| !line.starts_with(&format!("{} =", key.name));
    let (above, block) = ZONE.split_once(Section::ZoneProbe.header()).unwrap();
    let cluster = CLUSTER.into_iter().filter(|_| key.name == "members");
    cluster
        .chain(above.lines())
        .chain([Section::ZoneProbe.header()])
        .chain(block.lines().filter(own))
        .chain(matches!(key.name, "max-share").then_some("selector = \"random\""))
        .collect()
}

/// The same for a key of a kind of probe.
fn around_kind(kind: &str, key: &ConfigKey) -> Vec<&'static str> {
    let needed: &[&str] = match kind {
        "dns" => &["name = \"lab.example\""],
        "dialogue" => &["port = 1", "steps = [{ send = \"a\" }]"],
        "file" => &["path = \"states\""],
        _ => &["port = 1"],
    };
    let of_tls = matches!(key.name, "verify" | "ca" | "server-name" | "cert" | "key");
    let tls = (of_tls && matches!(kind, "grpc" | "dialogue")).then_some("tls = true");
    let other = match (kind, key.name) {
        ("file", _) => None,
        (_, "cert") => Some("key = \"client.key\""),
        (_, "key") => Some("cert = \"client.pem\""),
        _ => None,
    };
    let own = |line: &&str| !line.starts_with(&format!("{} =", key.name));
    let block = needed.iter().copied().filter(own).chain(tls).chain(other);
    ZONE.lines().chain([key.section.header()]).chain(block).collect()
}

/// A cluster, which `members` need.
const CLUSTER: [&str; 2] = ["[kubernetes]", "kubeconfig = \"kubeconfig\""];

/// The same for a key of such.
fn around_cluster(key: &ConfigKey) -> Vec<&'static str> {
    let own = |line: &&str| !line.starts_with(&format!("{} =", key.name));
    ZONE.lines().chain(["members = { nodes = \"a\" }"]).chain(CLUSTER.into_iter().filter(own)).collect()
}

/// Whether a key needs a certificate, or is of one.
fn is_encrypted(key: &ConfigKey) -> bool {
    let is_of_a_listener = matches!(key.section, Section::Server | Section::Admin);
    key.section == Section::Tls
        || key.name.starts_with("listen-")
        || is_of_a_listener && matches!(key.name, "tls" | "client-ca")
}

/// The same for such a key.
fn around_encryption(key: &ConfigKey) -> Vec<&'static str> {
    let own = |line: &&str| key.section == Section::Server || !line.starts_with(&format!("{} =", key.name));
    let pair = ["[tls]", "certificate = \"a.crt\"", "key = \"a.key\""];
    let own_table: &[&str] = match key.section {
        Section::Tls => &[],
        Section::Admin => &["[admin]", "tls = true"],
        _ => &["[server]"],
    };
    ZONE.lines().chain(pair).chain(own_table.iter().copied()).filter(own).collect()
}

/// The same for a key of a table below a zone with a file, in which these keys must be.
fn below_a_file(key: &ConfigKey, needed: &[&'static str]) -> Vec<&'static str> {
    let others = needed.iter().copied().filter(|line| !line.starts_with(&format!("{} =", key.name)));
    let above = ZONE.lines().take_while(|line| *line != Section::ZoneProbe.header());
    above.chain([key.section.header()]).chain(others).collect()
}

/// The same for a key of a catalog or of a group of one.
fn around_catalog(key: &ConfigKey) -> Vec<&'static str> {
    let own = |line: &&str| !line.starts_with(&format!("{} =", key.name));
    if key.section == Section::Catalog {
        let source = match key.name {
            "file" => "group = [{ primary = [\"192.0.2.1\"] }]",
            _ => "primary = [\"192.0.2.1\"]",
        };
        let block = ["name = \"catalog.example\"", source].into_iter().filter(own);
        let block = block.chain(other_of_pair(key));
        return SIGNED.into_iter().chain([Section::Catalog.header()]).chain(block).collect();
    }
    let catalog = ["[[catalog]]", "name = \"catalog.example\"", "primary = [\"192.0.2.1\"]"];
    if key.section == Section::CatalogGroupUpdate {
        let group = [Section::CatalogGroup.header(), key.section.header()];
        return SIGNED.into_iter().chain(catalog).chain(group).collect();
    }
    let block = ["primary = [\"192.0.2.2\"]"].into_iter().filter(own);
    SIGNED.into_iter().chain(catalog).chain([Section::CatalogGroup.header()]).chain(block).collect()
}

fn with(key: &ConfigKey, value: &str) -> Outcome {
    with_in(probe_kinds::folder().path(), key, value)
}

fn with_in(folder: &Path, key: &ConfigKey, value: &str) -> Outcome {
    read_in(folder, format!("{}{} = {value}\n", surroundings(key), key.name))
}

fn example(key: &ConfigKey) -> &'static str {
    match key.absent {
        Absent::Default(value) => value,
        Absent::Unset { example } | Absent::Required { example } => example,
        Absent::Inherited => {
            let parent = KEYS.iter().find(|one| one.section == Section::Probe && one.name == key.name);
            example(parent.expect("what is inherited is a key of [probe]"))
        }
    }
}

#[test]
fn every_example_and_default_is_accepted() {
    for key in KEYS.iter() {
        with(key, example(key)).settings();
    }
}

#[test]
fn every_default_says_the_same_as_leaving_the_key_out() {
    for key in KEYS.iter() {
        if let Absent::Default(_) | Absent::Inherited = key.absent {
            let folder = probe_kinds::folder();
            let without = read_in(folder.path(), surroundings(key)).settings();
            assert_eq!(with_in(folder.path(), key, example(key)).settings(), without, "{key:?}");
        }
    }
}

#[test]
fn every_required_key_is_missed_at_its_header() {
    for key in KEYS.iter() {
        if let Absent::Required { .. } = key.absent {
            let folder = probe_kinds::folder();
            let outcome = read_in(folder.path(), surroundings(key));
            let sentence = outcome.sentence();
            let lacks = format!("`{}` lacks `{}`", key.section.header(), key.name);
            assert!(sentence.contains(&lacks), "{sentence}");
            let place = outcome.found.iter().next().and_then(|one| one.span()).unwrap();
            assert_eq!(outcome.sources.slice(place), key.section.header().as_bytes());
        }
    }
}

/// No key takes a date, so a key that does not object is not read at all.
#[test]
fn every_key_of_the_list_is_read() {
    for key in KEYS.iter() {
        let outcome = with(key, "1979-05-27");
        let sentence = outcome.sentence();
        assert!(sentence.contains(&format!("`{}` takes ", key.name)), "{sentence}");
        assert!(sentence.contains(", not a date"), "{sentence}");
        assert_eq!(outcome.config, None);
    }
}

#[test]
fn no_key_is_listed_twice_and_each_has_its_help() {
    for (index, key) in KEYS.iter().enumerate() {
        let twin = |other: &ConfigKey| (other.section, other.name) == (key.section, key.name);
        assert!(!KEYS[..index].iter().any(twin), "{key:?}");
        assert!(!key.help.is_empty() && !key.help.contains('\n'), "{key:?}");
    }
}

/// A selector is a file and a line; the one place besides is held to them here.
#[test]
fn the_help_of_selector_names_every_selector_that_can_be_written() {
    let is_selector = |key: &&ConfigKey| (key.section, key.name) == (Section::ZoneProbe, "selector");
    let help = KEYS.iter().find(is_selector).expect("a key of the list").help;
    let words: Vec<&str> = help.split(|sign: char| !sign.is_alphanumeric() && sign != '-').collect();
    for (word, _) in Selector::config_words() {
        assert!(words.contains(&word), "{word} is not in {help:?}");
    }
}

#[test]
fn every_table_is_found_by_its_name_in_its_parent() {
    for section in Section::all() {
        let Some(parent) = section.parent() else { continue };
        assert!(parent.children().any(|child| child == section));
        assert!(section.header().trim_matches(['[', ']']).ends_with(section.name()));
    }
}
