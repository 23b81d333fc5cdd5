//! Chains of aliases in answers of upstreams: where one leads on.
//!
//! Responsible for the names that somebody else answers for: our own zones,
//! whatever an upstream says of their names; the upstreams of another
//! forwarded zone, where this one has nothing behind the alias; the same ones
//! again, where they are authoritative servers, which do not follow it. Stub
//! resolvers want the chain to its end (RFC 1034, sections 4.3.2 and 5.3.1).
//! Not responsible for asking there: an answer that leads on is kept as far as
//! it is the upstream's, so that nothing of ours is ever kept with it.

use std::sync::Arc;

use super::asked::Wanted;
use super::plan::{Plan, PlannedZone};
use super::settings::Rebinding;
use crate::dns::compression::name;
use crate::dns::message::Section;
use crate::dns::message::{HEADER_BYTES, Header, Rcode};
use crate::dns::{Name, NameRef, Rtype};
use crate::requestor::{Record, Response};
use crate::zone::CNAME_CHAIN_MAX;

/// A pointer to the name of the question: it is written as each client
/// writes it.
const QUESTION: [u8; 2] = [0xc0, 12];

/// An answer as far as it is the upstream's.
pub(super) struct Departure {
    /// A message: the chain, and nothing behind it.
    pub(super) message: Vec<u8>,
    /// The name that the rest is asked for.
    pub(super) target: Name,
}

/// One alias.
struct Link<'r, 'm> {
    owner: Name,
    target: Name,
    /// The DNAME that stands above it.
    dname: Option<&'r Record<'m>>,
    /// None where the upstream leaves its client to make it (RFC 6672, section 3.1).
    cname: Option<&'r Record<'m>>,
}

/// An alias of the answer section.
struct Alias<'r, 'm> {
    owner: Name,
    target: Name,
    record: &'r Record<'m>,
}

/// Where the chain of an answer leads on to names that others are asked for;
/// none where it ends in the answer.
pub(super) fn departure(plan: &Plan, wanted: &Wanted, response: &Response<'_>) -> Option<Departure> {
    // Who asks for the alias has it.
    if matches!(wanted.qtype(), Rtype::CNAME | Rtype::DNAME | Rtype::ANY) {
        return None;
    }
    if !response.records.iter().any(is_alias) {
        return None;
    }
    let message = in_lower_case(wanted, response)?;
    let response = &Response::read(&message)?;
    let aliases = aliases(response);
    let mut name = wanted.qname().to_name();
    let mut links = Vec::new();
    while let Some(link) = link(&aliases, &name) {
        // A longer chain is a loop or a mistake; it is passed on as it is.
        if links.len() >= CNAME_CHAIN_MAX {
            return None;
        }
        name = link.target.clone();
        links.push(link);
        if plan.is_ours(name.as_ref()) {
            return depart(wanted, response, &links);
        }
    }
    let leads_on = !links.is_empty() && !ends(plan, wanted, response, &name);
    if leads_on { depart(wanted, response, &links) } else { None }
}

/// Whether an answer leads to a name of ours: whatever its code, it is one.
pub(super) fn leads_to_ours(plan: &Plan, wanted: &Wanted, response: &Response<'_>) -> bool {
    departure(plan, wanted, response).is_some_and(|departure| plan.is_ours(departure.target.as_ref()))
}

/// Whether the answer says what is, or is not, at the last name of its chain,
/// and its upstream is the one to say so.
fn ends(plan: &Plan, wanted: &Wanted, response: &Response<'_>, last: &Name) -> bool {
    let at_last = |record: &&Record<'_>| response.owner(record).is_some_and(|owner| owner == *last);
    let mut answers = response.records.iter().filter(|record| record.section == Section::Answer);
    let answered = answers.any(|record| record.rtype == wanted.qtype() && at_last(&record));
    let Some(zone) = plan.zone_of(last.as_ref()) else { return true };
    let own = plan.zone_of(wanted.qname());
    let same = own.is_some_and(|own| Arc::ptr_eq(own, zone));
    if answered {
        // Names that may have private addresses are told by their own upstreams: one whose answers may hold none would
        // get round that by an alias into them.
        let allows = |zone: &Arc<PlannedZone>| zone.settings.rebinding == Rebinding::Allowed;
        return same || !allows(zone) || own.is_some_and(allows);
    }
    let mut authority = response.records.iter().filter(|record| record.section == Section::Authority);
    let nothing = authority.any(|record| {
        let holds = |apex: Name| last.as_ref().is_at_or_below(apex.as_ref());
        record.rtype == Rtype::SOA && response.owner(record).is_some_and(holds)
    });
    same && (nothing || response.rcode != Rcode::NOERROR)
}

/// The message with its question as it is kept: names that point there must
/// not be written in the case that we made up to tell forged responses.
fn in_lower_case(wanted: &Wanted, response: &Response<'_>) -> Option<Vec<u8>> {
    let qname = wanted.qname().wire();
    let mut message = response.message.to_vec();
    message.get_mut(HEADER_BYTES..)?.get_mut(..qname.len())?.copy_from_slice(qname);
    Some(message)
}

/// Whether a record leads to another name.
fn is_alias(record: &Record<'_>) -> bool {
    record.section == Section::Answer && matches!(record.rtype, Rtype::CNAME | Rtype::DNAME)
}

