//! A response in the form in which it is compared: compression, the order of records in a set and the case of
//! owners do not count, everything else does.

use std::collections::BTreeSet;
use std::fmt;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use hickory_proto::serialize::binary::BinDecodable;

/// What is compared of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) rcode: ResponseCode,
    /// Those that are set, of QR AA TC RD RA AD CD.
    pub(crate) flags: BTreeSet<&'static str>,
    /// In the case in which it came back.
    pub(crate) question: String,
    /// RRsets in their order: a CNAME chain must be in order.
    pub(crate) answer: Vec<Set>,
    pub(crate) authority: BTreeSet<Set>,
    pub(crate) additional: BTreeSet<Set>,
    /// Version and DO of the OPT record. The payload size is each server's own.
    pub(crate) edns: Option<(u8, bool)>,
}

/// An RRset.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Set {
    pub(crate) owner: String,
    pub(crate) rtype: String,
    /// TTL and RDATA in presentation format, of each record.
    pub(crate) records: BTreeSet<(u32, String)>,
}

impl Answer {
    /// Reads a response; no response is an error too.
    pub(crate) fn read(response: Option<&[u8]>) -> Result<Self, String> {
        let response = response.ok_or("no response")?;
        let message = Message::from_vec(response)
            .map_err(|error| format!("does not decode: {error}: {response:02x?}"))?;
        let meta = &message.metadata;
        let flags = [
            ("AA", meta.authoritative),
            ("TC", meta.truncation),
            ("RD", meta.recursion_desired),
            ("RA", meta.recursion_available),
            ("AD", meta.authentic_data),
            ("CD", meta.checking_disabled),
        ];
        let question = |query: &hickory_proto::op::Query| {
            format!("{} {} {}", query.name.to_ascii(), query.query_class, rtype(query.query_type))
        };
        Ok(Self {
            rcode: meta.response_code,
            flags: flags.into_iter().filter(|(_, set)| *set).map(|(flag, _)| flag).collect(),
            question: message.queries.iter().map(question).collect::<Vec<_>>().join(" and "),
            answer: in_order(&message.answers),
            authority: in_order(&message.authorities).into_iter().collect(),
            additional: in_order(&message.additionals).into_iter().collect(),
            edns: message.edns.as_ref().map(|edns| (edns.version(), edns.flags().dnssec_ok)),
        })
    }

    /// Reads a response of ours, where besides no record may come twice in a section (RFC 2181, section 5).
    pub(crate) fn read_strictly(response: Option<&[u8]>) -> Result<Self, String> {
        let answer = Self::read(response)?;
        let message = Message::from_vec(response.unwrap_or_default()).map_err(|error| error.to_string())?;
        for section in [&message.answers, &message.authorities, &message.additionals] {
            let distinct: usize = in_order(section).iter().map(|set| set.records.len()).sum();
            if distinct != section.len() {
                return Err(format!("{} records more than once\n{answer}", section.len() - distinct));
            }
        }
        Ok(answer)
    }

    /// Without the apex NS set that some servers add to every positive answer, and without the addresses that
    /// come with it: RFC 1034 allows both, a resolver needs neither, and Knot and edgedns leave them out.
    pub(crate) fn without_apex_ns(mut self, apexes: &BTreeSet<String>) -> Self {
        if self.answer.is_empty() {
            return self;
        }
        let added: Vec<Set> = self
            .authority
            .iter()
            .filter(|set| set.rtype == "NS" && apexes.contains(&set.owner))
            .cloned()
            .collect();
        // Only these types bring addresses with them.
        let bringing =
            self.answer.iter().filter(|set| ["NS", "MX", "SRV", "SVCB"].contains(&set.rtype.as_str()));
        let asked_for: BTreeSet<String> = bringing.flat_map(Set::targets).collect();
        for set in added {
            self.authority.remove(&set);
            let unasked: BTreeSet<String> = set.targets().filter(|name| !asked_for.contains(name)).collect();
            self.additional.retain(|address| !unasked.contains(&address.owner));
        }
        self
    }

    pub(crate) fn is_authoritative(&self) -> bool {
        self.flags.contains("AA")
    }

    /// Whether the answer section has a set of this type.
    pub(crate) fn answers_with(&self, rtype: &str) -> bool {
        self.answer.iter().any(|set| set.rtype == rtype)
    }

    /// Number of CNAMEs in the answer section.
    pub(crate) fn chain_len(&self) -> usize {
        self.answer.iter().filter(|set| set.rtype == "CNAME").count()
    }
}

impl Set {
    /// The names in its RDATA.
    pub(crate) fn targets(&self) -> impl Iterator<Item = String> {
        let word = match self.rtype.as_str() {
            "NS" | "CNAME" | "DNAME" => Some(0),
            "MX" | "SVCB" => Some(1),
            "SRV" => Some(3),
            _ => None,
        };
        self.records
            .iter()
            .filter_map(move |(_, rdata)| rdata.split_whitespace().nth(word?).map(String::from))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags: Vec<&str> = self.flags.iter().copied().collect();
        writeln!(out, ";; {:?} {} edns {:?}", self.rcode, flags.join(" "), self.edns)?;
        writeln!(out, ";{}", self.question)?;
        for set in &self.answer {
            write!(out, "{set}")?;
        }
        for (section, sets) in [("AUTHORITY", &self.authority), ("ADDITIONAL", &self.additional)] {
            if !sets.is_empty() {
                writeln!(out, ";; {section}")?;
            }
            for set in sets {
                write!(out, "{set}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Set {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (ttl, rdata) in &self.records {
            writeln!(out, "{} {ttl} IN {} {rdata}", self.owner, self.rtype)?;
        }
        Ok(())
    }
}

/// Sets in the order of their first record; a set that comes twice counts once.
fn in_order(records: &[Record]) -> Vec<Set> {
    let mut sets: Vec<Set> = Vec::new();
    for record in records {
        let owner = record.name.to_ascii().to_lowercase();
        let rtype = rtype(record.record_type());
        let rdata = (record.ttl, rdata(&record.data));
        match sets.iter_mut().find(|set| set.owner == owner && set.rtype == rtype) {
            Some(set) => _ = set.records.insert(rdata),
            None => sets.push(Set { owner, rtype, records: BTreeSet::from([rdata]) }),
        }
    }
    sets
}

fn rtype(rtype: RecordType) -> String {
    match u16::from(rtype) {
        39 => "DNAME".into(),
        43 => "DS".into(),
        number if matches!(rtype, RecordType::Unknown(_)) => format!("TYPE{number}"),
        _ => rtype.to_string(),
    }
}

fn rdata(data: &RData) -> String {
    match data {
        // The decoder knows no DNAME.
        RData::Unknown { code, rdata } if u16::from(*code) == 39 => {
            Name::from_bytes(&rdata.anything).map_or_else(|error| error.to_string(), |name| name.to_ascii())
        }
        RData::Unknown { rdata, .. } => rdata.anything.iter().map(|byte| format!("{byte:02x}")).collect(),
        _ => data.to_string(),
    }
    .to_lowercase()
}
