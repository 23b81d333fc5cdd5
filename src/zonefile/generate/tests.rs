//! What `$GENERATE` makes.

use crate::zonefile::reader::tests::{read, records};

#[test]
fn a_line_is_read_once_for_each_number() {
    assert_eq!(
        records("$GENERATE 1-3 host-$ 30 IN A 192.0.2.$\n"),
        [
            "host-1.example.org. 30 A 192.0.2.1",
            "host-2.example.org. 30 A 192.0.2.2",
            "host-3.example.org. 30 A 192.0.2.3",
        ]
    );
    assert_eq!(records("$GENERATE 7-7 $ PTR h$.")[0], "7.example.org. 3600 PTR h7.");
    assert_eq!(records("$generate 0-5/2 h$ A 192.0.2.$").len(), 3);
    assert_eq!(
        records("$GENERATE 4294967295-4294967295 h$ A 192.0.2.1"),
        ["h4294967295.example.org. 3600 A 192.0.2.1"]
    );
}

#[test]
fn every_word_is_a_template() {
    assert_eq!(records("$GENERATE 1-1 h 6$ IN TYPE$ 192.0.2.$"), ["h.example.org. 61 A 192.0.2.1"]);
}

#[test]
fn numbers_have_offset_width_and_radix() {
    let text = |template: &str| {
        let line = read(format!("$GENERATE 10-10 t TXT \"{template}\"")).records;
        line[0].strip_prefix("t.example.org. 3600 TXT ").unwrap().to_owned()
    };
    assert_eq!(text("$ ${0} ${5} ${-3} ${+1}"), "\"10 10 15 7 11\"");
    assert_eq!(text("${0,4} ${0,4,d} ${0,4,o} ${0,4,x} ${0,4,X}"), "\"0010 0010 0012 000a 000A\"");
    assert_eq!(text("${0,0,n} ${0,3,N} ${15,4,n} ${290,0,n}"), "\"a A.0 9.1. c.2.1\"");
    assert_eq!(text(r"\$ a\\$ \\\$"), r#""$ a\\10 \\$""#);
}

#[test]
fn reverse_names_are_made_of_nibbles() {
    assert_eq!(
        records("$GENERATE 26-26 ${0,3,n}.example.org. PTR host-${0,4,x}.example.org."),
        ["a.1.example.org. 3600 PTR host-001a.example.org."]
    );
}

#[test]
fn two_dollar_signs_are_one_and_powerdns_is_quoted() {
    let outcome = read("$GENERATE 7-8 h$ TXT $$");
    assert_eq!(outcome.records[0], "h7.example.org. 3600 TXT \"$\"");
    assert_eq!(
        outcome.said(),
        ["warning lab.zone:1:22: `$$` is read as one dollar sign; PowerDNS puts the number there, twice; \
          write `\\$` for a dollar sign"]
    );
}

#[test]
fn lua_records_can_be_generated() {
    assert_eq!(
        records("$GENERATE 1-2 k$ 30 IN LUA A \"ifportup(443, {'192.0.2.$'})\"")[1],
        "k2.example.org. 30 LUA A ifportup(443, {'192.0.2.2'})"
    );
}

#[test]
fn a_fault_in_every_record_is_said_once() {
    let outcome = read("$GENERATE 250-300 h$ A 192.0.2.$\nb A 192.0.2.1\n");
    assert_eq!(outcome.records.len(), 7);
    let said = outcome.said();
    assert_eq!(said.len(), 1);
    assert!(said[0].starts_with("error lab.zone:1:24: `192.0.2.256` is not an IPv4 address"), "{said:?}");
    assert!(said[0].ends_with("in the record where `$` is 256"), "{said:?}");
}

#[test]
fn ranges_and_templates_that_make_no_sense_are_refused() {
    let said = |line: &str| read(line).said().remove(0);
    assert!(said("$GENERATE x h$ A 192.0.2.$").starts_with("error lab.zone:1:11: `x` is not a range"));
    assert!(said("$GENERATE 2-1 h$ A 192.0.2.$").contains("1:11: `2-1` ends before it begins"));
    assert!(said("$GENERATE 1-2/0 h$ A 192.0.2.$").contains("1:11: the step of `1-2/0` is 0"));
    assert!(said("$GENERATE 0-65536 h$ A 192.0.2.1").contains("makes 65537 records; at most 65536"));
    assert!(said("$GENERATE 1-2 h${0,3 A 192.0.2.$").contains("1:15: `${0,3` is not a number template"));
    assert!(said("$GENERATE 1-2 h${0,81} A 192.0.2.$").contains("is not a number template"));
    assert!(said("$GENERATE 1-2 h${0,1,z} A 192.0.2.$").contains("is not a number template"));
    assert!(said("$GENERATE 1-2 h${-2} A 192.0.2.$").contains("where `$` is 1 this gives -1"));
    assert!(said("$GENERATE 1-2").contains("1:11: this line says which numbers, but not for what"));
}

#[test]
fn a_record_without_owner_behind_it_is_told_whose_it_is() {
    let outcome = read("a A 192.0.2.1\n$GENERATE 1-2 h$ A 192.0.2.$\n A 192.0.2.9\n");
    assert_eq!(outcome.records[3], "h2.example.org. 3600 A 192.0.2.9");
    assert_eq!(outcome.found.warnings(), 1);
}

#[test]
fn data_of_several_words_stands_between_quotes_as_in_the_manual_of_bind() {
    assert_eq!(
        records("$GENERATE 1-2 HOST-$ MX \"0 .\"\n"),
        ["HOST-1.example.org. 3600 MX 0 .", "HOST-2.example.org. 3600 MX 0 ."]
    );
    assert_eq!(
        records("$GENERATE 0-1 _etcd-server-ssl._tcp 30 IN SRV \"0 10 2380 etcd-$\"")[1],
        "_etcd-server-ssl._tcp.example.org. 30 SRV 0 10 2380 etcd-1.example.org."
    );
    for (line, record) in [
        ("h$ A \"192.0.2.$\"", "h7.example.org. 3600 A 192.0.2.7"),
        ("h$ CNAME \"x$\"", "h7.example.org. 3600 CNAME x7.example.org."),
        ("h$ AAAA \"2001:db8::$\"", "h7.example.org. 3600 AAAA 2001:db8::7"),
        ("h$ CAA \"0 issue ca$.test\"", "h7.example.org. 3600 CAA 0 issue \"ca7.test\""),
        ("h$ HINFO \"cpu os$\"", "h7.example.org. 3600 HINFO \"cpu\" \"os7\""),
        ("h$ TXT \"a$\"", "h7.example.org. 3600 TXT \"a7\""),
        ("h$ LUA A \"pickrandom({'192.0.2.$'})\"", "h7.example.org. 3600 LUA A pickrandom({'192.0.2.7'})"),
    ] {
        assert_eq!(records(format!("$GENERATE 7-7 {line}")), [record]);
    }
    let outcome = read("$GENERATE 250-300 h$ A \"192.0.2.$\"\n");
    assert_eq!(outcome.records.len(), 6);
    assert!(outcome.said()[0].starts_with("error lab.zone:1:25: `192.0.2.256` is not an IPv4 address"));
}

#[test]
fn a_string_that_bind_would_take_apart_is_told_of() {
    let outcome = read("$GENERATE 1-2 t$ TXT \"a $ b\"\n");
    assert_eq!(outcome.records[1], "t2.example.org. 3600 TXT \"a 2 b\"");
    assert_eq!(
        outcome.said(),
        [
            "warning lab.zone:1:22: this string is the same in every record; BIND takes the quotes off, and reads \
          `\"a\" \"1\" \"b\"` in the first record; write a string that is one word, or the records one by one"
        ]
    );
    // Several strings are several words to BIND as well, and an error there.
    assert_eq!(read("$GENERATE 1-2 t$ TXT \"a\" \"b c\"\n").said(), Vec::<String>::new());
}
