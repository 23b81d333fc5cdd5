//! The table: the fields in the RDATA of each type, in their order, with the mnemonics of their values.
//!
//! A new type is one row here. Kinds of fields are read by `read`, measured by `extent` and written by
//! `write`.

use super::super::rtype::Rtype;

/// One type: what it is called and what its RDATA holds.
#[derive(Debug)]
pub(super) struct TypeEntry {
    /// The type.
    pub(super) rtype: Rtype,
    /// Its name in zone text.
    pub(super) mnemonic: &'static str,
    /// What its RDATA holds, from first to last.
    pub(super) fields: &'static [Field],
    /// Whether it can be meant by a misspelt word.
    pub(super) usage: Usage,
}

impl TypeEntry {
    /// The fields in the order in which they are written.
    pub(super) fn form(&self) -> String {
        let names: Vec<&str> = self.fields.iter().map(|field| field.name).collect();
        format!("{} is written as: {}", self.mnemonic, names.join(" "))
    }
}

/// Whether records of a type are in use today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    /// Zones have them.
    InUse,
    /// Experiments and obsolete types: read, but never suggested.
    Rare,
}

/// One field of some RDATA.
#[derive(Debug)]
pub(super) struct Field {
    /// The RFC's name for it, as shown in diagnostics.
    pub(super) name: &'static str,
    /// What it is.
    pub(super) kind: FieldKind,
}

/// What a field is: one way of reading, measuring and writing it.
///
/// Kinds that take the rest of the RDATA say so; they can only come last.
#[derive(Clone, Copy, Debug)]
pub(super) enum FieldKind {
    /// A number of 8 bits.
    U8,
    /// A number of 16 bits.
    U16,
    /// A number of 32 bits.
    U32,
    /// A number of 8 bits, for which a mnemonic may stand.
    Named8(&'static [(&'static str, u8)]),
    /// A number of 16 bits, for which a mnemonic may stand.
    Named16(&'static [(&'static str, u16)]),
    /// A number of 16 bits, for which mnemonics joined by `|` may stand.
    Flags16(&'static [(&'static str, u16)]),
    /// A number of 64 bits, or its halves joined by a dot.
    Halves64,
    /// Seconds, 32 bits, units allowed.
    Timer,
    /// Seconds since 1970 modulo 2^32, or a date (RFC 4034, section 3.2).
    Timestamp,
    /// An RRTYPE.
    Type,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// Six bytes, as `00-00-5e-00-53-2a` (RFC 7043).
    Eui48,
    /// Eight bytes likewise.
    Eui64,
    /// Eight bytes as four groups of hexadecimal digits (RFC 6742, section 2.1.1).
    Locator64,
    /// The rest: address prefixes, none too (RFC 3123, section 4).
    Prefixes,
    /// Where traffic goes: nothing, an address or a name. An earlier field says which.
    Gateway(GatewayType),
    /// Whether a relay may be found by discovery, and the type of its gateway (RFC 8777, section 4.2).
    RelayType,
    /// The rest: a host's identity and its rendezvous servers (RFC 8005, section 5).
    HostIdentity,
    /// The rest: the ports of services, none too (RFC 1035, section 3.4.2).
    Services,
    /// The rest: a part of an IPv6 address, and the name that has the other (RFC 2874, section 3.1).
    AddressChain,
    /// The rest: an NSAP address, as `0x47.0005…` (RFC 1706, section 5).
    Nsap,
    /// The rest: an ATM address, as hexadecimal or as `+` and digits.
    Atm,
    /// A string of digits, four at least (RFC 1183, section 3.1).
    Digits,
    /// A domain name.
    Name(Compression, InPowerDns),
    /// A character string (RFC 1035, section 3.3).
    CharString,
    /// A character string, or nothing.
    OptionalString,
    /// The rest: character strings, one at least.
    CharStrings,
    /// The rest: one string that needs no length and knows no limit.
    Text(Emptiness),
    /// Letters and digits behind their length (RFC 8659, section 4.1).
    Tag,
    /// The rest: bytes in hexadecimal, one at least; the byte before them says how many are to be, for those
    /// values of it that are listed.
    Digest(&'static [(u8, usize)], OtherLength),
    /// The rest: bytes in hexadecimal, one at least.
    Hex,
    /// The rest: bytes in base64, one at least, or where it says so none.
    Base64(Absence),
    /// The rest: bytes in base64, or `-` for none.
    Base64OrDash,
    /// The rest: any bytes, which can only be written as `\#` (RFC 3597, section 5).
    Opaque,
    /// Bytes in hexadecimal behind their length; `-` for none (RFC 5155, section 3.3).
    Salt,
    /// Bytes in base32hex behind their length (RFC 5155, section 3.3).
    HashedOwner,
    /// The rest: a bitmap of RRTYPEs (RFC 4034, section 4.1.2).
    TypeBitmap,
    /// The rest: a bitmap of the RRTYPEs up to 127 (RFC 2535, section 5.2).
    FlatBitmap,
    /// The rest: SvcParams (RFC 9460, section 2.1).
    SvcParams,
    /// A place on earth (RFC 1876).
    Location,
}

