//! The table: what stands in the RDATA of each type, in which order.
//!
//! Responsible for fields, their kinds, and the mnemonics of their values.
//! Not responsible for reading or writing a kind: that is `read`, `extent`
//! and `write`. A new type is one row here.

use super::super::Rtype;

/// One type: what it is called and what its RDATA holds.
#[derive(Debug)]
pub(in crate::dns) struct Entry {
    /// The type.
    pub(in crate::dns) rtype: Rtype,
    /// Its name in zone text.
    pub(in crate::dns) mnemonic: &'static str,
    /// What its RDATA holds, from first to last.
    pub(super) fields: &'static [Field],
}

/// One field of some RDATA.
#[derive(Debug)]
pub(super) struct Field {
    /// The RFC's name for it, as shown in diagnostics.
    pub(super) name: &'static str,
    /// What it is.
    pub(super) kind: Kind,
}

/// What a field is: one way of reading, measuring and writing it.
///
/// Kinds that take the rest of the RDATA say so; they can only come last.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
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
    /// A domain name.
    Name(Compression, InPowerDns),
    /// A character string (RFC 1035, section 3.3).
    CharString,
    /// The rest: character strings, one at least.
    CharStrings,
    /// The rest: one string that needs no length and knows no limit.
    Text(Emptiness),
    /// Letters and digits behind their length (RFC 8659, section 4.1).
    Tag,
    /// The rest: bytes in hexadecimal, one at least; the byte before them says how many
    /// they must be, for those values of it that are listed.
    Digest(&'static [(u8, usize)]),
    /// The rest: bytes in base64, one at least.
    Base64,
    /// Bytes in hexadecimal behind their length; `-` for none (RFC 5155, section 3.3).
    Salt,
    /// Bytes in base32hex behind their length (RFC 5155, section 3.3).
    HashedOwner,
    /// The rest: a bitmap of RRTYPEs (RFC 4034, section 4.1.2).
    TypeBitmap,
    /// The rest: SvcParams (RFC 9460, section 2.1).
    SvcParams,
    /// A place on earth (RFC 1876).
    Location,
}

/// Whether a name may be compressed in a message: only in the types of RFC
/// 1035 (RFC 3597, section 4).
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
    Forbidden,
}

impl Kind {
    /// Whether nothing at all is a value of this kind.
    pub(super) fn may_be_absent(self) -> bool {
        matches!(self, Kind::TypeBitmap | Kind::SvcParams)
    }
}

/// The row of a type.
pub(in crate::dns) fn entry(rtype: Rtype) -> Option<&'static Entry> {
    let at = TYPES.binary_search_by_key(&rtype, |entry| entry.rtype).ok()?;
    TYPES.get(at)
}

const fn row(number: u16, mnemonic: &'static str, fields: &'static [Field]) -> Entry {
    Entry { rtype: Rtype(number), mnemonic, fields }
}

const fn f(name: &'static str, kind: Kind) -> Field {
    Field { name, kind }
}

/// A name of RFC 1035.
const NAME: Kind = Kind::Name(Compression::Allowed, InPowerDns::Completed);
/// A name of a later type.
const PLAIN_NAME: Kind = Kind::Name(Compression::Forbidden, InPowerDns::Completed);
/// A name of a later type, in which PowerDNS knows no relative names.
const FULL_NAME: Kind = Kind::Name(Compression::Forbidden, InPowerDns::TakenAsAbsolute);

/// All types with RDATA, by number.
pub(in crate::dns) const TYPES: &[Entry] = &[
    row(1, "A", &[f("address", Kind::Ipv4)]),
    row(2, "NS", &[f("nsdname", NAME)]),
    row(5, "CNAME", &[f("cname", NAME)]),
    row(6, "SOA", SOA),
    row(12, "PTR", &[f("ptrdname", NAME)]),
    row(13, "HINFO", &[f("cpu", Kind::CharString), f("os", Kind::CharString)]),
    row(15, "MX", &[f("preference", Kind::U16), f("exchange", NAME)]),
    row(16, "TXT", &[f("text", Kind::CharStrings)]),
    row(17, "RP", &[f("mailbox", PLAIN_NAME), f("txt-name", PLAIN_NAME)]),
    row(18, "AFSDB", &[f("subtype", Kind::U16), f("hostname", PLAIN_NAME)]),
    row(28, "AAAA", &[f("address", Kind::Ipv6)]),
    row(29, "LOC", &[f("location", Kind::Location)]),
    row(33, "SRV", SRV),
    row(35, "NAPTR", NAPTR),
    row(36, "KX", &[f("preference", Kind::U16), f("exchanger", FULL_NAME)]),
    row(37, "CERT", CERT),
    row(39, "DNAME", &[f("target", PLAIN_NAME)]),
    row(43, "DS", DS),
    row(44, "SSHFP", SSHFP),
    row(46, "RRSIG", RRSIG),
    row(47, "NSEC", &[f("next-domain-name", FULL_NAME), f("types", Kind::TypeBitmap)]),
    row(48, "DNSKEY", DNSKEY),
    row(50, "NSEC3", NSEC3),
    row(51, "NSEC3PARAM", NSEC3PARAM),
    row(52, "TLSA", TLSA),
    row(53, "SMIMEA", TLSA),
    row(59, "CDS", DS),
    row(60, "CDNSKEY", DNSKEY),
    row(61, "OPENPGPKEY", &[f("key", Kind::Base64)]),
    row(62, "CSYNC", &[f("serial", Kind::U32), f("flags", Kind::U16), f("types", Kind::TypeBitmap)]),
    row(63, "ZONEMD", ZONEMD),
    row(64, "SVCB", SVCB),
    row(65, "HTTPS", SVCB),
    row(99, "SPF", &[f("text", Kind::CharStrings)]),
    row(108, "EUI48", &[f("address", Kind::Eui48)]),
    row(109, "EUI64", &[f("address", Kind::Eui64)]),
    row(256, "URI", URI),
    row(257, "CAA", CAA),
];

