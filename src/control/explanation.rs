//! The explanation of an answer, as JSON: scripts rely on its names and forms.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::query;
use super::{PoolStatus, TargetStatus, ZoneStatus};
use crate::answer::{Prefix, PrefixError};
use crate::dns::{Name, NameError, Rtype};
use crate::tls::ServerName;
use crate::tsig::KeyName;

/// A question that is to be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainOrder {
    /// The name.
    pub qname: Name,
    /// The type.
    pub qtype: Rtype,
    /// The client.
    pub client: IpAddr,
    /// The network that it asks for (RFC 7871), if it is a resolver.
    pub subnet: Option<Prefix>,
    /// The key that it signs with; it matters for a transfer.
    pub key: Option<KeyName>,
    /// The name that its certificate is for; it matters for a transfer.
    pub certificate: Option<ServerName>,
}

/// What is answered, and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Explanation {
    /// The name that is asked.
    pub name: String,
    /// The type that is asked.
    #[serde(rename = "type")]
    pub rtype: String,
    /// Who asks.
    pub client: String,
    /// The time since the start of the server, and that start: what ages are reckoned from.
    pub uptime_seconds: u64,
    /// See `uptime_seconds`.
    pub started_at: super::UtcTime,
    /// How many snapshots have been published; this is about the last of them.
    pub generation: u64,
    /// The zone that answers; none: the name is not ours.
    pub zone: Option<ZoneStatus>,
    /// The name, and each name that it leads to.
    pub steps: Vec<StepView>,
    /// The pools that are asked.
    pub pools: Vec<PoolView>,
    /// Why the answer is what it is, in one sentence.
    pub because: String,
    /// Which keys sign the answer, and what proves what is not there, where the DO bit asks for it: one sentence each; none
    /// where the zone is not signed.
    pub dnssec: Vec<String>,
    /// Whether it is for upstreams to answer.
    pub forwarded: bool,
    /// The answer.
    pub answer: AnswerView,
    /// What else should be known, one sentence each.
    pub remarks: Vec<String>,
}

/// What was found for one name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepView {
    /// The name.
    pub name: String,
    /// `exact`, `wildcard`, `zone-cut`, `dname`, `missing`, `elsewhere` or `again`.
    pub found: String,
    /// The wildcard, the zone cut, the owner of the DNAME, or the closest encloser.
    pub at: Option<String>,
    /// The types that exist there.
    pub types: Vec<String>,
    /// The same in one sentence.
    pub sentence: String,
}

/// A pool that is asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PoolView {
    /// Its state, and its members.
    #[serde(flatten)]
    pub status: PoolStatus,
    /// What its members' verdicts come from.
    pub targets: Vec<TargetStatus>,
    /// How an answer is chosen, in one sentence.
    pub choice: String,
    /// TTL of its records, in seconds.
    pub ttl: u32,
    /// TTL while a member is down, in seconds.
    pub ttl_degraded: u32,
    /// File and line of its LUA record, or of the first of its records.
    pub place: Option<String>,
    /// File and line of what guards it in the config file; none for a LUA record.
    pub guarded_at: Option<String>,
}

/// A response.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerView {
    /// The response code; none: nothing is sent.
    pub rcode: Option<String>,
    /// The flags that are set, as `dig` names them.
    pub flags: Vec<String>,
    /// Its length with EDNS, in bytes.
    pub bytes: usize,
    /// Extended error (RFC 8914).
    pub extended_error: Option<u16>,
    /// The answer section.
    pub answer: Vec<RecordView>,
    /// The authority section.
    pub authority: Vec<RecordView>,
    /// The additional section, without the OPT record.
    pub additional: Vec<RecordView>,
}

/// A record of a response.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordView {
    /// The owner.
    pub owner: String,
    /// The TTL, in seconds.
    pub ttl: u32,
    /// The type.
    #[serde(rename = "type")]
    pub rtype: String,
    /// The data, in presentation format.
    pub data: String,
    /// File and line of the record, or of what it was made from.
    pub place: Option<String>,
}

impl ExplainOrder {
    /// As a query string.
    pub(super) fn write(&self) -> String {
        let ExplainOrder { qname, qtype, client, subnet, key, certificate } = self;
        let mut words =
            vec![("name", qname.to_string()), ("type", qtype.to_string()), ("from", client.to_string())];
        words.extend(subnet.map(|subnet| ("subnet", subnet.to_string())));
        words.extend(key.as_ref().map(|key| ("key", key.to_string())));
        words.extend(certificate.as_ref().map(|name| ("certificate", name.to_string())));
        query::write(&words)
    }

    /// From a query string.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in one sentence.
    pub(super) fn read(text: &str) -> Result<ExplainOrder, String> {
        let (mut name, mut subnet, mut signed, mut certificate) = (None, None, None, None);
        let (mut qtype, mut client) = (Rtype::A, IpAddr::from([127, 0, 0, 1]));
        for (key, value) in query::read(text).ok_or("the query string cannot be read")? {
            match key.as_str() {
                "name" => {
                    name = Some(value.parse().map_err(|fault: NameError| format!("`{value}`: {fault}"))?)
                }
                "type" => {
                    qtype =
                        Rtype::parse(value.as_bytes()).ok_or_else(|| format!("`{value}` is not a type"))?;
                }
                "from" => client = value.parse().map_err(|_| format!("`{value}` is not an address"))?,
                "subnet" => {
                    subnet = Some(value.parse().map_err(|fault: PrefixError| format!("`{value}`: {fault}"))?);
                }
                "key" => {
                    signed = Some(value.parse().map_err(|_| format!("`{value}` is not the name of a key"))?);
                }
                "certificate" => {
                    let named = ServerName::new(&value);
                    let named = named.ok_or_else(|| format!("`{value}` is not a name of a certificate"))?;
                    certificate = Some(named);
                }
                _ => {
                    return Err(format!(
                        "unknown key `{key}`; there is name, type, from, subnet, key and certificate"
                    ));
                }
            }
        }
        let qname = name.ok_or("`name` is missing")?;
        Ok(ExplainOrder { qname, qtype, client, subnet, key: signed, certificate })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read_as_it_was_written() {
        let order = ExplainOrder {
            qname: r"a\.b.example".parse().unwrap(),
            qtype: Rtype::AAAA,
            client: "2001:db8::1".parse().unwrap(),
            subnet: Some("198.51.100.0/24".parse().unwrap()),
            key: Some("transfer.".parse().unwrap()),
            certificate: ServerName::new("ns2.example"),
        };
        assert_eq!(ExplainOrder::read(&order.write()), Ok(order));
        let plain = ExplainOrder::read("name=www.example").unwrap();
        assert_eq!((plain.qtype, plain.client.to_string()), (Rtype::A, "127.0.0.1".to_owned()));
    }

    #[test]
    fn an_order_that_means_nothing_says_why() {
        for (text, why) in [
            ("", "`name` is missing"),
            ("name=a..b", "`a..b`: "),
            ("name=a&type=AA", "`AA` is not a type"),
            ("name=a&from=b", "`b` is not an address"),
            ("name=a&subnet=192.0.2.1/24", "`192.0.2.1/24`: bits behind its length"),
            ("name=a&key=b..c", "`b..c` is not the name of a key"),
            ("name=a&certificate=-", "`-` is not a name of a certificate"),
            ("name=a&who=b", "unknown key `who`"),
        ] {
            let said = ExplainOrder::read(text).unwrap_err();
            assert!(said.starts_with(why), "{text}: {said}");
        }
    }
}