/// The aliases of the answer section.
fn aliases<'r, 'm>(response: &'r Response<'m>) -> Vec<Alias<'r, 'm>> {
    let aliases = response.records.iter().filter(|record| is_alias(record));
    let read = |record| {
        let (target, _) = name(response.message, Record::rdata_at(record)?)?;
        Some(Alias { owner: response.owner(record)?, target, record })
    };
    aliases.filter_map(read).collect()
}

/// The alias at a name: its CNAME, or the one that a DNAME above makes.
fn link<'r, 'm>(aliases: &[Alias<'r, 'm>], at: &Name) -> Option<Link<'r, 'm>> {
    let of = |rtype: Rtype| aliases.iter().filter(move |alias| alias.record.rtype == rtype);
    let cname = of(Rtype::CNAME).find(|alias| alias.owner == *at);
    let dname = of(Rtype::DNAME).find(|alias| at.as_ref().is_below(alias.owner.as_ref()));
    let target = match (cname, dname) {
        (Some(cname), _) => cname.target.clone(),
        (None, Some(dname)) => redirected(at.as_ref(), dname)?,
        (None, None) => return None,
    };
    let record = |alias: &Alias<'r, 'm>| alias.record;
    Some(Link { owner: at.clone(), target, dname: dname.map(record), cname: cname.map(record) })
}

/// Where a DNAME leads a name below it (RFC 6672, section 2.2); none where
/// that is too long.
fn redirected(at: NameRef<'_>, dname: &Alias<'_, '_>) -> Option<Name> {
    let kept = at.wire().len().checked_sub(dname.owner.as_ref().wire().len())?;
    Name::from_wire(&[at.wire().get(..kept)?, dname.target.as_ref().wire()].concat()).ok()
}

/// The answer as far as the last of these links.
fn depart(wanted: &Wanted, response: &Response<'_>, links: &[Link<'_, '_>]) -> Option<Departure> {
    let mut records = Records { wanted, response, bytes: Vec::new(), count: 0 };
    for link in links {
        // The CNAME comes last: where the chain leads is read there.
        if let Some(dname) = link.dname {
            records.add(dname)?;
            records.add_signatures(&response.owner(dname)?, Rtype::DNAME)?;
        }
        match (link.cname, link.dname) {
            (Some(cname), _) => {
                records.add_signatures(&link.owner, Rtype::CNAME)?;
                records.add(cname)?;
            }
            (None, Some(dname)) => records.add_made(link, dname.ttl)?,
            (None, None) => {}
        }
    }
    let mut message =
        Vec::with_capacity(HEADER_BYTES.saturating_add(records.bytes.len()).saturating_add(260));
    for field in [0, Header::QR, 1, records.count, 0, 0] {
        message.extend_from_slice(&field.to_be_bytes());
    }
    message.extend_from_slice(wanted.qname().wire());
    message.extend_from_slice(&wanted.qtype().0.to_be_bytes());
    message.extend_from_slice(&[0, 1]);
    message.extend_from_slice(&records.bytes);
    // With its names in full it may be longer than any message, and is passed on as it is.
    if message.len() > usize::from(u16::MAX) {
        return None;
    }
    Some(Departure { message, target: links.last()?.target.clone() })
}

/// Records that are written anew, with their names in full.
struct Records<'r, 'm> {
    wanted: &'r Wanted,
    response: &'r Response<'m>,
    bytes: Vec<u8>,
    count: u16,
}

impl Records<'_, '_> {
    fn add(&mut self, record: &Record<'_>) -> Option<()> {
        let owner = self.response.owner(record)?;
        let fixed = record.ttl_at.checked_sub(4)?..record.ttl_at.checked_add(4)?;
        let fixed = self.response.message.get(fixed)?;
        let rdata = self.response.whole_rdata(record)?;
        self.put(&owner, fixed, &rdata)
    }

    /// The signatures of an RRset.
    fn add_signatures(&mut self, owner: &Name, covered: Rtype) -> Option<()> {
        let response = self.response;
        let covers = |record: &&Record<'_>| {
            record.section == Section::Answer
                && record.rtype == Rtype::RRSIG
                && record.rdata.starts_with(&covered.0.to_be_bytes())
                && response.owner(record).is_some_and(|signed| signed == *owner)
        };
        response.records.iter().filter(covers).try_for_each(|record| self.add(record))
    }

    /// The CNAME that a DNAME makes; it has its TTL (RFC 6672, section 3.1).
    fn add_made(&mut self, link: &Link<'_, '_>, ttl: u32) -> Option<()> {
        let [a, b, c, d] = ttl.to_be_bytes();
        let [high, low] = Rtype::CNAME.0.to_be_bytes();
        self.put(&link.owner, &[high, low, 0, 1, a, b, c, d], link.target.as_ref().wire())
    }

    fn put(&mut self, owner: &Name, fixed: &[u8], rdata: &[u8]) -> Option<()> {
        if owner.as_ref() == self.wanted.qname() {
            self.bytes.extend_from_slice(&QUESTION);
        } else {
            self.bytes.extend_from_slice(owner.as_ref().wire());
        }
        self.bytes.extend_from_slice(fixed);
        self.bytes.extend_from_slice(&u16::try_from(rdata.len()).ok()?.to_be_bytes());
        self.bytes.extend_from_slice(rdata);
        self.count = self.count.checked_add(1)?;
        Some(())
    }
}