/// RFC 1035, section 3.3.13.
const SOA: &[Field] = &[
    f("mname", NAME),
    f("rname", NAME),
    f("serial", Kind::U32),
    f("refresh", Kind::Timer),
    f("retry", Kind::Timer),
    f("expire", Kind::Timer),
    f("minimum", Kind::Timer),
];

/// RFC 2782.
const SRV: &[Field] =
    &[f("priority", Kind::U16), f("weight", Kind::U16), f("port", Kind::U16), f("target", PLAIN_NAME)];

/// RFC 3403, section 4.1.
const NAPTR: &[Field] = &[
    f("order", Kind::U16),
    f("preference", Kind::U16),
    f("flags", Kind::CharString),
    f("services", Kind::CharString),
    f("regexp", Kind::CharString),
    f("replacement", FULL_NAME),
];

/// RFC 4398, section 2.
const CERT: &[Field] = &[
    f("type", Kind::Named16(CERT_TYPES)),
    f("key-tag", Kind::U16),
    f("algorithm", Kind::Named8(ALGORITHMS)),
    f("certificate", Kind::Base64),
];

/// RFC 4034, section 5.1; CDS in RFC 7344.
const DS: &[Field] = &[
    f("key-tag", Kind::U16),
    f("algorithm", Kind::Named8(ALGORITHMS)),
    f("digest-type", Kind::Named8(DIGEST_TYPES)),
    f("digest", Kind::Digest(&[(1, 20), (2, 32), (3, 32), (4, 48)])),
];

/// RFC 4255, section 3.1; SHA-256 in RFC 6594.
const SSHFP: &[Field] = &[
    f("algorithm", Kind::U8),
    f("fingerprint-type", Kind::U8),
    f("fingerprint", Kind::Digest(&[(1, 20), (2, 32)])),
];

/// RFC 4034, section 3.1.
const RRSIG: &[Field] = &[
    f("type-covered", Kind::Type),
    f("algorithm", Kind::Named8(ALGORITHMS)),
    f("labels", Kind::U8),
    f("original-ttl", Kind::U32),
    f("expiration", Kind::Timestamp),
    f("inception", Kind::Timestamp),
    f("key-tag", Kind::U16),
    f("signer", FULL_NAME),
    f("signature", Kind::Base64),
];

/// RFC 4034, section 2.1; CDNSKEY in RFC 7344.
const DNSKEY: &[Field] = &[
    f("flags", Kind::U16),
    f("protocol", Kind::U8),
    f("algorithm", Kind::Named8(ALGORITHMS)),
    f("public-key", Kind::Base64),
];

/// RFC 5155, section 3.1.
const NSEC3: &[Field] = &[
    f("hash-algorithm", Kind::U8),
    f("flags", Kind::U8),
    f("iterations", Kind::U16),
    f("salt", Kind::Salt),
    f("next-hashed-owner", Kind::HashedOwner),
    f("types", Kind::TypeBitmap),
];

/// RFC 5155, section 4.1.
const NSEC3PARAM: &[Field] =
    &[f("hash-algorithm", Kind::U8), f("flags", Kind::U8), f("iterations", Kind::U16), f("salt", Kind::Salt)];

/// RFC 6698, section 2.1; SMIMEA in RFC 8162. Mnemonics in RFC 7218.
const TLSA: &[Field] = &[
    f(
        "usage",
        Kind::Named8(&[("PKIX-TA", 0), ("PKIX-EE", 1), ("DANE-TA", 2), ("DANE-EE", 3), ("PrivCert", 255)]),
    ),
    f("selector", Kind::Named8(&[("Cert", 0), ("SPKI", 1), ("PrivSel", 255)])),
    f("matching-type", Kind::Named8(&[("Full", 0), ("SHA2-256", 1), ("SHA2-512", 2), ("PrivMatch", 255)])),
    f("data", Kind::Digest(&[(1, 32), (2, 64)])),
];

/// RFC 8976, section 2.2.
const ZONEMD: &[Field] = &[
    f("serial", Kind::U32),
    f("scheme", Kind::U8),
    f("hash-algorithm", Kind::U8),
    f("digest", Kind::Digest(&[(1, 48), (2, 64)])),
];

/// RFC 9460, section 2.
const SVCB: &[Field] = &[f("priority", Kind::U16), f("target", FULL_NAME), f("parameters", Kind::SvcParams)];

/// RFC 7553, section 4.
const URI: &[Field] =
    &[f("priority", Kind::U16), f("weight", Kind::U16), f("target", Kind::Text(Emptiness::Forbidden))];

/// RFC 8659, section 4.
const CAA: &[Field] =
    &[f("flags", Kind::U8), f("tag", Kind::Tag), f("value", Kind::Text(Emptiness::Allowed))];

/// DNSSEC algorithms by their mnemonics in RFC 4034, appendix A.1, at IANA,
/// and in BIND.
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
