//! A value that cannot be read is refused, is counted, and decides the exit status. The table agrees with
//! what was written.

use harness::node::{Imported, Node};

const ZONE: &str = "$TTL 10\n@ IN SOA ns h 1 3h 30m 2w 10\n@ IN NS ns\nns IN A 192.0.2.1\n";

/// A node with these lines in `pdns.conf`, and a recursor's file if there is one.
fn node(pdns: &str, recursor: Option<(&str, &str)>) -> Node {
    let node = Node::new(&[
        ("etc/pdns/pdns.conf", &format!("launch=bind\nbind-config=bind.conf\n{pdns}")),
        ("etc/pdns/bind.conf", "zone \"lab.test\" { type master; file \"lab.zone\"; };\n"),
        ("etc/pdns/lab.zone", ZONE),
    ]);
    if let Some((name, text)) = recursor {
        node.write(&format!("etc/pdns-recursor/{name}"), text);
    }
    node
}

fn with_recursor(text: &str) -> Imported {
    node("local-address=127.0.0.1\nlocal-port=5300\n", Some(("recursor.conf", text))).pdns()
}

/// The totals of refused settings.
fn refused(result: &Imported) -> usize {
    let totals = result.report.lines().find(|line| line.contains(" no effect here, ")).expect("the totals");
    let last = totals.split(", ").last().and_then(|words| words.split(' ').next()).expect("a number");
    last.parse().expect("a number")
}

#[test]
fn a_value_that_is_faulty_in_part_is_refused_with_the_part_that_is_left_out() {
    let result = with_recursor(
        "local-address=eth0, 127.0.0.1\nlocal-port=domain\nallow-from=bogus, 127.0.0.0/8\n\
         forward-zones-recurse=.=203.0.113.1;resolver.test\n",
    );
    result.assert_fate("local-address=eth0, 127.0.0.1", "refused", "→ [server] listen without `eth0`");
    result.assert_fate("local-port=domain", "refused", "not a port: 53 is listened on");
    result.assert_fate("allow-from=bogus, 127.0.0.0/8", "refused", "without `bogus`");
    result.assert_fate(
        "forward-zones-recurse=.=203.0.113.1;resolve…",
        "refused",
        "→ [[forward]] upstream 203.0.113.1, without `resolver.test`",
    );
    assert_eq!(refused(&result), 4, "{}", result.report);
    assert_eq!(result.status, Some(1));
    let last = "not all that was served is served: refused above: 4, at /etc/pdns-recursor/recursor.conf:1";
    assert!(result.last_line().starts_with(last), "{}", result.faults);
}

#[test]
fn a_value_none_of_which_can_be_read_is_not_empty() {
    let result =
        with_recursor("forward-zones=test.local203.0.113.251:5300\nforward-zones-recurse=.=203.0.113.53\n");
    result.assert_fate(
        "forward-zones=test.local203.0.113.251:5300",
        "refused",
        "names no zone with its servers",
    );
    assert_eq!((refused(&result), result.status), (1, Some(1)), "{}", result.report);
    let empty = with_recursor("forward-zones=\nforward-zones-recurse=.=203.0.113.53\n");
    empty.assert_fate("forward-zones=", "honoured", "it is empty");
    assert_eq!(empty.status, Some(0), "{}\n{}", empty.report, empty.faults);
}

#[test]
fn lists_of_yaml_with_strange_elements_are_refused() {
    let text = "recursor:\n  forward_zones:\n  - 203.0.113.1\n  - sys=203.0.113.2\n  - zone: a.test\n    forwarders: [203.0.113.3]\n\
                incoming:\n  listen: [127.0.0.1, {a: b}]\n  allow_from: [127.0.0.0/8, [192.0.2.0/24]]\n";
    let result = node("local-port=5300\n", Some(("recursor.yml", text))).pdns();
    result.assert_fate("recursor.forward_zones: [203.0.113.1, sys=2…", "refused", "203.0.113.1: left out");
    result.assert_fate("incoming.listen: [127.0.0.1, {a: b}]", "refused", "without what is not a word");
    result.assert_fate(
        "incoming.allow_from: [127.0.0.0/8, [192.0.2…",
        "refused",
        "without what is not a word in it",
    );
    result.assert_lines(&["zone = \"a.test\"", "upstream = [\"203.0.113.3\"]", "allow = []"]);
    assert_eq!(result.status, Some(1));
}

#[test]
fn each_line_that_adds_to_a_list_tells_of_its_own_part() {
    let result = with_recursor(
        "forward-zones=lab.test=127.0.0.1:5300\nforward-zones+=corp.test=203.0.113.2\nforward-zones+=x\n\
         forward-zones-recurse=.=203.0.113.53\n",
    );
    result.assert_fate("forward-zones=lab.test=127.0.0.1:5300", "honoured", "one hop less");
    result.assert_fate(
        "forward-zones+=corp.test=203.0.113.2",
        "changed",
        "→ [[forward]] upstream 203.0.113.2",
    );
    result.assert_fate("forward-zones+=x", "refused", "left out");
    let row = result.report.lines().find(|line| line.contains("+=corp.test")).expect("a row");
    assert!(!row.contains("hop less"), "{row}");
}

