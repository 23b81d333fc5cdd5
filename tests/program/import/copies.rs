//! A copy of a node's folders is complete in itself: its own files come before those of the machine that
//! imports it.
//!
//! Tries each setting that names a file, and the warnings about files that lie elsewhere.

use std::os::unix::fs::symlink;

use harness::node::Node;

/// A zone that says where its file lay.
fn zone(from: &str) -> String {
    format!(
        "$TTL 10\n@ IN SOA ns h 1 3h 30m 2w 10\n@ IN NS ns\nns IN A 192.0.2.1\nfrom-{from} IN A 192.0.2.2\n"
    )
}

/// A node with a machine's own files below `host`, of which every path below `copy` is a copy that says so.
/// `HOST` in a text is the path of the original folder.
fn copied(files: &[(&str, &str)]) -> Node {
    let node = Node::new(&[]);
    let original = node.path("host").display().to_string();
    for (path, text) in files {
        for side in ["host", "copy"] {
            let text = if path.ends_with("zone") { zone(side) } else { (*text).replace("SIDE", side) };
            node.write(&format!("{side}/{path}"), &text.replace("HOST", &original));
        }
    }
    node
}

/// Fails unless the zone was taken from the copy, and nothing was read elsewhere.
fn assert_copied(node: &Node, result: &harness::node::Imported, file: &str) {
    let text = node.read(&format!("new/edgedns/zones/{file}"));
    assert!(text.contains("from-copy"), "{text}\n{}\n{}", result.report, result.faults);
    assert!(!result.faults.contains("from this machine"), "{}", result.faults);
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
}

#[test]
fn files_of_a_copy_come_before_those_of_the_machine_that_imports_it() {
    let node = copied(&[
        ("pdns/pdns.conf", "launch=bind\nbind-config=HOST/pdns/named.conf\ninclude-dir=HOST/pdns/pdns.d\n"),
        ("pdns/pdns.d/more.conf", "server-id=SIDE\n"),
        ("pdns/named.conf", "zone \"SIDE.test\" { type master; file \"HOST/pdns/zones/z.zone\"; };\n"),
        ("pdns/zones/z.zone", ""),
    ]);
    let result = node.import_of("pdns", "copy/pdns", None);
    result.assert_lines(&["name = \"copy.test\"", "nsid = \"copy\""]);
    assert_copied(&node, &result, "z.zone");
}

#[test]
fn the_folder_of_zone_files_is_found_in_a_copy_by_the_end_of_its_path() {
    let node = copied(&[
        (
            "named.conf",
            "options { directory \"HOST/var/named\"; recursion no; allow-transfer { none; }; };\n\
             include \"HOST/etc/more.conf\";\n",
        ),
        ("etc/more.conf", "zone \"SIDE.test\" { type master; file \"z.zone\"; };\n"),
        ("var/named/z.zone", ""),
    ]);
    let result = node.import_of("named", "copy/named.conf", None);
    result.assert_lines(&["name = \"copy.test\""]);
    assert_copied(&node, &result, "z.zone");
}

#[test]
fn files_that_the_recursor_names_are_found_in_its_copy_or_beside_that_of_powerdns() {
    let node = copied(&[
        ("pdns/pdns.conf", "launch=bind\nbind-config=HOST/pdns/bind.conf\nlocal-port=5300\n"),
        ("pdns/bind.conf", ""),
        ("pdns/shared/z.zone", ""),
        (
            "recursor/recursor.conf",
            "forward-zones-file=HOST/recursor/lists/forward.txt\nallow-from-file=HOST/recursor/lists/nets.txt\n\
             auth-zones=auth.test=HOST/pdns/shared/z.zone\n",
        ),
        ("recursor/lists/forward.txt", "+.=203.0.113.53 # SIDE\n"),
        ("recursor/lists/nets.txt", "192.0.2.0/24\n"),
    ]);
    node.write("host/recursor/lists/forward.txt", "+.=203.0.113.99\n");
    let result = node.import_of("pdns", "copy/pdns", Some("copy/recursor"));
    result.assert_lines(&["upstream = [\"203.0.113.53\"]", "allow = [\"192.0.2.0/24\"]"]);
    assert_copied(&node, &result, "z.zone");
}

