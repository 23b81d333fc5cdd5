//! BIND's `named.conf`: primary zones, listeners, clients and forwarders.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;

use harness::node::{Imported, Node};

const ZONE: &str = "$TTL 10\n@ IN SOA ns h 1 3h 30m 2w 10\n@ IN NS ns\nns IN A 192.0.2.1\n";

/// A node with this `named.conf`, and a zone file.
fn node(named_conf: &str) -> Node {
    Node::new(&[("etc/named.conf", named_conf), ("var/named/lab.zone", ZONE)])
}

#[test]
fn a_primary_behind_forwarders_is_taken_over() {
    let node = node(
        "acl office { 192.0.2.0/24; localnets; };\n\
         options {\n\
           directory \"/var/named\";\n\
           listen-on port 5353 { 192.0.2.1; };\n\
           listen-on-v6 { none; };\n\
           allow-query { any; };\n\
           allow-recursion { office; 198.51.100.7; };\n\
           allow-transfer { none; };\n\
           forwarders port 5300 { 203.0.113.1; 203.0.113.2 port 54; };\n\
           forward only;\n\
           version \"none of your business\";\n\
           tcp-clients 200;\n\
           tcp-idle-timeout 300;\n\
           pid-file \"/run/named/named.pid\";\n\
         };\n\
         include \"/etc/zones.conf\";\n",
    );
    node.write(
        "etc/zones.conf",
        "zone \"lab.test\" IN { type primary; file \"lab.zone\"; allow-update { none; }; };\n\
         zone \"corp.test\" { type forward; forwarders { 198.51.100.1; }; };\n\
         zone \".\" IN { type hint; file \"named.ca\"; };\n",
    );
    let result = node.import_named(&node.path("new"));
    for line in [
        "listen = [\"192.0.2.1:5353\"]",
        "version = \"none of your business\"",
        "tcp-connections = 200",
        "tcp-idle = \"30000ms\"",
        "name = \"lab.test\"",
        "zone = \".\"",
        "upstream = [\"203.0.113.1:5300\", \"203.0.113.2:54\"]",
        "zone = \"corp.test\"",
        "upstream = [\"198.51.100.1\"]",
        "allow = [\"192.0.2.0/24\", \"local\", \"198.51.100.7\"]",
    ] {
        assert!(
            result.config.contains(line),
            "no {line} in\n{}\n{}\n{}",
            result.config,
            result.report,
            result.faults
        );
    }
    result.assert_fate("zone lab.test", "honoured", "edgedns/zones/lab.zone");
    result.assert_fate("include /etc/zones.conf", "honoured", "its statements are read");
    result.assert_fate("zone .", "no effect here", "root servers");
    result.assert_fate("pid-file /run/named/named.pid", "no effect here", "service manager");
    result.assert_fate("allow-transfer { none; }", "honoured", "REFUSED");
    assert!(!result.report.contains("refused  "), "{}", result.report);
}

#[test]
fn open_doors_are_pointed_out() {
    let node = node(
        "options { directory \"/var/named\"; allow-recursion { any; }; allow-transfer { 0.0.0.0/0; };\n\
         forwarders { 203.0.113.1; }; };\nzone \"lab.test\" { type master; file \"lab.zone\"; };\n",
    );
    let result = node.import_named(&node.path("new"));
    result.assert_faults(&[
        "an open door: this lets the whole world in",
        "/etc/named.conf:1:53",
        "an open door: everybody may transfer the zones",
    ]);
    assert!(!result.config.lines().any(|line| line.starts_with("allow =")), "{}", result.config);
}

#[test]
fn what_bind_opens_without_a_word_is_pointed_out_too() {
    let node = node(
        "options { directory \"/var/named\"; };\nzone \"lab.test\" { type master; file \"lab.zone\"; };\n",
    );
    let result = node.import_named(&node.path("new"));
    result.assert_fate("without `allow-transfer`", "changed", "everybody may transfer zones");
    result.assert_fate("recursion", "changed", "name a resolver");
    assert!(result.config.contains("listen = [\"0.0.0.0:53\", \"[::]:53\"]"), "{}", result.config);
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
}

