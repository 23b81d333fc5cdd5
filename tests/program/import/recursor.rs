//! The settings of pdns-recursor in both forms, which mean the same.

use harness::node::Node;

const OLD: &str = "\
local-address=192.0.2.1, [2001:db8::1]:5353
allow-from=192.0.2.0/24, 2001:db8::/32
forward-zones=lab.test=127.0.0.1:5300, corp.test=198.51.100.1;198.51.100.2:5353
forward-zones-recurse=.=203.0.113.53
dnssec=process
max-cache-entries=1000
";

const YAML: &str = "\
# The same.
incoming:
  listen: [192.0.2.1, '[2001:db8::1]:5353']
  allow_from:
    - 192.0.2.0/24
    - 2001:db8::/32
recursor:
  forward_zones:
    - zone: lab.test
      forwarders: ['127.0.0.1:5300']
    - zone: corp.test
      forwarders:
        - 198.51.100.1
        - 198.51.100.2:5353
  forward_zones_recurse:
    - zone: .
      forwarders: [203.0.113.53]
dnssec:
  validation: process
recordcache:
  max_entries: 1000
";

/// A node whose PowerDNS has the zone `lab.test` at port 5300, behind a recursor with this file.
fn node(file: &str, text: &str) -> Node {
    Node::new(&[
        ("etc/pdns/pdns.conf", "launch=bind\nbind-config=bind.conf\nlocal-port=5300\n"),
        ("etc/pdns/bind.conf", "zone \"lab.test\" { type master; file \"lab.zone\"; };\n"),
        ("etc/pdns/lab.zone", "$TTL 10\n@ IN SOA ns h 1 3h 30m 2w 10\n@ IN NS ns\nns IN A 192.0.2.1\n"),
        (&format!("etc/pdns-recursor/{file}"), text),
    ])
}

/// The lines of a config that are no comments, without remarks.
fn said(config: &str) -> Vec<String> {
    let plain = |line: &str| line.split(" #").next().unwrap_or_default().trim().to_owned();
    config.lines().filter(|line| !line.starts_with('#')).map(plain).filter(|line| !line.is_empty()).collect()
}

#[test]
fn both_forms_become_the_same_config() {
    let old = node("recursor.conf", OLD).pdns();
    for (file, text) in [("recursor.yml", YAML), ("recursor.conf", YAML)] {
        let yaml = node(file, text).pdns();
        assert_eq!(said(&yaml.config), said(&old.config), "{file}\n{}{}", yaml.report, yaml.faults);
        yaml.assert_fate("dnssec.validation: process", "changed", "not validated here");
        yaml.assert_fate("recordcache.max_entries: 1000", "no effect here", "cache");
    }
    assert_eq!(
        said(&old.config),
        [
            "[server]",
            "listen = [\"192.0.2.1:53\", \"[2001:db8::1]:5353\"]",
            "[[zone]]",
            "name = \"lab.test\"",
            "file = \"edgedns/zones/lab.zone\"",
            "allow-query = [\"192.0.2.0/24\", \"2001:db8::/32\"]",
            "[[forward]]",
            "zone = \"corp.test\"",
            "upstream = [\"198.51.100.1\", \"198.51.100.2:5353\"]",
            "allow = [\"192.0.2.0/24\", \"2001:db8::/32\"]",
            "[[forward]]",
            "zone = \".\"",
            "upstream = [\"203.0.113.53\"]",
            "allow = [\"192.0.2.0/24\", \"2001:db8::/32\"]",
        ],
        "{}{}",
        old.report,
        old.faults
    );
}

#[test]
fn where_both_files_are_the_yaml_file_counts() {
    let node = node("recursor.conf", "local-address=192.0.2.99\n");
    node.write("etc/pdns-recursor/recursor.yml", YAML);
    assert!(node.pdns().config.contains("192.0.2.1:53"));
}

#[test]
fn yaml_files_of_the_include_folder_add_to_lists_and_replace_the_rest() {
    let node = node(
        "recursor.yml",
        &format!("{YAML}  max_negative_ttl: 1\n").replace("recursor:\n", "recursor:\n  include_dir: more\n"),
    );
    let more = "incoming:\n  listen: ['192.0.2.3']\n  allow_from: !override [198.51.100.0/24]\nrecordcache:\n  max_entries: 5\n";
    node.write("etc/pdns-recursor/more/a.yml", more);
    let result = node.pdns();
    let listen = "listen = [\"192.0.2.1:53\", \"[2001:db8::1]:5353\", \"192.0.2.3:53\"]";
    assert!(result.config.contains(listen), "{}\n{}", result.config, result.faults);
    assert!(result.config.contains("allow = [\"198.51.100.0/24\"]"), "{}", result.config);
    result.assert_fate("recordcache.max_entries: 1000", "no effect here", "more/a.yml:5, which counts");
}