#[test]
fn a_copy_lacks_the_folder_and_has_its_files() {
    let node = copied(&[
        ("pdns.conf", "launch=bind\nbind-config=HOST/etc/pdns/bind.conf\n"),
        (
            "bind.conf",
            "options { directory \"HOST/etc/pdns/zones\"; };\nzone \"a.test\" { file \"z.zone\"; };\n",
        ),
        ("z.zone", ""),
    ]);
    let result = node.import_of("pdns", "copy", None);
    assert_copied(&node, &result, "z.zone");
}

#[test]
fn what_is_read_from_outside_of_a_copy_is_warned_of_once() {
    let node = copied(&[
        ("pdns/pdns.conf", "launch=bind\nbind-config=HOST/pdns/bind.conf\n"),
        (
            "pdns/bind.conf",
            "zone \"a.test\" { file \"HOST/pdns/z.zone\"; };\nzone \"b.test\" { file \"HOST/pdns/z.zone\"; };\n",
        ),
        ("pdns/z.zone", ""),
    ]);
    std::fs::remove_file(node.path("copy/pdns/z.zone")).expect("a scratch file");
    let result = node.import_of("pdns", "copy/pdns", None);
    assert_eq!(
        result.faults.matches("is read from this machine, outside of what was named").count(),
        1,
        "{}",
        result.faults
    );
    result.assert_faults(&["/host/pdns/z.zone is read from this machine", "/copy/pdns/bind.conf:1:22"]);
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
}

#[test]
fn a_link_that_leads_out_of_a_copy_is_warned_of() {
    let node = copied(&[
        ("pdns/pdns.conf", "launch=bind\nbind-config=HOST/pdns/bind.conf\n"),
        ("pdns/bind.conf", "zone \"a.test\" { file \"HOST/pdns/z.zone\"; };\n"),
        ("pdns/z.zone", ""),
    ]);
    std::fs::remove_file(node.path("copy/pdns/z.zone")).expect("a scratch file");
    symlink(node.path("host/pdns/z.zone"), node.path("copy/pdns/z.zone")).expect("a link");
    let result = node.import_of("pdns", "copy/pdns", None);
    result.assert_faults(&["/copy/pdns/z.zone is read from this machine"]);
}

#[test]
fn a_zone_file_that_is_nowhere_is_told_with_its_own_path_and_where_to_copy_it() {
    let node = Node::new(&[
        ("copy/pdns.conf", "launch=bind\nbind-config=/etc/pdns/bind.conf\n"),
        (
            "copy/bind.conf",
            "options { directory \"/nowhere/zones\"; };\nzone \"a.test\" { file \"z.zone\"; };\n",
        ),
    ]);
    let result = node.import_of("pdns", "copy", None);
    result.assert_fate("zone a.test", "refused", "/nowhere/zones/z.zone cannot be read: copy it");
    result.assert_faults(&["copy it beside the file that names it, or to the end of its path below /copy"]);
    assert_eq!(result.status, Some(1));
}

#[test]
fn a_folder_of_settings_that_is_missing_leaves_loopback_listened_on() {
    let node = Node::new(&[
        (
            "copy/pdns.conf",
            "launch=bind\nbind-config=bind.conf\ninclude-dir=/nowhere/pdns.d\nserver-id=node-1\n",
        ),
        ("copy/bind.conf", "zone \"a.test\" { file \"z.zone\"; };\n"),
        ("copy/z.zone", &zone("copy")),
    ]);
    let result = node.import_of("pdns", "copy", None);
    result.assert_lines(&[
        "listen = [\"127.0.0.1:53\", \"[::1]:53\"]",
        "nsid = \"node-1\"",
        "name = \"a.test\"",
    ]);
    result.assert_fate("include-dir=/nowhere/pdns.d", "refused", "copy it beside");
    assert_eq!(result.status, Some(1));
}