#[test]
fn what_cannot_be_had_is_refused_with_what_to_do() {
    let node = node(
        "options { directory \"/var/named\"; recursion yes; response-policy { zone \"rpz\"; }; recursoin no; };\n\
         zone \"a.test\" { type slave; masters { 192.0.2.9; }; file \"a\"; };\n\
         zone \"b.test\" { type master; file \"lab.zone\"; masterfile-format raw; };\n\
         zone \"c.test\" { type master; file \"lab.zone\"; dnssec-policy default; };\n\
         zone \"d.test\" { type static-stub; server-addresses { 192.0.2.9; }; };\n",
    );
    let result = node.import_named(&node.path("new"));
    result.assert_fate("zone a.test", "honoured", "primary 192.0.2.9");
    result.assert_fate("zone b.test", "refused", "named-compilezone");
    result.assert_fate("zone c.test", "honoured", "edgedns/zones/lab.zone");
    result.assert_fate("zone c.test: dnssec-policy default", "refused", "served unsigned");
    result.assert_fate("zone d.test", "refused", "[[forward]]");
    result.assert_fate("recursoin no", "refused", "did you mean `recursion`?");
    result.assert_fate("recursion", "refused", "name a resolver");
    assert_eq!(result.status, Some(1));
}

#[test]
fn a_single_view_is_read_through() {
    let zone = "zone \"lab.test\" { type master; file \"/var/named/lab.zone\"; };";
    let one = node(&format!("view \"all\" {{ match-clients {{ any; }}; {zone} }};\n"));
    let result = one.import_named(&one.path("new"));
    result.assert_fate("zone lab.test", "honoured", "edgedns/zones/lab.zone");
    assert!(!result.config.contains("when-client-in"), "{}", result.config);
}

#[test]
fn each_view_is_seen_by_those_whom_no_view_in_front_of_it_holds() {
    let zone = |name: &str| format!("zone \"{name}\" {{ type master; file \"/var/named/lab.zone\"; }};\n");
    let node = node(&format!(
        "acl inside {{ !192.0.2.9; 192.0.2.0/24; }};\noptions {{ directory \"/var/named\"; forwarders {{ 203.0.113.1; }}; }};\n\
         view \"in\" {{ match-clients {{ inside; }}; allow-recursion {{ inside; }};\n{}{} }};\n\
         view \"out\" {{ match-clients {{ any; }}; recursion no;\n{}{} }};\n\
         view \"never\" {{\n{} }};\n",
        zone("both.test"),
        zone("in.test"),
        zone("both.test"),
        zone("out.test"),
        zone("never.test"),
    ));
    let result = node.import_named(&node.path("new"));
    let block = |name: &str, view: &str| {
        let mut blocks = result.config.split("\n[[");
        let wanted = [format!("name = \"{name}\""), format!("view = \"{view}\"")];
        let found = blocks.find(|block| wanted.iter().all(|line| block.contains(line)));
        found
            .unwrap_or_else(|| panic!("no {name} of {view}\n{}\n{}", result.config, result.faults))
            .to_owned()
    };
    let seen = |block: String| {
        let line = block.lines().find_map(|line| line.strip_prefix("when-client-in = "));
        line.map(|line| line.split(" #").next().unwrap_or_default().trim().to_owned())
    };
    let inside = seen(block("both.test", "in")).expect("a list");
    assert!(inside.contains("192.0.2.128/25") && !inside.contains("192.0.2.0/24"), "{inside}");
    assert_eq!(seen(block("in.test", "in")), Some(inside.clone()));
    // Whoever is inside sees the version in front; the others see the last one.
    assert_eq!(seen(block("both.test", "out")), None, "{}", result.config);
    let outside = seen(block("out.test", "out")).expect("a list");
    assert!(outside.contains("192.0.2.9") && outside.contains("128.0.0.0/2"), "{outside}");
    assert!(!result.config.contains("never.test"), "{}", result.config);
    result.assert_fate("view never { … }", "no effect here", "holds everybody");
    // Names of others are for the clients of the first alone.
    let forward = result.config.split("[[forward]]").nth(1).unwrap_or_default();
    assert!(forward.contains("\"192.0.2.128/25\"") && !forward.contains("128.0.0.0/2"), "{}", result.config);
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
}

