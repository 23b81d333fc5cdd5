//! Reads a message with an independent decoder, as a client would.
//!
//! The decoder gets only the RDATA that servers read themselves. RDATA of other types is passed on unchanged,
//! and may be anything.

use std::net::IpAddr;

use edgedns::dns::Rtype;
use edgedns::dns::message::{Extra, Header, Question};
use hickory_proto::op::Message;
use hickory_proto::rr::RData;
use hickory_proto::rr::rdata::svcb::SvcParamValue;
use hickory_proto::serialize::binary::BinDecodable;

/// Types whose RDATA must be what it says: all with names that may be compressed, and addresses.
const CHECKED: [Rtype; 8] =
    [Rtype::A, Rtype::NS, Rtype::CNAME, Rtype::SOA, Rtype::PTR, Rtype::MX, Rtype::AAAA, Rtype::SRV];

/// MINFO, RP and PX: two names, which may be written in full elsewhere, and which the decoder does not know. They are
/// not compared.
const TWO_NAMES: [u16; 3] = [14, 17, 26];

/// A type that nobody looks into (RFC 6895, section 3.1: for private use).
const OPAQUE: Rtype = Rtype(65_280);

/// A message, taken apart.
pub(super) struct Told {
    pub(super) flags: u16,
    pub(super) qname: String,
    /// Answer, authority and additional section, up to the first OPT record.
    pub(super) sections: [Vec<Record>; 3],
    /// Every OPT record.
    pub(super) opts: Vec<Vec<u8>>,
    /// Where its last record ends.
    pub(super) end: usize,
}

/// A record of it. Names are in lower case.
pub(super) struct Record {
    pub(super) owner: String,
    pub(super) rtype: Rtype,
    pub(super) ttl: u32,
    pub(super) data: String,
    /// The addresses it leads to.
    pub(super) addresses: Vec<IpAddr>,
}

impl Told {
    /// Takes a message apart.
    ///
    /// # Panics
    ///
    /// When it cannot be decoded.
    pub(super) fn read(message: &[u8]) -> Told {
        let header = Header::read(message).expect("a whole header");
        let mut veiled = message.to_vec();
        // The decoder takes records without RDATA in updates alone (RFC 2136); some types have none.
        veiled[2] |= 0x28;
        let (_, mut rest) = Question::read(message).expect("a question");
        let (mut types, mut opts) = (Vec::new(), Vec::new());
        for _ in 0..header.counts[1..].iter().map(|count| usize::from(*count)).sum() {
            let (extra, after) = Extra::read(rest).expect("a whole record");
            let fixed = message.len() - after.len() - extra.rdata.len() - 10;
            let shown = match extra.rtype {
                // A name alone, which the decoder knows under another type; so have MD, MF, MB, MG and MR.
                Rtype::DNAME | Rtype(3 | 4 | 7..=9) => Rtype::PTR,
                // AFSDB and RT.
                Rtype(18 | 21) => Rtype::MX,
                checked if CHECKED.contains(&checked) => checked,
                _ => OPAQUE,
            };
            veiled[fixed..fixed + 2].copy_from_slice(&shown.0.to_be_bytes());
            if extra.rtype == Rtype::OPT {
                opts.push(rest[..rest.len() - after.len()].to_vec());
            }
            assert!(shown == OPAQUE || !extra.rdata.is_empty(), "{} has RDATA", extra.rtype);
            types.push((extra.rtype, addresses(&extra)));
            rest = after;
        }
        let decoded = Message::from_vec(&veiled).expect("it decodes");
        let mut types = types.into_iter();
        let sections = [&decoded.answers, &decoded.authorities, &decoded.additionals];
        let sections = sections.map(|section| {
            let records = section.iter().zip(&mut types).map(|(record, (rtype, addresses))| Record {
                owner: record.name.to_lowercase().to_ascii(),
                rtype,
                ttl: record.ttl,
                data: if TWO_NAMES.contains(&rtype.0) { String::new() } else { shown(&record.data) },
                addresses,
            });
            records.collect::<Vec<_>>()
        });
        let [answers, authorities, mut additionals] = sections;
        let first_opt = additionals.iter().position(|record| record.rtype == Rtype::OPT);
        additionals.truncate(first_opt.unwrap_or(additionals.len()));
        Told {
            flags: header.flags,
            qname: decoded.queries[0].name().to_lowercase().to_ascii(),
            sections: [answers, authorities, additionals],
            opts,
            end: message.len() - rest.len(),
        }
    }
}

/// Whether a record can be decoded as an OPT record.
pub(super) fn is_opt(record: &[u8]) -> bool {
    let alone = [&[0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 1], record].concat();
    Message::from_vec(&alone).is_ok_and(|message| message.edns.is_some())
}

/// RDATA in one form, whatever the case of its names.
fn shown(data: &RData) -> String {
    format!("{data:?}").to_ascii_lowercase()
}

/// The addresses that clients take from a record.
fn addresses(record: &Extra<'_>) -> Vec<IpAddr> {
    let v4 = |bytes: &[u8]| bytes.as_chunks::<4>().0.iter().map(|ip| IpAddr::from(*ip)).collect::<Vec<_>>();
    let v6 = |bytes: &[u8]| bytes.as_chunks::<16>().0.iter().map(|ip| IpAddr::from(*ip)).collect::<Vec<_>>();
    match record.rtype {
        Rtype::A => v4(record.rdata),
        Rtype::AAAA => v6(record.rdata),
        Rtype::SVCB | Rtype::HTTPS => {
            let length = u16::try_from(record.rdata.len()).expect("the length of RDATA");
            let alone = [&[0, 0, 64, 0, 1, 0, 0, 0, 0], &length.to_be_bytes()[..], record.rdata].concat();
            let parameters = match hickory_proto::rr::Record::from_bytes(&alone).map(|record| record.data) {
                Ok(RData::SVCB(svcb)) => svcb.svc_params,
                _ => Vec::new(),
            };
            let hints = parameters.into_iter().flat_map(|(_, value)| match value {
                SvcParamValue::Ipv4Hint(hint) => hint.0.iter().map(|ip| IpAddr::V4(ip.0)).collect(),
                SvcParamValue::Ipv6Hint(hint) => hint.0.iter().map(|ip| IpAddr::V6(ip.0)).collect(),
                _ => Vec::new(),
            });
            hints.collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a name lies in a zone; both in lower case, and with their last dot.
pub(super) fn is_at_or_below(name: &str, apex: &str) -> bool {
    name == apex || apex == "." || name.strip_suffix(apex).is_some_and(|front| front.ends_with('.'))
}
