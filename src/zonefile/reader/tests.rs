//! What zone text means: the dialect of BIND, and where PowerDNS differs.

mod faults;
mod includes;

use proptest::prelude::*;

use super::*;
use crate::source::Look;

/// What reading a text gave.
pub(in crate::zonefile) struct Outcome {
    pub(in crate::zonefile) sources: Sources,
    /// `owner TTL type data`, or `owner TTL LUA type code`.
    pub(in crate::zonefile) records: Vec<String>,
    pub(in crate::zonefile) found: Diagnostics,
}

impl Outcome {
    /// What was found, as `severity path:line:column: message; remarks`.
    pub(in crate::zonefile) fn said(&self) -> Vec<String> {
        let say = |one: &Diagnostic| format!("{} {}", one.severity.word(), self.sources.sentence(one));
        self.found.iter().map(say).collect()
    }

    /// Every fault, drawn.
    fn drawn(&self) -> String {
        let drawn: Vec<String> = self.found.iter().map(|one| self.sources.render(one, Look::Plain)).collect();
        drawn.join("\n")
    }
}

/// Reads the file of a zone `example.org`.
pub(in crate::zonefile) fn read_file(mut sources: Sources, file: FileId, settings: &Settings) -> Outcome {
    let (mut records, mut found) = (Vec::new(), Diagnostics::default());
    let mut take = |entry: TextEntry<'_>, _: &mut Diagnostics| {
        records.push(match entry {
            TextEntry::Text { .. } => return ControlFlow::Continue(()),
            TextEntry::Record { owner, rtype, ttl, rdata, .. } => {
                let mut text = String::new();
                rdata::write(rtype, rdata, &mut text);
                format!("{owner} {ttl} {rtype} {text}")
            }
            TextEntry::Lua { owner, inner, ttl, code, .. } => {
                format!("{owner} {ttl} LUA {inner} {}", code.text())
            }
        });
        ControlFlow::Continue(())
    };
    let apex: Name = "example.org".parse().unwrap();
    Reader::new(apex, settings, &mut take).zone(&mut sources, file, &mut found);
    Outcome { sources, records, found }
}

/// Reads the text of a zone `example.org`.
pub(in crate::zonefile) fn read(text: impl AsRef<[u8]>) -> Outcome {
    let mut sources = Sources::default();
    let file = sources.add("lab.zone", text.as_ref().to_vec());
    read_file(sources, file, &Settings::default())
}

/// The records of a text in which nothing is to be remarked.
pub(in crate::zonefile) fn records(text: impl AsRef<[u8]>) -> Vec<String> {
    let outcome = read(text);
    assert_eq!(outcome.said(), Vec::<String>::new());
    outcome.records
}

#[test]
fn a_line_is_owner_ttl_class_type_and_data() {
    assert_eq!(records("www 300 IN A 192.0.2.1\n"), ["www.example.org. 300 A 192.0.2.1"]);
    assert_eq!(records("www IN 300 A 192.0.2.1"), ["www.example.org. 300 A 192.0.2.1"]);
    assert_eq!(records("www\t1H\ta\t192.0.2.1\r\n"), ["www.example.org. 3600 A 192.0.2.1"]);
    assert_eq!(records("www.example.org. A 192.0.2.1"), ["www.example.org. 3600 A 192.0.2.1"]);
}

#[test]
fn a_blank_first_column_takes_the_previous_owner() {
    assert_eq!(
        records("@ NS ns\n  NS ns2\nwww A 192.0.2.1\n\tA 192.0.2.2\n ; nothing\n"),
        [
            "example.org. 3600 NS ns.example.org.",
            "example.org. 3600 NS ns2.example.org.",
            "www.example.org. 3600 A 192.0.2.1",
            "www.example.org. 3600 A 192.0.2.2",
        ]
    );
}

#[test]
fn escapes_in_an_owner_are_read() {
    assert_eq!(
        records("a\\.b A 192.0.2.1\n\\065bc A 192.0.2.1\n\\$x A 192.0.2.1\nfoo_bar+0/26:y A 192.0.2.1"),
        [
            r"a\.b.example.org. 3600 A 192.0.2.1",
            "Abc.example.org. 3600 A 192.0.2.1",
            r"\$x.example.org. 3600 A 192.0.2.1",
            "foo_bar+0/26:y.example.org. 3600 A 192.0.2.1",
        ]
    );
}

