//! Aliases that are known at the query only: the CNAME that a DNAME makes (RFC 6672), and the one that is
//! chosen from a pool; and the answer for the name they lead to.
//!
//! Follows what cannot be prepared, because it depends on the labels in front of a DNAME's owner or on a
//! choice. Not on the path of ordinary queries: CNAME records of the zone are in the templates.
//!
//! ```text
//!   name ─ look_up ─▶ DNAME ──▶ synthesise: DNAME, CNAME ──▶ the next name, and so on
//!                     other ──▶ put_answer: the template ─┬▶ no alias: done
//!                                                         └▶ alias from a pool ──▶ the next name
//! ```

use super::authority::{Authority, Pooled, template_for, template_type};
use super::compiled_zone::{CompiledNode, SignedZone};
use super::context::{ChaseBuffer, QueryContext, WorkerContext};
use super::lookup::{Found, search_again};
use super::pointer::moved;
use super::proofs::Proofs;
use super::response_writer::ResponseWriter;
use super::rewrite::{
    FollowedName, OwnerRef, append_section, append_template, copy, is_link_written, put_owner, rebuild,
};
use super::signed_pools::{EmptyPool, SignedPooled, fail};
use super::signed_template::{Proof, SignedTemplate};
use super::template::{DNAME_BELOW, PoolRef, ResponseTemplate};
use crate::dns::compression::{Decompressed, POINTER_MAX};
use crate::dns::message::{HEADER_BYTES, Rcode, Section};
use crate::dns::name::NAME_BYTES_MAX;
use crate::dns::{NameRef, Rtype};
use crate::zone::CNAME_CHAIN_MAX;

/// A name on the chain.
#[derive(Clone, Copy)]
struct ChaseStep<'z> {
    name: FollowedName,
    /// The DNAME that made it, if each turn of it would add labels: its target lies at or below its owner.
    growing: Option<CompiledNode<'z>>,
}

/// A chain that is followed.
struct Chase<'c, 'z, 'q, 'o> {
    authority: &'c Authority<'z>,
    query: &'c QueryContext<'q>,
    worker: &'c mut WorkerContext,
    response: &'c mut ResponseWriter<'o>,
    /// Where signatures are wanted. Elsewhere: who asks for none does not pay for its room.
    signed: Option<&'c mut Signed<'z>>,
}

/// What answers with signatures are made from.
struct Signed<'z> {
    zone: &'z SignedZone,
    proofs: Proofs<'z>,
    waiting: WaitingProofs<'z>,
}

/// What is to be proven of the names of a chain when all of them are answered: that follows the answer section.
pub(super) struct WaitingProofs<'z> {
    proofs: [Option<(Proof, WaitingName<'z>)>; WAITING_MAX],
    count: usize,
}

/// A name of which something is to be proven.
#[derive(Clone, Copy)]
enum WaitingName<'z> {
    /// At this offset of the message.
    At(usize),
    /// A template has it.
    OfTemplate(NameRef<'z>),
}

/// Most of them: one for each name that a wildcard makes, of the names on the way of aliases that pools and the zone give in
/// turns. An answer with more is SERVFAIL.
const WAITING_MAX: usize = 4 * CNAME_CHAIN_MAX;

impl<'z> WaitingProofs<'z> {
    const NONE: WaitingProofs<'z> = WaitingProofs { proofs: [None; WAITING_MAX], count: 0 };

    /// What is to be proven of the QNAME, and of names that a template leads to.
    pub(super) fn new(proof: Option<Proof>, template: &SignedTemplate<'z>) -> Self {
        let mut waiting = Self::NONE;
        waiting.add(proof, HEADER_BYTES, template);
        waiting
    }

    fn add(&mut self, proof: Option<Proof>, at: usize, template: &SignedTemplate<'z>) {
        let of_template = template.proofs().map(|(proof, name)| (proof, WaitingName::OfTemplate(name)));
        for one in proof.map(|proof| (proof, WaitingName::At(at))).into_iter().chain(of_template) {
            if let Some(slot) = self.proofs.get_mut(self.count) {
                *slot = Some(one);
            }
            self.count = self.count.saturating_add(1);
        }
    }
}

/// Answers a name below a DNAME, which has `labels` labels: DNAME, synthesised CNAME, and so on until the
/// name is found, leaves the zone, or the chain is too long.
#[cold]
pub(super) fn follow_dname<'z>(
    authority: &Authority<'z>,
    query: &QueryContext<'_>,
    worker: &mut WorkerContext,
    response: &mut ResponseWriter<'_>,
    dname: CompiledNode<'z>,
    labels: usize,
) {
    follow(authority, query, worker, response, (dname, labels), None);
}

