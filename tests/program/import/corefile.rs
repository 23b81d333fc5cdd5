//! A Corefile: what it says is answered as CoreDNS' documents say it, which is not in Debian.

use std::net::IpAddr;

use harness::node::{Imported, Node};
use harness::program::Site;

/// The file of an installation guide of three nodes, with a zone in etcd and wildcards by `template`.
const CLUSTER: &str = "\
(common) {
    errors
    log
    cache {args[0]}
}
.:53 {
    import common 30
    template IN A apps.ocp4.test {
        match .*apps.ocp4.test
        answer \"{{ .Name }} 60 IN A 192.0.2.13\"
        fallthrough
    }
    hosts {
        192.0.2.13 api.ocp4.test api-int.ocp4.test
        192.0.2.14 api.ocp4.test  # the second
        2001:db8::13 api.ocp4.test
        ttl 20
        fallthrough
    }
    etcd lab.test {
        path /skydns
        endpoint http://127.0.1.13:2379 http://localhost:2379
    }
    forward . 203.0.113.1 dns://203.0.113.2:5353 tls://203.0.113.3 {
        tls_servername dns.test
        policy sequential
        except local.test
    }
    rewrite name exact old.ocp4.test api-int.ocp4.test
    rewrite name suffix .old.test .ocp4.test
    loop
    reload
    loadbalance
    health
    prometheus :9153
}
example.test {
    file db.example {
        reload 10s
    }
    transfer {
        to 192.0.2.53
    }
}
";

const ZONE: &str = "$TTL 10\n@ IN SOA ns h 1 3h 30m 2w 10\n@ IN NS ns\nns IN A 192.0.2.1\n";

fn import(corefile: &str, more: &[&str]) -> Imported {
    node(corefile).import_with("corefile", "etc/Corefile", more)
}

fn node(corefile: &str) -> Node {
    Node::new(&[("etc/Corefile", corefile), ("etc/db.example", ZONE)])
}

#[test]
fn a_cluster_behind_coredns_is_taken_over() {
    let result = import(CLUSTER, &[]);
    result.assert_lines(&[
        "listen = [\"0.0.0.0:53\", \"[::]:53\"]",
        "listen = \"127.0.0.1:9153\"",
        "ttl-max = \"30s\"",
        "name = \"api.ocp4.test\"",
        "name = \"apps.ocp4.test\"",
        "name = \"old.ocp4.test\"",
        "name = \"old.test\"",
        "name = \"local.test\"",
        "name = \"lab.test\"",
        "endpoints = [\"http://127.0.1.13:2379\", \"http://127.0.0.1:2379\"]",
        "subtree = true",
        "name = \"example.test\"",
        "allow-transfer = [\"192.0.2.53\"]",
        "zone = \".\"",
        "upstream = [\"203.0.113.1\", \"203.0.113.2:5353\", \"tls://203.0.113.3#dns.test\"]",
        "policy = \"in-order\"",
    ]);
    result.assert_fate("loop", "honoured", "found out");
    let shown = "rewrite name exact old.ocp4.test api-int.oc…";
    result.assert_fate(shown, "changed", "addresses of the other name");
    result.assert_fate("without `acl`", "changed", "an open door, closed");
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
}

#[test]
fn a_wildcard_of_a_domain_that_is_one_zone_is_in_it() {
    let node = node(CLUSTER);
    let result = node.import_with("corefile", "etc/Corefile", &["--zone", "ocp4.test"]);
    let zone = node.read("new/edgedns/zones/ocp4.test.zone");
    for line in ["apps 60 IN A 192.0.2.13", "*.apps 60 IN A 192.0.2.13", "old IN CNAME api-int.ocp4.test."] {
        assert!(zone.lines().any(|it| it == line), "no {line} in\n{zone}");
    }
    assert!(!result.config.contains("\"apps.ocp4.test\""), "{}", result.config);
}