#[test]
fn the_class_may_stand_behind_the_type() {
    assert_eq!(records("a7 A IN 192.0.2.7"), ["a7.example.org. 3600 A 192.0.2.7"]);
    assert_eq!(records("a IN TXT IN \"x\""), ["a.example.org. 3600 TXT \"IN\" \"x\""]);
    assert_eq!(records("a CNAME in"), ["a.example.org. 3600 CNAME in.example.org."]);
    assert_eq!(records("a CLASS1 TYPE1 192.0.2.7"), ["a.example.org. 3600 A 192.0.2.7"]);
    let text = read("a TXT IN x");
    assert_eq!(text.records, ["a.example.org. 3600 TXT \"x\""]);
    assert_eq!(text.found.warnings(), 1);
}

#[test]
fn without_a_ttl_directive_the_last_ttl_given_is_taken() {
    assert_eq!(
        records(
            "a A 192.0.2.1\nb 120 A 192.0.2.1\nc A 192.0.2.1\n$TTL 60\nd A 192.0.2.1\ne 7 A 192.0.2.1\nf A 192.0.2.1"
        ),
        [
            "a.example.org. 3600 A 192.0.2.1",
            "b.example.org. 120 A 192.0.2.1",
            "c.example.org. 120 A 192.0.2.1",
            "d.example.org. 60 A 192.0.2.1",
            "e.example.org. 7 A 192.0.2.1",
            "f.example.org. 60 A 192.0.2.1",
        ]
    );
}

#[test]
fn the_ttl_of_the_soa_is_a_ttl_given() {
    let lines = records("@ 30 IN SOA ns h 1 2 3 4 5\nwww A 192.0.2.1");
    assert_eq!(lines[1], "www.example.org. 30 A 192.0.2.1");
}

#[test]
fn ttls_have_units_and_a_comment_may_follow_at_once() {
    assert_eq!(records("$TTL 1W;x\na A 192.0.2.1")[0], "a.example.org. 604800 A 192.0.2.1");
    assert_eq!(records("$ttl 2h ; x\na A 192.0.2.1")[0], "a.example.org. 7200 A 192.0.2.1");
}

#[test]
fn a_compound_ttl_is_read_as_bind_does_and_powerdns_is_quoted() {
    let outcome = read("$TTL 1h30m\na A 192.0.2.1\nb 1h1s A 192.0.2.1\nc 1h2s A 192.0.2.1\n");
    assert_eq!(outcome.records[0], "a.example.org. 5400 A 192.0.2.1");
    assert_eq!(outcome.records[1], "b.example.org. 3601 A 192.0.2.1");
    assert_eq!(
        outcome.said(),
        [
            "warning lab.zone:1:6: this TTL is read as 5400 seconds; PowerDNS reads it as 60 seconds; \
             write `$TTL 5400`, which all servers read alike",
            "note lab.zone:3:3: this TTL is read as 3601 seconds; PowerDNS takes a compound TTL for a \
             record type and rejects the zone",
        ]
    );
}

#[test]
fn parentheses_may_stand_anywhere() {
    let soa = "example.org. 3600 SOA ns.example.org. h.example.org. 1 2 3 4 5";
    for text in [
        "@ SOA ns h ( 1 2 ) ( 3 4 5 )",
        "@ SOA ( ns h ( 1\n2 ; two\n3 )\n4 ) 5",
        "@ ( IN SOA ns h 1 2 3 4 5 )",
        "( @ SOA ns h 1 2 3 4\n5 )",
        "@ SOA ns h ( 1 2 3 4 ) 5",
    ] {
        assert_eq!(records(text), [soa], "{text}");
    }
}