/// Whether a name may be compressed in a message: only in the types of RFC 1035 (RFC 3597, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    Allowed,
    Forbidden,
}

/// What PowerDNS makes of a relative name here. The RFCs complete all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InPowerDns {
    Completed,
    TakenAsAbsolute,
}

/// Whether a text may be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Emptiness {
    Allowed,
    /// It may, but the RFC says that it should not.
    Remarked,
}

/// What becomes of a digest whose length is not that of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OtherLength {
    Refused,
    /// NSD, Knot and BIND serve it, and clients pass over it.
    Remarked,
}

/// When bytes in base64 may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absence {
    Never,
    Always,
    /// When the third byte of the RDATA is 0: no algorithm (RFC 4025, section 2.4).
    WithoutAlgorithm,
    /// When both of the first two bits are set: no key (RFC 2535, section 3.1.2).
    WithNoKeyFlag,
}

/// Where the field is that says what a gateway is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GatewayType {
    /// Two bytes before it (RFC 4025, section 2.1).
    BeforeAlgorithm,
    /// In the lower seven bits right before it (RFC 8777, section 4.2).
    BelowDiscovery,
}

impl Absence {
    /// Whether nothing may follow the RDATA `before`.
    fn holds(self, before: &[u8]) -> bool {
        match self {
            Absence::Never => false,
            Absence::Always => true,
            Absence::WithoutAlgorithm => before.get(2) == Some(&0),
            Absence::WithNoKeyFlag => before.first().is_some_and(|flags| flags & 0xc0 == 0xc0),
        }
    }
}

impl FieldKind {
    /// Whether nothing at all is a value of this kind, behind the RDATA `before`.
    pub(super) fn may_be_absent(self, before: &[u8]) -> bool {
        match self {
            FieldKind::Base64(absence) => absence.holds(before),
            _ => matches!(
                self,
                FieldKind::TypeBitmap
                    | FieldKind::FlatBitmap
                    | FieldKind::SvcParams
                    | FieldKind::Prefixes
                    | FieldKind::Services
                    | FieldKind::OptionalString
            ),
        }
    }
}

impl TypeEntry {
    /// Whether its RDATA can be written in no other form than `\#`.
    pub(super) fn is_opaque(&self) -> bool {
        matches!(self.fields, [Field { kind: FieldKind::Opaque, .. }])
    }
}

/// The row of a type.
pub(super) fn entry(rtype: Rtype) -> Option<&'static TypeEntry> {
    let at = TYPES.binary_search_by_key(&rtype, |entry| entry.rtype).ok()?;
    TYPES.get(at)
}

const fn row(number: u16, mnemonic: &'static str, fields: &'static [Field]) -> TypeEntry {
    TypeEntry { rtype: Rtype(number), mnemonic, fields, usage: Usage::InUse }
}

const fn rare(number: u16, mnemonic: &'static str, fields: &'static [Field]) -> TypeEntry {
    TypeEntry { rtype: Rtype(number), mnemonic, fields, usage: Usage::Rare }
}

const fn f(name: &'static str, kind: FieldKind) -> Field {
    Field { name, kind }
}

/// A name of RFC 1035.
const NAME: FieldKind = FieldKind::Name(Compression::Allowed, InPowerDns::Completed);
/// A name of a later type.
const PLAIN_NAME: FieldKind = FieldKind::Name(Compression::Forbidden, InPowerDns::Completed);
/// A name of a later type, in which PowerDNS knows no relative names.
const FULL_NAME: FieldKind = FieldKind::Name(Compression::Forbidden, InPowerDns::TakenAsAbsolute);