#[test]
fn its_names_are_answered_as_the_documents_of_coredns_say() {
    let site = Site::new();
    let node = node(CLUSTER);
    let result = node.import_with("corefile", "etc/Corefile", &[]);
    // Its etcd and its page are not there.
    let blocks: Vec<String> = result.config.split("\n\n").map(str::to_owned).collect();
    let kept: Vec<String> = blocks
        .into_iter()
        .filter(|block| {
            !block.contains("lab.test\"") && !block.contains("[zone.etcd]") && !block.contains("[admin]")
        })
        .collect();
    let listen = format!("listen = [\"{}\"]", site.listen());
    let config = kept.join("\n\n").replace("listen = [\"0.0.0.0:53\", \"[::]:53\"]", &listen);
    let folder = node.path("new").display().to_string();
    site.write("edgedns.toml", &config.replace("edgedns/zones", &format!("{folder}/edgedns/zones")));
    let program = site.start();
    let address = |text: &str| text.parse::<IpAddr>().expect("an address");
    for (name, wanted) in [
        ("api.ocp4.test.", vec![address("192.0.2.13"), address("192.0.2.14")]),
        ("api-int.ocp4.test.", vec![address("192.0.2.13")]),
        ("console.apps.ocp4.test.", vec![address("192.0.2.13")]),
        ("a.b.apps.ocp4.test.", vec![address("192.0.2.13")]),
        // Its pattern has no dot, so that the name itself is meant as well.
        ("apps.ocp4.test.", vec![address("192.0.2.13")]),
        ("old.ocp4.test.", vec![address("192.0.2.13")]),
        ("ns.example.test.", vec![address("192.0.2.1")]),
    ] {
        program.wait_for_addresses(name, &wanted);
    }
    program.stop();
}

#[test]
fn who_may_not_ask_coredns_may_not_ask_here() {
    let closed = import(
        ".:53 {\n acl {\n allow net 192.0.2.0/24 127.0.0.0/8\n block\n }\n hosts {\n 192.0.2.1 a.test\n }\n forward . 203.0.113.1\n}\n",
        &[],
    );
    closed.assert_lines(&[
        "allow-query = [\"192.0.2.0/24\", \"127.0.0.0/8\"]",
        "allow = [\"192.0.2.0/24\", \"127.0.0.0/8\"]",
    ]);
    closed.assert_fate("acl { … }", "honoured", "allow-query");
    let but_some = import(
        ".:53 {\n acl {\n block net 192.0.2.0/24\n }\n hosts {\n 192.0.2.1 a.test\n }\n forward . 203.0.113.1\n}\n",
        &[],
    );
    but_some.assert_fate("acl, for names of others", "refused", "this host alone");
    but_some.assert_lines(&["allow = [\"127.0.0.0/8\", \"::1\"]"]);
    assert!(but_some.config.contains("allow-query = [\"0.0.0.0/1\""), "{}", but_some.config);
    let typed = import(
        ".:53 {\n acl {\n block type AAAA net 192.0.2.0/24\n }\n hosts {\n 192.0.2.1 a.test\n }\n}\n",
        &[],
    );
    typed.assert_fate("acl { … }", "refused", "types decide nothing");
}

/// The block of a zone in the config file.
fn zone_of<'c>(result: &'c Imported, name: &str) -> &'c str {
    let wanted = format!("name = \"{name}\"");
    let mut blocks = result.config.split("\n\n").filter(|block| block.starts_with("[[zone]]"));
    let found = blocks.find(|block| block.lines().any(|line| line.starts_with(&wanted)));
    found.unwrap_or_else(|| panic!("no zone {name} in\n{}\n{}", result.config, result.faults))
}

#[test]
fn a_zone_is_for_the_clients_of_each_block_that_it_is_made_of() {
    let result = import(
        "a.test {\n acl {\n allow net 192.0.2.0/24\n block\n }\n hosts {\n 192.0.2.1 x.a.test\n }\n}\n\
         b.test {\n hosts {\n 192.0.2.1 x.b.test\n }\n}\n\
         c.test {\n acl {\n allow net 198.51.100.0/24\n block\n }\n hosts {\n 192.0.2.1 x.c.test\n }\n}\n\
         . {\n acl {\n allow net 203.0.113.0/24\n block\n }\n hosts {\n 192.0.2.1 x.a.test y.test\n }\n forward . 203.0.113.1\n}\n",
        &[],
    );
    assert!(zone_of(&result, "a.test").contains("allow-query = [\"192.0.2.0/24\"]"), "{}", result.config);
    assert!(!zone_of(&result, "b.test").contains("allow-query"), "{}", result.config);
    assert!(zone_of(&result, "c.test").contains("allow-query = [\"198.51.100.0/24\"]"), "{}", result.config);
    assert!(zone_of(&result, "y.test").contains("allow-query = [\"203.0.113.0/24\"]"), "{}", result.config);
    // One zone of all four is for nobody that one of them shuts out.
    let whole = node(
        "a.test {\n acl {\n allow net 192.0.2.0/24\n block\n }\n hosts {\n 192.0.2.1 x.a.test\n }\n}\n\
         b.test {\n acl {\n allow net 192.0.2.0/25 198.51.100.1\n block\n }\n hosts {\n 192.0.2.1 x.b.test\n }\n}\n",
    );
    let whole = whole.import_with("corefile", "etc/Corefile", &["--zone", "test"]);
    assert!(zone_of(&whole, "test").contains("allow-query = [\"192.0.2.0/25\"]"), "{}", whole.config);
}