/// The same with signatures.
pub(super) fn follow_signed_dname<'z>(
    authority: &Authority<'z>,
    query: &QueryContext<'_>,
    worker: &mut WorkerContext,
    response: &mut ResponseWriter<'_>,
    dname: (CompiledNode<'z>, usize),
    (zone, proofs): (&'z SignedZone, Proofs<'z>),
) {
    let mut signed = Signed { zone, proofs, waiting: WaitingProofs::NONE };
    follow(authority, query, worker, response, dname, Some(&mut signed));
}

fn follow<'z>(
    authority: &Authority<'z>,
    query: &QueryContext<'_>,
    worker: &mut WorkerContext,
    response: &mut ResponseWriter<'_>,
    (dname, labels): (CompiledNode<'z>, usize),
    signed: Option<&mut Signed<'z>>,
) {
    response.authoritative = true;
    let qname = query.question.qname.wire();
    copy(&mut worker.chase.name, qname);
    let step =
        ChaseStep { name: FollowedName { length: qname.len(), owner: OwnerRef::Question }, growing: None };
    let mut chase = Chase { authority, query, worker, response, signed };
    chase.run(Found::Dname(dname, labels), step);
    chase.prove_waiting();
}

/// Follows the CNAME that a pool gave: the last record that was written.
#[cold]
pub(super) fn follow_pool_alias(
    authority: &Authority<'_>,
    query: &QueryContext<'_>,
    worker: &mut WorkerContext,
    response: &mut ResponseWriter<'_>,
) {
    let mut chase = Chase { authority, query, worker, response, signed: None };
    let step = chase.pool_target();
    if let Some(found) = chase.look_up(step.name.length) {
        chase.run(found, step);
    }
}

/// The same with signatures.
#[cold]
pub(super) fn follow_signed_pool_alias<'z>(
    authority: &Authority<'z>,
    query: &QueryContext<'_>,
    worker: &mut WorkerContext,
    response: &mut ResponseWriter<'_>,
    (zone, proofs, waiting): (&'z SignedZone, Proofs<'z>, WaitingProofs<'z>),
) {
    let mut signed = Signed { zone, proofs, waiting };
    let mut chase = Chase { authority, query, worker, response, signed: Some(&mut signed) };
    let step = chase.pool_target();
    if let Some(found) = chase.look_up(step.name.length) {
        chase.run(found, step);
    }
    chase.prove_waiting();
}

