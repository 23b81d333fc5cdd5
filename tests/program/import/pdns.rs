//! `pdns.conf` and `bind.conf`, read by PowerDNS's own rules.

use harness::node::Node;

const ZONE: &str = "$TTL 10\n@ IN SOA ns h 1 3h 30m 2w 10\n@ IN NS ns\nns IN A 192.0.2.1\n";

/// A node with this `pdns.conf` behind the lines that every node needs, and one zone.
fn node(pdns_conf: &str) -> Node {
    Node::new(&[
        ("etc/pdns/pdns.conf", &format!("launch=bind\nbind-config=/etc/pdns/bind.conf\n{pdns_conf}")),
        ("etc/pdns/bind.conf", "zone \"lab.test\" { type master; file \"/etc/pdns/lab.zone\"; };\n"),
        ("etc/pdns/lab.zone", ZONE),
    ])
}

#[test]
fn lines_are_read_as_powerdns_reads_them() {
    let node = node(
        "# comment\n  local-address = 192.0.2.1, \\\n   192.0.2.2 # here\nlocal-port=5300\nserver-id=a#b\n",
    );
    let result = node.pdns();
    assert!(result.config.contains("listen = [\"192.0.2.1:5300\", \"192.0.2.2:5300\"]"), "{}", result.config);
    assert!(result.config.contains("nsid = \"a#b\""), "a # inside a word is no comment: {}", result.config);
}

#[test]
fn included_files_come_after_the_main_file_in_order_and_the_last_value_counts() {
    let node = node("include-dir=/etc/pdns/more\nlocal-address=192.0.2.1\ntcp-idle-timeout=7\n");
    node.write("etc/pdns/more/20.conf", "local-address+=192.0.2.3\n");
    node.write("etc/pdns/more/10.conf", "local-address=192.0.2.2\n");
    node.write("etc/pdns/more/.hidden.conf", "local-address=192.0.2.9\n");
    node.write("etc/pdns/more/notes.txt", "local-address=192.0.2.9\n");
    let result = node.pdns();
    assert!(result.config.contains("listen = [\"192.0.2.2:53\", \"192.0.2.3:53\"]"), "{}", result.config);
    assert!(result.config.contains("tcp-idle = \"7s\""), "{}", result.config);
    result.assert_fate(
        "local-address=192.0.2.1",
        "no effect here",
        "given again at /etc/pdns/more/10.conf:1",
    );
}

#[test]
fn settings_become_the_keys_that_mean_the_same() {
    let result = node(
        "server-id=node-1\nversion-string=anonymous\nmax-tcp-connections=50\nlua-health-checks-interval=3\n\
         webserver=yes\nwebserver-port=8082\nenable-lua-records\n",
    )
    .pdns();
    for line in [
        "nsid = \"node-1\"",
        "version = \"\"",
        "tcp-connections = 50",
        "[probe]\ninterval = \"3s\"",
        "[admin]\nlisten = \"127.0.0.1:8082\"",
    ] {
        assert!(result.config.contains(line), "no {line} in\n{}", result.config);
    }
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
}

#[test]
fn unknown_settings_are_named_with_what_was_meant() {
    let result = node("local-adress=192.0.2.1\ngmysql-host=db\nweird-thing=1\n").pdns();
    result.assert_fate("local-adress=192.0.2.1", "refused", "did you mean `local-address`?");
    result.assert_fate("gmysql-host=db", "refused", "of the backend gmysql");
    result.assert_fate("weird-thing=1", "refused", "not known");
    assert_eq!(result.status, Some(1), "something was refused");
}