#[test]
fn who_is_let_in_for_some_names_or_types_is_not_let_in_for_all() {
    let hosts = "hosts {\n 192.0.2.1 a.test x.b.test\n }";
    for rules in [
        // Of CoreDNS the first rule that a query fits decides, and whoever fits none is answered.
        "acl b.test {\n allow net 192.0.2.0/24\n }\n acl {\n block\n }",
        "acl {\n allow type A net 192.0.2.0/24\n block\n }",
        "acl {\n allow type ANY net 192.0.2.0/24\n block\n }",
        "acl b.test {\n block\n }",
        "acl {\n deny net 192.0.2.0/24\n }",
    ] {
        let result = import(&format!(".:53 {{\n {rules}\n {hosts}\n}}\n"), &[]);
        assert!(
            zone_of(&result, "a.test").contains("allow-query = [\"0.0.0.0/32\"]"),
            "{rules}\n{}",
            result.config
        );
        assert_eq!(result.status, Some(1), "{rules}\n{}", result.report);
    }
    for rules in [
        "acl b.test {\n allow net 192.0.2.0/24\n }",
        "acl {\n allow net 192.0.2.0/24\n }",
        "acl . {\n ALLOW type * net *\n BLOCK\n }",
    ] {
        let result = import(&format!(".:53 {{\n {rules}\n {hosts}\n}}\n"), &[]);
        assert!(!zone_of(&result, "a.test").contains("allow-query"), "{rules}\n{}", result.config);
    }
}

#[test]
fn a_block_that_shuts_clients_out_otherwise_is_answered_to_nobody() {
    for (line, remedy) in [
        ("view in {\n expr incidr(client_ip(), '192.0.2.0/24')\n }", "when-client-in"),
        ("tsig {\n secret k. c2VjcmV0\n require all\n }", "allow-query"),
        ("tsig {\n require A AAAA\n }", "allow-query"),
        ("firewall query {\n allow type == 'A'\n }", "allow-query"),
    ] {
        let hosts = "hosts {\n 192.0.2.1 a.secret.test\n }";
        let result = import(
            &format!(
                ".:53 {{\n hosts {{\n 192.0.2.2 b.secret.test c.test\n }}\n forward . 203.0.113.1\n}}\n\
                 secret.test {{\n {line}\n {hosts}\n}}\nsecret.test {{\n {hosts}\n}}\n"
            ),
            &[],
        );
        let (first, _) = line.split_once(" {").expect("a block");
        result.assert_fate(&format!("{first} {{ … }}"), "refused", remedy);
        result.assert_fate("secret.test { … }", "refused", "Corefile:");
        // Its names do not go on to the upstream.
        let zone = zone_of(&result, "secret.test");
        assert!(
            zone.contains("allow-query = [\"0.0.0.0/32\"]") && zone.contains("empty.zone"),
            "{}",
            result.config
        );
        assert!(!zone_of(&result, "c.test").contains("allow-query"), "{}", result.config);
        assert_eq!(result.status, Some(1));
    }
    let certificate = |auth: &str| {
        import(
            &format!(
                "tls://. {{\n tls a.pem a.key ca.pem {{\n client_auth {auth}\n }}\n forward . 203.0.113.1\n}}\n"
            ),
            &[],
        )
    };
    let asked = certificate("require_and_verify");
    asked.assert_fate("tls a.pem a.key ca.pem { … }", "refused", "no certificate");
    assert!(!asked.config.contains("203.0.113.1"), "{}", asked.config);
    certificate("request").assert_fate("tls a.pem a.key ca.pem { … }", "changed", "no certificate");
    let unsigned = import(
        "a.test {\n tsig {\n secret k. c2VjcmV0\n require none\n }\n hosts {\n 192.0.2.1 a.test\n }\n}\n",
        &[],
    );
    assert!(!zone_of(&unsigned, "a.test").contains("allow-query"), "{}", unsigned.config);
}

