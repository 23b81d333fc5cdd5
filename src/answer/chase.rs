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
//!
//! A template is made for a message whose question is its own name. To append it to another message, that
//! message is rebuilt in the [`ChaseBuffer`], its records are read there, and written with their names in
//! full.

use super::authority::{Authority, Pooled, template_for, template_type};
use super::compiled_zone::CompiledNode;
use super::context::{ChaseBuffer, QueryContext, WorkerContext};
use super::lookup::{Found, search};
use super::pointer::{OWN, move_pointer, moved};
use super::response_writer::ResponseWriter;
use super::template::{DNAME_BELOW, PoolRef, ResponseTemplate};
use crate::dns::compression::{Decompressed, NamesWithin, POINTER_BITS, POINTER_MAX, names_within};
use crate::dns::message::{HEADER_BYTES, Rcode, Section};
use crate::dns::message_writer::MessageWriter;
use crate::dns::name::NAME_BYTES_MAX;
use crate::dns::{NameRef, Rtype};
use crate::zone::CNAME_CHAIN_MAX;

/// Where the name that is followed is in the response.
#[derive(Clone, Copy)]
enum OwnerRef {
    /// It is the QNAME.
    Question,
    /// At this offset: it is a CNAME's target.
    At(usize),
}

impl OwnerRef {
    /// A pointer to it, where one reaches.
    fn pointer(self) -> Option<[u8; 2]> {
        match self {
            OwnerRef::Question => Some(OWN),
            OwnerRef::At(at) => {
                let at = u16::try_from(at).ok().filter(|at| *at <= POINTER_MAX)?;
                Some((POINTER_BITS | at).to_be_bytes())
            }
        }
    }
}

/// A name on the chain; its bytes are in the [`ChaseBuffer`].
#[derive(Clone, Copy)]
struct ChaseStep<'z> {
    length: usize,
    owner: OwnerRef,
    /// The DNAME that made it, if each turn of it would add labels: its target lies at or below its owner.
    growing: Option<CompiledNode<'z>>,
}

/// A chain that is followed.
struct Chase<'c, 'z, 'q, 'o> {
    authority: &'c Authority<'z>,
    query: &'c QueryContext<'q>,
    worker: &'c mut WorkerContext,
    response: &'c mut ResponseWriter<'o>,
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
    response.authoritative = true;
    let qname = query.question.qname.wire();
    copy(&mut worker.chase.name, qname);
    let step = ChaseStep { length: qname.len(), owner: OwnerRef::Question, growing: None };
    Chase { authority, query, worker, response }.run(Found::Dname(dname, labels), step);
}

