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
    // The wire form of those below is BIND 9.18's, but for CLA and IPN, which it does not know.
    ("MD", "a.", "a.", "016100"),
    ("MF", "a.", "a.", "016100"),
    ("MB", "a", "a.example.org.", "0161076578616d706c65036f726700"),
    ("MG", "a.", "a.", "016100"),
    ("MR", "a.", "a.", "016100"),
    ("NULL", r"\# 2 aabb", r"\# 2 AABB", "aabb"),
    ("NULL", r"\# 0", r"\# 0", ""),
    ("WKS", "10.0.0.1 TCP smtp domain 80", "10.0.0.1 6 25 53 80", "0a00000106 0000004000000400000080"),
    ("WKS", "10.0.0.1 udp 53 discard", "10.0.0.1 17 9 53", "0a00000111 00400000000004"),
    ("WKS", "10.0.0.1 6", "10.0.0.1 6", "0a00000106"),
    ("MINFO", "a. b.", "a. b.", "016100016200"),
    ("X25", "311061700956", "\"311061700956\"", "0c333131303631373030393536"),
    (
        "ISDN",
        "150862028003217 004",
        "\"150862028003217\" \"004\"",
        "0f313530383632303238303033323137 03303034",
    ),
    ("ISDN", "150862028003217", "\"150862028003217\"", "0f313530383632303238303033323137"),
    ("RT", "10 relay.", "10 relay.", "000a0572656c617900"),
    (
        "NSAP",
        "0x47.0005.80.005a00.0000.0001.e133.ffffff000161.00",
        "0x47000580005A0000000001E133FFFFFF00016100",
        "47000580005a0000000001e133ffffff00016100",
    ),
    ("NSAP-PTR", "foo.", "foo.", "03666f6f00"),
    (
        "SIG",
        "A 8 2 3600 20300101000000 20200101000000 12345 example. AQID",
        "A 8 2 3600 20300101000000 20200101000000 12345 example. AQID",
        "0001080200000e10 70dbd880 5e0be100 3039 076578616d706c6500 010203",
    ),
    ("KEY", "512 3 8 AQID", "512 3 8 AQID", "02000308010203"),
    ("KEY", "ZONE|SIG1 DNSSEC RSASHA1 AQID", "257 3 5 AQID", "01010305010203"),
    ("KEY", "NOKEY 3 8", "49152 3 8", "c0000308"),
    ("PX", "10 a. b.", "10 a. b.", "000a016100016200"),
    (
        "GPOS",
        "-32.6882 116.8652 10.0",
        "\"-32.6882\" \"116.8652\" \"10.0\"",
        "082d33322e36383832083131362e383635320431302e30",
    ),
    ("NXT", "a. NXT A MX", "a. A MX NXT", "016100 40010002"),
    ("NXT", "a.", "a.", "016100"),
    ("EID", "12 89 ab", "1289AB", "1289ab"),
    ("NIMLOC", "1289AB", "1289AB", "1289ab"),
    ("ATMA", "39.24.6f", "39246F", "0039246f"),
    ("ATMA", "+6120.0000000", "+61200000000", "013631323030303030303030"),
    ("ATMA", r"\# 3 026161", r"\# 3 026161", "026161"),
    ("A6", "0 2001:db8::1", "0 2001:db8::1", "0020010db8000000000000000000000001"),
    ("A6", "64 1::1 a.", "64 ::1 a.", "400000000000000001 016100"),
    ("A6", "60 ::1:0:0:0:1 a.", "60 ::1:0:0:0:1 a.", "3c010000000000000001 016100"),
    ("A6", "127 ::1 a.", "127 ::1 a.", "7f01016100"),
    ("A6", "128 a.", "128 a.", "80016100"),
    ("SINK", "8 0 2 AQID", "8 0 2 AQID", "080002010203"),
    ("SINK", "64 16 1", "64 16 1", "401001"),
    // RFC 3123, section 4.
    (
        "APL",
        "1:192.168.32.0/21 !1:192.168.38.0/28",
        "1:192.168.32.0/21 !1:192.168.38.0/28",
        "00011503c0a820 00011c83c0a826",
    ),
    (
        "APL",
        "1:0.0.0.0/0 2:2001:DB8::/32 !2:::1.2.3.4/128 1:192.0.2.5/24",
        "1:0.0.0.0/0 2:2001:db8::/32 !2:::102:304/128 1:192.0.2.5/24",
        "00010000 0002200420010db8 0002809000000000000000000000000001020304 00011804c0000205",
    ),
    ("APL", "", "", ""),
    ("APL", r"\# 0", "", ""),
    ("APL", r"\# 6 00030802aabb", r"\# 6 00030802AABB", "00030802aabb"),
    // RFC 4025, section 3.2.
    ("IPSECKEY", "10 1 2 192.0.2.38 AQID", "10 1 2 192.0.2.38 AQID", "0a0102c0000226010203"),
    ("IPSECKEY", "10 0 2 . AQID", "10 0 2 . AQID", "0a0002010203"),
    (
        "IPSECKEY",
        "10 3 2 gw AQID",
        "10 3 2 gw.example.org. AQID",
        "0a0302026777076578616d706c65036f726700010203",
    ),
    (
        "IPSECKEY",
        "10 2 2 2001:db8::1 AQ ID",
        "10 2 2 2001:db8::1 AQID",
        "0a020220010db8000000000000000000000001010203",
    ),
    ("IPSECKEY", "10 0 0 .", "10 0 0 .", "0a0000"),
    ("IPSECKEY", "10 3 0 a.", "10 3 0 a.", "0a0300016100"),
    // RFC 4701, section 3.6.1.
    (
        "DHCID",
        "AAIBY2/AuCccgoJbsaxcQc9TUapptP69 lOjxfNuVAA2kjEA=",
        "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=",
        "000201636fc0b8271c82825bb1ac5c41cf5351aa69b4febd94e8f17cdb95000da48c40",
    ),
    ("HIP", "2 2001 AQID", "2 2001 AQID", "020200032001010203"),
    (
        "HIP",
        "2 2001 AQID rvs a. b.",
        "2 2001 AQID rvs.example.org. a. b.",
        "0202000320010102 0303727673076578616d706c65036f726700016100016200",
    ),
    ("NINFO", "\"a\" b", "\"a\" \"b\"", "01610162"),
    ("RKEY", "0 3 8 AQID", "0 3 8 AQID", "00000308010203"),
    ("TALINK", ". b.", ". b.", "00016200"),
    ("DSYNC", "CDS NOTIFY 5359 a.", "CDS 1 5359 a.", "003b0114ef016100"),
    ("DSYNC", "TYPE65280 3 53 .", "TYPE65280 3 53 .", "ff0003003500"),
    ("HHIT", "AQID", "AQID", "010203"),
    ("BRID", "AQID", "AQID", "010203"),
    ("UINFO", r"\# 2 aabb", r"\# 2 AABB", "aabb"),
    ("UID", r"\# 1 aa", r"\# 1 AA", "aa"),
    ("GID", r"\# 1 aa", r"\# 1 AA", "aa"),
    ("UNSPEC", r"\# 1 aa", r"\# 1 AA", "aa"),
    // RFC 6742, section 2.
    ("NID", "10 0014:4fff:ff20:ee64", "10 0014:4fff:ff20:ee64", "000a00144fffff20ee64"),
    ("NID", "10 14:4FFF:0:1", "10 0014:4fff:0000:0001", "000a00144fff00000001"),
    ("L32", "10 10.1.2.0", "10 10.1.2.0", "000a0a010200"),
    ("L64", "10 2001:0DB8:1140:1000", "10 2001:0db8:1140:1000", "000a20010db811401000"),
    ("LP", "10 l64-subnet1.", "10 l64-subnet1.", "000a0b6c36342d7375626e65743100"),
    ("AVC", "\"app-name:a\" b", "\"app-name:a\" \"b\"", "0a6170702d6e616d653a610162"),
    ("DOA", "0 1 2 \"\" AQ ID", "0 1 2 \"\" AQID", "00000000000000010200010203"),
    (
        "DOA",
        "1234567890 1234567890 1 image/gif -",
        "1234567890 1234567890 1 \"image/gif\" -",
        "499602d2499602d20109696d6167652f676966",
    ),
    ("AMTRELAY", "10 0 1 203.0.113.15", "10 0 1 203.0.113.15", "0a01cb00710f"),
    ("AMTRELAY", "10 1 2 2001:db8::15", "10 1 2 2001:db8::15", "0a8220010db8000000000000000000000015"),
    ("AMTRELAY", "128 1 3 amt", "128 1 3 amt.example.org.", "808303616d74076578616d706c65036f726700"),
    ("AMTRELAY", "10 0 0 .", "10 0 0 .", "0a00"),
    ("AMTRELAY", r"\# 3 0a0401", r"\# 3 0A0401", "0a0401"),
    (
        "RESINFO",
        "qnamemin exterr=15,16",
        "\"qnamemin\" \"exterr=15,16\"",
        "08716e616d656d696e0c6578746572723d31352c3136",
    ),
    ("WALLET", "BTC abc", "\"BTC\" \"abc\"", "0342544303616263"),
    ("CLA", "TCPCLv4", "\"TCPCLv4\"", "07544350434c7634"),
    ("IPN", "977000", "977000", "00000000000ee868"),
    ("IPN", "1.2", "4294967298", "0000000100000002"),
    ("IPN", "18446744073709551615", "18446744073709551615", "ffffffffffffffff"),
    ("TA", "1 8 9 aa", "1 8 9 AA", "00010809aa"),
    (
        "DLV",
        "1 8 1 2BB183AF5F22588179A53B0A98631FAD1A292118",
        "1 8 1 2BB183AF5F22588179A53B0A98631FAD1A292118",
        "000108012bb183af5f22588179a53b0a98631fad1a292118",
    ),
    // What BIND, NSD and Knot serve alike: a digest of another length, an empty target, an unknown version.
    ("TLSA", "3 1 1 aa", "3 1 1 AA", "030101aa"),
    ("URI", "1 1 \"\"", "1 1 \"\"", "00010001"),
    ("CSYNC", "66 3", "66 3", "000000420003"),
    ("LOC", r"\# 2 0133", r"\# 2 0133", "0133"),
    ("DNSKEY", "KSK|ZONE DNSSEC ED25519 AQID", "257 3 15 AQID", "0101030f010203"),
    ("ZONEMD", "1 241 240 e2d5", "1 241 240 E2D5", "00000001f1f0e2d5"),
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
                FieldKind::CharStrings
                    | FieldKind::Text(_)
                    | FieldKind::Digest(..)
                    | FieldKind::Hex
                    | FieldKind::Base64(_)
                    | FieldKind::Base64OrDash
                    | FieldKind::Opaque
                    | FieldKind::OptionalString
                    | FieldKind::Prefixes
                    | FieldKind::HostIdentity
                    | FieldKind::Services
                    | FieldKind::AddressChain
                    | FieldKind::Nsap
                    | FieldKind::Atm
                    | FieldKind::TypeBitmap
                    | FieldKind::FlatBitmap
                    | FieldKind::SvcParams
                    | FieldKind::Location
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
    assert_eq!(inner("MINFO", "a. b."), [(0, "a.".into(), true), (3, "b.".into(), true)]);
    assert_eq!(inner("MB", "a."), [(0, "a.".into(), true)]);
    // Later than RFC 1035, though older than RFC 3597.
    assert_eq!(inner("RT", "1 a."), [(2, "a.".into(), false)]);
    assert_eq!(inner("PX", "1 a. b."), [(2, "a.".into(), false), (5, "b.".into(), false)]);
    assert_eq!(inner("LP", "1 a."), [(2, "a.".into(), false)]);
    assert_eq!(inner("DSYNC", "CDS 1 53 a."), [(5, "a.".into(), false)]);
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
        ("LOC", &[0; 16]),
        ("CAA", &[0, 1, b'-']),
        ("URI", &[0, 0, 0]),
        ("WKS", &[10, 0, 0, 1, 6, 0]),
        ("X25", &[3, b'1', b'2', b'3']),
        ("NXT", &[0, 0x80]),
        ("ATMA", &[1, b'a']),
        ("A6", &[129]),
        ("A6", &[60, 0x10, 0, 0, 0, 0, 0, 0, 0, 1, 0]),
        ("APL", &[0, 1, 24, 3, 192, 0, 0]),
        ("APL", &[0, 1, 33, 1, 192]),
        ("APL", &[0, 1, 32, 5, 192, 0, 2, 1, 9]),
        ("IPSECKEY", &[10, 4, 2, 1]),
        ("IPSECKEY", &[10, 0, 2]),
        ("HIP", &[0, 2, 0, 0]),
        ("HIP", &[1, 2, 0, 0, 32]),
        ("HIP", &[1, 2, 0, 1, 32, 1, 3]),
        ("AMTRELAY", &[10, 0, 1]),
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