/// Whether some words are in the report behind each other, on one line.
fn is_reported(result: &Imported, words: &[&str]) -> bool {
    result.report.lines().any(|line| words.iter().all(|word| line.contains(word)))
}

#[test]
fn a_certificate_that_is_demanded_is_seen_behind_other_lines_and_is_of_the_listener() {
    let tls = "tls a.pem a.key ca.pem {\n client_auth require_and_verify\n }";
    let result = import(
        &format!(
            "tls://a.test {{\n view in {{\n expr true\n }}\n {tls}\n hosts {{\n 192.0.2.1 x.a.test\n }}\n}}\n\
             tls://b.test {{\n tls a.pem a.key\n hosts {{\n 192.0.2.1 x.b.test\n }}\n}}\n"
        ),
        &[],
    );
    assert!(zone_of(&result, "b.test").contains("allow-query = [\"0.0.0.0/32\"]"), "{}", result.config);
    result.assert_fate("tls://b.test { … }", "refused", "demands a certificate");
    assert!(
        is_reported(&result, &["tls://a.test", "`view` at", "`tls` at", "shut clients out"]),
        "{}",
        result.report
    );
    // The same listener has it from a block that is asked elsewhere as well.
    let shared = import(
        &format!(
            "tls://b.test {{\n tls a.pem a.key\n hosts {{\n 192.0.2.1 x.b.test\n }}\n}}\n\
             tls://a.test dns://a.test {{\n {tls}\n hosts {{\n 192.0.2.1 x.a.test\n }}\n}}\n"
        ),
        &[],
    );
    assert!(zone_of(&shared, "b.test").contains("allow-query = [\"0.0.0.0/32\"]"), "{}", shared.config);
}

#[test]
fn names_of_a_block_go_to_no_block_above() {
    let above = ".:53 {\n hosts {\n 192.0.2.1 x.secret.test y.test\n }\n forward . 203.0.113.1 {\n except secret.test\n }\n}\n";
    for (block, clients) in [
        // Nothing answers, and CoreDNS asks nobody.
        ("secret.test {\n errors\n}\n", "[\"0.0.0.0/32\"]"),
        ("secret.test {\n kubernetes secret.test\n}\n", "[\"0.0.0.0/32\"]"),
        // At the port of all it is asked as well.
        ("secret.test secret.test:5353 {\n hosts {\n 192.0.2.2 z.secret.test\n }\n}\n", "[\"0.0.0.0/32\"]"),
        (
            "secret.test {\n acl {\n allow net 192.0.2.0/24\n block\n }\n template IN A {\n match ^x[.]secret[.]test[.]$\n answer \"{{ .Name }} 60 IN A 192.0.2.3\"\n }\n}\n",
            "[\"192.0.2.0/24\"]",
        ),
    ] {
        let result = import(&format!("{above}{block}"), &[]);
        let zone = zone_of(&result, "secret.test");
        assert!(zone.contains(&format!("allow-query = {clients}")), "{block}\n{}", result.config);
        assert!(!zone_of(&result, "y.test").contains("allow-query"), "{}", result.config);
    }
}