/// All types with RDATA that IANA lists, by number.
pub(super) const TYPES: &[TypeEntry] = &[
    row(1, "A", &[f("address", FieldKind::Ipv4)]),
    row(2, "NS", &[f("nsdname", NAME)]),
    rare(3, "MD", &[f("madname", NAME)]),
    rare(4, "MF", &[f("madname", NAME)]),
    row(5, "CNAME", &[f("cname", NAME)]),
    row(6, "SOA", SOA),
    rare(7, "MB", &[f("madname", NAME)]),
    rare(8, "MG", &[f("mgmname", NAME)]),
    rare(9, "MR", &[f("newname", NAME)]),
    rare(10, "NULL", OPAQUE),
    rare(11, "WKS", WKS),
    row(12, "PTR", &[f("ptrdname", NAME)]),
    row(13, "HINFO", &[f("cpu", FieldKind::CharString), f("os", FieldKind::CharString)]),
    rare(14, "MINFO", &[f("rmailbx", NAME), f("emailbx", NAME)]),
    row(15, "MX", &[f("preference", FieldKind::U16), f("exchange", NAME)]),
    row(16, "TXT", &[f("text", FieldKind::CharStrings)]),
    row(17, "RP", &[f("mailbox", PLAIN_NAME), f("txt-name", PLAIN_NAME)]),
    row(18, "AFSDB", &[f("subtype", FieldKind::U16), f("hostname", PLAIN_NAME)]),
    rare(19, "X25", &[f("psdn-address", FieldKind::Digits)]),
    rare(20, "ISDN", &[f("isdn-address", FieldKind::CharString), f("subaddress", FieldKind::OptionalString)]),
    rare(21, "RT", &[f("preference", FieldKind::U16), f("intermediate-host", PLAIN_NAME)]),
    rare(22, "NSAP", &[f("nsap-address", FieldKind::Nsap)]),
    rare(23, "NSAP-PTR", &[f("owner", PLAIN_NAME)]),
    rare(24, "SIG", RRSIG),
    rare(25, "KEY", KEY),
    rare(26, "PX", &[f("preference", FieldKind::U16), f("map822", PLAIN_NAME), f("mapx400", PLAIN_NAME)]),
    rare(27, "GPOS", GPOS),
    row(28, "AAAA", &[f("address", FieldKind::Ipv6)]),
    row(29, "LOC", &[f("location", FieldKind::Location)]),
    rare(30, "NXT", &[f("next-domain-name", PLAIN_NAME), f("types", FieldKind::FlatBitmap)]),
    rare(31, "EID", &[f("endpoint", FieldKind::Hex)]),
    rare(32, "NIMLOC", &[f("locator", FieldKind::Hex)]),
    row(33, "SRV", SRV),
    rare(34, "ATMA", &[f("address", FieldKind::Atm)]),
    row(35, "NAPTR", NAPTR),
    row(36, "KX", &[f("preference", FieldKind::U16), f("exchanger", FULL_NAME)]),
    row(37, "CERT", CERT),
    rare(38, "A6", &[f("prefix-length [address-suffix] [prefix-name]", FieldKind::AddressChain)]),
    row(39, "DNAME", &[f("target", PLAIN_NAME)]),
    rare(40, "SINK", SINK),
    row(42, "APL", &[f("prefixes", FieldKind::Prefixes)]),
    row(43, "DS", DS),
    row(44, "SSHFP", SSHFP),
    row(45, "IPSECKEY", IPSECKEY),
    row(46, "RRSIG", RRSIG),
    row(47, "NSEC", &[f("next-domain-name", FULL_NAME), f("types", FieldKind::TypeBitmap)]),
    row(48, "DNSKEY", DNSKEY),
    row(49, "DHCID", &[f("digest", BASE64)]),
    row(50, "NSEC3", NSEC3),
    row(51, "NSEC3PARAM", NSEC3PARAM),
    row(52, "TLSA", TLSA),
    row(53, "SMIMEA", TLSA),
    rare(55, "HIP", &[f("algorithm hit public-key [rendezvous-servers]", FieldKind::HostIdentity)]),
    rare(56, "NINFO", &[f("text", FieldKind::CharStrings)]),
    rare(57, "RKEY", DNSKEY),
    rare(58, "TALINK", &[f("previous", PLAIN_NAME), f("next", PLAIN_NAME)]),
    row(59, "CDS", DS),
    row(60, "CDNSKEY", DNSKEY),
    row(61, "OPENPGPKEY", &[f("key", BASE64)]),
    row(
        62,
        "CSYNC",
        &[f("serial", FieldKind::U32), f("flags", FieldKind::U16), f("types", FieldKind::TypeBitmap)],
    ),
    row(63, "ZONEMD", ZONEMD),
    row(64, "SVCB", SVCB),
    row(65, "HTTPS", SVCB),
    row(66, "DSYNC", DSYNC),
    rare(67, "HHIT", &[f("identity", BASE64)]),
    rare(68, "BRID", &[f("identity", BASE64)]),
    row(99, "SPF", &[f("text", FieldKind::CharStrings)]),
    rare(100, "UINFO", OPAQUE),
    rare(101, "UID", OPAQUE),
    rare(102, "GID", OPAQUE),
    rare(103, "UNSPEC", OPAQUE),
    rare(104, "NID", &[f("preference", FieldKind::U16), f("node-id", FieldKind::Locator64)]),
    rare(105, "L32", &[f("preference", FieldKind::U16), f("locator", FieldKind::Ipv4)]),
    rare(106, "L64", &[f("preference", FieldKind::U16), f("locator", FieldKind::Locator64)]),
    rare(107, "LP", &[f("preference", FieldKind::U16), f("pointer", PLAIN_NAME)]),
    row(108, "EUI48", &[f("address", FieldKind::Eui48)]),
    row(109, "EUI64", &[f("address", FieldKind::Eui64)]),
    row(256, "URI", URI),
    row(257, "CAA", CAA),
    rare(258, "AVC", &[f("text", FieldKind::CharStrings)]),
    rare(259, "DOA", DOA),
    row(260, "AMTRELAY", AMTRELAY),
    row(261, "RESINFO", &[f("text", FieldKind::CharStrings)]),
    rare(262, "WALLET", &[f("text", FieldKind::CharStrings)]),
    rare(263, "CLA", &[f("adapters", FieldKind::CharStrings)]),
    rare(264, "IPN", &[f("node-number", FieldKind::Halves64)]),
    rare(32_768, "TA", DS),
    rare(32_769, "DLV", DS),
];

