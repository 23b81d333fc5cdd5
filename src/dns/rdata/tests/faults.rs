//! What cannot be read, what is said about it, and where.

use super::*;

fn fault(mnemonic: &str, text: &str) -> (String, String, String) {
    let line = Line::new(text);
    let fault = line.read(rtype(mnemonic), &mut Diagnostics::default()).expect_err(text);
    let place = String::from_utf8_lossy(line.sources.slice(fault.span().unwrap())).into_owned();
    let remarks: Vec<&str> = fault.remarks.iter().map(|remark| remark.text.as_str()).collect();
    (fault.message, place, remarks.join("; "))
}

/// Type, text, message, what the caret is under, a part of the help.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static str);

const CASES: &[Case] = &[
    ("A", "192.0.2.999", "`192.0.2.999` is not an IPv4 address", "192.0.2.999", ""),
    ("A", "2001:db8::1", "`2001:db8::1` is not an IPv4 address", "2001:db8::1", "belongs in an AAAA record"),
    (
        "A",
        "192.168.007.013",
        "`192.168.007.013` is not an IPv4 address",
        "192.168.007.013",
        "did you mean `192.168.7.13`?",
    ),
    ("A", "192.0.2.1/24", "`192.0.2.1/24` is not an IPv4 address", "192.0.2.1/24", "without a prefix length"),
    ("A", "192.0.2.1:80", "`192.0.2.1:80` is not an IPv4 address", "192.0.2.1:80", "without a port"),
    ("A", "master-1", "`master-1` is not an IPv4 address", "master-1", "belongs in a CNAME record"),
    ("A", "", "missing address", "", "A is written as: address"),
    ("A", "192.0.2.1 192.0.2.2", "`192.0.2.2` is one word too many", "192.0.2.2", "A is written as: address"),
    ("A", "192.0.2.1 # main", "`#` is one word too many", "#", "comments begin with `;`"),
    (
        "A",
        "\"192.0.2.1\"",
        "`\"192.0.2.1\"` is a quoted string; address is written without quotes",
        "\"192.0.2.1\"",
        "",
    ),
    ("AAAA", "192.0.2.1", "`192.0.2.1` is not an IPv6 address", "192.0.2.1", "belongs in an A record"),
    ("AAAA", "fe80::1%eth0", "`fe80::1%eth0` is not an IPv6 address", "fe80::1%eth0", "without a scope"),
    ("NS", "a..b", "`a..b` is not a name: empty label: a dot too many", "a..b", ""),
    ("MX", "mail.", "`mail.` is not a number", "mail.", ""),
    ("MX", "65536 mail.", "`65536` is too large", "65536", ""),
    ("MX", "10", "missing exchange", "", "MX is written as: preference exchange"),
    ("MX", "", "missing preference and exchange", "", ""),
    ("SOA", "ns. h. 1 2", "missing retry, expire and minimum", "", "mname rname serial"),
    (
        "SOA",
        "ns. h. 1 2 3 4 1x",
        "`1x` is not a time: wanted are seconds, or numbers with a unit of s m h d w y",
        "1x",
        "",
    ),
    (
        "SOA",
        "ns. h. 1 2 3 4 4294967296",
        "`4294967296` is too long a time: at most 4294967295 seconds",
        "4294967296",
        "",
    ),
    ("SOA", "ns. h. 4294967296 2 3 4 5", "`4294967296` is too large", "4294967296", ""),
    ("TXT", "", "missing text", "", ""),
    (
        "TXT",
        r#""a" "b\25""#,
        "bad escape: `\\` wants three digits up to 255, or one character",
        r#""b\25""#,
        "",
    ),
    ("CERT", "PKIZ 0 8 AA==", "unknown type `PKIZ`", "PKIZ", "did you mean `PKIX`?"),
    ("DS", "1 8 2 00 11", "digest of 2 bytes; one of kind 2 has 32", "00 11", ""),
    ("DS", "1 8 9 0g", "`0g` is not hexadecimal: `g`", "0g", ""),
    ("DS", "1 8 9 000", "digest is cut short: its hexadecimal ends within a byte", "000", ""),
    ("DS", "1 8 9", "missing digest", "", ""),
    (
        "DNSKEY",
        "257 3 ECDSAP256SHA265 AA==",
        "unknown algorithm `ECDSAP256SHA265`",
        "ECDSAP256SHA265",
        "did you mean `ECDSAP256SHA256`?",
    ),
    ("DNSKEY", "257 3 8 AA=A", "`AA=A` is not base64: `A`", "AA=A", ""),
    ("DNSKEY", "257 3 8 AAA", "public-key is cut short: its base64 ends within a byte", "AAA", ""),
    ("NSEC", "a. A CNMAE", "unknown record type `CNMAE`", "CNMAE", "did you mean `CNAME`?"),
    ("NSEC3", "1 0 0 - =", "`=` is not base32hex: `=`", "=", ""),
    (
        "RRSIG",
        "A 5 3 1 20261301000000 3 4 s. AQID",
        "`20261301000000` is not a time for expiration",
        "20261301000000",
        "YYYYMMDDHHmmSS",
    ),
    (
        "EUI48",
        "00:00:5e:00:53:2a",
        "`00:00:5e:00:53:2a` is not an EUI-48 address",
        "00:00:5e:00:53:2a",
        "joined by `-`",
    ),
    (
        "EUI64",
        "00-00-5e-00-53-2a",
        "`00-00-5e-00-53-2a` is not an EUI-64 address",
        "00-00-5e-00-53-2a",
        "8 bytes",
    ),
    ("CAA", "0 is-sue \"x\"", "`is-sue` is not a tag", "is-sue", "letters and digits"),
    ("CAA", "0 issue ca example", "`example` is one word too many", "example", ""),
    ("LOC", "91 N 0 E 0", "`91` is too large", "91", ""),
    ("LOC", "90 0 0.001 N 0 E 0", "latitude beyond 90 degrees", "90", ""),
    ("LOC", "42 21 54 X 71 W 0", "`X` is neither `N` nor `S`", "X", ""),
    ("LOC", "42 60 N 71 W 0", "`60` is too large", "60", ""),
    ("LOC", "42 21 54.0001 N 71 W 0", "`54.0001` is not a number of seconds", "54.0001", ""),
    ("LOC", "42 N", "missing degrees of longitude", "", "degrees [minutes"),
    ("LOC", "42 N 71 W", "missing altitude", "", ""),
    ("LOC", "42 N 71 W 9e9", "`9e9` is not an altitude", "9e9", ""),
    ("LOC", "42 N 71 W 0 1 1 1 1", "`1` is one word too many", "1", ""),
    ("HTTPS", "1 . alpn=h2 alpn=h3", "second `alpn` in one record", "alpn=h3", ""),
    ("HTTPS", "1 . key1=h2", "`h2` is not a value of `key1`", "key1=h2", ""),
    ("HTTPS", "1 . aplm=h2", "unknown parameter `aplm`", "aplm=h2", "key667"),
    ("HTTPS", "1 . ALPN=h2", "unknown parameter `ALPN`", "ALPN=h2", "did you mean `alpn`?"),
    ("HTTPS", "1 . key01=x", "unknown parameter `key01`", "key01=x", ""),
    ("HTTPS", "1 . key65535=x", "unknown parameter `key65535`", "key65535=x", ""),
    ("HTTPS", "1 . alpn", "`alpn` has no value", "alpn", ""),
    ("HTTPS", "1 . alpn=h2,,h3", "`h2,,h3` is not a value of `alpn`", "alpn=h2,,h3", ""),
    (
        "HTTPS",
        "1 . no-default-alpn",
        "`no-default-alpn` wants `alpn`, which is not there",
        "no-default-alpn",
        "",
    ),
    (
        "HTTPS",
        "1 . port=1 mandatory=alpn",
        "`mandatory` wants `alpn`, which is not there",
        "mandatory=alpn",
        "",
    ),
    (
        "HTTPS",
        "1 . alpn=h2 mandatory=alpn,alpn",
        "`alpn,alpn` is not a value of `mandatory`",
        "mandatory=alpn,alpn",
        "",
    ),
    (
        "HTTPS",
        "1 . mandatory=mandatory",
        "`mandatory` is not a value of `mandatory`",
        "mandatory=mandatory",
        "",
    ),
    ("HTTPS", "1 . port=65536", "`65536` is not a value of `port`", "port=65536", ""),
    (
        "HTTPS",
        "1 . ipv4hint=2001:db8::1",
        "`2001:db8::1` is not a value of `ipv4hint`",
        "ipv4hint=2001:db8::1",
        "",
    ),
    ("HTTPS", "1 . dohpath=/q", "`/q` is not a value of `dohpath`", "dohpath=/q", ""),
    ("HTTPS", "1 . ohttp=1", "`1` is not a value of `ohttp`", "ohttp=1", ""),
    (
        "HTTPS",
        "1 . \"alpn=h2\"",
        "`\"alpn=h2\"` is a quoted string; a parameter is written without quotes",
        "\"alpn=h2\"",
        "round its value",
    ),
    ("APL", "1:192.0.2.0", "`1:192.0.2.0` is not an address prefix", "1:192.0.2.0", "1:192.0.2.0/24"),
    ("APL", "1:192.0.2.0/33", "`1:192.0.2.0/33` is not an address prefix", "1:192.0.2.0/33", ""),
    ("APL", "3:aa/8", "`3:aa/8` is not an address prefix", "3:aa/8", "the family"),
    ("APL", "2:::/129", "`2:::/129` is not an address prefix", "2:::/129", ""),
    (
        "IPSECKEY",
        "10 0 2 a. AQID",
        "`a.` is given, but type 0 means that there is no gateway",
        "a.",
        "a name",
    ),
    ("IPSECKEY", "10 4 2 a. AQID", "no gateway of this type is known", "a.", "the types are 0"),
    ("IPSECKEY", "10 1 2 gw AQID", "`gw` is not an IPv4 address", "gw", ""),
    ("IPSECKEY", "10 1 2 192.0.2.1", "missing public-key", "", "IPSECKEY is written as: precedence"),
    ("AMTRELAY", "10 2 1 192.0.2.1", "`2` is too large", "2", ""),
    ("AMTRELAY", "10 0 128 .", "`128` is too large", "128", ""),
    ("AMTRELAY", "10 0 0", "missing relay", "", "precedence discovery-optional relay-type relay"),
    ("HIP", "2 2001", "missing public-key", "", ""),
    ("HIP", "2 200 AQID", "hit is cut short: its hexadecimal ends within a byte", "200", ""),
    ("HIP", "", "missing algorithm hit public-key [rendezvous-servers]", "", ""),
    ("WKS", "10.0.0.1", "missing protocol", "", "WKS is written as: address protocol services"),
    ("WKS", "10.0.0.1 tpc 25", "unknown protocol `tpc`", "tpc", "did you mean `TCP`?"),
    ("WKS", "10.0.0.1 tcp smpt", "unknown services `smpt`", "smpt", "did you mean `smtp`?"),
    ("WKS", "10.0.0.1 tcp 65536", "`65536` is too large", "65536", ""),
    ("NID", "10 14:4fff:ff20", "`14:4fff:ff20` is not a node-id", "14:4fff:ff20", "four groups"),
    ("NID", "10 00014:4fff:ff20:1", "`00014:4fff:ff20:1` is not a node-id", "00014:4fff:ff20:1", ""),
    ("L64", "10 ::1", "`::1` is not a locator", "::1", ""),
    ("X25", "12", "`12` is not a psdn-address", "12", "digits only"),
    ("X25", "1234a", "`1234a` is not a psdn-address", "1234a", ""),
    ("ISDN", "a b c", "`c` is one word too many", "c", "ISDN is written as: isdn-address subaddress"),
    ("NSAP", "47000580", "`47000580` is not an NSAP address", "47000580", "0x47"),
    ("NSAP", "0x4", "`0x4` is not an NSAP address", "0x4", ""),
    ("NSAP", "0x", "`0x` is not an NSAP address", "0x", ""),
    ("ATMA", "+", "`+` is not an ATM address", "+", ""),
    ("ATMA", "39.", "`39.` is not an ATM address", "39.", "hexadecimal"),
    ("ATMA", "+61a", "`+61a` is not an ATM address", "+61a", ""),
    ("EID", "0", "endpoint is cut short: its hexadecimal ends within a byte", "0", ""),
    ("A6", "129 a.", "`129` is too large", "129", ""),
    ("A6", "0 ::1 a.", "`a.` is one word too many", "a.", ""),
    ("A6", "64 ::1", "missing prefix-name", "", ""),
    ("NXT", "a. TYPE128", "type NXNAME has no place in this bitmap", "TYPE128", ""),
    ("KEY", "ZONE|FOO 3 8 AQID", "unknown flags `FOO`", "ZONE|FOO", "a number can be written too"),
    ("KEY", "512 3 8", "missing public-key", "", ""),
    ("IPN", "1.4294967296", "`1.4294967296` is not a node-number", "1.4294967296", "64 bits"),
    ("DOA", "0 1 2 \"\"", "missing data", "", ""),
    ("DSYNC", "CDS NOTIFI 53 a.", "unknown scheme `NOTIFI`", "NOTIFI", "did you mean `NOTIFY`?"),
    ("DSYNC", "CDSS NOTIFY 53 a.", "unknown record type `CDSS`", "CDSS", "did you mean `CDS`?"),
    ("NULL", "aabb", "data of type NULL has no fields", "aabb", r"`\#`"),
    ("UINFO", "\"a\"", "data of type UINFO has no fields", "\"a\"", r"`\#`"),
    (
        "OPENPGPKEY",
        r"\# 0",
        "these bytes are no RDATA of type OPENPGPKEY",
        "0",
        "OPENPGPKEY is written as: key",
    ),
    ("TXT", r"\# 0", "these bytes are no RDATA of type TXT", "0", ""),
    ("TYPE65280", "192.0.2.1", "the fields of type TYPE65280 are not known", "192.0.2.1", r"`\#`"),
    ("TYPE65280", r"\#", "missing length", "", ""),
    ("TYPE65280", r"\# 4 C00002", "length `4`, but 3 bytes follow", "4", ""),
    ("TYPE65280", r"\# 65536 00", "`65536` is too large", "65536", ""),
    ("A", r"\# 3 C0 00 02", "these bytes are no RDATA of type A", "C0 00 02", "A is written as: address"),
    ("A", r"\# 0", "these bytes are no RDATA of type A", "0", ""),
    (
        "SVCB",
        r"\# 11 000100 00030000 00030000",
        "these bytes are no RDATA of type SVCB",
        "000100 00030000 00030000",
        "",
    ),
];