#[test]
fn names_that_a_block_does_not_forward_are_not_forwarded_whatever_the_order_of_blocks() {
    let blocks = ["corp.test {\n errors\n}\n", "a.corp.test {\n forward . 203.0.113.2\n}\n"];
    let above = ". {\n forward . 203.0.113.1\n}\n";
    for texts in [[blocks[0], blocks[1], above], [above, blocks[1], blocks[0]]] {
        let result = import(&texts.concat(), &[]);
        let closed = zone_of(&result, "corp.test");
        assert!(closed.contains("allow-query = [\"0.0.0.0/32\"]"), "{}", result.config);
        result.assert_fate("forward . 203.0.113.2", "refused", "a.corp.test. is not forwarded");
        result.assert_fate("forward . 203.0.113.1", "honoured", "[[forward]]");
        assert!(!result.config.contains("203.0.113.2"), "{}", result.config);
        assert_eq!(result.status, Some(1), "{}", result.report);
    }
    // Nobody has the other names, with a zone or without.
    for texts in [[blocks[0], blocks[1]], [blocks[1], blocks[0]]] {
        let result = import(&texts.concat(), &[]);
        result.assert_fate("forward . 203.0.113.2", "honoured", "[[forward]]");
        assert!(!result.config.contains("name = \"corp.test\""), "{}", result.config);
        assert_eq!(result.status, Some(0), "{}", result.report);
    }
    // What one plugin forwards of a zone, others do not get.
    let part = import(&format!("{above}corp.test {{\n forward a.corp.test 203.0.113.2\n}}\n"), &[]);
    assert!(zone_of(&part, "corp.test").contains("allow-query = [\"0.0.0.0/32\"]"), "{}", part.config);
    part.assert_fate("forward a.corp.test 203.0.113.2", "refused", "a.corp.test. is not forwarded");
}

#[test]
fn a_zone_that_hides_what_another_block_forwards_is_told() {
    let records = "corp.test {\n file db.example\n}\n";
    let inner = "a.corp.test {\n forward . 203.0.113.2\n}\n";
    let of_file = import(&format!("{inner}{records}"), &[]);
    of_file.assert_fate("forward . 203.0.113.2", "refused", "the zone corp.test. above it is served here");
    assert!(!of_file.config.contains("[[forward]]"), "{}", of_file.config);
    let name = ". {\n hosts {\n 192.0.2.1 corp.test\n }\n forward . 203.0.113.1\n}\n";
    let of_name = import(&format!("{inner}{name}"), &[]);
    of_name.assert_fate("forward . 203.0.113.2", "refused", "the zone corp.test. above it is served here");
    // The zone of one's own block comes first there as well.
    let own = import(". {\n file db.example corp.test\n forward a.corp.test 203.0.113.2\n}\n", &[]);
    own.assert_fate("forward a.corp.test 203.0.113.2", "honoured", "[[forward]]");
    let whole = import(". {\n forward a.corp.test 203.0.113.2\n}\n", &["--zone", "corp.test"]);
    whole.assert_fate("forward a.corp.test 203.0.113.2", "refused", "corp.test.");
}

#[test]
fn what_is_excepted_and_another_block_has_is_of_that_block() {
    let result = import(
        ". {\n forward . 203.0.113.1 {\n except example.test local.test\n }\n forward b.example.test 203.0.113.2\n}\n\
         example.test {\n file db.example\n}\n",
        &[],
    );
    assert_eq!(result.config.matches("name = \"example.test\"").count(), 1, "{}", result.config);
    result.assert_lines(&["name = \"local.test\""]);
    result.assert_fate("forward b.example.test 203.0.113.2", "no effect here", "not asked");
    assert!(!result.config.contains("203.0.113.2"), "{}", result.config);
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
}

#[test]
fn a_zone_above_the_block_counts_for_what_the_block_is_asked() {
    let result = import(
        "a.test {\n hosts hosts.txt test {\n 192.0.2.1 x.a.test x.b.test\n }\n}\n\
         b.test {\n file db.example test\n}\n\
         c.test {\n secondary test {\n transfer from 192.0.2.53\n }\n}\n\
         d.test {\n hosts hosts.txt e.test\n}\n",
        &[],
    );
    // The file is not there.
    result.assert_fate("hosts hosts.txt test { … }", "refused", "copy it");
    let inline = import("a.test {\n etcd test {\n endpoint http://192.0.2.1:2379\n }\n}\n", &[]);
    inline.assert_lines(&["name = \"a.test\"", "endpoints = [\"http://192.0.2.1:2379\"]"]);
    result.assert_fate("file db.example test", "refused", "a part of test. alone");
    result.assert_fate("secondary test { … }", "refused", "a part of test. alone");
    result.assert_fate("hosts hosts.txt e.test", "no effect here", "not asked");
    for zone in ["b.test", "c.test", "d.test"] {
        assert!(
            zone_of(&result, zone).contains("allow-query = [\"0.0.0.0/32\"]"),
            "{zone}\n{}",
            result.config
        );
    }
}

