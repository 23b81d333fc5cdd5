//! `bind-dnssec-db` of PowerDNS: a database whose newest keys may stand in a file beside it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use harness::node::{Imported, Node};
use harness::program::said;
use harness::tools::tool;

const ZONE: &str = "$TTL 10\n@ IN SOA ns h 1 3h 30m 2w 10\n@ IN NS ns\nns IN A 192.0.2.1\n";

/// The tables, as `pdnsutil create-bind-db` makes them.
const TABLES: &str = "\
create table domainmetadata (id integer primary key, domain varchar(255) collate nocase, kind varchar(32), content text);
create table cryptokeys (id integer primary key, domain varchar(255) collate nocase, flags int not null, active bool, published bool default 1, content text);
create table tsigkeys (id integer primary key, name varchar(255), algorithm varchar(50), secret varchar(255));
";

/// A secret of algorithm 13, and the tag of its key with the flags 257.
const SECRET: &str = "Private-key-format: v1.2\nAlgorithm: 13 (ECDSAP256SHA256)\nPrivateKey: xhnLgxpwpKyrnyoKjTzlSCIX9nDhVPdgkMFb7WYpXqs=\n";
const TAG: &str = "41429";

/// A key of TSIG that is called `k`.
const TSIG_KEY: &str =
    "insert into tsigkeys (name, algorithm, secret) values ('k', 'hmac-sha256', 'c2VjcmV0c2VjcmV0');\n";

/// A node with a database of these rows; none without the program.
fn node(rows: &str) -> Option<Node> {
    let copied = match rows.contains("copy.test") {
        true => "zone \"copy.test\" { type slave; masters { 192.0.2.9; }; };\n",
        false => "",
    };
    let node = Node::new(&[
        (
            "etc/pdns/pdns.conf",
            "launch=bind\nbind-config=/etc/pdns/bind.conf\nprimary=yes\nbind-dnssec-db=/etc/pdns/keys.db\n",
        ),
        (
            "etc/pdns/bind.conf",
            &format!("zone \"lab.test\" {{ type master; file \"lab.zone\"; }};\n{copied}"),
        ),
        ("etc/pdns/lab.zone", ZONE),
    ]);
    filled(&node.path("etc/pdns/keys.db"), &format!("{TABLES}{rows}"))?;
    Some(node)
}

/// Has the program of SQLite do something to a database, and leave what it has written beside it.
fn filled(database: &Path, statements: &str) -> Option<()> {
    let mut command = tool("sqlite3")?;
    command.args(["-batch", "-bail", "-init", "/dev/null"]).arg(database);
    command.args(["-cmd", ".dbconfig no_ckpt_on_close on", "-cmd", "pragma wal_autocheckpoint = 0"]);
    let output = command.arg(statements).output().expect("it runs");
    assert!(output.status.success(), "{}", said(&output));
    Some(())
}

/// Fails where the zone that PowerDNS copies is copied here, too.
fn assert_not_copied(result: &Imported) {
    let config = &result.config;
    assert!(!config.contains("copy.test") && !config.contains("192.0.2.9"), "{config}");
}

fn key(domain: &str, flags: u16, active: u8, published: u8, secret: &str) -> String {
    format!(
        "insert into cryptokeys (domain, flags, active, published, content) values ('{domain}', {flags}, {active}, {published}, '{secret}');\n"
    )
}

fn metadata(domain: &str, all: &[(&str, &str)]) -> String {
    let row = |(kind, content): &(&str, &str)| {
        format!(
            "insert into domainmetadata (domain, kind, content) values ('{domain}', '{kind}', '{content}');\n"
        )
    };
    all.iter().map(row).collect()
}