#[test]
fn every_fault_names_what_was_found_and_points_at_it() {
    for (mnemonic, text, message, place, help) in CASES {
        let (said, under, helped) = fault(mnemonic, text);
        assert_eq!((said.as_str(), under.as_str()), (*message, *place), "{mnemonic} {text}");
        assert!(helped.contains(help), "{mnemonic} {text}: {helped}");
    }
}

/// Of BIND's, NSD's and Knot's verdicts on data in the form for unknown types, those that two of them share.
#[test]
fn data_of_a_known_type_in_the_form_for_unknown_ones_is_read_as_that_type_or_refused() {
    let sound = [
        ("SVCB", "000100"),
        ("SVCB", "00010000 0300 0200 35"),
        ("HINFO", "0000"),
        ("TXT", "00"),
        ("CAA", "00056973737565"),
        ("CSYNC", "000000420003"),
        ("NSEC3PARAM", "0100000000"),
        ("IPSECKEY", "0a0000"),
        ("ISDN", "0161"),
        ("WKS", "0a00000106"),
        ("APL", "00011803c00002"),
        ("HIP", "0102000320010203"),
    ];
    for (mnemonic, hex) in sound {
        let digits = hex.replace(' ', "").len();
        let rdata = wire(mnemonic, &format!(r"\# {} {hex}", digits / 2));
        assert!(!written(rtype(mnemonic), &rdata).starts_with(r"\#"), "{mnemonic} {hex}");
    }
    let malformed = [
        // A pointer, a length that leads out, a key twice, keys that fall, `mandatory` of itself, of what is
        // not there; values that are cut short; an address of three bytes; a path without its variable.
        ("SVCB", "0001c00c"),
        ("SVCB", "000100 0003 0002 00"),
        ("SVCB", "000100 0003 0000 0003 0000"),
        ("SVCB", "000100 0003 0002 0035 0001 0003 026832"),
        ("SVCB", "000100 0000 0002 0000"),
        ("HTTPS", "000100 0000 0002 0003"),
        ("HTTPS", "000100 0001 0003 036832"),
        ("HTTPS", "000100 0001 0000"),
        ("HTTPS", "000100 0006 0003 036832"),
        ("HTTPS", "000100 0007 0002 2f71"),
        ("MX", "000ac00c"),
        ("SOA", "00000000000100000002000000030000000400"),
        ("LOC", "00000000"),
        ("WKS", "0a000001"),
        ("APL", "00011803"),
    ];
    for (mnemonic, hex) in malformed {
        let hex = hex.replace(' ', "");
        let (said, under, _) = fault(mnemonic, &format!(r"\# {} {hex}", hex.len() / 2));
        assert_eq!(said, format!("these bytes are no RDATA of type {mnemonic}"));
        assert_eq!(under, hex);
    }
}