#[test]
fn names_of_hosts_and_templates_stay_within_the_zones_that_are_named() {
    let node = node(
        "a.test b.test {\n hosts hosts.txt test\n}\n\
         c.test d.test {\n template IN A c.test {\n match .*\\.d\\.test\n answer \"{{ .Name }} 60 IN A 192.0.2.3\"\n }\n \
         template IN A c.test {\n match .*\\.test\n answer \"{{ .Name }} 60 IN A 192.0.2.4\"\n }\n}\n\
         . {\n auto e.test {\n directory zones\n }\n}\n",
    );
    node.write("etc/hosts.txt", "192.0.2.1 x.a.test x.b.test x.c.test\n");
    node.write("etc/zones/db.e.test", ZONE);
    node.write("etc/zones/db.f.test", ZONE);
    let result = node.import_with("corefile", "etc/Corefile", &[]);
    assert!(is_reported(&result, &["hosts hosts.txt test", "2 names"]), "{}", result.report);
    assert!(node.read("new/edgedns/zones/c.test.zone").contains("192.0.2.4"), "{}", result.config);
    for text in ["192.0.2.3", "f.test", "name = \"test\""] {
        let zones = ["c.test", "d.test"].map(|zone| node.read(&format!("new/edgedns/zones/{zone}.zone")));
        assert!(
            !result.config.contains(text) && zones.iter().all(|zone| !zone.contains(text)),
            "{text}\n{}",
            result.config
        );
    }
    result.assert_lines(&["name = \"e.test\""]);
}

#[test]
fn a_rule_without_networks_is_of_everybody_and_one_that_cannot_be_read_lets_nobody_in() {
    let zone = |rules: &str| {
        let result = import(
            &format!("a.test {{\n acl {{\n {rules}\n }}\n hosts {{\n 192.0.2.1 a.test\n }}\n}}\n"),
            &[],
        );
        (
            zone_of(&result, "a.test").contains("allow-query = [\"0.0.0.0/32\"]"),
            result.faults.contains("error: "),
            result.status,
        )
    };
    for rules in ["block", "filter", "drop", "block type *", "filter net *", "block\n allow net 192.0.2.0/24"]
    {
        assert_eq!(zone(rules), (true, false, Some(0)), "{rules}");
    }
    for rules in ["block type A", "filter type AAAA"] {
        assert_eq!(zone(rules), (true, false, Some(1)), "{rules}");
    }
    // CoreDNS starts with none of these.
    for rules in [
        "allow 192.0.2.0/24\n block",
        "block net",
        "allow net\n block",
        "filter 192.0.2.0/24",
        "allow net 192.0.2\n block",
    ] {
        assert_eq!(zone(rules), (true, true, Some(1)), "{rules}");
    }
}

#[test]
fn nobody_whom_an_acl_shuts_out_gets_a_zone_by_transfer() {
    let result = import(
        "example.test {\n acl {\n allow net 192.0.2.0/24\n block\n }\n file db.example\n transfer {\n to 192.0.2.53 198.51.100.53\n }\n}\n",
        &[],
    );
    result.assert_lines(&["allow-transfer = [\"192.0.2.53\"]"]);
    result.assert_fate("transfer { … }", "refused", "`acl` shuts out");
}

#[test]
fn a_pattern_of_files_says_where_nothing_is() {
    let (block, glob) = ("hosts {\n 192.0.2.1 a.test\n }", "import conf.d/*.conf");
    let missing = import(&format!("a.test {{\n {glob}\n {block}\n}}\n"), &[]);
    assert_eq!((missing.status, missing.config.as_str()), (Some(1), ""), "{}", missing.faults);
    missing.assert_faults(&["cannot read", "conf.d", "import again"]);
    let node = node(&format!("a.test {{\n {glob}\n {block}\n}}\n"));
    node.write("etc/conf.d/acl.txt", "acl {\n block\n}\n");
    let empty = node.import_with("corefile", "etc/Corefile", &[]);
    empty.assert_faults(&["has a name like `*.conf`"]);
    // CoreDNS' patterns fit hidden files as well.
    node.write("etc/conf.d/.acl.conf", "acl {\n block\n}\n");
    let node_again = node.import_with("corefile", "etc/Corefile", &["--force"]);
    node_again.assert_lines(&["allow-query = [\"0.0.0.0/32\"]"]);
    let two = import(&format!("a.test {{\n import *a*\n {block}\n}}\n"), &[]);
    assert_eq!(two.config, "", "{}", two.faults);
}