#[test]
fn mistakes_in_yaml_are_drawn_and_nothing_is_written() {
    for (text, wanted) in [
        ("incoming:\n  listen: [192.0.2.1\n", "recursor.yml:"),
        ("incoming:\n  listen: a\n  listen: b\n", "`listen` is given twice"),
        ("- incoming\n", "sections are wanted here"),
        ("incoming: &a\n  listen: *a\n", "aliases are not followed"),
    ] {
        let result = node("recursor.yml", text).pdns();
        assert_eq!((result.status, result.config.as_str()), (Some(1), ""), "{text}{}", result.faults);
        result.assert_faults(&[wanted]);
    }
    let deep = format!("incoming:\n  listen: {}\n", "[".repeat(10_000));
    node("recursor.yml", &deep).pdns().assert_faults(&["recursion limit", "recursor.yml:2:"]);
}

#[test]
fn unknown_keys_of_yaml_are_named() {
    let result = node("recursor.yml", "incomming:\n  listen: x\nincoming:\n  listn: x\n").pdns();
    result.assert_fate("incomming:", "refused", "did you mean `incoming`?");
    result.assert_fate("incoming.listn: x", "refused", "not known");
}

#[test]
fn a_recursor_that_asks_the_root_servers_needs_an_upstream() {
    let result = node("recursor.conf", "local-address=192.0.2.1\n").pdns();
    result.assert_fate("names that no setting forwards", "refused", "name a resolver as upstream");
    assert!(result.config.contains("# [[forward]]\n# zone = \".\"\n"), "{}", result.config);
    assert_eq!(result.status, Some(1));
}

#[test]
fn a_recursor_that_was_told_nobody_lets_private_networks_in_and_so_does_the_forward() {
    let result = node("recursor.conf", "forward-zones-recurse=.=203.0.113.53\n").pdns();
    assert!(result.config.contains("allow = [\"127.0.0.0/8\", \"10.0.0.0/8\""), "{}", result.config);
}

#[test]
fn an_empty_list_lets_the_whole_world_in_and_is_pointed_out() {
    let result = node("recursor.conf", "allow-from=\nforward-zones-recurse=.=203.0.113.53\n").pdns();
    result.assert_fate("allow-from=", "changed", "an open door, closed");
    result.assert_faults(&["an open door", "recursor.conf:1"]);
}

#[test]
fn forwards_and_networks_are_read_from_files_too() {
    let node = node(
        "recursor.conf",
        "forward-zones-file=zones.txt\nallow-from-file=nets.txt\nallow-from=10.0.0.0/8\n",
    );
    node.write(
        "etc/pdns-recursor/zones.txt",
        "# list\n+corp.test=198.51.100.1, 198.51.100.2 # two\n^+.=203.0.113.53\n",
    );
    node.write("etc/pdns-recursor/nets.txt", "192.0.2.0/24 # office\n\n");
    let result = node.pdns();
    for line in [
        "upstream = [\"198.51.100.1\", \"198.51.100.2\"]",
        "upstream = [\"203.0.113.53\"]",
        "allow = [\"192.0.2.0/24\"]",
    ] {
        assert!(result.config.contains(line), "no {line} in\n{}\n{}", result.config, result.faults);
    }
    result.assert_fate("allow-from=10.0.0.0/8", "no effect here", "takes its place");
}

#[test]
fn what_an_upstream_cannot_be_is_drawn() {
    let result =
        node("recursor.conf", "forward-zones-recurse=.=resolver.test;203.0.113.53:853;203.0.113.54\n").pdns();
    result.assert_faults(&[
        "`resolver.test` is not an address",
        "recursor.conf:1:25",
        "asked over TLS",
        "tls://",
    ]);
    assert!(result.config.contains("upstream = [\"203.0.113.54\"]"), "{}", result.config);
}

#[test]
fn an_address_that_clients_ask_beside_the_recursor_is_kept() {
    let node = node("recursor.conf", "local-address=127.0.0.1\n");
    node.write(
        "etc/pdns/pdns.conf",
        "launch=bind\nbind-config=bind.conf\nlocal-address=192.0.2.1, 127.0.0.2\n",
    );
    let result = node.pdns();
    assert!(result.config.contains("listen = [\"127.0.0.1:53\", \"192.0.2.1:53\"]"), "{}", result.config);
    result.assert_fate(
        "local-address=192.0.2.1, 127.0.0.2",
        "honoured",
        "192.0.2.1:53, beside the recursor's",
    );
}
