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
fn mistakes_are_drawn_and_nothing_is_written() {
    for (corefile, wanted) in [
        (".:53 {\n log\n", "never closed"),
        (".:53 {\n import nothing\n}\n", "no snippet has this name"),
        ("{$ZONE} {\n log\n}\n", "a variable of the environment"),
        ("(a) {\n import a\n}\n.:53 {\n import a\n}\n", "too many imports"),
    ] {
        let result = import(corefile, &[]);
        assert_eq!((result.status, result.config.as_str()), (Some(1), ""), "{corefile}{}", result.faults);
        result.assert_faults(&[wanted]);
    }
}
