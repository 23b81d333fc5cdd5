//! What a server says of a name and type, in the five ways that matter to a client.

use std::net::IpAddr;

use crate::dns::message::Rcode;
use crate::dns::response::{Record, Response};
use crate::dns::{Name, Rtype};

/// What a server says of a name and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// These records, those of aliases on the way left out.
    Records(Vec<Record>),
    /// The name is there, and has none of that type.
    NoData,
    /// The name is not there.
    NxDomain,
    /// Nothing of use: the response code, or why there is no response.
    Failure(String),
}

/// Who is asked.
pub(super) trait Lookup {
    /// Asks for a name and type.
    fn look_up(&mut self, name: &Name, rtype: Rtype) -> Told;
}

impl Told {
    /// What a response says of a type.
    pub(super) fn of(response: &Response, rtype: Rtype) -> Told {
        let own: Vec<Record> =
            response.answers().iter().filter(|record| record.rtype == rtype).cloned().collect();
        match response.rcode {
            Rcode::NOERROR if own.is_empty() => Told::NoData,
            Rcode::NOERROR => Told::Records(own),
            Rcode::NXDOMAIN => Told::NxDomain,
            other => Told::Failure(format!("it is answered {other}")),
        }
    }

    /// Why there is no record, in words; none: there are some.
    pub(super) fn lack(&self) -> Option<String> {
        match self {
            Told::Records(_) => None,
            Told::NoData => Some("the name is there without such a record (NODATA)".to_owned()),
            Told::NxDomain => Some("there is no such name (NXDOMAIN)".to_owned()),
            Told::Failure(why) => Some(why.clone()),
        }
    }

    /// The records; empty: there are none.
    pub(super) fn records(&self) -> &[Record] {
        match self {
            Told::Records(records) => records,
            Told::NoData | Told::NxDomain | Told::Failure(_) => &[],
        }
    }
}

/// The address in the data of an A or AAAA record.
pub(super) fn address_of(record: &Record) -> Option<IpAddr> {
    match record.rtype {
        Rtype::A => <[u8; 4]>::try_from(record.rdata.as_slice()).ok().map(IpAddr::from),
        Rtype::AAAA => <[u8; 16]>::try_from(record.rdata.as_slice()).ok().map(IpAddr::from),
        _ => None,
    }
}

/// The name that a PTR or SRV record leads to.
pub(super) fn target_of(record: &Record) -> Option<Name> {
    /// Priority, weight and port stand before the target (RFC 2782).
    const BEFORE_SRV_TARGET: usize = 6;
    let name = match record.rtype {
        Rtype::SRV => record.rdata.get(BEFORE_SRV_TARGET..)?,
        _ => &record.rdata,
    };
    Name::from_wire(name).ok()
}