#[test]
fn a_listener_none_of_which_can_be_read_is_on_loopback() {
    let result = node("local-address=${ADDRESS}\n", None).pdns();
    result.assert_lines(&["listen = [\"127.0.0.1:53\", \"[::1]:53\"]"]);
    result.assert_fate("local-address=${ADDRESS}", "refused", "without `${ADDRESS}`");
    assert_eq!((refused(&result), result.status), (1, Some(1)), "{}", result.report);
}

#[test]
fn a_bind_config_that_cannot_be_read_leaves_pdns_conf_imported() {
    let node = node("server-id=node-1\n", None);
    node.replace("etc/pdns/pdns.conf", "=bind.conf", "=\"bind.conf\"");
    let result = node.pdns();
    result.assert_fate("bind-config=\"bind.conf\"", "refused", "no zone is imported");
    result.assert_faults(&["PowerDNS takes quotes as a part of the path"]);
    result.assert_lines(&["nsid = \"node-1\""]);
    assert!(!result.report.contains("one for each of its zones"), "{}", result.report);
    assert_eq!(result.status, Some(1));
}

#[test]
fn zones_behind_a_fault_of_bind_conf_are_imported() {
    let node = node("", None);
    node.write(
        "etc/pdns/bind.conf",
        "zone \"a.test\" { type master; file \"lab.zone\"; }\nzone \"b.test\" { type master; file \"lab.zone\"; };\n\
         include \"gone.conf\";\nzone \"c.test\" { type master; file \"lab.zone\"; };\n",
    );
    let result = node.pdns();
    result.assert_lines(&["name = \"a.test\"", "name = \"b.test\"", "name = \"c.test\""]);
    result.assert_fate("bind-config=bind.conf", "refused", "it has faults");
    result.assert_fate("include gone.conf", "refused", "copy it beside");
    assert_eq!((refused(&result), result.status), (2, Some(1)), "{}", result.report);
}

#[test]
fn a_zone_whose_file_is_gone_is_one_that_powerdns_has() {
    let node = node(
        "local-port=5300\n",
        Some((
            "recursor.conf",
            "forward-zones=gone.test=127.0.0.1:5300\nforward-zones-recurse=.=203.0.113.53\n",
        )),
    );
    node.write("etc/pdns/bind.conf", "zone \"gone.test\" { type master; file \"gone.zone\"; };\n");
    let result = node.pdns();
    result.assert_fate("forward-zones=gone.test=127.0.0.1:5300", "refused", "whose zone is not taken over");
}

#[test]
fn a_recursor_that_cannot_be_understood_is_counted() {
    let result = node("", Some(("recursor.yml", "incoming:\n  listen: a\n  listen: b\n"))).pdns();
    assert_eq!(
        (refused(&result), result.status, result.config.as_str()),
        (1, Some(1), ""),
        "{}",
        result.report
    );
    result.assert_fate("/etc/pdns-recursor", "refused", "nothing is written");
    assert_eq!(result.last_line(), "nothing was written: mend the errors above, and import again");
}

#[test]
fn what_is_refused_and_concerns_nothing_served_leaves_the_status_at_0() {
    let result = node(
        "geoip-database-files=/usr/share/GeoIP/x.mmdb\ntcp-idle-timeout=soon\nedns-cookie-secret=short\n",
        None,
    )
    .pdns();
    result.assert_fate("geoip-database-files=/usr/share/GeoIP/x.mmdb", "refused", "of the backend geoip");
    result.assert_fate("tcp-idle-timeout=soon", "refused", "the default is left as it is");
    assert_eq!(refused(&result), 3, "{}", result.report);
    assert!(
        result.report.contains("3 refused (3 of them without effect on what is served)"),
        "{}",
        result.report
    );
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
    assert!(result.last_line().starts_with("ok: 0 errors"), "{}", result.faults);
}

#[test]
fn a_zone_that_was_served_and_is_not_makes_the_status_1() {
    let node = node("geoip-database-files=/usr/share/GeoIP/x.mmdb\n", None);
    node.write(
        "etc/pdns/bind.conf",
        "zone \"lab.test\" { type master; file \"lab.zone\"; };\nzone \"b.test\" { type slave; file \"b\"; };\n",
    );
    let result = node.pdns();
    assert_eq!(result.status, Some(1));
    let last = "not all that was served is served: refused above: 1, at /etc/pdns/bind.conf:2";
    assert_eq!(result.last_line(), last);
}