/// Bytes of a length in base64.
const BASE64: FieldKind = FieldKind::Base64(Absence::Never);

/// RDATA without a form of its own: RFC 1035, section 3.3.10, and what IANA only reserves.
const OPAQUE: &[Field] = &[f("data", FieldKind::Opaque)];

/// RFC 1035, section 3.3.13.
const SOA: &[Field] = &[
    f("mname", NAME),
    f("rname", NAME),
    f("serial", FieldKind::U32),
    f("refresh", FieldKind::Timer),
    f("retry", FieldKind::Timer),
    f("expire", FieldKind::Timer),
    f("minimum", FieldKind::Timer),
];

/// RFC 2782.
const SRV: &[Field] = &[
    f("priority", FieldKind::U16),
    f("weight", FieldKind::U16),
    f("port", FieldKind::U16),
    f("target", PLAIN_NAME),
];

/// RFC 3403, section 4.1.
const NAPTR: &[Field] = &[
    f("order", FieldKind::U16),
    f("preference", FieldKind::U16),
    f("flags", FieldKind::CharString),
    f("services", FieldKind::CharString),
    f("regexp", FieldKind::CharString),
    f("replacement", FULL_NAME),
];

/// RFC 4398, section 2.
const CERT: &[Field] = &[
    f("type", FieldKind::Named16(CERT_TYPES)),
    f("key-tag", FieldKind::U16),
    f("algorithm", FieldKind::Named8(ALGORITHMS)),
    f("certificate", BASE64),
];

/// RFC 4034, section 5.1; CDS in RFC 7344.
const DS: &[Field] = &[
    f("key-tag", FieldKind::U16),
    f("algorithm", FieldKind::Named8(ALGORITHMS)),
    f("digest-type", FieldKind::Named8(DIGEST_TYPES)),
    f("digest", FieldKind::Digest(&[(1, 20), (2, 32), (3, 32), (4, 48)], OtherLength::Refused)),
];

/// RFC 4255, section 3.1; SHA-256 in RFC 6594.
const SSHFP: &[Field] = &[
    f("algorithm", FieldKind::U8),
    f("fingerprint-type", FieldKind::U8),
    f("fingerprint", FieldKind::Digest(&[(1, 20), (2, 32)], OtherLength::Refused)),
];

/// RFC 4034, section 3.1.
const RRSIG: &[Field] = &[
    f("type-covered", FieldKind::Type),
    f("algorithm", FieldKind::Named8(ALGORITHMS)),
    f("labels", FieldKind::U8),
    f("original-ttl", FieldKind::U32),
    f("expiration", FieldKind::Timestamp),
    f("inception", FieldKind::Timestamp),
    f("key-tag", FieldKind::U16),
    f("signer", FULL_NAME),
    f("signature", BASE64),
];

