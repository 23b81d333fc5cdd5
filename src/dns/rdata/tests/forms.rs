//! Every type: what is read, what is written back, what goes on the wire.

use super::*;

/// Type, text as an operator writes it, canonical text, wire form.
type Form = (&'static str, &'static str, &'static str, &'static str);

pub(super) const FORMS: &[Form] = &[
    ("A", "192.0.2.1", "192.0.2.1", "c0000201"),
    ("NS", "ns1", "ns1.example.org.", "036e7331076578616d706c65036f726700"),
    ("CNAME", "@", "example.org.", "076578616d706c65036f726700"),
    ("CNAME", r"a\.b.C\065. ", r"a\.b.CA.", "03612e6202434100"),
    (
        "SOA",
        "ns. host\\.master. 2026112001 3H 15m 1W 1d",
        "ns. host\\.master. 2026112001 10800 900 604800 86400",
        "026e73000b686f73742e6d61737465720078c4040100002a3000000384\
         00093a8000015180",
    ),
    ("PTR", "a.", "a.", "016100"),
    ("HINFO", "PC \"Linux 6\"", "\"PC\" \"Linux 6\"", "025043074c696e75782036"),
    ("MX", "10 mail.", "10 mail.", "000a046d61696c00"),
    (
        "TXT",
        r#""v=spf1 -all" "" plain\032\"x"#,
        r#""v=spf1 -all" "" "plain \"x""#,
        "0b763d73706631202d616c6c0008706c61696e202278",
    ),
    ("TXT", "\"grün;()\"", r#""gr\195\188n;()""#, "086772c3bc6e3b2829"),
    ("SPF", "\"v=spf1\"", "\"v=spf1\"", "06763d73706631"),
    ("RP", "a. .", "a. .", "01610000"),
    ("AFSDB", "1 a.", "1 a.", "0001016100"),
    ("AAAA", "2001:DB8:0:0::1", "2001:db8::1", "20010db8000000000000000000000001"),
    ("AAAA", "::ffff:192.0.2.1", "::ffff:192.0.2.1", "00000000000000000000ffffc0000201"),
    ("SRV", "0 5 5060 sip.", "0 5 5060 sip.", "0000000513c40373697000"),
    // RFC 3403, section 6.2 has the like.
    (
        "NAPTR",
        r#"100 50 "s" "z3950+I2L+I2C" "" _z._tcp."#,
        r#"100 50 "s" "z3950+I2L+I2C" "" _z._tcp."#,
        "006400320173 0d7a333935302b49324c2b49324300025f7a045f74637000",
    ),
    ("KX", "10 a.", "10 a.", "000a016100"),
    ("CERT", "PGP 0 RSASHA256 AQID", "3 0 8 AQID", "0003000008010203"),
    ("DNAME", "a.b.", "a.b.", "0161016200"),
    // RFC 4034, section 5.4.
    (
        "DS",
        "60485 RSASHA1 SHA-1 2BB183AF5F22588179A53B0A 98631fad1a292118",
        "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118",
        "ec4505012bb183af5f22588179a53b0a98631fad1a292118",
    ),
    ("CDS", "0 0 0 00", "0 0 0 00", "0000000000"),
    // RFC 4255, section 3.2.
    (
        "SSHFP",
        "2 1 123456789abcdef67890123456789abcdef67890",
        "2 1 123456789ABCDEF67890123456789ABCDEF67890",
        "0201123456789abcdef67890123456789abcdef67890",
    ),
    // RFC 4034, section 3.3, with a shorter signature.
    (
        "RRSIG",
        "A 5 3 86400 20030322173103 1046000000 2642 example.com. oJB1 W6WN",
        "A 5 3 86400 20030322173103 20030223113320 2642 example.com. oJB1W6WN",
        "0001050300015180 3e7c9dd7 3e58b180 0a52 076578616d706c6503636f6d00 a090755ba58d",
    ),
    // RFC 4034, section 4.3.
    (
        "NSEC",
        "host.example.com. TYPE1234 A MX RRSIG NSEC",
        "host.example.com. A MX RRSIG NSEC TYPE1234",
        "04686f7374076578616d706c6503636f6d00 0006400100000003 041b0000000000000000000000000000000000000000000000000000\
         20",
    ),
    ("DNSKEY", "257 3 13 AQID", "257 3 13 AQID", "0101030d010203"),
    ("CDNSKEY", "0 3 0 AA==", "0 3 0 AA==", "0000030000"),
    // RFC 5155, appendix A.
    (
        "NSEC3",
        "1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr NS SOA MX RRSIG DNSKEY NSEC3PARAM",
        "1 1 12 AABBCCDD 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR NS SOA MX RRSIG DNSKEY NSEC3PARAM",
        "0101000c04aabbccdd14174eb2409fe28bcb4887a1836f957f0a8425e27b 000722010000000290",
    ),
    ("NSEC3", "1 0 0 - 00", "1 0 0 - 00", "010000000001 00"),
    ("NSEC3PARAM", "1 0 12 aabbccdd", "1 0 12 AABBCCDD", "0100000c04aabbccdd"),
    ("NSEC3PARAM", "1 0 0 -", "1 0 0 -", "0100000000"),
    ("TLSA", "DANE-EE SPKI Full 0A0B", "3 1 0 0A0B", "0301000a0b"),
    ("SMIMEA", "3 0 0 0A0B", "3 0 0 0A0B", "0300000a0b"),
    ("OPENPGPKEY", "mQI= ", "mQI=", "9902"),
    // RFC 7477, section 2.1.4.
    ("CSYNC", "66 3 A NS AAAA", "66 3 A NS AAAA", "0000004200030004 60000008"),
    // RFC 8976, appendix A.1.
    (
        "ZONEMD",
        "2018031900 1 1 c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9\
         a9713b3c9ae5cc27777f98b8e730044c",
        "2018031900 1 1 C68090D90A7AED716BC459F9340E3D7C1370D4D24B7E2FC3A1DDC0B9A87153B9\
         A9713B3C9AE5CC27777F98B8E730044C",
        "7848b91c0101c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9\
         a9713b3c9ae5cc27777f98b8e730044c",
    ),
    // RFC 7043, sections 3.2 and 4.2.
    ("EUI48", "00-00-5E-00-53-2a", "00-00-5e-00-53-2a", "00005e00532a"),
    ("EUI64", "00-00-5e-ef-10-00-00-2a", "00-00-5e-ef-10-00-00-2a", "00005eef1000002a"),
    ("URI", "10 1 \"ftp://a/\"", "10 1 \"ftp://a/\"", "000a00016674703a2f2f612f"),
    (
        "CAA",
        "0 issue \"ca.example; a=b\"",
        "0 issue \"ca.example; a=b\"",
        "00056973737565 63612e6578616d706c653b20613d62",
    ),
    ("CAA", "128 issue \"\"", "128 issue \"\"", "80056973737565"),
    // RFC 1876, section 4 (its own examples), and the far corners.
    (
        "LOC",
        "42 21 54 N 71 06 18 W -24m 30m",
        "42 21 54.000 N 71 6 18.000 W -24.00m 30m 10000m 10m",
        "00331613 89172dd0 70be15f0 00988d20",
    ),
    (
        "LOC",
        "90 S 180 e -100000.00 0.01 90000000m 0",
        "90 0 0.000 S 180 0 0.000 E -100000.00m 0.01m 90000000m 0m",
        "00109900 6cb02700 a69fb200 00000000",
    ),
    (
        "LOC",
        "0 0 0.001 n 0 59 59.999 W 42849672.95m",
        "0 0 0.001 N 0 59 59.999 W 42849672.95m 1m 10000m 10m",
        "00121613 80000001 7fc91181 ffffffff",
    ),
    // RFC 9460, appendix D.
    ("HTTPS", "0 foo.example.com.", "0 foo.example.com.", "000003666f6f076578616d706c6503636f6d00"),
    ("SVCB", "1 .", "1 .", "000100"),
    ("SVCB", "16 foo. port=53", "16 foo. port=53", "001003666f6f00 000300020035"),
    ("SVCB", "1 foo. key667=hello", "1 foo. key667=\"hello\"", "000103666f6f00 029b000568656c6c6f"),
    (
        "SVCB",
        r#"1 foo. key667="hello\210qoo""#,
        r#"1 foo. key667="hello\210qoo""#,
        "000103666f6f00 029b000968656c6c6fd2716f6f",
    ),
    (
        "SVCB",
        r#"1 foo. ipv6hint="2001:db8::1,2001:db8::53:1""#,
        "1 foo. ipv6hint=2001:db8::1,2001:db8::53:1",
        "000103666f6f00 0006002020010db800000000000000000000000120010db8000000000000000000530001",
    ),
    (
        "SVCB",
        "16 foo. alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1",
        "16 foo. mandatory=alpn,ipv4hint alpn=\"h2,h3-19\" ipv4hint=192.0.2.1",
        "001003666f6f00 0000000400010004 00010009026832 0568332d3139 00040004c0000201",
    ),
    (
        "SVCB",
        r#"16 foo. alpn="f\\\\oo\\,bar,h2""#,
        r#"16 foo. alpn="f\\\\oo\\,bar,h2""#,
        "001003666f6f00 0001000c08665c6f6f2c626172026832",
    ),
    (
        "SVCB",
        r"16 foo. alpn=f\\\092oo\092,bar,h2",
        r#"16 foo. alpn="f\\\\oo\\,bar,h2""#,
        "001003666f6f00 0001000c08665c6f6f2c626172026832",
    ),
    (
        "HTTPS",
        r"1 . ohttp dohpath=/q{?dns} ech=AAEC no-default-alpn key1=\002h2",
        r#"1 . alpn="h2" no-default-alpn ech=AAEC dohpath="/q{?dns}" ohttp"#,
        "000100 00010003026832 00020000 00050003000102 000700082f717b3f646e737d 00080000",
    ),
    ("HTTPS", "1 . key65534", "1 . key65534", "000100fffe0000"),
    ("TYPE65280", r"\# 4 c000 0201", r"\# 4 C0000201", "c0000201"),
    ("TYPE65280", r"\# 0", r"\# 0", ""),
    ("A", r"\# 4 C0000201", "192.0.2.1", "c0000201"),
    ("MX", r"\# 5 000a016100", "10 a.", "000a016100"),
];

#[test]
fn every_type_is_read_written_back_and_read_again() {
    for (mnemonic, text, canonical, expected) in FORMS {
        let rdata = wire(mnemonic, text);
        assert_eq!(hex(&rdata), expected.replace(' ', ""), "{mnemonic} {text}");
        assert_eq!(&written(rtype(mnemonic), &rdata), canonical);
        assert_eq!(wire(mnemonic, canonical), rdata, "{mnemonic} {canonical}");
    }
}

#[test]
fn no_type_of_the_table_is_without_an_example() {
    for entry in TYPES {
        assert!(FORMS.iter().any(|(mnemonic, ..)| *mnemonic == entry.mnemonic), "{}", entry.mnemonic);
    }
}

#[test]
fn the_table_is_sorted_and_kinds_that_take_the_rest_come_last() {
    assert!(TYPES.is_sorted_by(|one, next| one.rtype < next.rtype));
    for entry in TYPES {
        let (_, before) = entry.fields.split_last().unwrap();
        for field in before {
            let takes_rest = matches!(
                field.kind,
                Kind::CharStrings
                    | Kind::Text(_)
                    | Kind::Digest(_)
                    | Kind::Base64
                    | Kind::TypeBitmap
                    | Kind::SvcParams
                    | Kind::Location
            );
            assert!(!takes_rest, "{} {}", entry.mnemonic, field.name);
        }
    }
}

#[test]
fn a_value_of_its_own_word_right_behind_the_key_belongs_to_it() {
    let line = Line::new("1 . alpn=\"h2,h3\"");
    let mut tokens = line.tokens();
    tokens.pop();
    tokens.push(Token { text: b"alpn=", quoted: false, span: line.span(4, 9) });
    tokens.push(Token { text: b"h2,h3", quoted: true, span: line.span(9, 16) });
    let mut out = Vec::new();
    let read =
        parse(Rtype::HTTPS, &tokens, NameRef::ROOT, line.span(16, 16), &mut out, &mut Diagnostics::default());
    assert_eq!(read, Ok(()));
    assert_eq!(written(Rtype::HTTPS, &out), "1 . alpn=\"h2,h3\"");
}

#[test]
fn names_inside_are_found_with_their_place_and_rule() {
    let inner = |mnemonic: &str, text: &str| -> Vec<(usize, String, bool)> {
        let rdata = wire(mnemonic, text);
        let inner = names(rtype(mnemonic), &rdata);
        inner.map(|inner| (inner.at, inner.name.to_string(), inner.compressible)).collect()
    };
    assert_eq!(inner("MX", "10 a."), [(2, "a.".into(), true)]);
    assert_eq!(inner("SOA", "a. b. 1 2 3 4 5"), [(0, "a.".into(), true), (3, "b.".into(), true)]);
    assert_eq!(inner("SRV", "0 0 1 a."), [(6, "a.".into(), false)]);
    assert_eq!(inner("NAPTR", "1 2 a b c d."), [(10, "d.".into(), false)]);
    assert_eq!(inner("HTTPS", "1 a. port=1"), [(2, "a.".into(), false)]);
    assert_eq!(inner("RRSIG", "A 5 3 1 2 3 4 s. AQID"), [(18, "s.".into(), false)]);
    assert_eq!(inner("TXT", "a."), []);
    assert_eq!(inner("TYPE65280", r"\# 3 016100"), []);
}

#[test]
fn bytes_that_do_not_fit_their_type_are_written_as_unknown() {
    let cases: &[(&str, &[u8])] = &[
        ("A", &[192, 0, 2]),
        ("A", &[192, 0, 2, 1, 0]),
        ("AAAA", &[]),
        ("NS", &[0xc0, 12]),
        ("NS", &[1, b'a']),
        ("TXT", &[]),
        ("TXT", &[2, b'a']),
        ("DS", &[0, 1, 8, 2, 0xaa]),
        ("NSEC", &[0, 0, 2, 0x40, 0]),
        ("NSEC", &[0, 1, 1, 1, 0, 1, 1]),
        ("LOC", &[1; 16]),
        ("CAA", &[0, 1, b'-']),
        ("URI", &[0, 0, 0, 0]),
        ("SVCB", &[0, 1, 0, 0, 3, 0, 1, 0]),
        ("SVCB", &[0, 1, 0, 0, 2, 0, 0]),
        ("SVCB", &[0, 1, 0, 0xff, 0xff, 0, 0]),
        ("SVCB", &[0, 1, 0, 0, 8, 0, 0, 0, 8, 0, 0]),
    ];
    for (mnemonic, rdata) in cases {
        let text = written(rtype(mnemonic), rdata);
        assert!(text.starts_with(&format!(r"\# {}", rdata.len())), "{mnemonic} {text}");
    }
}
