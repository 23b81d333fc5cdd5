//! Which zones load, beside `named-checkzone`, `kzonecheck` and `nsd-checkzone`, over records in pairs.
//!
//! edgedns loads what all three load and refuses what all three refuse. Where they disagree, a list gives its
//! choice and the reason.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use harness::tools::{is_installed, tool};

/// Programs that read a zone file, and their arguments before apex and file.
const PEERS: [(&str, &[&str]); 3] =
    [("named-checkzone", &[]), ("kzonecheck", &["-o"]), ("nsd-checkzone", &[])];

/// What every zone begins with.
const HEAD: &str = "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.53\nb A 192.0.2.2\nc A 192.0.2.3\n";

/// Records that are put into zones, alone and each beside each other one and itself.
const RECORDS: [&str; 22] = [
    "a CNAME b",
    "a CNAME B",
    "a CNAME c",
    "a A 192.0.2.1",
    "a MX 5 b",
    "a MX 5 B",
    "a DNAME x.test.",
    "a DNAME X.test.",
    "a DNAME y.test.",
    "d.a A 192.0.2.1",
    "d.a CNAME b",
    "d.a NS x.test.",
    "*.a A 192.0.2.1",
    "a NS x.test.",
    "a NS X.test.",
    "a DS 1 8 2 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    "a TXT \"\"",
    "a TYPE65280 \\# 0",
    "@ SOA ns h 1 2 3 4 5",
    "@ CNAME x.test.",
    "@ DNAME x.test.",
    "@ MX 0 .",
];

/// What becomes of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Loaded,
    Refused,
}

/// What the peers do not agree on, in a name, the record, what edgedns does, and why.
const CONTESTED: [(&str, &str, Fate, &str); 8] = [
    (
        "a record of another zone",
        "www.other.test. A 192.0.2.1",
        Fate::Refused,
        "NSD and PowerDNS refuse it, BIND and Knot leave it out: a name that is gone with nobody noticing",
    ),
    (
        "a record below a DNAME",
        "a DNAME x.test.\nd.a A 192.0.2.1",
        Fate::Refused,
        "RFC 6672, section 2.4; NSD and Knot refuse it, BIND never answers it",
    ),
    (
        "a TTL of more than 31 bits",
        "a 2147483648 A 192.0.2.1",
        Fate::Refused,
        "RFC 2181, section 8; BIND takes 0 for it, the others something else",
    ),
    (
        "a SOA record again, in other case",
        "@ SOA NS H 1 2 3 4 5",
        Fate::Loaded,
        "RFC 4343; so do BIND and Knot",
    ),
    (
        "another SOA record",
        "@ SOA ns h 2 2 3 4 5",
        Fate::Refused,
        "RFC 1035, section 5.2; Knot takes one of both",
    ),
    (
        "a SOA record below the apex",
        "a SOA ns h 2 2 3 4 5",
        Fate::Refused,
        "RFC 1035, section 5.2; Knot loads it",
    ),
    (
        "NS records of a wildcard",
        "*.a NS x.test.",
        Fate::Loaded,
        "RFC 4592, section 4.2: with a warning; BIND refuses",
    ),
    (
        "an alias as name server",
        "@ NS a\na CNAME b",
        Fate::Loaded,
        "RFC 2181, section 10.3: with a warning, as NSD",
    ),
];

#[test]
fn what_all_others_load_is_loaded_and_what_all_refuse_is_refused() {
    if !peers_are_installed() {
        return;
    }
    let mut texts: Vec<String> = RECORDS.iter().map(|record| format!("{record}\n")).collect();
    for (place, one) in RECORDS.iter().enumerate() {
        texts.extend(RECORDS.iter().skip(place).map(|other| format!("{one}\n{other}\n")));
    }
    let folder = tempfile::tempdir().expect("a scratch folder");
    let ours = ours(folder.path(), &texts);
    let mut met: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (number, (text, ours)) in texts.iter().zip(ours).enumerate() {
        let theirs = PEERS.map(|peer| fate(folder.path(), number, peer));
        *met.entry(format!("{theirs:?}, edgedns {ours:?}")).or_default() += 1;
        if theirs.iter().all(|fate| *fate != ours) {
            wrong.push(format!("edgedns: {ours:?}, the others: {:?}\n{text}", theirs[0]));
        }
    }
    println!("{met:#?}");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), texts.len(), wrong.join("\n"));
}

#[test]
fn what_others_do_not_agree_on_is_decided() {
    let texts: Vec<String> = CONTESTED.iter().map(|(_, record, ..)| format!("{record}\n")).collect();
    let folder = tempfile::tempdir().expect("a scratch folder");
    for ((name, _, fate, reason), ours) in CONTESTED.iter().zip(ours(folder.path(), &texts)) {
        assert_eq!(ours, *fate, "{name}: {reason}");
    }
}

fn apex(number: usize) -> String {
    format!("z{number}.example")
}

/// What edgedns makes of zones, read in one run; their files stay in the folder.
fn ours(folder: &Path, texts: &[String]) -> Vec<Fate> {
    let mut config = "[server]\nlisten = [\"127.0.0.1:5300\"]\n".to_owned();
    for (number, text) in texts.iter().enumerate() {
        fs::write(folder.join(format!("{number}.zone")), format!("{HEAD}{text}")).expect("a scratch file");
        config += &format!("[[zone]]\nname = \"{}\"\nfile = \"{number}.zone\"\n", apex(number));
    }
    fs::write(folder.join("edgedns.toml"), config).expect("a scratch file");
    let mut command = harness::program::command();
    let output =
        command.arg("check").arg("--config").arg(folder.join("edgedns.toml")).output().expect("edgedns runs");
    let said = String::from_utf8_lossy(&output.stderr);
    let fate = |number: usize| {
        let said_of = |what: &str| said.contains(&format!("zone {}.: {what}", apex(number)));
        match (said_of("serial "), said_of("cannot be served")) {
            (true, false) => Fate::Loaded,
            (false, true) => Fate::Refused,
            _ => panic!("nothing is said of {}:\n{said}", apex(number)),
        }
    };
    (0..texts.len()).map(fate).collect()
}

/// What another program makes of a zone.
fn fate(folder: &Path, number: usize, (program, arguments): (&str, &[&str])) -> Fate {
    let mut command = tool(program).expect("the program was there");
    command.args(arguments).arg(apex(number)).arg(folder.join(format!("{number}.zone")));
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    if status.unwrap_or_else(|error| panic!("{program}: {error}")).success() {
        Fate::Loaded
    } else {
        Fate::Refused
    }
}

fn peers_are_installed() -> bool {
    PEERS.iter().all(|(program, _)| is_installed(program))
}