#[test]
fn no_type_takes_empty_data_but_those_that_can_be_empty() {
    let takes_none = |entry: &&table::TypeEntry| {
        let line = Line::new(r"\# 0");
        line.read(entry.rtype, &mut Diagnostics::default()).is_ok()
    };
    let empty: Vec<&str> = TYPES.iter().filter(takes_none).map(|entry| entry.mnemonic).collect();
    assert_eq!(empty, ["NULL", "APL", "UINFO", "UID", "GID", "UNSPEC"]);
    for entry in TYPES {
        let line = Line::new("");
        let read = line.read(entry.rtype, &mut Diagnostics::default());
        assert_eq!(read.is_ok(), entry.mnemonic == "APL", "{}", entry.mnemonic);
    }
}

#[test]
fn an_empty_word_is_no_data_in_any_encoding() {
    for (mnemonic, before) in [
        ("OPENPGPKEY", &[][..]),
        ("EID", &[]),
        ("DHCID", &[]),
        ("TLSA", &["3", "1", "9"]),
        ("CERT", &["1", "0", "8"]),
        ("HIP", &["2", "20"]),
        ("DOA", &["0", "1", "2", "x"]),
        ("NSEC3PARAM", &["1", "0", "0"]),
    ] {
        let line = Line::new("");
        let words = before.iter().chain(&[""]);
        let tokens: Vec<Token<'_>> =
            words.map(|word| Token { text: word.as_bytes(), quoted: false, span: line.span(0, 0) }).collect();
        let mut out = Vec::new();
        let read = parse(
            rtype(mnemonic),
            &tokens,
            NameRef::ROOT,
            line.span(0, 0),
            &mut out,
            &mut Diagnostics::default(),
        );
        assert!(read.is_err() && out.is_empty(), "{mnemonic}");
    }
}

