//! Chains of aliases in answers of upstreams: which of them others go on with.
//!
//! Finds the names that other servers answer for: our own zones, whatever an upstream says of their names;
//! the upstreams of another forwarded zone, if this one has nothing behind the alias; the same upstreams
//! again, if they are authoritative servers, which do not follow it. Stub resolvers want the chain to its end
//! (RFC 1034, sections 4.3.2 and 5.3.1). Not responsible for asking those: such an answer is cached as far as
//! it is the upstream's, so that no verdict of ours is ever cached with it.

use std::sync::Arc;

use super::cache_key::CacheKey;
use super::routing::{RoutedZone, Routing};
use super::settings::Rebinding;
use crate::dns::compression::{QNAME_POINTER, name};
use crate::dns::message::{HEADER_BYTES, Header, Rcode, Section, class};
use crate::dns::message_writer;
use crate::dns::{Name, NameRef, Rtype};
use crate::requestor::{Record, Response};
use crate::zone::CNAME_CHAIN_MAX;

/// A chain that others go on with.
pub(super) struct ContinuedChain {
    /// A message: the chain as far as it is the upstream's, and nothing behind it.
    pub(super) message: Vec<u8>,
    /// The name that others are asked for.
    pub(super) target: Name,
}

/// One step of a chain.
struct Step<'r, 'm> {
    owner: Name,
    target: Name,
    /// The DNAME above it.
    dname: Option<&'r Record<'m>>,
    /// None where the upstream leaves it to us to synthesize (RFC 6672, section 3.1).
    cname: Option<&'r Record<'m>>,
}

/// An alias of the answer section.
struct Alias<'r, 'm> {
    owner: Name,
    target: Name,
    record: &'r Record<'m>,
}

/// The chain of an answer, if it leads to a name that others are asked for; none where it ends in the answer.
pub(super) fn continued(
    routing: &Routing,
    key: &CacheKey,
    response: &Response<'_>,
) -> Option<ContinuedChain> {
    // These types ask for the alias itself.
    if matches!(key.qtype(), Rtype::CNAME | Rtype::DNAME | Rtype::ANY) {
        return None;
    }
    if !response.records.iter().any(is_alias) {
        return None;
    }
    let message = in_lower_case(key, response)?;
    let response = &Response::read(&message)?;
    let aliases = aliases(response);
    let mut name = key.qname().to_name();
    let mut steps = Vec::new();
    while let Some(step) = step(&aliases, &name) {
        // A longer chain is a loop or a mistake; it is passed on as it is.
        if steps.len() >= CNAME_CHAIN_MAX {
            return None;
        }
        name = step.target.clone();
        steps.push(step);
        if routing.is_ours(name.as_ref()) {
            return cut(key, response, &steps);
        }
    }
    let leads_on = !steps.is_empty() && !ends(routing, key, response, &name);
    if leads_on { cut(key, response, &steps) } else { None }
}

/// Whether an answer leads to a name of our zones: then it is an answer, whatever its code.
pub(super) fn leads_to_own_zone(routing: &Routing, key: &CacheKey, response: &Response<'_>) -> bool {
    continued(routing, key, response).is_some_and(|chain| routing.is_ours(chain.target.as_ref()))
}

/// Whether the answer says what is, or is not, at the last name of its chain, and comes from an upstream that
/// may say so.
fn ends(routing: &Routing, key: &CacheKey, response: &Response<'_>, last: &Name) -> bool {
    let at_last = |record: &&Record<'_>| response.owner(record).is_some_and(|owner| owner == *last);
    let mut answers = response.records.iter().filter(|record| record.section == Section::Answer);
    let answered = answers.any(|record| record.rtype == key.qtype() && at_last(&record));
    let Some(zone) = routing.zone_of(last.as_ref()) else { return true };
    let own = routing.zone_of(key.qname());
    let same = own.is_some_and(|own| Arc::ptr_eq(own, zone));
    if answered {
        // Names that may have private addresses are answered by their own upstreams: an upstream whose
        // answers may hold none would get round that by an alias into them.
        let allows = |zone: &Arc<RoutedZone>| zone.settings.rebinding == Rebinding::Allowed;
        return same || !allows(zone) || own.is_some_and(allows);
    }
    let mut authority = response.records.iter().filter(|record| record.section == Section::Authority);
    let nothing = authority.any(|record| {
        let holds = |apex: Name| last.as_ref().is_at_or_below(apex.as_ref());
        record.rtype == Rtype::SOA && response.owner(record).is_some_and(holds)
    });
    same && (nothing || response.rcode != Rcode::NOERROR)
}

