//! Lists of clients that cannot be kept as they were: an import closes them, and reports it.
//!
//! Which clients the replaced servers let in is tested in `peers`.

use harness::node::{Imported, Node};

const ZONE: &str = "$TTL 10\n@ IN SOA ns h 1 3h 30m 2w 10\n@ IN NS ns\nns IN A 192.0.2.1\n";

fn zone(name: &str, inside: &str) -> String {
    format!("zone \"{name}\" {{ type master; file \"lab.zone\"; {inside} }};\n")
}

/// What is made of a `named.conf` with these options and this inside of its zone.
fn of_bind(options: &str, inside: &str) -> Imported {
    Node::new(&[
        (
            "etc/named.conf",
            &format!(
                "options {{ directory \"/var/named\"; listen-on {{ 192.0.2.1; }}; listen-on-v6 {{ none; }}; {options} }};\n{}",
                zone("lab.test", inside)
            ),
        ),
        ("var/named/lab.zone", ZONE),
    ])
    .named()
}

#[test]
fn a_zone_that_nobody_may_ask_stays_closed() {
    for (options, inside) in [
        ("recursion no;", "allow-query { none; };"),
        ("recursion no; allow-query { none; };", ""),
        ("recursion no; allow-query { any; };", "allow-query { };"),
    ] {
        let result = of_bind(options, inside);
        result.assert_lines(&["allow-query = [\"0.0.0.0/32\"]"]);
        assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
    }
}

#[test]
fn a_zone_of_which_a_part_is_missing_stays_closed() {
    let node = Node::new(&[
        (
            "etc/named.conf",
            &format!(
                "options {{ recursion no; directory \"/etc\"; }};\n{}",
                zone("lab.test", "allow-query { 192.0.2.0/24; };")
            ),
        ),
        ("etc/lab.zone", &format!("{ZONE}$INCLUDE gone.inc\n")),
    ]);
    let result = node.named();
    result.assert_fate("zone lab.test", "refused", "without gone.inc, which it includes");
    result.assert_lines(&["allow-query = [\"192.0.2.0/24\"]"]);
    assert_eq!(result.status, Some(1));
}

#[test]
fn the_list_of_a_zone_counts_before_that_of_the_server() {
    let result = of_bind("recursion no; allow-query { 192.0.2.0/24; };", "allow-query { any; };");
    assert!(!result.config.contains("allow-query ="), "{}", result.config);
    let result = of_bind("recursion no; allow-query { any; };", "allow-query { !192.0.2.1; 192.0.2.0/30; };");
    result.assert_lines(&["allow-query = [\"192.0.2.2/31\", \"192.0.2.0\"]"]);
    result.assert_fate("zone lab.test: allow-query { !192.0.2.1; 19…", "honoured", "→ [[zone]] allow-query");
}

#[test]
fn this_host_is_not_the_networks_it_is_in() {
    let result = of_bind("forwarders { 203.0.113.1; }; allow-recursion { localhost; };", "");
    result.assert_lines(&["allow = [\"127.0.0.1\", \"::1\", \"192.0.2.1\"]"]);
    result.assert_fate("allow-recursion { localhost; }", "honoured", "→ [[forward]] allow");
    // Where every address is listened on, the others of this host are not known.
    let node = Node::new(&[
        (
            "etc/named.conf",
            &format!(
                "options {{ directory \"/var/named\"; allow-query {{ localhost; }}; }};\n{}",
                zone("lab.test", "")
            ),
        ),
        ("var/named/lab.zone", ZONE),
    ]);
    let result = node.named();
    result.assert_lines(&["allow-query = [\"127.0.0.1\", \"::1\"]"]);
    result.assert_fate(
        "allow-query { localhost; }",
        "refused",
        "addresses of this host that are not named here",
    );
    assert_eq!(result.status, Some(1));
}

#[test]
fn what_a_list_cannot_say_closes_and_is_refused() {
    for (list, allow) in [
        ("key \"k\"; 192.0.2.0/24;", "[\"192.0.2.0/24\"]"),
        ("key \"k\";", "[\"0.0.0.0/32\"]"),
        ("!{ !{ 192.0.2.0/24; }; any; }; key \"k\";", "[\"0.0.0.0/32\"]"),
        ("unknown; 192.0.2.0/24;", "[\"192.0.2.0/24\"]"),
        ("!unknown; 192.0.2.0/24;", "[\"0.0.0.0/32\"]"),
        ("192.0.2.0/24; !unknown; 198.51.100.0/24;", "[\"192.0.2.0/24\"]"),
        ("!geoip country DE; any;", "[\"0.0.0.0/32\"]"),
        ("!192.0.2.9; localnets;", "[\"127.0.0.0/8\", \"::1\"]"),
    ] {
        let result = of_bind("recursion no;", &format!("allow-query {{ {list} }};"));
        result.assert_lines(&[&format!("allow-query = {allow}")]);
        assert!(result.report.contains("1 refused"), "{list}\n{}", result.report);
        assert_eq!(result.status, Some(1), "{list}");
    }
}