#[test]
fn whoever_does_not_fit_into_the_list_of_a_view_sees_no_view_behind_it() {
    let zone = "zone \"lab.test\" { type master; file \"/var/named/lab.zone\"; };";
    let many: String = (0..65).map(|last| format!("192.0.2.{last}; ")).collect();
    let node = node(&format!(
        "options {{ directory \"/var/named\"; recursion no; }};\n\
         view \"in\" {{ match-clients {{ {many} }}; {zone} }};\nview \"out\" {{ {zone} }};\n"
    ));
    let result = node.import_named(&node.path("new"));
    result.assert_fate("view in { … }: match-clients", "refused", "the smallest of 65 networks");
    let lists = result.config.lines().filter_map(|line| line.strip_prefix("when-client-in = ["));
    let lists: Vec<&str> = lists.filter_map(|line| line.split(']').next()).collect();
    let holds = |list: &&str, last: u32| {
        list.split(", ").map(|it| it.trim_matches('"')).any(|network| {
            let (first, length) = network.split_once('/').unwrap_or((network, "32"));
            let (Ok(first), Ok(length)) = (first.parse::<Ipv4Addr>(), length.parse::<u32>()) else {
                return false;
            };
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            (first.to_bits() ^ (0xc000_0200 | last)) & mask == 0
        })
    };
    let [inside, outside] = lists.as_slice() else { panic!("{}", result.config) };
    assert!(holds(inside, 0) && !holds(inside, 64), "{}", result.config);
    let still: Vec<u32> = (0..65).filter(|last| holds(outside, *last)).collect();
    assert!(still.is_empty(), "{still:?} see the second view\n{}", result.config);
}

#[test]
fn names_of_others_are_asked_for_the_clients_of_one_view() {
    let node = node(
        "options { directory \"/var/named\"; };\n\
         view \"in\" { match-clients { 192.0.2.0/24; }; forwarders { 203.0.113.1; }; };\n\
         view \"out\" { match-clients { 198.51.100.0/24; }; forwarders { 203.0.113.2; };\n\
         zone \"x.test\" { type forward; forwarders { 203.0.113.3; }; }; };\n",
    );
    let result = node.import_named(&node.path("new"));
    result.assert_fate("zone x.test", "refused", "of one view");
    result.assert_fate("forwarders { 203.0.113.2; }", "refused", "of one view");
    assert!(!result.config.contains("203.0.113.2") && !result.config.contains("198.51"), "{}", result.config);
    assert_eq!(result.status, Some(1));
}

#[test]
fn of_clients_that_are_not_known_nobody_sees_another_view() {
    let zone = "zone \"lab.test\" { type master; file \"/var/named/lab.zone\"; };";
    let node = node(&format!(
        "options {{ directory \"/var/named\"; recursion no; }};\n\
         view \"in\" {{ match-clients {{ nobody-knows; }}; {zone} }};\nview \"out\" {{ {zone} }};\n"
    ));
    let result = node.import_named(&node.path("new"));
    assert_eq!(result.config.matches("when-client-in = [\"0.0.0.0/32\"]").count(), 2, "{}", result.config);
    assert_eq!(result.status, Some(1));
}

#[test]
fn lists_that_name_each_other_end() {
    let node = node(
        "acl a { b; };\nacl b { a; };\noptions { allow-recursion { a; nobody; !192.0.2.1; }; forwarders { 203.0.113.1; }; };\n",
    );
    let result = node.import_named(&node.path("new"));
    result.assert_faults(&["`acl`s that name each other", "`nobody` is not a network"]);
    result.assert_lines(&["allow = []"]);
}