/// Follows the CNAME that a pool gave: the last record that was written.
#[cold]
pub(super) fn follow_pool_alias(
    authority: &Authority<'_>,
    query: &QueryContext<'_>,
    worker: &mut WorkerContext,
    response: &mut ResponseWriter<'_>,
) {
    let mut chase = Chase { authority, query, worker, response };
    let step = chase.pool_target();
    if let Some(found) = chase.look_up(step.length) {
        chase.run(found, step);
    }
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
            found = match self.look_up(step.length) {
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
        ChaseStep { length: target.len(), owner: OwnerRef::At(at), growing: None }
    }

    /// Looks up the name that is followed; none when it leaves the zone.
    fn look_up(&mut self, length: usize) -> Option<Found<'z>> {
        let WorkerContext { name, chase, .. } = &mut *self.worker;
        let compiled = self.authority.compiled;
        name.set(NameRef::split_from(chase.name.get(..length)?).ok()?.0);
        let apex = self.authority.zone.apex.as_ref();
        let suffix = name.suffix(compiled.apex_labels());
        let inside = name.labels() >= compiled.apex_labels() && apex.wire().eq_ignore_ascii_case(suffix);
        inside.then(|| search(compiled, name))
    }

    /// Writes a DNAME of `labels` labels and the CNAME it makes of the name that is followed; returns where
    /// that leads.
    fn synthesise(
        &mut self,
        node: CompiledNode<'z>,
        labels: usize,
        step: ChaseStep<'z>,
    ) -> Option<ChaseStep<'z>> {
        let Self { worker, response, .. } = self;
        let dname = node.template(DNAME_BELOW)?;
        let cut = worker.name.offset(labels);
        match step.owner {
            OwnerRef::Question => response.put_template(&dname, cut),
            OwnerRef::At(_) => splice(&mut worker.chase, &dname, step, cut, &mut response.message),
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
        let name = worker.chase.name.get(..step.length).unwrap_or_default();
        // Two that lead into each other: each link once.
        if is_link_written(name, Rtype::CNAME, &response.message) {
            return None;
        }
        let message = &mut response.message;
        put_owner(name, step.owner, message);
        message.put(&[0, 5, 0, 1]);
        message.put(ttl);
        // Not above `NAME_BYTES_MAX`: that was checked.
        message.put(&u16::try_from(whole).unwrap_or(0).to_be_bytes());
        let owner = OwnerRef::At(message.position());
        message.put(prefix);
        message.put(target);
        message.count(Section::Answer, 1);
        copy(worker.chase.name.get_mut(cut..).unwrap_or_default(), target);
        let growing = Some(node).filter(|_| target.len() >= step.length.saturating_sub(cut));
        Some(ChaseStep { length: whole, owner, growing })
    }

    /// Appends the answer for a name that is no DNAME's; returns where it leads if that is an alias from a
    /// pool.
    fn put_answer(&mut self, found: &Found<'_>, step: ChaseStep<'_>) -> Option<ChaseStep<'z>> {
        let Self { authority, query, worker, response } = self;
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
        splice(&mut worker.chase, &template, step, beyond_owner, &mut response.message);
        let mut negative = template.flags().is_negative();
        if template.has_pools() {
            let WorkerContext { chase, rng, .. } = &mut **worker;
            let owner = |at: PoolRef| {
                let pointer = if at.is_moved { moved(at.owner, beyond_owner) } else { at.owner };
                let mut name = Decompressed::new();
                name.read(&chase.message, usize::from(pointer & POINTER_MAX));
                name
            };
            let is_again = |at: PoolRef| {
                at.is_followed && is_link_written(owner(at).wire(), Rtype::CNAME, &response.message)
            };
            if template.pools().any(is_again) {
                return None;
            }
            let (pools, client) = (&query.snapshot.pools, query.peer.address);
            match authority.put_pools(pools, rng, client, &template, response, owner) {
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
}

fn copy(to: &mut [u8], from: &[u8]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}

fn put_owner(name: &[u8], owner: OwnerRef, message: &mut MessageWriter<'_>) {
    match owner.pointer() {
        Some(pointer) => message.put(&pointer),
        None => message.put(name),
    }
}

/// Appends a template that was made for another question: rebuilds the message it was made for, reads its
/// records there, and writes them with their names in full.
fn splice(
    buffer: &mut ChaseBuffer,
    template: &ResponseTemplate<'_>,
    step: ChaseStep<'_>,
    beyond_owner: usize,
    message: &mut MessageWriter<'_>,
) {
    let ChaseBuffer { name, message: rebuilt } = buffer;
    let name = name.get(..step.length).unwrap_or_default();
    let start = HEADER_BYTES.saturating_add(step.length).saturating_add(4);
    copy(rebuilt.get_mut(HEADER_BYTES..).unwrap_or_default(), name);
    copy(rebuilt.get_mut(start..).unwrap_or_default(), template.bytes());
    if beyond_owner != 0 {
        for place in template.fixups() {
            move_pointer(rebuilt, start.saturating_add(place), beyond_owner);
        }
    }
    let mut at = start;
    for (section, count) in
        [Section::Answer, Section::Authority, Section::Additional].into_iter().zip(template.counts())
    {
        let (before, fitted) = (message.position(), !message.is_overflown());
        let counted = message.counts();
        for _ in 0..count {
            let Some(next) = copy_record(rebuilt, at, name, step.owner, section, message) else { return };
            at = next;
        }
        // Additional addresses may be left out, glue may not.
        if section == Section::Additional && fitted && message.is_overflown() && !template.is_referral() {
            message.take_back(before, counted);
        }
    }
}

/// Whether the answer section has a record of this owner and type: a link of the chain, which is written
/// once.
fn is_link_written(owner: &[u8], rtype: Rtype, message: &MessageWriter<'_>) -> bool {
    let (written, mut at) = (message.written(), message.records_at());
    for _ in 0..message.counts()[0] {
        let mut other = Decompressed::new();
        let Some(fixed) = other.read(written, at) else { return false };
        let rdata = fixed.saturating_add(10);
        let Some(&[t0, t1, .., l0, l1]) = written.get(fixed..rdata) else { return false };
        if u16::from_be_bytes([t0, t1]) == rtype.0 && other.wire().eq_ignore_ascii_case(owner) {
            return true;
        }
        at = rdata.saturating_add(usize::from(u16::from_be_bytes([l0, l1])));
    }
    false
}

/// Writes the record at `at` of the rebuilt message with its names in full, unless it is a link that is
/// written already; returns where the next one begins.
fn copy_record(
    rebuilt: &[u8],
    at: usize,
    name: &[u8],
    name_at: OwnerRef,
    section: Section,
    message: &mut MessageWriter<'_>,
) -> Option<usize> {
    let mut owner = Decompressed::new();
    let fixed = owner.read(rebuilt, at)?;
    let rdata = fixed.saturating_add(10);
    let &[t0, t1, .., l0, l1] = rebuilt.get(fixed..rdata)? else { return None };
    let end = rdata.saturating_add(usize::from(u16::from_be_bytes([l0, l1])));
    let rtype = Rtype(u16::from_be_bytes([t0, t1]));
    let is_link = matches!(rtype, Rtype::CNAME | Rtype::DNAME);
    if is_link && is_link_written(owner.wire(), rtype, message) {
        return Some(end);
    }
    if owner.wire().eq_ignore_ascii_case(name) {
        put_owner(name, name_at, message);
    } else {
        message.put(owner.wire());
    }
    message.put(rebuilt.get(fixed..rdata)?);
    let from = message.position();
    let none = NamesWithin { before: 0, names: 0, behind: 0 };
    let NamesWithin { before, names, .. } = names_within(rtype).unwrap_or(none);
    let mut next = rdata.saturating_add(before);
    message.put(rebuilt.get(rdata..next)?);
    for _ in 0..names {
        let mut inner = Decompressed::new();
        next = inner.read(rebuilt, next)?;
        message.put(inner.wire());
    }
    message.put(rebuilt.get(next..end)?);
    let written = message.position().saturating_sub(from);
    // Two names and five numbers at most where names were written in full; elsewhere as long as before.
    message.patch(from.saturating_sub(2), u16::try_from(written).unwrap_or(0));
    message.count(section, 1);
    Some(end)
}

/// Takes back what follows the link of a chain of aliases that leads back to the QNAME.
#[cold]
pub(super) fn cut_repetition(response: &mut ResponseWriter<'_>) {
    let message = response.message.written();
    let mut at = response.message.records_at();
    let mut qname = Decompressed::new();
    if qname.read(message, HEADER_BYTES).is_none() {
        return;
    }
    for links in 1..=response.message.counts()[0] {
        let (mut owner, mut target) = (Decompressed::new(), Decompressed::new());
        let Some(fixed) = owner.read(message, at) else { return };
        // Type, class, TTL and length are ten bytes; the target is all of the RDATA.
        let Some(end) = target.read(message, fixed.saturating_add(10)) else { return };
        if qname.wire().eq_ignore_ascii_case(target.wire()) {
            return response.message.take_back(end, [links, 0, 0]);
        }
        at = end;
    }
}
