//! A response as text, nearly as `dig` shows it.
//!
//! ```text
//! ;; NOERROR aa                     code, flags; `bare` when the question did not come back
//! ;; counted answered edns          counters that moved, the transport's aside
//! ;; OPT do cookie ede=20 nsid=ns1 expire=4 subnet=24/22  only if there is an OPT record
//! ;; ANSWER                         sections that hold records; those of one RRset sorted
//! www.example. 60 IN A 192.0.2.1
//! ```

use std::fmt::Write as _;

use edgedns::answer::{Count, Counters};
use edgedns::dns::{Rtype, rdata};
use hickory_proto::op::Message;
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::{RData, Record};
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder, NameEncoding};

use super::query::{CLIENT_COOKIE, NOW, SECRET};

/// A response, taken apart by an independent implementation.
pub(crate) struct Response {
    /// The first lines: code, counters, OPT.
    pub(crate) head: Vec<String>,
    /// Answer, authority and additional section, records in the order in which they came.
    pub(crate) sections: [Vec<String>; 3],
}

/// The headings of the sections.
pub(crate) const HEADINGS: [&str; 3] = [";; ANSWER", ";; AUTHORITY", ";; ADDITIONAL"];

const RCODES: [(u16, &str); 9] = [
    (0, "NOERROR"),
    (1, "FORMERR"),
    (2, "SERVFAIL"),
    (3, "NXDOMAIN"),
    (4, "NOTIMP"),
    (5, "REFUSED"),
    (6, "YXDOMAIN"),
    (9, "NOTAUTH"),
    (16, "BADVERS"),
];

impl Response {
    /// Nothing was sent.
    pub(crate) fn silence(counted: String) -> Self {
        Self { head: vec![";; silence".to_string(), counted], sections: Default::default() }
    }

    /// What a message says.
    ///
    /// # Panics
    ///
    /// When it does not decode.
    pub(crate) fn read(message: &[u8], counted: String, client: std::net::IpAddr) -> Self {
        let message = Message::from_vec(message)
            .unwrap_or_else(|error| panic!("does not decode: {error}: {message:02x?}"));
        let mut head = vec![status(&message), counted];
        head.extend(message.edns.as_ref().map(|edns| opt(edns, client)));
        let sections = [&message.answers, &message.authorities, &message.additionals];
        Self { head, sections: sections.map(|records| records.iter().map(record).collect()) }
    }

    /// All of it, the records of each RRset sorted.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = self.head.clone();
        for (heading, records) in HEADINGS.iter().zip(&self.sections) {
            lines.extend((!records.is_empty()).then(|| (*heading).to_string()));
            lines.extend(sorted(records.clone()));
        }
        lines
    }
}

/// The values of all counters.
pub(crate) fn counts(counters: &Counters) -> Vec<u64> {
    Count::ALL.iter().map(|&(count, _)| counters.get(count)).collect()
}

/// What moved since: one each, or the difference is shown.
pub(crate) fn counted(before: &[u64], after: &[u64]) -> String {
    let mut line = ";; counted".to_string();
    for ((_, name), (before, after)) in Count::ALL.iter().zip(before.iter().zip(after)) {
        let more = after - before;
        if (*name == Count::Queries.name()) != (more == 1) || more > 1 {
            // Of the queries only what is wrong is worth a word.
            let _ = write!(line, " {name}");
            if more != 1 {
                let _ = write!(line, "+{more}");
            }
        }
    }
    line
}

fn status(message: &Message) -> String {
    let meta = &message.metadata;
    let code = u16::from(meta.response_code);
    let code = RCODES.iter().find(|(known, _)| *known == code).map_or("another code", |&(_, name)| name);
    let flags = [
        ("aa", meta.authoritative),
        ("tc", meta.truncation),
        ("rd", meta.recursion_desired),
        ("ra", meta.recursion_available),
        ("ad", meta.authentic_data),
        ("cd", meta.checking_disabled),
        ("bare", message.queries.is_empty()),
    ];
    let flags = flags.iter().filter(|(_, set)| *set).map(|&(flag, _)| format!(" {flag}"));
    format!(";; {code}{}", flags.collect::<String>())
}

fn opt(edns: &hickory_proto::op::Edns, client: std::net::IpAddr) -> String {
    assert_eq!((edns.version(), edns.max_payload(), edns.flags().z), (0, 1232, 0), "an OPT record of ours");
    let mut line = ";; OPT".to_string();
    if edns.flags().dnssec_ok {
        line += " do";
    }
    // The decoder keeps them in no order.
    let mut options: Vec<_> = edns.options().as_ref().iter().collect();
    options.sort_by_key(|(code, _)| u16::from(*code));
    for (code, option) in options {
        let _ = match (u16::from(*code), option) {
            (_, EdnsOption::NSID(nsid)) => write!(line, " nsid={}", String::from_utf8_lossy(nsid.as_ref())),
            (10, EdnsOption::Unknown(_, cookie)) => {
                assert_eq!(
                    cookie[..8],
                    CLIENT_COOKIE[..cookie.len().min(8)],
                    "the client's cookie comes back"
                );
                assert!(SECRET.is_ours(cookie, NOW, client), "a cookie that we would take");
                write!(line, " cookie")
            }
            (15, EdnsOption::Unknown(_, error)) => {
                write!(line, " ede={}", u16::from_be_bytes([error[0], error[1]]))
            }
            (9, EdnsOption::Unknown(_, expire)) => {
                let seconds = expire.as_slice().try_into().map(u32::from_be_bytes);
                write!(line, " expire={}", seconds.expect("four bytes"))
            }
            (8, subnet) => {
                let value = Vec::<u8>::try_from(subnet).expect("an option that was read");
                let [_, _, source, scope, ..] = value[..] else { panic!("a client subnet: {value:02x?}") };
                write!(line, " subnet={source}/{scope}")
            }
            (code, _) => write!(line, " option={code}"),
        };
    }
    line
}

fn record(record: &Record) -> String {
    let rtype = Rtype(u16::from(record.record_type()));
    let mut text = String::new();
    rdata::write(rtype, &uncompressed(&record.data), &mut text);
    format!("{} {} {} {rtype} {text}", record.name.to_ascii(), record.ttl, record.dns_class)
}

fn uncompressed(data: &RData) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = BinEncoder::new(&mut bytes);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    data.emit(&mut encoder).expect("what has been decoded can be encoded");
    bytes
}

/// Sorts the records of each RRset; RRsets stay in their order, as a chain must.
fn sorted(mut records: Vec<String>) -> Vec<String> {
    let rrset = |record: &String| record.split(' ').take(4).map(String::from).collect::<Vec<_>>();
    records.chunk_by_mut(|a, b| rrset(a) == rrset(b)).for_each(<[String]>::sort);
    records
}