#[test]
fn a_world_without_some_is_no_open_door_for_them() {
    let result = of_bind("forwarders { 203.0.113.1; }; allow-recursion { !192.0.2.9; any; };", "");
    result.assert_lines(&["allow = [\"127.0.0.0/8\", \"::1\"]"]);
    result.assert_fate("allow-recursion { !192.0.2.9; any; }", "refused", "an open door, closed");
    result.assert_faults(&["an open door: this lets the whole world in"]);
    assert_eq!(result.status, Some(1));
}

#[test]
fn a_list_with_more_networks_than_fit_loses_the_smallest_and_is_refused() {
    let networks: String = (0..65).map(|number| format!("10.0.{number}.0/{}; ", 24 + number / 64)).collect();
    let result = of_bind("recursion no;", &format!("allow-query {{ {networks} }};"));
    assert!(
        result.config.contains("10.0.63.0/24") && !result.config.contains("10.0.64.0/25"),
        "{}",
        result.config
    );
    result.assert_faults(&["ok: 0 errors"]);
    assert_eq!(result.status, Some(1));
}

#[test]
fn what_the_address_asked_decides_is_answered_to_nobody_unless_it_is_all_there_is() {
    let result = of_bind("recursion no; allow-query-on { 192.0.2.1; };", "");
    assert!(!result.config.contains("allow-query ="), "{}", result.config);
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
    let result = of_bind("recursion no;", "allow-query-on { 192.0.2.7; };");
    result.assert_lines(&["allow-query = [\"0.0.0.0/32\"]"]);
    result.assert_fate("zone lab.test: allow-query-on { 192.0.2.7; }", "refused", "nobody is answered");
}

#[test]
fn the_clients_of_the_only_view_are_those_of_its_zones() {
    let node = Node::new(&[
        (
            "etc/named.conf",
            &format!(
                "options {{ directory \"/var/named\"; forwarders {{ 203.0.113.1; }}; allow-recursion {{ any; }}; }};\n\
                 view \"in\" {{ match-clients {{ 192.0.2.0/24; }}; allow-recursion {{ 192.0.2.0/25; }};\n{} }};\n",
                zone("lab.test", "")
            ),
        ),
        ("var/named/lab.zone", ZONE),
    ]);
    let result = node.named();
    result.assert_lines(&["allow-query = [\"192.0.2.0/24\"]", "allow = [\"192.0.2.0/25\"]"]);
    result.assert_fate("allow-recursion { any; }", "no effect here", "the view says otherwise");
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
}

#[test]
fn a_file_that_may_say_who_is_answered_closes_what_it_may_restrict() {
    let missing = "include \"/etc/named.conf.options\";\n";
    for text in [
        format!("{missing}{}", zone("lab.test", "")),
        format!("options {{ directory \"/var/named\"; {missing} }};\n{}", zone("lab.test", "")),
        format!("options {{ directory \"/var/named\"; }};\n{}", zone("lab.test", missing)),
    ] {
        let node =
            Node::new(&[("etc/named.conf", &text), ("etc/lab.zone", ZONE), ("var/named/lab.zone", ZONE)]);
        let result = node.named();
        result.assert_lines(&["allow-query = [\"0.0.0.0/32\"]"]);
        assert_eq!(result.status, Some(1), "{text}");
    }
}

#[test]
fn a_listener_is_never_wider_than_it_was() {
    for (list, listen) in [
        ("192.0.2.1; 198.51.100.0/24;", "[\"192.0.2.1:53\"]"),
        ("!192.0.2.9; any;", "[\"127.0.0.1:53\", \"[::1]:53\"]"),
        ("eth0;", "[\"127.0.0.1:53\", \"[::1]:53\"]"),
    ] {
        let node = Node::new(&[
            (
                "etc/named.conf",
                &format!(
                    "options {{ directory \"/var/named\"; recursion no; listen-on {{ {list} }}; listen-on-v6 {{ none; }}; }};\n{}",
                    zone("lab.test", "")
                ),
            ),
            ("var/named/lab.zone", ZONE),
        ]);
        let result = node.named();
        result.assert_lines(&[&format!("listen = {listen}")]);
        assert_eq!(result.status, Some(1), "{list}\n{}", result.report);
    }
    let node = Node::new(&[
        (
            "etc/named.conf",
            &format!(
                "options {{ listen-on port domain {{ 192.0.2.1; }}; listen-on-v6 port 853 tls x {{ any; }}; }};\n{}",
                zone("lab.test", "")
            ),
        ),
        ("etc/lab.zone", ZONE),
    ]);
    node.named().assert_lines(&["listen = [\"127.0.0.1:53\", \"[::1]:53\"]"]);
}

