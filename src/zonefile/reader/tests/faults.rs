//! What an operator sees of each kind of fault, and that one does not hide another.

use super::*;

/// The only thing that is found in a text, drawn.
fn drawn(text: &str) -> String {
    let outcome = read(text);
    assert_eq!(outcome.found.iter().count(), 1, "{}", outcome.drawn());
    outcome.drawn()
}

/// What is found in a text, in sentences.
fn said(text: &str) -> Vec<String> {
    read(text).said()
}

#[test]
fn both_second_types_of_a_zone_of_the_field_are_found_in_one_run() {
    let outcome = read(include_str!("../../testdata/two-types.zone"));
    assert_eq!(outcome.records.len(), 2);
    assert_eq!(
        outcome.drawn(),
        "\
error: `A` here is a second type
  --> lab.zone:11:23
   |
11 | quay            IN    A    LUA    A    \"ifportup(8443, {'127.0.1.13', '127.0.1.14', '127.0.1.15'})\"
   |                       ^
   |
   = help: did you mean `IN LUA A \"…\"`?
   = note: PowerDNS loads such a record without a word and answers SERVFAIL
error: `A` here is a second type
  --> lab.zone:12:23
   |
12 | quaylab         IN    A    LUA    A    \"ifportup(8443, {'127.0.1.13', '127.0.1.14', '127.0.1.15'})\"
   |                       ^
   |
   = help: did you mean `IN LUA A \"…\"`?
   = note: PowerDNS loads such a record without a word and answers SERVFAIL"
    );
}