/// RFC 4034, section 2.1; CDNSKEY in RFC 7344.
const DNSKEY: &[Field] = &[
    f("flags", FieldKind::Flags16(KEY_FLAGS)),
    f("protocol", FieldKind::Named8(KEY_PROTOCOLS)),
    f("algorithm", FieldKind::Named8(ALGORITHMS)),
    f("public-key", BASE64),
];

/// RFC 2535, section 3.1, as RFC 3445 left it; a key may say that there is none.
const KEY: &[Field] = &[
    f("flags", FieldKind::Flags16(KEY_FLAGS)),
    f("protocol", FieldKind::Named8(KEY_PROTOCOLS)),
    f("algorithm", FieldKind::Named8(ALGORITHMS)),
    f("public-key", FieldKind::Base64(Absence::WithNoKeyFlag)),
];

/// RFC 4025, section 2.1.
const IPSECKEY: &[Field] = &[
    f("precedence", FieldKind::U8),
    f("gateway-type", FieldKind::U8),
    f("algorithm", FieldKind::U8),
    f("gateway", FieldKind::Gateway(GatewayType::BeforeAlgorithm)),
    f("public-key", FieldKind::Base64(Absence::WithoutAlgorithm)),
];

/// RFC 8777, section 4.2.
const AMTRELAY: &[Field] = &[
    f("precedence", FieldKind::U8),
    f("discovery-optional relay-type", FieldKind::RelayType),
    f("relay", FieldKind::Gateway(GatewayType::BelowDiscovery)),
];

/// RFC 1035, section 3.4.2.
const WKS: &[Field] = &[
    f("address", FieldKind::Ipv4),
    f("protocol", FieldKind::Named8(&[("ICMP", 1), ("TCP", 6), ("UDP", 17)])),
    f("services", FieldKind::Services),
];

/// RFC 1712, section 3.
const GPOS: &[Field] = &[
    f("longitude", FieldKind::CharString),
    f("latitude", FieldKind::CharString),
    f("altitude", FieldKind::CharString),
];

/// As BIND has it (draft-eastlake-kitchen-sink).
const SINK: &[Field] = &[
    f("meaning", FieldKind::U8),
    f("coding", FieldKind::U8),
    f("subcoding", FieldKind::U8),
    f("data", FieldKind::Base64(Absence::Always)),
];

/// RFC 9859, section 2.1.
const DSYNC: &[Field] = &[
    f("type", FieldKind::Type),
    f("scheme", FieldKind::Named8(&[("NOTIFY", 1)])),
    f("port", FieldKind::U16),
    f("target", PLAIN_NAME),
];

/// As BIND has it (draft-durand-doa-over-dns).
const DOA: &[Field] = &[
    f("enterprise", FieldKind::U32),
    f("type", FieldKind::U32),
    f("location", FieldKind::U8),
    f("media-type", FieldKind::CharString),
    f("data", FieldKind::Base64OrDash),
];

/// RFC 5155, section 3.1.
const NSEC3: &[Field] = &[
    f("hash-algorithm", FieldKind::U8),
    f("flags", FieldKind::U8),
    f("iterations", FieldKind::U16),
    f("salt", FieldKind::Salt),
    f("next-hashed-owner", FieldKind::HashedOwner),
    f("types", FieldKind::TypeBitmap),
];

/// RFC 5155, section 4.1.
const NSEC3PARAM: &[Field] = &[
    f("hash-algorithm", FieldKind::U8),
    f("flags", FieldKind::U8),
    f("iterations", FieldKind::U16),
    f("salt", FieldKind::Salt),
];

/// RFC 6698, section 2.1; SMIMEA in RFC 8162. Mnemonics in RFC 7218.
const TLSA: &[Field] = &[
    f(
        "usage",
        FieldKind::Named8(&[
            ("PKIX-TA", 0),
            ("PKIX-EE", 1),
            ("DANE-TA", 2),
            ("DANE-EE", 3),
            ("PrivCert", 255),
        ]),
    ),
    f("selector", FieldKind::Named8(&[("Cert", 0), ("SPKI", 1), ("PrivSel", 255)])),
    f(
        "matching-type",
        FieldKind::Named8(&[("Full", 0), ("SHA2-256", 1), ("SHA2-512", 2), ("PrivMatch", 255)]),
    ),
    f("data", FieldKind::Digest(&[(1, 32), (2, 64)], OtherLength::Remarked)),
];