/// The message with its question as it is cached: names that point there must not be in the case that we made
/// up against forged responses.
fn in_lower_case(key: &CacheKey, response: &Response<'_>) -> Option<Vec<u8>> {
    let qname = key.qname().wire();
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
fn step<'r, 'm>(aliases: &[Alias<'r, 'm>], at: &Name) -> Option<Step<'r, 'm>> {
    let of = |rtype: Rtype| aliases.iter().filter(move |alias| alias.record.rtype == rtype);
    let cname = of(Rtype::CNAME).find(|alias| alias.owner == *at);
    let dname = of(Rtype::DNAME).find(|alias| at.as_ref().is_below(alias.owner.as_ref()));
    let target = match (cname, dname) {
        (Some(cname), _) => cname.target.clone(),
        (None, Some(dname)) => redirected(at.as_ref(), dname)?,
        (None, None) => return None,
    };
    let record = |alias: &Alias<'r, 'm>| alias.record;
    Some(Step { owner: at.clone(), target, dname: dname.map(record), cname: cname.map(record) })
}

/// Where a DNAME leads a name below it (RFC 6672, section 2.2); none where that is too long.
fn redirected(at: NameRef<'_>, dname: &Alias<'_, '_>) -> Option<Name> {
    let kept = at.wire().len().checked_sub(dname.owner.as_ref().wire().len())?;
    Name::from_wire(&[at.wire().get(..kept)?, dname.target.as_ref().wire()].concat()).ok()
}

/// The chain as far as the last of these steps.
fn cut(key: &CacheKey, response: &Response<'_>, steps: &[Step<'_, '_>]) -> Option<ContinuedChain> {
    let mut records = Records { key, response, bytes: Vec::new(), count: 0 };
    for step in steps {
        // The CNAME comes last: where the chain leads is read there.
        if let Some(dname) = step.dname {
            records.add(dname)?;
            records.add_signatures(&response.owner(dname)?, Rtype::DNAME)?;
        }
        match (step.cname, step.dname) {
            (Some(cname), _) => {
                records.add_signatures(&step.owner, Rtype::CNAME)?;
                records.add(cname)?;
            }
            (None, Some(dname)) => records.add_synthesized(step, dname.ttl)?,
            (None, None) => {}
        }
    }
    let mut is_whole = false;
    let message = message_writer::owned(usize::from(u16::MAX), 0, Header::QR, |message| {
        message.question(key.qname(), key.qtype(), class::IN);
        message.put(&records.bytes);
        message.count(Section::Answer, records.count);
        is_whole = !message.is_overflown();
    });
    // With its names in full it may be longer than any message, and is passed on as it is.
    is_whole.then_some(())?;
    Some(ContinuedChain { message, target: steps.last()?.target.clone() })
}

/// Records that are written anew, with their names in full.
struct Records<'r, 'm> {
    key: &'r CacheKey,
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

    /// The CNAME that a DNAME synthesizes; it has its TTL (RFC 6672, section 3.1).
    fn add_synthesized(&mut self, step: &Step<'_, '_>, ttl: u32) -> Option<()> {
        let [a, b, c, d] = ttl.to_be_bytes();
        let [high, low] = Rtype::CNAME.0.to_be_bytes();
        self.put(&step.owner, &[high, low, 0, 1, a, b, c, d], step.target.as_ref().wire())
    }

    fn put(&mut self, owner: &Name, fixed: &[u8], rdata: &[u8]) -> Option<()> {
        // In the case in which each client writes it.
        if owner.as_ref() == self.key.qname() {
            self.bytes.extend_from_slice(&QNAME_POINTER.to_be_bytes());
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