#[test]
fn a_block_that_is_asked_elsewhere_is_not_opened_to_all() {
    let result = import(
        ".:53 {\n forward . 203.0.113.1\n}\nsecret.test:5353 {\n bind 127.0.0.1\n hosts {\n 192.0.2.1 a.secret.test\n }\n}\n",
        &[],
    );
    result.assert_fate("secret.test:5353 { … }", "refused", "a file of its own");
    assert!(!result.config.contains("secret"), "{}", result.config);
}

#[test]
fn a_domain_without_forwarders_is_answered_whole() {
    let result = import(
        "lab.test 10.0.0.0/8 {\n hosts {\n 10.0.0.1 a.lab.test\n 10.0.0.2 b.elsewhere.test\n }\n}\n",
        &[],
    );
    result.assert_lines(&["name = \"lab.test\"", "name = \"10.in-addr.arpa\""]);
    result.assert_fate("hosts { … }", "honoured", "1 names");
    assert_eq!(result.config.matches("[[zone]]").count(), 2, "{}", result.config);
}

#[test]
fn what_cannot_be_had_is_refused_with_what_to_do() {
    let result = import(
        ".:53 {\n kubernetes cluster.local\n dnssec\n template IN A x.test {\n match \"^ip-(.*)[.]x[.]test[.]$\"\n answer \"{{ .Name }} 60 IN A {{ .Group.a }}\"\n }\n\
         rewrite name regex (.*) {1}.x\n forwrad . 203.0.113.1\n etcd x.test {\n endpoint https://etcd.test:2379\n }\n}\n",
        &[],
    );
    result.assert_fate("kubernetes cluster.local", "refused", "[[forward]] to it");
    result.assert_fate("dnssec", "refused", "zone.dnssec");
    result.assert_fate("template IN A x.test { … }", "refused", "only wildcards");
    result.assert_fate("rewrite name regex (.*) {1}.x", "refused", "patterns");
    result.assert_fate("forwrad . 203.0.113.1", "refused", "did you mean `forward`?");
    result.assert_fate("etcd x.test { … }", "refused", "names are not looked up");
    assert_eq!(result.status, Some(1));
}

#[test]
fn imports_that_multiply_end() {
    // Each snippet has the one before it 30 times.
    let mut corefile = format!("(s0) {{\n log {}\n}}\n", "x".repeat(4000));
    for level in 1..4 {
        let imports = format!(" import s{}\n", level - 1).repeat(30);
        corefile.push_str(&format!("(s{level}) {{\n{imports}}}\n"));
    }
    corefile.push_str(".:53 {\n import s3\n}\n");
    import(&corefile, &[]).assert_faults(&["too many imports"]);
    let long =
        format!("(s) {{\n{}}}\n.:53 {{\n{}}}\n", "log x y z\n".repeat(10_000), "import s\n".repeat(900));
    import(&long, &[]).assert_faults(&["imports bring more than 16 MiB"]);
}

#[test]
fn mistakes_are_drawn_and_nothing_is_written() {
    for (corefile, wanted) in [
        (".:53 {\n log\n", "never closed"),
        (".:53 {\n import nothing\n}\n", "no snippet has this name"),
        ("{$ZONE} {\n log\n}\n", "a variable of the environment"),
        ("(a) {\n import a\n}\n.:53 {\n import a\n}\n", "too many imports"),
        (
            format!("(a) {{\n log\n}}\n.:53 {{\n import a{}\n}}\n", " x".repeat(101)).as_str(),
            "more than 100 arguments",
        ),
        ("(a) {\n import a {args[0]}{args[0]}\n}\n.:53 {\n import a x\n}\n", "more than 4096 bytes"),
    ] {
        let result = import(corefile, &[]);
        assert_eq!((result.status, result.config.as_str()), (Some(1), ""), "{corefile}{}", result.faults);
        result.assert_faults(&[wanted]);
    }
}
