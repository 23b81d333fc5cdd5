//! The zone that an answer is taken from: its templates and its pools. HOT.
//!
//! Chooses the template for what a name was found as, and writes the records of its pools.

use super::client::Client;
use super::compiled_zone::{CompiledZone, NodeFlags, SignedZone};
use super::host_addresses::HostAddresses;
use super::lookup::Found;
use super::response_writer::ResponseWriter;
use super::signed_template::{Proof, SignedTemplate};
use super::template::{ANY_OTHER, DNAME_BELOW, PoolRef, ResponseTemplate};
use super::zone_table::ZoneEntry;
use crate::dns::Rtype;
use crate::dns::message::{Rcode, Section};

/// The zone that an answer is taken from.
pub(super) struct Authority<'q> {
    pub(super) zone: &'q ZoneEntry,
    pub(super) compiled: &'q CompiledZone,
    /// Tells clients on this host from those elsewhere.
    pub(super) host: &'q HostAddresses,
}

/// The template for what was found, and the labels of the name it was made for. Without a template the answer
/// is the zone's negative one. `labels` are those of the name that was looked up.
#[inline(always)]
pub(super) fn template_for<'z>(
    found: &Found<'z>,
    qtype: u16,
    labels: usize,
) -> (Option<ResponseTemplate<'z>>, usize) {
    let (node, base) = match *found {
        Found::Exact(node) if node.has(NodeFlags::WILDCARD) => (node, labels.saturating_sub(1)),
        Found::Exact(node) => (node, labels),
        Found::Wildcard(node, encloser) => (node, encloser),
        Found::Cut(node, cut) => {
            let at_cut = if cut == labels && qtype == Rtype::DS.0 { node.template(qtype) } else { None };
            return (at_cut.or_else(|| node.template(ANY_OTHER)), cut);
        }
        Found::Dname(..) | Found::NxDomain => return (None, labels),
    };
    if qtype == Rtype::ANY.0 {
        return (node.template_for_any().or_else(|| node.template(ANY_OTHER)), base);
    }
    (node.template_or_other(qtype), base)
}

impl<'z> Found<'z> {
    /// What the template of a type has more where signatures are wanted.
    pub(super) fn signed_template(&self, qtype: u16) -> SignedTemplate<'z> {
        match self {
            Found::Exact(node) | Found::Wildcard(node, _) | Found::Cut(node, _) | Found::Dname(node, _) => {
                node.signed_template(qtype)
            }
            Found::NxDomain => SignedTemplate::NONE,
        }
    }

    /// Whether the answer that a template makes of it ends with the zone's SOA, and what is to be proven of the name
    /// itself. What is to be proven of names that it leads to is in the template.
    pub(super) fn conclusion(&self, template: Option<&ResponseTemplate<'_>>) -> (bool, Option<Proof>) {
        let is_negative = template.is_none_or(|template| template.flags().is_negative());
        let is_alias = template.is_some_and(|template| template.counts()[0] != 0);
        let proof = match self {
            Found::NxDomain => Some(Proof::NxDomain),
            Found::Wildcard(..) if is_negative && !is_alias => Some(Proof::WildcardNoData),
            Found::Wildcard(..) => Some(Proof::Expansion),
            Found::Exact(_) | Found::Cut(..) if is_negative && !is_alias => Some(Proof::NoData),
            Found::Exact(_) | Found::Cut(..) | Found::Dname(..) => None,
        };
        (is_negative, proof)
    }
}

/// The type a template is looked up by: two reserved types have other meanings there.
#[inline]
pub(super) fn template_type(qtype: Rtype) -> u16 {
    if qtype.0 == DNAME_BELOW { ANY_OTHER } else { qtype.0 }
}

/// What the pools of a template came to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pooled {
    /// There is something in the answer section.
    Records,
    /// The last record there is an alias that is to be followed.
    Alias,
    /// The type exists only by its pools, and they give nothing: NODATA.
    Empty,
    /// A pool wants SERVFAIL.
    Fails,
}

impl Authority<'_> {
    /// Writes the records of a template's pools, each under the owner that `owner` gives for it.
    #[inline(always)]
    pub(super) fn put_pools<O: AsRef<[u8]>>(
        &self,
        rng: &mut u64,
        client: &Client<'_>,
        template: &ResponseTemplate<'_>,
        response: &mut ResponseWriter<'_>,
        owner: impl Fn(PoolRef) -> O,
    ) -> Pooled {
        let mut answered = 0_u16;
        for at in template.pools() {
            let Some(pool) = self.zone.pools.get(at.pool) else { continue };
            let pool = pool.for_client(client.peer(), self.host);
            let owner = owner(at);
            let is_optional = at.section == Section::Additional && !template.is_referral();
            if is_optional && pool.bytes_max(owner.as_ref().len()) > response.message.room() {
                continue;
            }
            let records = match pool.ready_rotation(owner.as_ref(), rng) {
                Some((bytes, records)) => {
                    response.put_records(at.section, bytes, records);
                    Some(records)
                }
                None => response.put_pool(at.section, owner.as_ref(), pool, rng, client),
            };
            match (at.section, records) {
                (Section::Answer, Some(1..)) if at.is_followed => return Pooled::Alias,
                (Section::Answer, Some(records)) => answered = answered.saturating_add(records),
                (Section::Answer, None) => {
                    response.message.clear();
                    response.rcode = Rcode::SERVFAIL;
                    response.authoritative = false;
                    return Pooled::Fails;
                }
                (Section::Authority | Section::Additional, _) => {}
            }
        }
        if answered == 0 && template.flags().is_pooled() { Pooled::Empty } else { Pooled::Records }
    }

    /// Writes the SOA of a negative answer with its signatures; the QNAME is `beyond_apex` bytes longer than the apex.
    pub(super) fn put_signed_negative(
        signed: &SignedZone,
        beyond_apex: usize,
        response: &mut ResponseWriter<'_>,
    ) {
        response.put_template(&signed.negative(), beyond_apex);
    }

    /// Writes the SOA of a negative answer; the QNAME is `beyond_apex` bytes longer than the apex.
    #[inline(always)]
    pub(super) fn put_negative(&self, beyond_apex: usize, response: &mut ResponseWriter<'_>) {
        response.put_template(&self.compiled.negative(), beyond_apex);
        response.message.count(Section::Authority, 1);
    }
}
