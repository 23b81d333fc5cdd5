//! How the most likely faults look on a terminal, to the letter.

use super::{ZONE, read};

#[test]
fn a_misspelt_key() {
    let expected = "\
error: unknown key `intervall` in `[probe]`
 --> edgedns.toml:2:1
  |
2 | intervall = \"1s\"
  | ^^^^^^^^^
  |
  = help: did you mean `interval`?";
    assert_eq!(read(format!("[probe]\nintervall = \"1s\"\n{ZONE}")).drawing(), expected);
}

#[test]
fn an_unknown_table() {
    let expected = "\
error: unknown table `probes`
 --> edgedns.toml:1:2
  |
1 | [probes]
  |  ^^^^^^
  |
  = help: did you mean `[probe]`?";
    assert_eq!(read(format!("[probes]\ninterval = \"1s\"\n{ZONE}")).drawing(), expected);
}

#[test]
fn a_wrong_type() {
    let expected = "\
error: `workers` takes a whole number, not a text
 --> edgedns.toml:2:11
  |
2 | workers = \"2\"
  |           ^^^
  |
  = help: write `2`";
    assert_eq!(read(format!("[server]\nworkers = \"2\"\n{ZONE}")).drawing(), expected);
}

#[test]
fn a_duration_without_unit() {
    let expected = "\
error: `interval` takes a duration with its unit, not a whole number
 --> edgedns.toml:7:12
  |
7 | interval = 5
  |            ^
  |
  = help: write \"5s\"";
    assert_eq!(read(format!("{ZONE}interval = 5\n")).drawing(), expected);
}

#[test]
fn a_retry_longer_than_the_interval() {
    let outcome = read(format!("[probe]\ninterval = \"100ms\"\nretry = \"200ms\"\n{ZONE}"));
    let expected = "edgedns.toml:3:9: `retry` is longer than the interval, which is 100ms";
    assert_eq!(outcome.sentence(), expected);
    let drawn = outcome.drawing();
    assert!(drawn.contains("2 | interval = \"100ms\"\n  |            ------- the interval"), "{drawn}");
    assert!(drawn.contains("3 | retry = \"200ms\"\n  |         ^^^^^^^"), "{drawn}");
}

#[test]
fn an_address_without_port() {
    let expected = "\
error: `127.0.0.1` has no port
 --> edgedns.toml:2:11
  |
2 | listen = [\"127.0.0.1\"]
  |           ^^^^^^^^^^^
  |
  = help: write \"127.0.0.1:53\"";
    assert_eq!(read(format!("[server]\nlisten = [\"127.0.0.1\"]\n{ZONE}")).drawing(), expected);
}

#[test]
fn a_zone_without_file() {
    let expected = "\
error: `[[zone]]` lacks `file`
 --> edgedns.toml:1:1
  |
1 | [[zone]]
  | ^^^^^^^^
  |
  = help: `file` is its zone file; relative to the folder of the config file; none with `primary`, and not needed with `reverse-of`";
    assert_eq!(read("[[zone]]\nname = \"lab.example\"\n").drawing(), expected);
}

#[test]
fn an_owner_outside_of_its_zone() {
    let expected = "\
error: `api.example.org.` lies outside of the zone `lab.example.`
 --> edgedns.toml:5:17
  |
5 | names = [\"api\", \"api.example.org.\"]
  |                 ^^^^^^^^^^^^^^^^^^
  |
  = help: a name without a final dot is relative to the zone";
    let text = ZONE.replace("[\"api\"]", "[\"api\", \"api.example.org.\"]");
    assert_eq!(read(text).drawing(), expected);
}

#[test]
fn a_syntax_error() {
    let expected = "\
error: unclosed table, expected `]`
 --> edgedns.toml:1:8
  |
1 | [server
  |        ^
  |
  = note: nothing else in this file was looked at";
    assert_eq!(read("[server\nworkerz = 1\n").drawing(), expected);
}

#[test]
fn a_text_without_quotes() {
    let expected = "\
error: `5s` lacks its quotes
 --> edgedns.toml:7:12
  |
7 | interval = 5s
  |            ^^
  |
  = help: write `\"5s\"`";
    assert_eq!(read(format!("{ZONE}interval = 5s\n")).drawing(), expected);
}

#[test]
fn a_key_given_twice() {
    let outcome = read(format!("{ZONE}tcp = 22623\n"));
    assert_eq!(outcome.sentence(), "edgedns.toml:7:1: `tcp` is given twice");
    let drawn = outcome.drawing();
    assert!(drawn.contains("6 | tcp = 6443\n  | --- first given here"), "{drawn}");
    assert!(drawn.contains("7 | tcp = 22623\n  | ^^^"), "{drawn}");
}
