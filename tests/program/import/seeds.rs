//! The nodes of `tests/data`: what the report says of their mistakes, each with its place, and the files
//! written.

use harness::node::Node;

#[test]
fn three_masters_are_taken_over_and_both_mistakes_are_shown_where_they_are() {
    let node = Node::seed("three-node");
    let result = node.pdns();
    assert_eq!(result.status, Some(1), "two records cannot be served\n{}", result.faults);
    result.assert_fate("local-address=0.0.0.0", "honoured", "[server] listen");
    result.assert_fate("bind-check-interval=300", "honoured", "[server] watch");
    result.assert_fate("setuid=pdns", "no effect here", "service manager");
    result.assert_fate("zone infra.redhat.ren", "honoured", "edgedns/zones/infra.xyz");
    result.assert_faults(&[
        "/new/edgedns/zones/infra.xyz:11:23",
        "/new/edgedns/zones/infra.xyz:12:23",
        "did you mean `IN LUA A \"…\"`?",
        "zone infra.redhat.ren.: cannot be served",
        "zone acm-demo-hub.redhat.ren.: serial 2014080704, 9 records, 4 pools",
    ]);
    assert_eq!(
        result.config,
        "\
# Made by `edgedns import` from /etc/pdns/pdns.conf.
# `edgedns check --config` with this file says what is wrong in it and in the zone files.

[server]
listen = [\"0.0.0.0:53\"]                # local-address and local-port of pdns.conf

# [admin]
# socket = \"/run/edgedns/control.sock\" # for `edgedns status`, `reload` and `force`

[[zone]]
name = \"acm-demo-hub.redhat.ren\"       # bind.conf:1
file = \"edgedns/zones/inside-out.xyz\"

[[zone]]
name = \"infra.redhat.ren\"              # bind.conf:2
file = \"edgedns/zones/infra.xyz\"
"
    );
}

#[test]
fn zone_files_are_copied_byte_by_byte() {
    let node = Node::seed("three-node");
    node.pdns();
    for file in ["inside-out.xyz", "infra.xyz"] {
        assert_eq!(
            node.read(&format!("new/edgedns/zones/{file}")),
            node.read(&format!("etc/pdns/{file}")),
            "{file}"
        );
    }
}

#[test]
fn one_master_is_taken_over_without_a_fault() {
    let result = Node::seed("single-node").pdns();
    assert_eq!(result.status, Some(0), "{}", result.faults);
    result.assert_faults(&["ok: 0 errors"]);
    assert!(
        result.report.contains("8 honoured, 2 no effect here, 0 changed, 0 refused"),
        "{}",
        result.report
    );
}

#[test]
fn a_recursor_in_front_becomes_one_listener_and_a_forward() {
    let result = Node::seed("with-recursor").pdns();
    result.assert_fate("local-address=127.0.0.1", "changed", "only pdns-recursor asked there");
    result.assert_fate("local-address=0.0.0.0 ::", "honoured", "[server] listen");
    result.assert_fate("forward-zones=ocp4.redhat.ren=127.0.0.1:5301", "honoured", "one hop less");
    result.assert_fate("forward-zones-recurse=.=127.0.1.53", "honoured", "[[forward]] upstream 127.0.1.53");
    assert!(result.config.contains("listen = [\"0.0.0.0:53\", \"[::]:53\"]"), "{}", result.config);
    assert!(result.config.contains("[[forward]]\nzone = \".\""), "{}", result.config);
    assert!(result.config.contains("upstream = [\"127.0.1.53\"]\n"), "{}", result.config);
}

#[test]
fn a_resolver_for_the_whole_world_is_shown_and_not_taken_over() {
    let result = Node::seed("with-recursor").pdns();
    result.assert_fate("allow-from=127.0.1.0/0", "changed", "an open door, closed");
    result.assert_faults(&["an open door: this lets the whole world in", "recursor.conf:2:12"]);
    let says_who = |line: &&str| line.starts_with("allow =");
    assert_eq!(result.config.lines().find(says_who), None, "{}", result.config);
}

#[test]
fn what_is_there_already_is_only_replaced_when_told_so() {
    let node = Node::seed("single-node");
    node.write("new/edgedns.toml", "# mine\n");
    let refused = node.pdns();
    assert_eq!(refused.status, Some(1));
    assert_eq!(refused.config, "# mine\n");
    assert!(!node.path("new/zones").exists(), "nothing is written when not all of it can be");
    refused.assert_faults(&["/new/edgedns.toml is there already\nnothing was written", "--force"]);
    let forced = node.import_pdns(&node.path("new"), &["--force"]);
    assert_eq!(forced.status, Some(0), "{}", forced.faults);
    assert!(forced.config.contains("[[zone]]"));
}