impl<'z> Chase<'_, 'z, '_, '_> {
    /// Answers for one name after the other, as long as they are aliases.
    fn run(&mut self, mut found: Found<'z>, mut step: ChaseStep<'z>) {
        for _ in 0..CNAME_CHAIN_MAX {
            let next = match found {
                Found::Dname(node, labels) => {
                    let next = self.synthesise(node, labels, step);
                    next.filter(|_| self.query.question.qtype != Rtype::CNAME)
                }
                _ => self.put_answer(&found, step),
            };
            let Some(next) = next else { return };
            step = next;
            found = match self.look_up(step.name.length) {
                Some(Found::Dname(again, _)) if step.growing.is_some_and(|node| node.is(&again)) => return,
                Some(found) => found,
                None => return,
            };
        }
    }

    /// The name that a pool's CNAME leads to.
    fn pool_target(&mut self) -> ChaseStep<'z> {
        let (at, target) = self.response.last_pooled();
        copy(&mut self.worker.chase.name, target);
        ChaseStep { name: FollowedName { length: target.len(), owner: OwnerRef::At(at) }, growing: None }
    }

    /// Looks up the name that is followed; none when it leaves the zone.
    fn look_up(&mut self, length: usize) -> Option<Found<'z>> {
        let WorkerContext { name, chase, .. } = &mut *self.worker;
        let compiled = self.authority.compiled;
        name.set(NameRef::split_from(chase.name.get(..length)?).ok()?.0);
        let apex = self.authority.zone.apex.as_ref();
        let suffix = name.suffix(compiled.apex_labels());
        let inside = name.labels() >= compiled.apex_labels() && apex.wire().eq_ignore_ascii_case(suffix);
        inside.then(|| search_again(compiled, name))
    }

    /// Writes a DNAME of `labels` labels and the CNAME it makes of the name that is followed; returns where
    /// that leads.
    fn synthesise(
        &mut self,
        node: CompiledNode<'z>,
        labels: usize,
        step: ChaseStep<'z>,
    ) -> Option<ChaseStep<'z>> {
        let Self { worker, response, signed, .. } = self;
        let dname = node.template(DNAME_BELOW)?;
        let cut = worker.name.offset(labels);
        match (step.name.owner, signed) {
            (OwnerRef::Question, None) => response.put_template(&dname, cut),
            (OwnerRef::Question, Some(_)) => {
                response.put_signed(&dname, &node.signed_template(DNAME_BELOW), cut);
            }
            (OwnerRef::At(_), None) => {
                append_template(&mut worker.chase, &dname, step.name, cut, &mut response.message);
            }
            (OwnerRef::At(_), Some(_)) => {
                let more = node.signed_template(DNAME_BELOW);
                let shared = dname.bytes().get(..more.shared).unwrap_or_default();
                let bytes = [shared, more.own.bytes()];
                let mut rebuilt = rebuild(&mut worker.chase, bytes, &more.own, step.name, cut);
                append_section(&worker.chase, &mut rebuilt, Section::Answer, &mut response.message);
            }
        }
        // Owner, type and class, TTL, length, target: as `compile` writes it.
        let (ttl, target) = (dname.bytes().get(6..10)?, dname.bytes().get(12..)?);
        let prefix = worker.chase.name;
        let prefix = prefix.get(..cut).unwrap_or_default();
        let whole = prefix.len().saturating_add(target.len());
        if whole > NAME_BYTES_MAX {
            response.rcode = Rcode::YXDOMAIN;
            return None;
        }
        let name = worker.chase.name.get(..step.name.length).unwrap_or_default();
        // Two that lead into each other: each link once.
        if is_link_written(name, Rtype::CNAME, &response.message) {
            return None;
        }
        let message = &mut response.message;
        put_owner(name, step.name.owner, message);
        message.put(&[0, 5, 0, 1]);
        message.put(ttl);
        // Not above `NAME_BYTES_MAX`: that was checked.
        message.put(&u16::try_from(whole).unwrap_or(0).to_be_bytes());
        let owner = OwnerRef::At(message.position());
        message.put(prefix);
        message.put(target);
        message.count(Section::Answer, 1);
        copy(worker.chase.name.get_mut(cut..).unwrap_or_default(), target);
        let growing = Some(node).filter(|_| target.len() >= step.name.length.saturating_sub(cut));
        Some(ChaseStep { name: FollowedName { length: whole, owner }, growing })
    }

    /// Appends the answer for a name that is no DNAME's; returns where it leads if that is an alias from a
    /// pool.
    fn put_answer(&mut self, found: &Found<'z>, step: ChaseStep<'_>) -> Option<ChaseStep<'z>> {
        if self.signed.is_some() {
            return self.put_signed_answer(found, step);
        }
        let Self { authority, query, worker, response, .. } = self;
        let qname_bytes = query.question.qname.wire().len();
        let beyond_apex = qname_bytes.saturating_sub(authority.compiled.apex_bytes());
        if matches!(found, Found::NxDomain) {
            response.rcode = Rcode::NXDOMAIN;
            authority.put_negative(beyond_apex, response);
            return None;
        }
        let (template, base) = template_for(found, template_type(query.question.qtype), worker.name.labels());
        let Some(template) = template else {
            authority.put_negative(beyond_apex, response);
            return None;
        };
        let beyond_owner = worker.name.offset(base);
        response.rcode = template.flags().rcode();
        append_template(&mut worker.chase, &template, step.name, beyond_owner, &mut response.message);
        let mut negative = template.flags().is_negative();
        if template.has_pools() {
            let WorkerContext { chase, rng, .. } = &mut **worker;
            let owner = |at: PoolRef| owner_in(chase, at, beyond_owner);
            let is_again = |at: PoolRef| {
                at.is_followed && is_link_written(owner(at).wire(), Rtype::CNAME, &response.message)
            };
            if template.pools().any(is_again) {
                return None;
            }
            let client = &query.client;
            match authority.put_pools(rng, client, &template, response, owner) {
                Pooled::Alias => return Some(self.pool_target()),
                Pooled::Records => {}
                Pooled::Empty => negative = true,
                Pooled::Fails => return None,
            }
        }
        if negative {
            authority.put_negative(beyond_apex, response);
        }
        None
    }

    /// The same with signatures.
    fn put_signed_answer(&mut self, found: &Found<'z>, step: ChaseStep<'_>) -> Option<ChaseStep<'z>> {
        let qtype = template_type(self.query.question.qtype);
        let (template, base) = template_for(found, qtype, self.worker.name.labels());
        let own = template.as_ref().map_or(ResponseTemplate::NONE, |template| *template);
        let more = found.signed_template(own.qtype());
        let beyond_owner = self.worker.name.offset(base);
        if let Some(template) = &template {
            self.response.rcode = template.flags().rcode();
        }
        if matches!(found, Found::NxDomain) {
            self.response.rcode = Rcode::NXDOMAIN;
        }
        let bytes = [own.bytes().get(..more.shared).unwrap_or_default(), more.own.bytes()];
        let mut rebuilt = rebuild(&mut self.worker.chase, bytes, &more.own, step.name, beyond_owner);
        append_section(&self.worker.chase, &mut rebuilt, Section::Answer, &mut self.response.message);
        let (is_negative, proof) = found.conclusion(template.as_ref());
        let empty = match self.put_signed_pools(Section::Answer, &more, beyond_owner) {
            Some(SignedPooled::Records) => None,
            Some(SignedPooled::Alias) => {
                let waiting = self.signed.as_deref_mut().map(|signed| &mut signed.waiting);
                waiting.into_iter().for_each(|waiting| waiting.add(proof, step.name.at(), &more));
                return Some(self.pool_target());
            }
            Some(SignedPooled::Empty(at)) => {
                let Signed { proofs, .. } = self.signed.as_deref_mut()?;
                let Some(pool) = EmptyPool::new(self.authority.compiled, at, proofs, self.response) else {
                    self.signed = None;
                    return None;
                };
                Some((pool, owner_in(&self.worker.chase, at, beyond_owner)))
            }
            Some(SignedPooled::Fails) => {
                self.signed = None;
                return None;
            }
            None => return None,
        };
        self.prove_waiting();
        let Self { authority, query, worker, response, signed } = self;
        let Signed { zone, proofs, .. } = signed.as_deref_mut()?;
        let name = worker.chase.name.get(..step.name.length).and_then(|name| NameRef::split_from(name).ok());
        worker.name.set(name?.0);
        append_section(&worker.chase, &mut rebuilt, Section::Authority, &mut response.message);
        let qname_bytes = query.question.qname.wire().len();
        let beyond_apex = qname_bytes.saturating_sub(authority.compiled.apex_bytes());
        match &empty {
            Some((pool, _)) => pool.put_soa(zone, beyond_apex, response),
            None if is_negative => Authority::put_signed_negative(zone, beyond_apex, response),
            None => {}
        }
        if let Some(proof) = proof {
            proofs.prove(proof, &worker.name, response);
        }
        for (proof, name) in more.proofs() {
            worker.name.set(name);
            proofs.prove(proof, &worker.name, response);
        }
        if let Some((pool, owner)) = &empty
            && let Some(owner) = owner.name()
        {
            pool.prove(owner, &mut worker.name, proofs, response);
        }
        append_section(&worker.chase, &mut rebuilt, Section::Additional, &mut response.message);
        self.put_signed_pools(Section::Additional, &more, beyond_owner);
        None
    }

    /// Writes the pools of one section of the answer that was rebuilt last; none where that would be a link once more.
    fn put_signed_pools(
        &mut self,
        section: Section,
        more: &SignedTemplate<'_>,
        beyond_owner: usize,
    ) -> Option<SignedPooled> {
        if !more.own.has_pools() {
            return Some(SignedPooled::Records);
        }
        let WorkerContext { chase, rng, .. } = &mut *self.worker;
        let is_again = |at: PoolRef| {
            let owner = owner_in(chase, at, beyond_owner);
            at.is_followed && is_link_written(owner.wire(), Rtype::CNAME, &self.response.message)
        };
        if section == Section::Answer && more.own.pools().any(is_again) {
            return None;
        }
        let owner = |at: PoolRef, _: &ResponseWriter<'_>| owner_in(chase, at, beyond_owner);
        let client = &self.query.client;
        Some(self.authority.put_signed_pools(section, (rng, client), more, self.response, owner))
    }

    /// Proves what waits until all names are answered.
    fn prove_waiting(&mut self) {
        let Self { worker, response, signed, .. } = self;
        let Some(Signed { proofs, waiting, .. }) = signed else { return };
        let waiting = std::mem::replace(waiting, WaitingProofs::NONE);
        if waiting.count > WAITING_MAX {
            fail(response);
            *signed = None;
            return;
        }
        for (proof, name) in waiting.proofs.into_iter().flatten() {
            let mut read = Decompressed::new();
            let name = match name {
                WaitingName::OfTemplate(name) => Some(name),
                WaitingName::At(at) => {
                    read.read(response.message.written(), at);
                    read.name()
                }
            };
            if let Some(name) = name {
                worker.name.set(name);
                proofs.prove(proof, &worker.name, response);
            }
        }
    }
}

/// The owner of a pool, by its place in the message that was rebuilt last.
fn owner_in(buffer: &ChaseBuffer, at: PoolRef, beyond_owner: usize) -> Decompressed {
    let pointer = if at.is_moved { moved(at.owner, beyond_owner) } else { at.owner };
    let mut name = Decompressed::new();
    name.read(&buffer.message, usize::from(pointer & POINTER_MAX));
    name
}