#[test]
fn a_string_longer_than_255_bytes_is_to_be_split() {
    let (message, _, help) = fault("TXT", &format!("\"{}\"", "a".repeat(256)));
    assert_eq!(message, "string of 256 bytes; one holds at most 255");
    assert!(help.contains("split it"), "{help}");
    assert_eq!(wire("TXT", &format!("\"{}\"", "a".repeat(255))).len(), 256);
    // Escapes count as the bytes they stand for.
    assert_eq!(wire("TXT", &r"\065".repeat(255)).len(), 256);
}

#[test]
fn rdata_ends_at_65535_bytes() {
    let strings = |count: usize| vec![format!("\"{}\"", "a".repeat(254)); count].join(" ");
    assert_eq!(wire("TXT", &strings(257)).len(), 65_535);
    let (message, _, _) = fault("TXT", &format!("{} \"\"", strings(257)));
    assert_eq!(message, "RDATA of 65536 bytes; a record holds at most 65535");
}

#[test]
fn a_fault_is_drawn_with_its_help() {
    let line = Line::new("10 mail 20");
    let fault = line.read(Rtype::MX, &mut Diagnostics::default()).unwrap_err();
    let expected = "\
error: `20` is one word too many
 --> lab.zone:1:9
  |
1 | 10 mail 20
  |         ^^
  |
  = help: MX is written as: preference exchange";
    assert_eq!(line.sources.render(&fault, Look::Plain), expected);
}