#[test]
fn a_rate_limit_becomes_ours() {
    let node = node(
        "options { directory \"/var/named\"; recursion no; rate-limit { responses-per-second 20; all-per-second 90; slip 3; window 5;\n\
         exempt-clients { 192.0.2.0/24; localhost; }; }; };\nzone \"lab.test\" { type master; file \"lab.zone\"; };\n",
    );
    let result = node.import_named(&node.path("new"));
    for line in [
        "[limit]\nresponses-per-second = 20",
        "all-per-second = 90",
        "slip = 3",
        "exempt = [\"192.0.2.0/24\", \"127.0.0.1\", \"::1\"]",
    ] {
        assert!(result.config.contains(line), "no {line} in\n{}", result.config);
    }
    result.assert_fate("rate-limit { … }", "changed", "without counterpart: window");
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
}

#[test]
fn what_is_off_is_off_whatever_it_is_called() {
    let node = node(
        "options { directory \"/var/named\"; recursion no; allow-transfer { none; }; notify no; also-notify { }; };\n\
         zone \"lab.test\" { type master; file \"lab.zone\"; allow-update { none; }; allow-update-forwarding { }; };\n",
    );
    let result = node.named();
    result.assert_fate("zone lab.test: allow-update { none; }", "honoured", "nothing to do: it is off");
    result.assert_fate("zone lab.test: allow-update-forwarding { }", "honoured", "nothing to do: it is off");
    result.assert_fate("also-notify { }", "honoured", "nothing to do: nobody is told");
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
}

const KEYS: &str =
    "key \"k\" { algorithm hmac-sha256; secret \"bm90IGEgc2VjcmV0OiBtYWtlIG9uZSBvZiB5b3VyIG93bg==\"; };\n";

/// What is made of a primary zone with this inside, and a key `k`.
fn updated(inside: &str) -> Imported {
    node(&format!(
        "{KEYS}options {{ directory \"/var/named\"; recursion no; allow-transfer {{ none; }}; }};\n\
         zone \"lab.test\" {{ type master; file \"lab.zone\"; {inside} }};\n"
    ))
    .named()
}

/// The same as [`Imported::assert_fate`] for what begins so: what is long is cut.
fn assert_fate_of(result: &Imported, start: &str, kind: &str, text: &str) {
    let found = result.report.lines().any(|line| {
        line.trim_start().split_once("  ").is_some_and(|(_, rest)| rest.trim_start().starts_with(start))
            && line.contains(&format!("  {kind}  "))
            && line.contains(text)
    });
    assert!(found, "no `{start}` that is {kind}: {text}\n{}\n{}", result.report, result.faults);
}

#[test]
fn who_may_update_a_zone_may_go_on() {
    let result = updated("allow-update { 192.0.2.0/24; key \"k\"; };");
    result.assert_lines(&[
        "[[zone.update]]",
        "allow = [\"192.0.2.0/24\", \"key:k\"]",
        "names = [\"**\"]",
        "types = [\"ANY\", \"NS\", \"DNAME\"]",
    ]);
    assert_fate_of(&result, "zone lab.test: allow-update { 192.0.2.0/24", "honoured", "rndc sync -clean");
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
}

#[test]
fn nobody_may_update_by_an_import_who_might_not_before() {
    for (inside, kind, text) in [
        ("allow-update { key \"unknown\"; };", "changed", "without those with the key unknown"),
        ("allow-update { any; };", "changed", "an open door, closed"),
        ("allow-update { localnets; };", "changed", "without networks of this host"),
        ("allow-update { !192.0.2.1; key \"k\"; };", "changed", "without those with the key k"),
    ] {
        let result = updated(inside);
        let list = inside.split_once(' ').map_or("", |(list, _)| list);
        assert_fate_of(&result, &format!("zone lab.test: {list}"), kind, text);
        assert!(!result.config.contains("[[zone.update]]"), "{inside}:\n{}", result.config);
    }
}