/// RFC 8976, section 2.2.
const ZONEMD: &[Field] = &[
    f("serial", FieldKind::U32),
    f("scheme", FieldKind::U8),
    f("hash-algorithm", FieldKind::U8),
    f("digest", FieldKind::Digest(&[(1, 48), (2, 64)], OtherLength::Refused)),
];

/// RFC 9460, section 2.
const SVCB: &[Field] =
    &[f("priority", FieldKind::U16), f("target", FULL_NAME), f("parameters", FieldKind::SvcParams)];

/// RFC 7553, section 4.
const URI: &[Field] = &[
    f("priority", FieldKind::U16),
    f("weight", FieldKind::U16),
    f("target", FieldKind::Text(Emptiness::Remarked)),
];

/// RFC 8659, section 4.
const CAA: &[Field] =
    &[f("flags", FieldKind::U8), f("tag", FieldKind::Tag), f("value", FieldKind::Text(Emptiness::Allowed))];

/// DNSSEC algorithms by their mnemonics in RFC 4034, appendix A.1, at IANA, and in BIND.
const ALGORITHMS: &[(&str, u8)] = &[
    ("RSAMD5", 1),
    ("DH", 2),
    ("DSA", 3),
    ("RSASHA1", 5),
    ("DSA-NSEC3-SHA1", 6),
    ("NSEC3DSA", 6),
    ("RSASHA1-NSEC3-SHA1", 7),
    ("NSEC3RSASHA1", 7),
    ("RSASHA256", 8),
    ("RSASHA512", 10),
    ("ECC-GOST", 12),
    ("ECCGOST", 12),
    ("ECDSAP256SHA256", 13),
    ("ECDSAP384SHA384", 14),
    ("ED25519", 15),
    ("ED448", 16),
    ("INDIRECT", 252),
    ("PRIVATEDNS", 253),
    ("PRIVATEOID", 254),
];

/// Flags of a key by their mnemonics in RFC 2535, section 7.1, and in BIND.
const KEY_FLAGS: &[(&str, u16)] = &[
    ("NOCONF", 0x4000),
    ("NOAUTH", 0x8000),
    ("NOKEY", 0xc000),
    ("FLAG2", 0x2000),
    ("EXTEND", 0x1000),
    ("FLAG4", 0x0800),
    ("FLAG5", 0x0400),
    ("USER", 0x0000),
    ("ZONE", 0x0100),
    ("HOST", 0x0200),
    ("NTYP3", 0x0300),
    ("FLAG8", 0x0080),
    ("FLAG9", 0x0040),
    ("FLAG10", 0x0020),
    ("FLAG11", 0x0010),
    ("SIG0", 0x0000),
    ("SIG1", 0x0001),
    ("SIG2", 0x0002),
    ("SIG3", 0x0003),
    ("SIG4", 0x0004),
    ("SIG5", 0x0005),
    ("SIG6", 0x0006),
    ("SIG7", 0x0007),
    ("SIG8", 0x0008),
    ("SIG9", 0x0009),
    ("SIG10", 0x000a),
    ("SIG11", 0x000b),
    ("SIG12", 0x000c),
    ("SIG13", 0x000d),
    ("SIG14", 0x000e),
    ("SIG15", 0x000f),
    ("KSK", 0x0001),
    ("REVOKE", 0x0080),
];

/// What a key is for (RFC 2535, section 7.1).
const KEY_PROTOCOLS: &[(&str, u8)] =
    &[("NONE", 0), ("TLS", 1), ("EMAIL", 2), ("DNSSEC", 3), ("IPSEC", 4), ("ALL", 255)];

/// Digest types of DS as BIND reads them.
const DIGEST_TYPES: &[(&str, u8)] =
    &[("SHA-1", 1), ("SHA1", 1), ("SHA-256", 2), ("SHA256", 2), ("GOST", 3), ("SHA-384", 4), ("SHA384", 4)];

/// RFC 4398, section 2.1.
const CERT_TYPES: &[(&str, u16)] = &[
    ("PKIX", 1),
    ("SPKI", 2),
    ("PGP", 3),
    ("IPKIX", 4),
    ("ISPKI", 5),
    ("IPGP", 6),
    ("ACPKIX", 7),
    ("IACPKIX", 8),
    ("URI", 253),
    ("OID", 254),
];