#[test]
fn secrets_are_told_of_and_never_shown() {
    let result = node(
        "api=yes\napi-key=hunter2\nwebserver=yes\nwebserver-password=hunter2\ngmysql-password=hunter2\n",
    )
    .pdns();
    result.assert_fate("api-key=…", "changed", "over HTTP");
    result.assert_faults(&["/etc/pdns/pdns.conf:4: `api-key` is a secret that is not needed any more"]);
    for text in [&result.report, &result.faults, &result.config] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn open_doors_are_pointed_out() {
    let result = node(
        "allow-axfr-ips=127.0.0.1,0.0.0.0/0\nwebserver=yes\nwebserver-address=192.0.2.1\nwebserver-allow-from=0.0.0.0/0\n",
    )
    .pdns();
    result.assert_faults(&[
        "an open door: everybody may transfer the zones",
        "/etc/pdns/pdns.conf:3:26",
        "an open door: any client that reaches this address sees the status",
        "an open door: everybody may ask the web server",
    ]);
}

#[test]
fn a_web_server_that_some_may_not_ask_listens_on_loopback() {
    for allow in ["::/0", "0.0.0.0/0,!10.0.0.0/8", "192.0.2.0/24"] {
        let result =
            node(&format!("webserver=yes\nwebserver-address=192.0.2.1\nwebserver-allow-from={allow}\n"))
                .pdns();
        assert!(result.config.contains("listen = \"127.0.0.1:8081\""), "{allow}\n{}", result.config);
    }
}

#[test]
fn lua_records_that_powerdns_leaves_out_are_pointed_out() {
    let node = node("enable-lua-records=no\n");
    node.write("etc/pdns/lab.zone", &format!("{ZONE}api IN LUA A \"ifportup(6443, {{'127.0.1.13'}})\"\n"));
    let result = node.pdns();
    result.assert_fate("enable-lua-records=no", "changed", "as if the names were not there");
    result.assert_faults(&["this record was left out so far, and is answered now", "/etc/pdns/lab.zone:5:8"]);
}

#[test]
fn a_port_of_an_api_server_stays_a_port_and_what_it_does_not_see_is_told_once() {
    let node = node("enable-lua-records=yes\n");
    let lua = "api IN LUA A \"ifportup( 6443, {'127.0.1.13'})\"\napi-int IN LUA A \"ifportup(6443, {'127.0.1.14'})\"\n\
               ports IN LUA A \"ifportup(64430, {'127.0.1.13'})\"\nthird IN LUA A \"ifportup(6443, {'127.0.1.14'})\"\n";
    node.write("etc/pdns/lab.zone", &format!("{ZONE}{lua}"));
    let result = node.pdns();
    result.assert_faults(&[
        "an API server that ends accepts connections for up to 70 s more",
        "/etc/pdns/lab.zone:5:15",
        "write `api IN LUA A \"ifurlup('https://kubernetes:6443/readyz', {'127.0.1.13'})\"`",
        "write `api-int IN LUA A \"ifurlup('https://kubernetes:6443/readyz', {'127.0.1.14'})\"`",
        "records that test the port so besides these: 1",
    ]);
    assert_eq!(result.faults.matches("accepts connections").count(), 1, "{}", result.faults);
    // What is written is what was there.
    assert_eq!(node.read("new/edgedns/zones/lab.zone"), format!("{ZONE}{lua}"));
}

#[test]
fn a_no_that_powerdns_reads_as_yes_is_pointed_out() {
    let result = node("enable-lua-records=false\n").pdns();
    result.assert_fate("enable-lua-records=false", "honoured", "always read");
    result.assert_faults(&["`false` says yes to PowerDNS"]);
}

#[test]
fn other_backends_are_refused_with_what_to_do() {
    let node = node("");
    node.replace("etc/pdns/pdns.conf", "launch=bind", "launch=bind,gmysql");
    let result = node.pdns();
    result.assert_fate("launch=bind,gmysql", "refused", "gmysql: write its zones to files first");
    result.assert_faults(&["pdnsutil list-zone", "/etc/pdns/pdns.conf:1:13"]);
}

#[test]
fn bind_conf_is_read_with_comments_of_three_kinds_and_statements_that_do_not_matter() {
    let node = node("");
    node.write(
        "etc/pdns/bind.conf",
        "// one\n# two\n/* three\n */\nlogging { channel c { file \"x\"; }; };\n\
         zone lab.test IN { type Master; file lab.zone; notify no; };\n\
         options { directory \"/etc/pdns\"; recursion no; };\n\
         ZONE \"other.test.\" { type slave; masters port 53 { 192.0.2.9; }; file \"/x\"; };\n\
         zone \".\" { type hint; file \"/x\"; };\n",
    );
    let result = node.pdns();
    result.assert_fate("zone lab.test", "honoured", "edgedns/zones/lab.zone");
    result.assert_fate("directory /etc/pdns", "honoured", "looked for there");
    result.assert_fate("recursion no", "no effect here", "ignores it");
    result.assert_fate("zone other.test.", "honoured", "primary 192.0.2.9");
    result.assert_fate("zone .", "no effect here", "root servers");
    assert_eq!(result.config.matches("[[zone]]").count(), 2, "{}", result.config);
    assert!(result.config.contains("primary = [\"192.0.2.9\"]"), "{}", result.config);
}

#[test]
fn mistakes_in_bind_conf_are_drawn_and_what_pdns_conf_says_is_taken_over() {
    for (text, wanted) in [
        (
            "zone \"a.test\" { type master; file \"lab.zone\"; }\nzone \"b.test\" { type master; file \"lab.zone\"; };\n",
            ["`;` is missing", "/etc/pdns/bind.conf:1:48"],
        ),
        (
            "zone \"a.test\" { type master; file \"lab.zone\" };\n",
            ["`;` is missing", "/etc/pdns/bind.conf:1:45"],
        ),
        ("zone \"a.test\" {\n type master;\n", ["this `{` is never closed", "/etc/pdns/bind.conf:1:15"]),
        ("/* zone\n", ["this comment is never closed", "/etc/pdns/bind.conf:1:1"]),
        ("zone \"a.test { };\n", ["this quote is never closed", "/etc/pdns/bind.conf:1:6"]),
        ("};\n", ["`}` closes nothing", "/etc/pdns/bind.conf:1:1"]),
        ("include \"bind.conf\";\n", ["files included more than 10 deep", "/etc/pdns/bind.conf:1:9"]),
    ] {
        let node = node("server-id=node-1\n");
        node.write("etc/pdns/bind.conf", text);
        let result = node.pdns();
        assert_eq!(result.status, Some(1), "{text}");
        result.assert_lines(&["nsid = \"node-1\""]);
        result.assert_faults(&wanted);
        result.assert_fate("bind-config=/etc/pdns/bind.conf", "refused", "it has faults");
        assert!(
            result.last_line().contains("refused above: 1, at /etc/pdns/pdns.conf:2"),
            "{}",
            result.faults
        );
    }
}

#[test]
fn a_zone_given_twice_is_served_once_from_the_last_file() {
    let node = node("");
    node.write("etc/pdns/second/lab.zone", &ZONE.replace("SOA ns h 1", "SOA ns h 2"));
    let zones =
        "zone \"lab.test\" { file \"lab.zone\"; };\nzone \"LAB.test.\" { file \"second/lab.zone\"; };\n";
    node.write("etc/pdns/bind.conf", zones);
    let result = node.pdns();
    result.assert_fate("zone lab.test", "no effect here", "given again below");
    result.assert_faults(&["is given twice", "serial 2,"]);
    assert_eq!(result.status, Some(0), "{}", result.faults);
}

#[test]
fn zone_files_of_one_name_and_files_they_include_are_all_copied() {
    let node = node("");
    node.write("etc/pdns/a/db", &format!("{ZONE}$INCLUDE hosts/web ; shared\n$INCLUDE /elsewhere/x\n"));
    node.write("etc/pdns/b/db", ZONE);
    node.write("etc/pdns/a/hosts/web", "www IN A 192.0.2.2\n");
    let zones = "zone \"a.test\" { file \"a/db\"; };\nzone \"b.test\" { file \"b/db\"; };\n";
    node.write("etc/pdns/bind.conf", zones);
    let result = node.pdns();
    assert_eq!(node.read("new/edgedns/zones/hosts/web"), "www IN A 192.0.2.2\n");
    assert_eq!(node.read("new/edgedns/zones/db.2"), ZONE);
    assert!(result.config.contains("file = \"edgedns/zones/db.2\""), "{}", result.config);
    result.assert_faults(&["`/elsewhere/x` lies elsewhere and is not copied"]);
    result.assert_fate("zone a.test", "changed", "it includes /elsewhere/x, which is not copied");
    result.assert_fate("zone b.test", "honoured", "edgedns/zones/db.2");
}

#[test]
fn a_zone_without_its_file_leaves_the_others_imported() {
    let node = node("");
    let zones = "zone \"lab.test\" { file \"lab.zone\"; };\nzone \"gone.test\" { file \"gone.zone\"; };\nzone \"none.test\" { type master; };\n";
    node.write("etc/pdns/bind.conf", zones);
    let result = node.pdns();
    result.assert_fate("zone gone.test", "refused", "cannot be read");
    result.assert_fate("zone none.test", "refused", "it has no file");
    result.assert_fate("zone lab.test", "honoured", "edgedns/zones/lab.zone");
    result.assert_faults(&["/etc/pdns/bind.conf:2:25", "ok: 0 errors"]);
    assert_eq!(result.status, Some(1));
}

/// As the manual of PowerDNS writes them ("Authoritative Server Settings").
#[test]
fn servers_that_get_zones_are_taken_over() {
    let node = node(
        "primary=yes\nallow-axfr-ips=192.0.2.53, 2001:db8::/64\nalso-notify=192.0.2.53 198.51.100.1:5300\n",
    );
    let result = node.pdns();
    for line in [
        "allow-transfer = [\"192.0.2.53\", \"2001:db8::/64\"]",
        "notify = [\"192.0.2.53\", \"198.51.100.1:5300\"]",
    ] {
        assert!(result.config.contains(line), "no {line} in\n{}\n{}", result.config, result.report);
    }
    result.assert_fate("allow-axfr-ips=192.0.2.53, 2001:db8::/64", "honoured", "→ [[zone]] allow-transfer");
    result.assert_fate("also-notify=192.0.2.53 198.51.100.1:5300", "honoured", "→ [[zone]] notify");
}

#[test]
fn nobody_is_told_or_gets_a_zone_where_powerdns_did_neither() {
    let node = node("disable-axfr=yes\nallow-axfr-ips=192.0.2.53\nalso-notify=192.0.2.53\n");
    let result = node.pdns();
    assert!(
        !result.config.contains("allow-transfer") && !result.config.contains("notify"),
        "{}",
        result.config
    );
    result.assert_fate("allow-axfr-ips=192.0.2.53", "no effect here", "disable-axfr");
    result.assert_fate("also-notify=192.0.2.53", "no effect here", "without `primary`");
}