#[test]
fn a_policy_is_taken_over_rule_by_rule() {
    let result = updated(
        "update-policy {\n\
           grant k name _acme-challenge.lab.test. TXT;\n\
           grant k subdomain dyn.lab.test A AAAA SOA;\n\
           grant k wildcard *.w.lab.test;\n\
           grant k zonesub CAA;\n\
           grant k selfsub * A;\n\
           grant other zonesub ANY;\n\
           grant * self * A;\n\
           grant k name *.apps.lab.test A;\n\
           grant k ms-self . A;\n\
           deny k name lab.test MX;\n\
           grant k zonesub ANY;\n\
         };",
    );
    result.assert_lines(&[
        "names = [\"_acme-challenge\"]",
        "types = [\"TXT\"]",
        "names = [\"**.dyn\"]",
        "types = [\"A\", \"AAAA\"]",
        "names = [\"**.*.w\"]",
        "types = [\"ANY\", \"DNAME\"]",
        "names = [\"**\"]",
        "types = [\"CAA\"]",
    ]);
    assert_eq!(result.config.matches("[[zone.update]]").count(), 4, "{}", result.config);
    for (rule, kind, text) in [
        ("grant k name _acme-challenge", "honoured", "[[zone.update]]"),
        ("grant k subdomain dyn.lab", "changed", "without SOA"),
        ("grant k selfsub", "changed", "outside the zone"),
        ("grant other zonesub", "changed", "its key cannot be had"),
        ("grant * self", "changed", "every client with a signature"),
        ("grant k name *.apps", "changed", "signs that mean others"),
        ("grant k ms-self", "changed", "the name of their key alone"),
        ("deny k name", "honoured", "nobody may"),
        ("grant k zonesub ANY", "changed", "a rule above it forbids"),
    ] {
        assert_fate_of(&result, &format!("zone lab.test: {rule}"), kind, text);
    }
    assert_fate_of(&result, "zone lab.test: update-policy", "changed", "4 of 11 rules");
    let local = updated("update-policy local;");
    local.assert_fate("zone lab.test: update-policy local", "changed", "write a [[key]]");
    assert!(!local.config.contains("[[zone.update]]"), "{}", local.config);
}

#[test]
fn whose_updates_are_passed_on_may_go_on() {
    let result = node(&format!(
        "{KEYS}options {{ directory \"/var/named\"; recursion no; allow-update-forwarding {{ 192.0.2.7; }}; }};\n\
         zone \"lab.test\" {{ type master; file \"lab.zone\"; }};\n\
         zone \"a.test\" {{ type slave; masters {{ 192.0.2.9; }}; file \"a\"; allow-update-forwarding {{ key k; }}; }};\n\
         zone \"b.test\" {{ type slave; masters {{ 192.0.2.9; }}; file \"b\"; }};\n",
    ))
    .named();
    result.assert_lines(&["allow = [\"key:k\"]", "allow = [\"192.0.2.7\"]"]);
    assert_eq!(result.config.matches("[[zone.update]]").count(), 2, "{}", result.config);
    assert!(!result.config.contains("names = "), "{}", result.config);
}

#[test]
fn an_include_that_is_missing_leaves_the_rest_imported() {
    let node = node(
        "options { directory \"/var/named\"; recursion no; allow-query { any; };\n\
           include \"/etc/crypto-policies/back-ends/bind.config\"; };\n\
         include \"/etc/named.rfc1912.zones\";\ninclude \"/etc/named.root.key\";\ninclude \"/etc/rndc.key\";\n\
         include \"/etc/more.conf\";\n\
         zone \"lab.test\" { type master; file \"lab.zone\"; };\n",
    );
    let result = node.named();
    for stock in [
        "include /etc/crypto-policies/back-ends/bind…",
        "include /etc/named.rfc1912.zones",
        "include /etc/named.root.key",
        "include /etc/rndc.key",
    ] {
        result.assert_fate(stock, "no effect here", "not copied; it has");
    }
    result.assert_fate("include /etc/more.conf", "refused", "copy it beside named.conf");
    result.assert_fate("zone lab.test", "honoured", "edgedns/zones/lab.zone");
    result.assert_faults(&[
        "/etc/named.conf:6:9",
        "copy it beside the file that names it",
        "zone lab.test.: serial",
    ]);
    assert_eq!(result.status, Some(1));
    node.write("etc/more.conf", "zone \"more.test\" { type master; file \"lab.zone\"; };\n");
    let whole = node.import_named(&node.path("whole"));
    assert_eq!(whole.status, Some(0), "the stock files are not missed\n{}\n{}", whole.report, whole.faults);
    whole.assert_fate("zone more.test", "honoured", "edgedns/zones/lab.zone");
}

