//! What is said of a word that names no type.

use super::super::reader::tests::read;

/// The only thing that is found in a text, in one sentence without its place.
fn said(text: &str) -> String {
    let said = read(text).said();
    assert_eq!(said.len(), 1, "{said:?}");
    said[0].clone()
}

#[test]
fn a_type_of_powerdns_or_microsoft_is_named_as_such() {
    let alias = said("www ALIAS foo.example.com.\n");
    assert_eq!(
        alias,
        "error lab.zone:1:5: unknown record type `ALIAS`; `ALIAS` is not a DNS type: PowerDNS looks its target up \
         and answers with the addresses; write the addresses, or a LUA record that probes them: `LUA A \
         \"ifportup(443, {'192.0.2.1'})\"`"
    );
    assert!(said("@ aname foo.example.com.\n").contains("write the addresses"));
    assert!(said("www URL http://www.example.com/\n").contains("web server"));
    assert_eq!(
        said("@ WINS LOCAL L2 C900 ( 192.0.2.1 )\n"),
        "error lab.zone:1:3: unknown record type `WINS`; `WINS` is Microsoft's type 65281, whose data has no form \
         in text here; write `TYPE65281 \\#`, the length of the data, and its bytes in hexadecimal"
    );
    assert_eq!(
        said("pc1 [AGE:3569523] 1200 A 192.0.2.1\n"),
        "error lab.zone:1:5: `[AGE:3569523]` cannot be part of a record; Microsoft's DNS server notes there when a \
         client last came by; remove it"
    );
}

#[test]
fn a_misspelt_type_is_corrected_and_one_that_nobody_writes_is_never_suggested() {
    for (word, meant) in [
        ("AAA", "AAAA"),
        ("CNAM", "CNAME"),
        ("MZ", "MX"),
        ("DCHID", "DHCID"),
        ("SVR", "SRV"),
        ("TXTS", "TXT"),
    ] {
        assert!(said(&format!("www {word} x\n")).ends_with(&format!("did you mean `{meant}`?")), "{word}");
    }
    // A name that is spelt like a type does not hide it, and a record without owner is still suspected.
    let both = said("ns AA 192.0.2.1\n");
    assert!(both.contains("did you mean `A`?") && both.contains("leaves its owner out"), "{both}");
    assert!(!said("MX 10 mail\n").contains("did you mean"));
}

#[test]
fn a_word_that_resembles_nothing_is_no_reason_to_speak_of_unknown_types() {
    for text in ["some comment without a mark\n", "www comment\n"] {
        let said = said(text);
        assert!(said.ends_with("a record is written as `owner [TTL] [class] type data`"), "{said}");
    }
    assert!(
        said("www TYPEX \\# 0\n")
            .ends_with("a type without a mnemonic is written as `TYPE` and its number: `TYPE65280`")
    );
}

#[test]
fn comments_of_other_languages_are_told_how_they_begin_here() {
    for (text, column) in [
        ("# the masters of this site\n", "1:1: `#`"),
        ("#masters\n", "1:1: `#masters`"),
        ("#masters here\n", "1:1: `#masters`"),
        ("// the masters\n", "1:1: `//`"),
        ("/* the masters */\n", "1:1: `/*`"),
        ("@ NS ns\n  # and another\n", "2:3: `#`"),
        // It holds a type by chance.
        ("# a A record for each\n", "1:1: `#`"),
        ("# A record for each\n", "1:1: `#`"),
    ] {
        assert_eq!(
            said(text),
            format!("error lab.zone:{column} begins no record; comments begin with `;`"),
            "{text}"
        );
    }
}

#[test]
fn a_record_that_was_to_be_commented_out_is_pointed_out() {
    let expected = "warning lab.zone:1:1: `#www` is read as an owner, and this record is served; comments begin with `;`";
    assert_eq!(said("#www A 192.0.2.1\n"), expected);
    assert!(said("//www A 192.0.2.1\n").ends_with("comments begin with `;`"));
    assert_eq!(read("a#b A 192.0.2.1\n\\# A 192.0.2.1\n").said(), Vec::<String>::new());
}

#[test]
fn a_lua_record_in_wire_form_is_written_as_code_again() {
    assert_eq!(
        said("g TYPE65402 \\# 15 0001 0c 6966706f7274757028312c32\n"),
        "error lab.zone:1:13: this LUA record is written in its wire form; write its type and its code: `LUA A \
         \"ifportup(1,2\"`"
    );
    // Two strings, and a quote in the second.
    assert!(said("g LUA \\# 8 001c 0161 03 622263\n").ends_with("`LUA AAAA \"ab\\\"c\"`"));
    assert!(said("g TYPE65402 \\# 3 000105\n").ends_with("{'192.0.2.1'})\"`"));
    assert!(said("g TYPE65402 \\# 4 0001\n").contains("length `4`, but 2 bytes follow"));
}
