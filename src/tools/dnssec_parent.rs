//! What the parent has of a zone: its DS records, as a server of it or a resolver says.

use std::net::SocketAddr;
use std::time::Duration;

use super::dnssec::DnssecError;
use crate::dns::message::{Header, Rcode};
use crate::dns::response::{Record, Response};
use crate::dns::{Name, Rtype};
use crate::requestor::{Case, Form, Protocol, Query, Remote, Request, Requestor};
use crate::tls::{Random, Verify};

/// How long the parent may take to answer.
const PARENT_WAIT_MAX: Duration = Duration::from_secs(5);

/// The tags of the DS records that a server has for a zone.
pub(super) fn tags_at_parent(zone: &Name, server: SocketAddr) -> Result<Vec<u16>, DnssecError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let random = Random::new();
    let request = Request { qname: zone.as_ref(), qtype: Rtype::DS, flags: Header::RD, edns_flags: 0 };
    let query = Query::new(&request, Form::WithEdns, Case::Lower, &random);
    let requestor = Requestor::new(Remote { address: server, protocol: Protocol::Udp }, Verify::Off);
    let answer = runtime
        .block_on(requestor.send(query, PARENT_WAIT_MAX))
        .map_err(|failure| DnssecError::Parent(format!("{server}: {failure}")))?;
    let response = Response::read(&answer)
        .ok_or_else(|| DnssecError::Parent(format!("{server} sends what is no response")))?;
    if response.rcode != Rcode::NOERROR {
        return Err(DnssecError::Parent(format!("{server} answers {}", response.rcode)));
    }
    let is_one = |record: &&Record| record.rtype == Rtype::DS && record.owner == *zone;
    let tag = |record: &Record| record.rdata.first_chunk::<2>().copied();
    Ok(response.answers().iter().filter(is_one).filter_map(tag).map(u16::from_be_bytes).collect())
}