#[test]
fn a_fault_of_syntax_writes_nothing_and_the_totals_say_so() {
    // The missing word would have closed the list of clients.
    let node = node(
        "options { directory \"/var/named\" allow-query { none; }; };\n\
         zone \"lab.test\" { type master; file \"lab.zone\"; }\nzone \"b.test\" { type hint; };\n",
    );
    let result = node.named();
    assert_eq!((result.status, result.config.as_str()), (Some(1), ""), "{}", result.report);
    result.assert_fate("named.conf", "refused", "nothing is written");
    assert!(result.report.contains("1 refused"), "{}", result.report);
    assert_eq!(result.last_line(), "nothing was written: mend the errors above, and import again");
}

#[test]
fn a_list_of_clients_is_not_lost_in_the_statement_before_it() {
    let node = node(
        "options { directory \"/var/named\" allow-query { none; }; };\n\
         zone \"lab.test\" { type master; file \"lab.zone\"; };\n",
    );
    let result = node.named();
    result.assert_faults(&["`;` is missing in front of `allow-query`", "/etc/named.conf:1:34"]);
    assert_eq!((result.status, result.config.as_str()), (Some(1), ""), "{}", result.report);
}

#[test]
fn all_addresses_of_one_family_are_none_of_the_other() {
    let node = node(
        "options { directory \"/var/named\"; recursion no; listen-on port 5353 { 192.0.2.1; };\n\
           listen-on-v6 port 5353 { 0.0.0.0/0; }; };\n\
         zone \"lab.test\" { type master; file \"lab.zone\"; };\n",
    );
    let result = node.named();
    assert!(result.config.contains("listen = [\"192.0.2.1:5353\"]"), "{}", result.config);
    result.assert_fate("listen-on-v6 port 5353 { 0.0.0.0/0; }", "refused", "without 0.0.0.0/0");
}

/// As the manual of BIND writes them (chapters "Configurations and Zone Files" and "Security Configurations").
#[test]
fn servers_that_get_zones_or_send_them_are_taken_over_with_their_keys() {
    let node = node(
        "key \"rndc-key\" { algorithm hmac-md5; secret \"bWQ1\"; };\n\
         key \"host1-host2.\" {\n  algorithm hmac-sha256;\n  secret \"DAopyf1mhCbFVZw7pgmNPBoLUq8wEUT7UuPoLENP2HY=\";\n};\n\
         acl trusted-secondaries { 192.0.2.53; 2001:db8::/64; };\n\
         primaries hidden { 203.0.113.1 key \"host1-host2.\"; 203.0.113.2 port 5353; };\n\
         options { directory \"/var/named\"; recursion no; allow-transfer { trusted-secondaries; }; notify explicit;\n\
           also-notify { 192.0.2.53; }; };\n\
         zone \"lab.test\" { type primary; file \"lab.zone\";\n  allow-transfer { 192.0.2.54; key host1-host2.; };\n\
           also-notify port 5300 { 192.0.2.54 key host1-host2.; 192.0.2.55; };\n};\n\
         zone \"plain.test\" { type primary; file \"lab.zone\"; };\n\
         zone \"copy.test\" { type secondary; primaries { hidden; }; file \"copy.db\"; allow-transfer { none; }; notify no; };\n",
    );
    let result = node.import_named(&node.path("new"));
    let zone = |name: &str| {
        let blocks = result.config.split("[[zone]]").find(|block| block.contains(name)).expect("a zone");
        blocks.to_owned()
    };
    for (name, lines) in [
        (
            "lab.test",
            &[
                "allow-transfer = [\"192.0.2.54\", \"key:host1-host2\"]",
                "notify = [\"192.0.2.54:5300 key:host1-host2\", \"192.0.2.55:5300\"]",
            ][..],
        ),
        (
            "plain.test",
            &["allow-transfer = [\"192.0.2.53\", \"2001:db8::/64\"]", "notify = [\"192.0.2.53\"]"],
        ),
        ("copy.test", &["primary = [\"203.0.113.1 key:host1-host2\", \"203.0.113.2:5353\"]"]),
    ] {
        for line in lines {
            assert!(zone(name).contains(line), "no {line} in\n{}\n{}", zone(name), result.report);
        }
    }
    assert!(!zone("copy.test").contains("allow-transfer") && !zone("copy.test").contains("notify"));
    assert_eq!(result.config.matches("[[key]]").count(), 1, "{}", result.config);
    assert!(result.config.contains("name = \"host1-host2\""), "{}", result.config);
    result.assert_fate("key rndc-key { algorithm hmac-md5; secret ……", "refused", "hmac-sha256");
    result.assert_fate("zone copy.test", "honoured", "→ [[zone]], primary");
    let setting = "zone lab.test: allow-transfer { 192.0.2.54;…";
    result.assert_fate(setting, "honoured", "→ [[zone]] allow-transfer");
}