/// The names of the files in a folder of a node.
fn names(node: &Node, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(node.path(folder)).into_iter().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

#[test]
fn keys_become_files_for_their_owner_and_the_zone_is_signed_with_them() {
    let Some(node) = node(&key("LAB.test", 257, 1, 1, SECRET)) else { return };
    let result = node.pdns();
    result.assert_fate("keys of lab.test.", "honoured", "→ [zone.dnssec], 1 in edgedns/dnssec");
    result.assert_lines(&["[zone.dnssec]", "keys = \"edgedns/dnssec\""]);
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
    let stem = format!("Klab.test.+013+{TAG}");
    assert_eq!(names(&node, "new/edgedns/dnssec"), [format!("{stem}.key"), format!("{stem}.private")]);
    let secret = node.path(&format!("new/edgedns/dnssec/{stem}.private"));
    assert_eq!(fs::metadata(secret).expect("a file").permissions().mode() & 0o777, 0o600);
    for text in [&result.report, &result.faults, &result.config] {
        assert!(!text.contains("xhnLgxpw"), "{text}");
    }
}

#[test]
fn what_stands_beside_the_database_is_read_and_all_of_it_stays_as_it_is() {
    let Some(node) = node("pragma journal_mode = wal;\n") else { return };
    filled(&node.path("etc/pdns/keys.db"), &key("lab.test", 257, 1, 1, SECRET));
    let before = names(&node, "etc/pdns");
    let bytes =
        || ["keys.db", "keys.db-wal"].map(|name| fs::read(node.path("etc/pdns").join(name)).expect("a file"));
    let (database, beside) = (bytes()[0].clone(), bytes()[1].clone());
    assert!(!String::from_utf8_lossy(&database).contains("xhnLgxpw"), "it is not in the database yet");
    node.pdns().assert_fate("keys of lab.test.", "honoured", "→ [zone.dnssec]");
    assert_eq!((names(&node, "etc/pdns"), bytes()), (before, [database, beside]));
}

#[test]
fn what_is_said_of_single_zones_is_taken_over_or_reported() {
    let rows = key("lab.test", 257, 1, 1, SECRET)
        + &metadata(
            "lab.test",
            &[
                ("NSEC3PARAM", "1 1 10 ab"),
                ("NSEC3NARROW", "1"),
                ("PUBLISH-CDS", "2"),
                ("PUBLISH-CDS", "2,4"),
                ("ALLOW-AXFR-FROM", "192.0.2.0/24"),
                ("ALLOW-AXFR-FROM", "!192.0.2.0/25"),
                ("ALLOW-AXFR-FROM", "AUTO-NS"),
                ("TSIG-ALLOW-AXFR", "k"),
                ("TSIG-ALLOW-AXFR", "gone"),
                ("ALSO-NOTIFY", "192.0.2.7:5300"),
                ("SOA-EDIT", "EPOCH"),
                ("TSIG-ALLOW-DNSUPDATE", "k"),
            ],
        )
        + &metadata("copy.test", &[("AXFR-MASTER-TSIG", "k"), ("PRESIGNED", "1")])
        + &metadata("gone.test", &[("SOA-EDIT", "EPOCH")])
        + TSIG_KEY;
    let Some(node) = node(&rows) else { return };
    let result = node.pdns();
    result.assert_lines(&[
        "denial = \"nsec3-opt-out\"",
        "allow-transfer = [\"192.0.2.128/25\", \"key:k\"]",
        "notify = [\"192.0.2.7:5300\"]",
        "primary = [\"192.0.2.9 key:k\"]",
        "secret = \"c2VjcmV0c2VjcmV0\"",
    ]);
    for (setting, kind, text) in [
        ("lab.test. NSEC3PARAM 1 1 10 ab", "changed", "without a salt"),
        ("lab.test. NSEC3NARROW 1", "changed", "hashes of names"),
        ("lab.test. PUBLISH-CDS 2", "honoured", "CDS"),
        ("lab.test. PUBLISH-CDS 2,4", "changed", "SHA-256"),
        ("lab.test. ALLOW-AXFR-FROM AUTO-NS", "changed", "not looked up"),
        ("lab.test. TSIG-ALLOW-AXFR k", "honoured", "[[key]]"),
        ("lab.test. TSIG-ALLOW-AXFR gone", "refused", "not in the database"),
        ("lab.test. ALSO-NOTIFY 192.0.2.7:5300", "honoured", "notify"),
        ("lab.test. SOA-EDIT EPOCH", "changed", "serial"),
        ("lab.test. TSIG-ALLOW-DNSUPDATE k", "changed", "[[zone.update]]"),
        ("copy.test. AXFR-MASTER-TSIG k", "honoured", "primary"),
        ("copy.test. PRESIGNED 1", "honoured", "signatures of its source"),
        ("keys and metadata of gone.test.", "no effect here", "no zone of this name"),
    ] {
        result.assert_fate(setting, kind, text);
    }
    let private = node.read(&format!("new/edgedns/dnssec/Klab.test.+013+{TAG}.private"));
    assert!(private.contains("SyncPublish: 1970"), "{private}");
    assert_eq!(result.status, Some(1), "{}", result.report);
}

#[test]
fn keys_that_do_not_sign_are_in_the_zone_alone_or_left_out() {
    let other = SECRET.replace("xhnL", "xhnM");
    let unpublished = SECRET.replace("xhnL", "xhnN");
    let rows = [(257, 1, 1, SECRET), (256, 0, 1, &other), (257, 0, 0, &unpublished)]
        .map(|(flags, active, published, secret)| key("lab.test", flags, active, published, secret));
    let Some(node) = node(&rows.concat()) else { return };
    let result = node.pdns();
    result.assert_fate("keys of lab.test.", "honoured", "2 in edgedns/dnssec");
    let texts: Vec<String> = names(&node, "new/edgedns/dnssec")
        .iter()
        .filter(|name| name.ends_with(".private"))
        .map(|name| node.read(&format!("new/edgedns/dnssec/{name}")))
        .collect();
    let silent: Vec<&String> = texts.iter().filter(|text| text.contains("xhnM")).collect();
    assert!(
        matches!(silent.as_slice(), [text] if text.contains("Publish:") && !text.contains("Activate:")),
        "{texts:?}"
    );
    assert_eq!((texts.len(), result.status), (2, Some(0)), "{}\n{}", result.report, result.faults);
}

#[test]
fn a_zone_is_signed_with_all_keys_that_sign_it_or_not_at_all() {
    let rsa = "Private-key-format: v1.2\nAlgorithm: 8 (RSASHA256)\nModulus: AQAB\n";
    for (rows, kind, text) in [
        (key("lab.test", 257, 1, 1, SECRET) + &key("lab.test", 256, 1, 1, rsa), "refused", "roll it to 13"),
        (key("lab.test", 257, 1, 1, "x"), "refused", "served unsigned"),
        (key("lab.test", 257, 0, 1, SECRET), "no effect here", "none of them is active"),
        (
            key("lab.test", 257, 1, 1, SECRET) + &metadata("lab.test", &[("PRESIGNED", "1")]),
            "no effect here",
            "PRESIGNED",
        ),
    ] {
        let Some(node) = node(&rows) else { return };
        let result = node.pdns();
        result.assert_fate("keys of lab.test.", kind, text);
        assert!(
            !result.config.contains("[zone.dnssec]") && names(&node, "new/edgedns/dnssec").is_empty(),
            "{rows}"
        );
        assert_eq!(result.status, Some(i32::from(kind == "refused")), "{}", result.report);
    }
}

#[test]
fn primaries_that_are_asked_with_a_key_are_not_asked_without_it() {
    let Some(node) = node(&metadata("copy.test", &[("AXFR-MASTER-TSIG", "gone")])) else { return };
    let result = node.pdns();
    result.assert_fate("copy.test. AXFR-MASTER-TSIG gone", "refused", "the zone is not served");
    assert_not_copied(&result);
    assert_eq!(result.status, Some(1));
}

#[test]
fn a_zone_that_is_not_served_leaves_no_keys_behind() {
    let rows = key("copy.test", 257, 1, 1, SECRET)
        + &metadata("copy.test", &[("AXFR-MASTER-TSIG", "gone"), ("TSIG-ALLOW-AXFR", "k")])
        + TSIG_KEY;
    let Some(node) = node(&rows) else { return };
    let result = node.pdns();
    result.assert_fate("keys of copy.test.", "no effect here", "the zone is not served");
    result.assert_fate("copy.test. TSIG-ALLOW-AXFR k", "no effect here", "the zone is not served");
    assert!(names(&node, "new/edgedns/dnssec").is_empty() && !result.config.contains("[[key]]"));
}

#[test]
fn primaries_are_asked_with_the_first_key_that_is_named_as_by_powerdns() {
    let rows = metadata("copy.test", &[("AXFR-MASTER-TSIG", "K."), ("AXFR-MASTER-TSIG", "other")])
        + TSIG_KEY
        + TSIG_KEY;
    let Some(node) = node(&rows) else { return };
    let result = node.pdns();
    result.assert_lines(&["primary = [\"192.0.2.9 key:k\"]"]);
    result.assert_fate("copy.test. AXFR-MASTER-TSIG K.", "honoured", "primary");
    result.assert_fate("copy.test. AXFR-MASTER-TSIG other", "no effect here", "the first");
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
}

#[test]
fn copied_zones_are_not_asked_for_where_their_keys_cannot_be_read() {
    let Some(node) = node(&metadata("copy.test", &[("AXFR-MASTER-TSIG", "k")])) else { return };
    node.write("etc/pdns/keys.db", "no database");
    let result = node.pdns();
    result.assert_fate("primaries of copy.test.", "refused", "not asked without it");
    assert_not_copied(&result);
    result.assert_lines(&["name = \"lab.test\""]);
    assert_eq!(result.status, Some(1));
}

#[test]
fn a_key_that_is_stored_twice_is_one() {
    let rows = key("lab.test", 257, 0, 1, SECRET) + &key("lab.test", 257, 1, 0, SECRET);
    let Some(node) = node(&rows) else { return };
    let result = node.pdns();
    result.assert_fate("keys of lab.test.", "honoured", "1 in edgedns/dnssec");
    assert_eq!(names(&node, "new/edgedns/dnssec").len(), 2);
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
}

#[test]
fn keys_that_cannot_sign_here_are_not_said_to() {
    // Signatures without a key in the zone.
    let Some(unpublished) = node(&key("lab.test", 257, 1, 0, SECRET)) else { return };
    let result = unpublished.pdns();
    result.assert_fate("keys of lab.test.", "refused", "there is no key that signs now");
    assert!(!result.config.contains("[zone.dnssec]") && names(&unpublished, "new/edgedns/dnssec").is_empty());
    // A key in the zone whose algorithm nothing signs with.
    let other = SECRET.replace("13 (ECDSAP256SHA256)", "15 (ED25519)");
    let rows = key("lab.test", 257, 1, 1, SECRET) + &key("lab.test", 257, 0, 1, &other);
    let Some(node) = node(&rows) else { return };
    let result = node.pdns();
    result.assert_fate("keys of lab.test.", "changed", "no key of its algorithm, ED25519, signs");
    assert_eq!(names(&node, "new/edgedns/dnssec").len(), 2);
}

#[test]
fn a_key_that_is_not_in_the_zone_does_not_sign_beside_one_that_is() {
    let hidden = SECRET.replace("PrivateKey: x", "PrivateKey: y");
    let rows = key("lab.test", 257, 1, 1, SECRET) + &key("lab.test", 256, 1, 0, &hidden);
    let Some(node) = node(&rows) else { return };
    let result = node.pdns();
    result.assert_fate(
        "keys of lab.test.",
        "changed",
        "it is not in the zone, and another key of ECDSAP256SHA256 is",
    );
    assert_eq!(names(&node, "new/edgedns/dnssec").len(), 2);
}

#[test]
fn whom_a_list_has_no_room_for_is_told() {
    let servers: Vec<String> = (1..=65).map(|last| format!("192.0.2.{last}")).collect();
    let all: Vec<(&str, &str)> = servers.iter().map(|server| ("ALSO-NOTIFY", server.as_str())).collect();
    let Some(node) = node(&metadata("lab.test", &all)) else { return };
    let result = node.pdns();
    result.assert_fate("lab.test. ALSO-NOTIFY 192.0.2.64", "honoured", "notify");
    result.assert_fate("lab.test. ALSO-NOTIFY 192.0.2.65", "refused", "a list has 64 at most");
    assert!(!result.config.contains("192.0.2.65"), "{}", result.config);
    node.replace(
        "etc/pdns/pdns.conf",
        "primary=yes",
        &format!("primary=yes\nalso-notify={}", servers.join(",")),
    );
    let result = node.import_pdns(&node.path("again"), &[]);
    assert!(result.report.contains("notify without 192.0.2.65"), "{}", result.report);
    assert!(!result.config.contains("192.0.2.65"), "{}", result.config);
}

#[test]
fn a_row_that_is_not_understood_is_told_with_its_table_and_id() {
    let rows = key("lab.test", 257, 1, 1, SECRET) + &key("lab..test", 257, 1, 1, SECRET);
    let Some(node) = node(&rows) else { return };
    let result = node.pdns();
    result.assert_faults(&["table cryptokeys, row with the id 2: its domain is not a name", "mend that row"]);
    assert!(!result.faults.contains("sqlite3 says"), "{}", result.faults);
}

#[test]
fn a_database_that_cannot_be_read_is_refused_with_what_to_do() {
    let read = |result: &Imported| result.report.contains("keys of lab.test.");
    let Some(node) = node(&key("lab.test", 257, 1, 1, SECRET)) else { return };
    let mut command = harness::program::command();
    command
        .args(["import", "pdns", "--from"])
        .arg(node.path("etc/pdns"))
        .arg("--into")
        .arg(node.path("without"));
    let output = command.env("PATH", node.path("etc")).output().expect("it runs");
    let text = said(&output);
    assert!(
        text.contains("`sqlite3` is not installed") && text.contains("install the package sqlite3"),
        "{text}"
    );
    assert_eq!(output.status.code(), Some(1));
    node.write("etc/pdns/keys.db", "no database");
    let result = node.pdns();
    result.assert_faults(&["keys.db is not read: sqlite3 says", "/etc/pdns/pdns.conf:4:16"]);
    result.assert_fate("bind-dnssec-db=/etc/pdns/keys.db", "refused", "export-zone-key");
    assert!(!read(&result), "{}", result.report);
    // A view might do anything.
    fs::remove_file(node.path("etc/pdns/keys.db")).expect("a file");
    let view = "create table x (domain, flags, active, published, content, id);\ncreate view cryptokeys as select * from x;\n";
    filled(&node.path("etc/pdns/keys.db"), view);
    let result = node.import_pdns(&node.path("view"), &[]);
    result.assert_fate("bind-dnssec-db=/etc/pdns/keys.db", "honoured", "neither keys nor metadata");
}
