//! Writes the OPT record of a response (RFC 6891). HOT.
//!
//! Says how much room it takes, and writes payload size, extended response code, cookie, extended error and
//! name server identifier.

use super::context::{QueryContext, WorkerContext};
use super::cookie::COOKIE_BYTES;
use super::counters::Count;
use super::query_edns::{QueryEdns, Wants};
use super::response_writer::ResponseWriter;
use super::snapshot::Identity;
use crate::dns::Rtype;
use crate::dns::client_subnet::{CLIENT_SUBNET_BYTES_MAX, ClientSubnet};
use crate::dns::edns::{
    CLIENT_COOKIE_BYTES, DNSSEC_OK, Edns, OPT_BYTES, OPTION_HEAD_BYTES, OptWriter, PaddingBlock,
    extended_error, option,
};
use crate::dns::message::{Rcode, class};

/// The extended error of a response (RFC 8914), where the response code does not say it all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ede {
    /// No zone of ours holds the name, and it is not forwarded.
    NotAuthoritative,
    /// Ours or forwarded, but not for this client.
    Prohibited,
}

impl Ede {
    #[inline]
    fn code(self) -> u16 {
        match self {
            Ede::NotAuthoritative => extended_error::NOT_AUTHORITATIVE,
            Ede::Prohibited => extended_error::PROHIBITED,
        }
    }
}

/// Room to keep for the OPT record.
#[inline]
pub(super) fn opt_bytes(identity: &Identity, edns: &QueryEdns<'_>) -> usize {
    let wanted = if edns.wants == Wants::NOTHING { 0 } else { wanted_bytes(identity, edns.wants) };
    let cookie = if edns.cookie.is_some() { OPTION_HEAD_BYTES + COOKIE_BYTES } else { 0 };
    // A response with an extended error has no records, hence room.
    OPT_BYTES.saturating_add(wanted).saturating_add(cookie)
}

/// The same for what few queries ask for.
#[cold]
fn wanted_bytes(identity: &Identity, wants: Wants) -> usize {
    let nsid =
        if wants.has(Wants::NSID) { nsid(identity).len().saturating_add(OPTION_HEAD_BYTES) } else { 0 };
    let expire = if wants.has(Wants::EXPIRE) { OPTION_HEAD_BYTES + EXPIRE_BYTES } else { 0 };
    // Read before, hence no longer than that.
    let subnet =
        if wants.has(Wants::CLIENT_SUBNET) { OPTION_HEAD_BYTES + CLIENT_SUBNET_BYTES_MAX } else { 0 };
    nsid.saturating_add(expire).saturating_add(subnet)
}

/// Length of the value of an EXPIRE option (RFC 7314, section 2).
const EXPIRE_BYTES: usize = 4;

fn nsid(identity: &Identity) -> &[u8] {
    let nsid = identity.nsid.as_deref().unwrap_or_default().as_bytes();
    nsid.get(..nsid.len().min(255)).unwrap_or_default()
}

/// Writes the record; `opt` is the query's. The DO bit is copied (RFC 3225, section 3).
#[inline]
pub(super) fn write_opt(
    query: &QueryContext<'_>,
    worker: &WorkerContext,
    opt: Edns<'_>,
    ede: Option<Ede>,
    response: &mut ResponseWriter<'_>,
) {
    let QueryContext { snapshot, peer, edns, .. } = query;
    let mut writer = OptWriter::new(&mut response.message, response.rcode, opt.flags & DNSSEC_OK);
    if let (Some(cookie), Some(secret)) = (edns.cookie, &snapshot.identity.cookies)
        && let Some(client) = cookie.first_chunk::<CLIENT_COOKIE_BYTES>()
    {
        if edns.cookie_is_ours {
            worker.counters.add(Count::Cookie);
        }
        writer.option(option::COOKIE, &secret.cookie(*client, worker.now_seconds, peer.address));
    }
    if let Some(ede) = ede {
        writer.extended_error(ede.code(), "");
    }
    if edns.wants != Wants::NOTHING {
        write_wanted(query, worker, response.rcode, &mut writer);
    }
    writer.finish();
}

/// Writes what few queries ask for.
#[cold]
fn write_wanted(
    query: &QueryContext<'_>,
    worker: &WorkerContext,
    rcode: Rcode,
    writer: &mut OptWriter<'_, '_>,
) {
    let QueryContext { snapshot, peer, edns, .. } = query;
    if edns.wants.has(Wants::EXPIRE)
        && rcode == Rcode::NOERROR
        && let Some(expire) = expire(query, worker)
    {
        let expire: [u8; EXPIRE_BYTES] = expire.to_be_bytes();
        writer.option(option::EXPIRE, &expire);
    }
    if edns.wants.has(Wants::CLIENT_SUBNET)
        && let Some(asked) = edns.client_subnet()
    {
        let mut value = [0; CLIENT_SUBNET_BYTES_MAX];
        let length = ClientSubnet::write_answer(asked, query.client.scope(), &mut value);
        writer.option(option::CLIENT_SUBNET, value.get(..length).unwrap_or_default());
    }
    // Behind the others, because a long one may not fit behind a long QNAME.
    if edns.wants.has(Wants::NSID) && snapshot.identity.nsid.is_some() {
        writer.option(option::NSID, nsid(&snapshot.identity));
    }
    // Last of all, because it fills up. The signature comes behind it, and has its room from the same limit.
    if edns.wants.has(Wants::PADDING) && peer.transport.is_encrypted() && edns.tsig.is_none() {
        writer.pad(PaddingBlock::Response);
    }
}

/// For how many seconds the zone holds whose SOA record is asked for: a copy for what it has left, any other for
/// EXPIRE of that record (RFC 7314, section 3).
fn expire(query: &QueryContext<'_>, worker: &WorkerContext) -> Option<u32> {
    let QueryContext { snapshot, client, question, .. } = query;
    if question.qtype != Rtype::SOA || !matches!(question.qclass, class::IN | class::ANY) {
        return None;
    }
    let first = snapshot.zones.zone_for(&worker.name, question.qtype)?;
    let zone = snapshot.zones.version_for(first, client)?;
    let expire = zone.compiled.as_ref().filter(|_| zone.apex.as_ref() == question.qname)?.expire;
    Some(zone.expires.map_or(expire, |at| at.left(worker.now_seconds).min(expire)))
}