#[test]
fn a_config_file_with_a_secret_is_for_its_owner_alone() {
    let key = "key k { algorithm hmac-sha256; secret \"DAopyf1mhCbFVZw7pgmNPBoLUq8wEUT7UuPoLENP2HY=\"; };\n";
    let zone =
        "zone \"lab.test\" { type primary; file \"/var/named/lab.zone\"; allow-transfer { key k; }; };\n";
    let cookie = "options { cookie-secret \"00112233445566778899aabbccddeeff\"; };\n";
    for (text, is_secret) in [
        (format!("{key}{zone}"), true),
        (format!("{cookie}{}", zone.replace("key k", "192.0.2.1")), true),
        (zone.replace("key k", "192.0.2.1"), false),
    ] {
        let node = node(&text);
        node.named();
        let meta = fs::metadata(node.path("new/edgedns.toml")).expect("a config file");
        assert_eq!(meta.permissions().mode() & 0o077 == 0, is_secret, "{text}");
    }
}

#[test]
fn whoever_may_not_get_a_zone_gets_none_after_an_import_either() {
    // Who has the key may still come from an address that is shut out, which cannot be said here.
    let node = node(
        "key k { algorithm hmac-sha256; secret \"DAopyf1mhCbFVZw7pgmNPBoLUq8wEUT7UuPoLENP2HY=\"; };\n\
         key old { algorithm hmac-md5; secret \"bWQ1\"; };\n\
         options { directory \"/var/named\"; recursion no; allow-transfer { !192.0.2.1; 192.0.2.0/30; key k; }; };\n\
         zone \"a.test\" { type primary; file \"lab.zone\"; };\n\
         zone \"b.test\" { type primary; file \"lab.zone\"; allow-transfer { key old; localnets; }; };\n\
         zone \"c.test\" { type primary; file \"lab.zone\"; include \"/etc/missing.conf\"; };\n\
         zone \"d.test\" { type primary; file \"lab.zone\"; allow-transfer { any; }; };\n",
    );
    let result = node.import_named(&node.path("new"));
    let block = |name: &str| {
        let block = result.config.split("[[zone]]").find(|block| block.contains(name)).expect("a zone");
        block.to_owned()
    };
    let a = block("a.test");
    assert!(a.contains("allow-transfer = [\"192.0.2.2/31\", \"192.0.2.0\"]"), "{a}");
    for name in ["b.test", "c.test", "d.test"] {
        assert!(!block(name).contains("allow-transfer"), "{}", block(name));
    }
    assert!(!result.config.contains("key:"), "{}", result.config);
    result.assert_fate("allow-transfer { !192.0.2.1; 192.0.2.0/30; …", "changed", "those with the key k");
    result.assert_fate("zone b.test: allow-transfer { key old; loca…", "changed", "networks of this host");
    result.assert_fate("zone d.test: allow-transfer { any; }", "changed", "an open door, closed");
}
