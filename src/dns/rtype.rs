//! Record types by number.
//!
//! Their mnemonics and the fields of their RDATA are in `rdata`.

/// An RRTYPE or QTYPE (RFC 1035, section 3.2; RFC 3597 for unknown ones).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rtype(pub u16);

impl Rtype {
    /// IPv4 address.
    pub const A: Rtype = Rtype(1);
    /// Name server.
    pub const NS: Rtype = Rtype(2);
    /// Canonical name.
    pub const CNAME: Rtype = Rtype(5);
    /// Start of authority.
    pub const SOA: Rtype = Rtype(6);
    /// Domain name pointer.
    pub const PTR: Rtype = Rtype(12);
    /// Mail exchange.
    pub const MX: Rtype = Rtype(15);
    /// Text.
    pub const TXT: Rtype = Rtype(16);
    /// IPv6 address.
    pub const AAAA: Rtype = Rtype(28);
    /// Service location.
    pub const SRV: Rtype = Rtype(33);
    /// Redirection of a subtree (RFC 6672).
    pub const DNAME: Rtype = Rtype(39);
    /// EDNS pseudo-record (RFC 6891).
    pub const OPT: Rtype = Rtype(41);
    /// Delegation signer.
    pub const DS: Rtype = Rtype(43);
    /// DNSSEC signature.
    pub const RRSIG: Rtype = Rtype(46);
    /// Authenticated denial.
    pub const NSEC: Rtype = Rtype(47);
    /// DNSSEC key.
    pub const DNSKEY: Rtype = Rtype(48);
    /// Hashed authenticated denial.
    pub const NSEC3: Rtype = Rtype(50);
    /// Parameters of NSEC3.
    pub const NSEC3PARAM: Rtype = Rtype(51);
    /// What the DS records of the parent shall be (RFC 7344).
    pub const CDS: Rtype = Rtype(59);
    /// The keys that the parent shall make DS records of (RFC 7344).
    pub const CDNSKEY: Rtype = Rtype(60);
    /// Service binding (RFC 9460).
    pub const SVCB: Rtype = Rtype(64);
    /// Service binding of HTTP origins (RFC 9460).
    pub const HTTPS: Rtype = Rtype(65);
    /// Signature of a transaction (RFC 8945).
    pub const TSIG: Rtype = Rtype(250);
    /// Incremental zone transfer.
    pub const IXFR: Rtype = Rtype(251);
    /// Zone transfer.
    pub const AXFR: Rtype = Rtype(252);
    /// All records (QTYPE only, RFC 8482).
    pub const ANY: Rtype = Rtype(255);
    /// PowerDNS's LUA record; only in zone text, never on the wire.
    pub const LUA: Rtype = Rtype(65402);

    /// Whether records of this type only sign others, or deny that there are any: they change nothing of which name exists,
    /// and are not signed themselves as data.
    pub fn is_of_signing(self) -> bool {
        matches!(self, Rtype::RRSIG | Rtype::NSEC | Rtype::NSEC3 | Rtype::NSEC3PARAM)
    }
}