#[test]
fn a_parenthesis_that_is_never_closed_is_pointed_at() {
    let outcome = read("@ SOA ns h ( 1 ; serial\n   2 3 4 5\n   NS ns1\nwww A 192.0.2.1\nftp AA 192.0.2.1\n");
    assert_eq!(
        outcome.records,
        ["example.org. 3600 NS ns1.example.org.", "www.example.org. 3600 A 192.0.2.1"]
    );
    assert_eq!(
        outcome.drawn(),
        "\
error: this parenthesis is never closed
 --> lab.zone:1:12
  |
1 | @ SOA ns h ( 1 ; serial
  |            ^
  |
  = note: PowerDNS swallows the rest of the file into this record, and loads the zone
  = help: close it with `)` behind the last word of the record
error: unknown record type `AA`
 --> lab.zone:5:5
  |
5 | ftp AA 192.0.2.1
  |     ^^
  |
  = help: did you mean `A`?"
    );
}

#[test]
fn a_string_that_is_never_closed_is_pointed_at() {
    assert_eq!(
        drawn("t TXT \"a b\nwww A 192.0.2.1\n"),
        "\
error: this quoted string is never closed
 --> lab.zone:1:7
  |
1 | t TXT \"a b
  |       ^^^^
  |
  = note: a quoted string ends in the line it begins in
  = help: close it with `\"`; a quote inside a string is written `\\\"`"
    );
}

#[test]
fn a_closing_parenthesis_alone_is_pointed_at() {
    assert_eq!(
        said("www A 192.0.2.1 )\n"),
        ["error lab.zone:1:17: this parenthesis closes nothing; remove it, or open it with `(` in the same \
          record"]
    );
}

#[test]
fn a_first_record_without_owner_is_refused() {
    assert_eq!(
        drawn("\n  IN A 192.0.2.1\n  A 192.0.2.2\n"),
        "\
error: the first record has no owner
 --> lab.zone:2:3
  |
2 |   IN A 192.0.2.1
  |   ^^
  |
  = note: a line that begins with a blank takes the owner of the record before it
  = help: begin the line with an owner; `@` is the zone itself"
    );
}

#[test]
fn records_below_a_broken_owner_are_checked_but_not_given_to_another() {
    let outcome = read("www A 192.0.2.1\na..b A 192.0.2.2\n  A 192.0.2.333\n  A 192.0.2.4\n");
    assert_eq!(outcome.records, ["www.example.org. 3600 A 192.0.2.1"]);
    assert_eq!(outcome.found.errors(), 2);
    assert!(outcome.said()[0].starts_with("error lab.zone:2:1: `a..b` is not a name"));
    assert!(outcome.said()[1].starts_with("error lab.zone:3:5: `192.0.2.333` is not an IPv4 address"));
}

#[test]
fn other_classes_are_refused() {
    for class in ["CH", "hs", "CLASS3", "CLASS10", "CLASS11"] {
        let expected = format!(
            "error lab.zone:1:3: class `{class}` is not supported; write `IN`, or leave the class out"
        );
        assert_eq!(said(&format!("a {class} A 192.0.2.1")), [expected]);
    }
}

#[test]
fn a_record_without_type_is_refused_at_its_end() {
    assert_eq!(
        drawn("www IN\n"),
        "\
error: this record has no type
 --> lab.zone:1:7
  |
1 | www IN
  |       ^ a type is missing here, such as `A`
  |
  = note: a record is written as `owner [TTL] [class] type data`"
    );
}

#[test]
fn a_type_in_the_first_column_is_an_owner_and_that_is_said() {
    assert_eq!(
        drawn("www A 192.0.2.1\nMX ten mail\n"),
        "\
error: unknown record type `ten`
 --> lab.zone:2:4
  |
2 | MX ten mail
  | -- ^^^
  | |
  | this is read as the owner
  |
  = help: a line that leaves its owner out begins with a blank, and takes the owner of the record before it"
    );
}

#[test]
fn two_ttls_are_one_too_many() {
    assert_eq!(said("a 1 2 A 192.0.2.1"), ["error lab.zone:1:5: this record has two TTLs"]);
    assert!(said("a 1x A 192.0.2.1")[0].starts_with("error lab.zone:1:3: `1x` is not a TTL"));
    assert!(said("$TTL never")[0].starts_with("error lab.zone:1:6: `never` is not a TTL"));
}

#[test]
fn types_of_questions_cannot_stand_in_a_zone() {
    for word in ["ANY", "AXFR", "OPT", "TYPE0"] {
        assert_eq!(
            said(&format!("a {word} x")),
            [format!("error lab.zone:1:3: `{word}` is for questions and messages; a zone cannot contain it")]
        );
    }
}

#[test]
fn a_second_type_is_suspected_where_the_data_is_wrong() {
    let said = said("a A CNAME b");
    assert!(
        said[0].ends_with("`CNAME` is a record type too: one of `A` and `CNAME` is too many"),
        "{said:?}"
    );
}

#[test]
fn a_name_that_is_spelt_like_a_type_is_no_second_type() {
    for text in [
        "@ IN SOA ns root 20240115001122 3600 900 1209600 3600",
        "@ IN SOA mx root 1 x 900 1209600 3600",
        "a NAPTR 1 1 a b !(! c x",
        "a MX 10 a b",
        "a RP a a..b",
    ] {
        assert!(!said(text)[0].contains("is a record type too"), "{text}");
    }
    assert!(said("a NAPTR a 1 1 s x")[0].contains("one of `NAPTR` and `A` is too many"));
}

#[test]
fn an_owner_that_lacks_its_final_dot_is_remarked() {
    assert_eq!(
        drawn("www.Example.org A 192.0.2.1"),
        "\
warning: this owner is read as `www.Example.org.example.org.`
 --> lab.zone:1:1
  |
1 | www.Example.org A 192.0.2.1
  | ^^^^^^^^^^^^^^^
  |
  = help: did you mean `www.Example.org.`, with a dot at its end?"
    );
}

#[test]
fn unknown_directives_are_refused_with_a_suggestion() {
    assert_eq!(
        said("a A 192.0.2.1\n$ORIGN x.\n$FOO\n $TTL 3\n$TTL\n$TTL 1 2\n"),
        [
            "error lab.zone:2:1: unknown directive `$ORIGN`; did you mean `$ORIGIN`?",
            "error lab.zone:3:1: unknown directive `$FOO`; an owner that begins with a dollar sign is \
             written with `\\$`",
            "error lab.zone:4:2: unknown record type `$TTL`; a directive begins in the first column",
            "error lab.zone:5:1: `$TTL` of what?; it is written as `$TTL 1h`",
            "error lab.zone:6:8: `2` is one word too many; it is written as `$TTL 1h`",
        ]
    );
}

#[test]
fn a_broken_origin_or_directive_line_is_one_fault() {
    assert_eq!(
        said("$ORIGIN a..b\n$TTL \"1\n"),
        [
            "error lab.zone:1:9: `a..b` is not a name",
            "error lab.zone:2:6: this quoted string is never closed; a quoted string ends in the line it \
             begins in; close it with `\"`; a quote inside a string is written `\\\"`",
        ]
    );
}

#[test]
fn a_broken_directive_is_nobodys_owner() {
    let outcome = read("a A 192.0.2.1\n$TTL \"1\n  A 192.0.2.2\n");
    assert_eq!(outcome.records[1], "a.example.org. 3600 A 192.0.2.2");
}

#[test]
fn a_record_whose_form_is_broken_still_names_the_owner_of_the_next() {
    let outcome = read("a A 192.0.2.1\nb TXT \"1\n  A 192.0.2.2\n");
    assert_eq!(outcome.records[1], "b.example.org. 3600 A 192.0.2.2");
}

#[test]
fn lua_records_say_what_they_lack() {
    let form = "a LUA record is written as `owner LUA A \"ifportup(443, {'192.0.2.1'})\"`";
    let faults = said("a LUA\nb LUA \"x\"\nc LUA A\nd LUA AXFR \"x\"\ne LUA AA \"x\"");
    let expected = [
        "1:6: this LUA record has no type to answer",
        "2:7: this LUA record does not say which type it answers",
        "3:8: this LUA record has no code",
        "4:7: a LUA record cannot answer type `AXFR`",
        "5:7: unknown record type `AA`; did you mean `A`?",
    ];
    assert_eq!(faults, expected.map(|message| format!("error lab.zone:{message}; {form}")));
}

#[test]
fn every_fault_of_a_file_is_found_in_one_run() {
    let outcome =
        read("a A 1.2.3\nb B 1.2.3.4\nc A 192.0.2.1\nd TXT \"x\ne CH A 1.2.3.4\n$X\nf A 192.0.2.1\n");
    assert_eq!(outcome.found.errors(), 5);
    assert_eq!(outcome.records.len(), 2);
}

#[test]
fn a_file_that_is_no_zone_is_not_read_to_its_end() {
    let outcome = read("no zone at all\n".repeat(100_000));
    assert_eq!(outcome.found.errors(), DIAGNOSTICS_MAX);
}
