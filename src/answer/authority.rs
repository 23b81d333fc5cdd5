//! A zone's answer to a question: what was found, written. HOT.
//!
//! Responsible for choosing the plan of what a name was found as, and for
//! writing its records, its pools and its negative SOA.
//! Not responsible for the search (`lookup`), or for aliases that are known
//! at the query only (`splice`).

use super::book::{Book, NodeFlags};
use super::lookup::Found;
use super::plan::{ANY_OTHER, DNAME_BELOW, Plan, PoolRef};
use super::respond::Scratch;
use super::snapshot::{Snapshot, ZoneSlot};
use super::write::{Response, moved};
use super::{Peer, splice};
use crate::dns::Rtype;
use crate::dns::message::{Question, Rcode, Section};

/// Where an answer is taken from: a zone and what belongs to it.
pub(super) struct Authority<'s> {
    pub(super) snapshot: &'s Snapshot,
    pub(super) zone: &'s ZoneSlot,
    pub(super) book: &'s Book,
}

impl<'s> Authority<'s> {
    /// Answers from this zone. Called once per query: what it is given stays
    /// where it is when it is part of its caller.
    #[inline(always)]
    pub(super) fn answer(
        &self,
        scratch: &mut Scratch,
        peer: Peer,
        question: &Question<'_>,
        response: &mut Response<'_>,
    ) {
        let qtype = plan_type(question.qtype);
        let asked = &scratch.asked;
        let longer = asked.offset(self.book.apex_labels());
        let found = self.book.search(asked);
        // Only the rate limit asks for it.
        if self.snapshot.limit.is_some() {
            response.source = found.source(asked, self.book.apex_labels());
        }
        if let Found::Dname(node, labels) = found {
            return splice::redirect(self, scratch, peer, question, (node, labels), response);
        }
        match self.plan(&found, qtype, asked.labels()) {
            (Some(plan), base) => {
                let shift = asked.offset(base);
                self.put(scratch, peer, question, (&plan, shift, longer), response);
            }
            (None, _) => {
                response.authoritative = true;
                let exists = !matches!(found, Found::NxDomain);
                response.rcode = if exists { Rcode::NOERROR } else { Rcode::NXDOMAIN };
                response.plan(&self.book.negative(), longer);
                response.message.count(Section::Authority, 1);
            }
        }
    }

    /// The plan for what was found, and the labels of the name it was made
    /// for. Without a plan the answer is the zone's negative one.
    #[inline(always)]
    pub(super) fn plan(&self, found: &Found<'s>, qtype: u16, asked: usize) -> (Option<Plan<'s>>, usize) {
        let (node, base) = match *found {
            Found::Exact(node) if node.has(NodeFlags::WILDCARD) => (node, asked.saturating_sub(1)),
            Found::Exact(node) => (node, asked),
            Found::Wildcard(node, encloser) => (node, encloser),
            Found::Cut(node, cut) => {
                let at_cut = if cut == asked && qtype == Rtype::DS.0 { node.plan(qtype) } else { None };
                return (at_cut.or_else(|| node.plan(ANY_OTHER)), cut);
            }
            Found::Dname(..) | Found::NxDomain => return (None, asked),
        };
        if qtype == Rtype::ANY.0 {
            return (node.plan_for_any().or_else(|| node.plan(ANY_OTHER)), base);
        }
        (node.plan_or_other(qtype), base)
    }

    /// Writes a plan: its bytes, its pools, its negative SOA.
    #[inline(always)]
    fn put(
        &self,
        scratch: &mut Scratch,
        peer: Peer,
        question: &Question<'_>,
        (plan, shift, longer): (&Plan<'_>, usize, usize),
        response: &mut Response<'_>,
    ) {
        response.rcode = plan.flags().rcode();
        response.authoritative = plan.flags().is_authoritative();
        response.plan(plan, shift);
        if plan.flags().is_repeating() {
            splice::cut_repetition(response);
        }
        let mut negative = plan.flags().is_negative();
        if plan.has_pools() {
            let owner = |pointer: u16, moves| if moves { moved(pointer, shift) } else { pointer };
            let own = |at: PoolRef| owner(at.owner, at.moves).to_be_bytes();
            match self.put_pools(&mut scratch.chance, peer, plan, response, own) {
                Pooled::Alias => return splice::chase(self, scratch, peer, question, response),
                Pooled::Records => {}
                Pooled::Empty => negative = true,
                Pooled::Fails => return,
            }
        }
        if negative {
            response.plan(&self.book.negative(), longer);
            response.message.count(Section::Authority, 1);
        }
    }

    /// Writes the records of a plan's pools, each under the owner that
    /// `owner` gives for it.
    #[inline(always)]
    pub(super) fn put_pools<O: AsRef<[u8]>>(
        &self,
        chance: &mut u64,
        peer: Peer,
        plan: &Plan<'_>,
        response: &mut Response<'_>,
        owner: impl Fn(PoolRef) -> O,
    ) -> Pooled {
        let mut answered = 0_u16;
        for at in plan.pools() {
            let Some(pool) = self.snapshot.pools.get(self.zone.pools_from, at.pool) else { continue };
            let owner = owner(at);
            let courtesy = at.section == Section::Additional && !plan.is_referral();
            if courtesy && pool.bytes_max(owner.as_ref().len()) > response.message.room() {
                continue;
            }
            let records = match pool.turned(owner.as_ref(), chance) {
                Some((bytes, records)) => {
                    response.ready(at.section, bytes, records);
                    Some(records)
                }
                None => response.pool(at.section, owner.as_ref(), pool, chance, peer.address),
            };
            match (at.section, records) {
                (Section::Answer, Some(1..)) if at.leads_on => return Pooled::Alias,
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
        if answered == 0 && plan.flags().is_pooled() { Pooled::Empty } else { Pooled::Records }
    }
}

/// What the pools of a plan came to.
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

/// The type a plan is looked up by: two reserved types have other meanings there.
#[inline]
pub(super) fn plan_type(qtype: Rtype) -> u16 {
    if qtype.0 == DNAME_BELOW { ANY_OTHER } else { qtype.0 }
}