#[test]
fn strings_in_parentheses_stay_whole() {
    assert_eq!(
        records("k TXT (\"v=DKIM1; k=rsa\"\n  \"AAAA (x)\" )"),
        ["k.example.org. 3600 TXT \"v=DKIM1; k=rsa\" \"AAAA (x)\""]
    );
    assert_eq!(records(r#"t TXT a\;b $x @ """#), [r#"t.example.org. 3600 TXT "a;b" "$x" "@" """#]);
}

#[test]
fn at_sign_and_relative_names_in_data_take_the_origin() {
    assert_eq!(
        records("$ORIGIN sub.example.org.\na CNAME @\nb MX 10 @\nc MX 10 mx"),
        [
            "a.sub.example.org. 3600 CNAME sub.example.org.",
            "b.sub.example.org. 3600 MX 10 sub.example.org.",
            "c.sub.example.org. 3600 MX 10 mx.sub.example.org.",
        ]
    );
}

#[test]
fn an_owner_written_alike_under_another_origin_is_another_name() {
    assert_eq!(
        records("www A 192.0.2.1\n$ORIGIN sub.example.org.\nwww A 192.0.2.2")[1],
        "www.sub.example.org. 3600 A 192.0.2.2"
    );
}

#[test]
fn a_relative_origin_is_below_the_present_one_unlike_in_powerdns() {
    let outcome = read("$origin sub\na A 192.0.2.1\n$ORIGIN @\nb A 192.0.2.1\n");
    assert_eq!(outcome.records[0], "a.sub.example.org. 3600 A 192.0.2.1");
    assert_eq!(outcome.records[1], "b.sub.example.org. 3600 A 192.0.2.1");
    assert_eq!(
        outcome.said(),
        ["warning lab.zone:1:9: this origin is read as `sub.example.org.`; PowerDNS reads it as `sub.`, \
          whatever the origin was before; write the whole name, with a dot at its end"]
    );
}

#[test]
fn unknown_types_and_unknown_data_are_read() {
    assert_eq!(
        records("a TYPE65280 \\# 4 c0000201\nb TYPE1 \\# 4 c0000201\nc A \\# 4 c0 0002 01"),
        [
            "a.example.org. 3600 TYPE65280 \\# 4 C0000201",
            "b.example.org. 3600 A 192.0.2.1",
            "c.example.org. 3600 A 192.0.2.1",
        ]
    );
}

#[test]
fn a_lua_record_is_its_type_and_its_code() {
    assert_eq!(
        records("@ 5 IN LUA A \"ifportup(443, {'192.0.2.1'})\"\nb lua cname ( \"a\"\n \"b\" )"),
        ["example.org. 5 LUA A ifportup(443, {'192.0.2.1'})", "b.example.org. 5 LUA CNAME ab"]
    );
}

#[test]
fn the_zones_of_the_field_are_read() {
    let three = read(include_str!("../testdata/three-nodes.zone"));
    assert_eq!(three.said(), Vec::<String>::new());
    assert_eq!(three.records.len(), 9);
    assert_eq!(
        three.records[5],
        "*.apps.example.org. 10 LUA A ifportup(443, {'127.0.1.13', '127.0.1.14', '127.0.1.15'})"
    );
    let recursor = read(include_str!("../testdata/with-recursor.zone"));
    assert_eq!(recursor.said(), Vec::<String>::new());
    assert_eq!(recursor.records.len(), 25);
    assert_eq!(recursor.records[1], "example.org. 180 NS ns1.ocp4.redhat.ren.");
    assert_eq!(read(include_str!("../testdata/single-node.zone")).records.len(), 12);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_owner() {
    let outcome = read("\u{feff}www A 192.0.2.1\n");
    assert_eq!(outcome.records, ["www.example.org. 3600 A 192.0.2.1"]);
    assert_eq!(outcome.found.warnings(), 1);
}

proptest! {
    #[test]
    fn reading_ends_whatever_the_bytes(text in proptest::collection::vec(any::<u8>(), 0..400)) {
        read(text);
    }

    #[test]
    fn reading_ends_whatever_the_words(text in r#"([ \n\t;()"\\@$.]|\$GENERATE |0-3 |\$ORIGIN |\$\{|IN |LUA |A |TXT |SOA |1 |a|192\.0\.2\.1){0,60}"#) {
        read(text);
    }

    #[test]
    fn reading_ends_whatever_happened_to_a_good_zone(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..8),
    ) {
        let mut text = include_bytes!("../testdata/three-nodes.zone").to_vec();
        for (at, byte, edit) in edits {
            let at = at.index(text.len());
            match edit {
                0 => text[at] = byte,
                1 => text.insert(at, byte),
                _ => drop(text.remove(at)),
            }
        }
        let outcome = read(text);
        for one in &outcome.found {
            outcome.sources.render(one, Look::Plain);
        }
    }
}