#[test]
fn statistics_for_some_are_on_loopback() {
    let result = |list: &str| {
        let node = Node::new(&[
            (
                "etc/named.conf",
                &format!(
                    "statistics-channels {{ inet 192.0.2.1 port 8053 {list}; }};\n{}",
                    zone("lab.test", "")
                ),
            ),
            ("etc/lab.zone", ZONE),
        ]);
        node.named()
    };
    result("allow { 192.0.2.7; }").assert_lines(&["listen = \"127.0.0.1:8053\""]);
    result("allow { any; }").assert_lines(&["listen = \"192.0.2.1:8053\""]);
    result("").assert_lines(&["listen = \"192.0.2.1:8053\""]);
}

/// A node whose recursor has this file.
fn of_recursor(pdns: &str, recursor: &str) -> Imported {
    Node::new(&[
        ("etc/pdns/pdns.conf", &format!("launch=bind\nbind-config=bind.conf\n{pdns}")),
        ("etc/pdns/bind.conf", "zone \"lab.test\" { type master; file \"lab.zone\"; };\n"),
        ("etc/pdns/lab.zone", ZONE),
        ("etc/pdns-recursor/recursor.conf", &format!("forward-zones-recurse=.=203.0.113.53\n{recursor}")),
    ])
    .pdns()
}

#[test]
fn whom_the_recursor_let_in_is_all_who_is_answered_from_zones_behind_it() {
    let result = of_recursor("local-port=5300\n", "allow-from=192.0.2.0/24\n");
    result.assert_lines(&["allow-query = [\"192.0.2.0/24\"]", "allow = [\"192.0.2.0/24\"]"]);
    result.assert_fate("allow-from=192.0.2.0/24", "honoured", "→ [[forward]] allow, [[zone]] allow-query");
    // Where clients could ask PowerDNS itself, everybody could.
    let result =
        of_recursor("local-address=192.0.2.1\n", "local-address=127.0.0.1\nallow-from=192.0.2.0/24\n");
    assert!(!result.config.contains("allow-query"), "{}", result.config);
    result.assert_fate("allow-from=192.0.2.0/24", "honoured", "as PowerDNS does at 192.0.2.1:53");
}

#[test]
fn a_list_of_the_recursor_that_cannot_be_read_lets_nobody_in() {
    for (recursor, allow) in [
        ("allow-from=bogus\n", "[]"),
        ("allow-from=bogus, 192.0.2.0/24\n", "[\"192.0.2.0/24\"]"),
        ("allow-from=192.0.2.0/24, !bogus\n", "[]"),
        ("allow-from-file=gone.txt\n", "[]"),
        ("allow-from=192.0.2.0/24\ninclude-dir=gone\n", "[]"),
    ] {
        let result = of_recursor("local-port=5300\n", recursor);
        result.assert_lines(&[&format!("allow = {allow}")]);
        assert!(!result.report.contains(" 0 refused"), "{recursor}\n{}", result.report);
        assert_eq!(result.status, Some(1), "{recursor}");
    }
}

#[test]
fn a_web_server_for_some_is_on_loopback() {
    for (more, listen) in [
        ("", "127.0.0.1:8081"),
        ("webserver-allow-from=192.0.2.0/24\n", "127.0.0.1:8081"),
        ("webserver-allow-from=0.0.0.0/0\nwebserver-password=x\n", "127.0.0.1:8081"),
        ("webserver-allow-from=0.0.0.0/0,::/0\n", "192.0.2.1:8081"),
    ] {
        let result = Node::new(&[
            (
                "etc/pdns/pdns.conf",
                &format!(
                    "launch=bind\nbind-config=bind.conf\nwebserver=yes\nwebserver-address=192.0.2.1\n{more}"
                ),
            ),
            ("etc/pdns/bind.conf", "zone \"lab.test\" { type master; file \"lab.zone\"; };\n"),
            ("etc/pdns/lab.zone", ZONE),
        ])
        .pdns();
        result.assert_lines(&[&format!("listen = \"{listen}\"")]);
    }
}
