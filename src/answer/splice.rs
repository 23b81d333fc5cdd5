//! Aliases that are known at the query only: the CNAME that a DNAME makes
//! (RFC 6672), and the one that is chosen from a pool; and the answer for the
//! name they lead to.
//!
//! Responsible for what cannot be prepared, because it depends on the labels
//! in front of a DNAME's owner or on a choice. Not on the path of ordinary
//! queries.
//! Not responsible for CNAME records of the zone: those are in the plans.

use super::authority::{Authority, Pooled, plan_type};
use super::book::BookNode;
use super::lookup::Found;
use super::plan::{DNAME_BELOW, Plan};
use super::respond::Scratch;
use super::write::{OWN, Response, move_pointer, moved};
use super::{CNAME_CHAIN_MAX, Peer};
use crate::dns::compression::{Decompressed, NamesWithin, POINTER_BITS, POINTER_MAX, names_within};
use crate::dns::message::{HEADER_BYTES, Question, Rcode, Section};
use crate::dns::message_writer::MessageWriter;
use crate::dns::name::NAME_BYTES_MAX;
use crate::dns::{NameRef, Rtype};

/// Room for the name that is being followed and for the message that a plan
/// was made for, so that its pointers can be read.
pub(super) struct Room {
    name: [u8; NAME_BYTES_MAX],
    message: Box<[u8]>,
}

/// Longest message a plan is made for.
const MESSAGE_BYTES: usize = HEADER_BYTES + NAME_BYTES_MAX + 4 + u16::MAX as usize;

impl Room {
    pub(super) fn new() -> Self {
        Self { name: [0; NAME_BYTES_MAX], message: vec![0; MESSAGE_BYTES].into_boxed_slice() }
    }
}

/// Where the name that is being followed stands in the response.
#[derive(Clone, Copy)]
enum Standing {
    /// It is the question's.
    Question,
    /// At this offset: it is a CNAME's target.
    At(usize),
}

impl Standing {
    /// A pointer to it, where one reaches.
    fn pointer(self) -> Option<[u8; 2]> {
        match self {
            Standing::Question => Some(OWN),
            Standing::At(at) => {
                let at = u16::try_from(at).ok().filter(|at| *at <= POINTER_MAX)?;
                Some((POINTER_BITS | at).to_be_bytes())
            }
        }
    }
}

/// A name that is being followed; its bytes are in [`Room`].
#[derive(Clone, Copy)]
struct Link<'s> {
    length: usize,
    standing: Standing,
    /// The DNAME that made it, if each turn of it would add labels: its target
    /// lies at or below its owner.
    growing: Option<BookNode<'s>>,
}

/// Answers a name below a DNAME: DNAME, synthesised CNAME, and so on until
/// the name is found, leaves the zone, or the chain is too long.
#[cold]
pub(super) fn redirect<'s>(
    authority: &Authority<'s>,
    scratch: &mut Scratch,
    peer: Peer,
    question: &Question<'_>,
    dname: (BookNode<'s>, usize),
    response: &mut Response<'_>,
) {
    response.authoritative = true;
    let qname = question.qname.wire();
    copy(&mut scratch.splice.name, qname);
    let link = Link { length: qname.len(), standing: Standing::Question, growing: None };
    let found = Found::Dname(dname.0, dname.1);
    walk(authority, scratch, peer, question, (found, link), response);
}

/// Follows the CNAME that a pool gave: the last record that was written.
#[cold]
pub(super) fn chase(
    authority: &Authority<'_>,
    scratch: &mut Scratch,
    peer: Peer,
    question: &Question<'_>,
    response: &mut Response<'_>,
) {
    let link = pooled(scratch, response);
    if let Some(found) = follow(authority, scratch, link.length) {
        walk(authority, scratch, peer, question, (found, link), response);
    }
}

/// The name that a pool's CNAME leads to.
fn pooled<'s>(scratch: &mut Scratch, response: &Response<'_>) -> Link<'s> {
    let (at, target) = response.last_pooled();
    copy(&mut scratch.splice.name, target);
    Link { length: target.len(), standing: Standing::At(at), growing: None }
}

/// Answers for one name after the other, as long as they are aliases.
fn walk<'s>(
    authority: &Authority<'s>,
    scratch: &mut Scratch,
    peer: Peer,
    question: &Question<'_>,
    (mut found, mut link): (Found<'s>, Link<'s>),
    response: &mut Response<'_>,
) {
    for _ in 0..CNAME_CHAIN_MAX {
        let next = match found {
            Found::Dname(node, labels) => {
                let next = synthesise(scratch, (node, labels), link, response);
                next.filter(|_| question.qtype != Rtype::CNAME)
            }
            _ => land(authority, scratch, peer, question, (&found, link), response),
        };
        let Some(next) = next else { return };
        link = next;
        found = match follow(authority, scratch, link.length) {
            Some(Found::Dname(again, _)) if link.growing.is_some_and(|node| node.is(&again)) => return,
            Some(found) => found,
            None => return,
        };
    }
}

/// Writes a DNAME and the CNAME it makes of the name that is followed; returns
/// where that leads.
fn synthesise<'s>(
    scratch: &mut Scratch,
    (node, labels): (BookNode<'s>, usize),
    link: Link<'s>,
    response: &mut Response<'_>,
) -> Option<Link<'s>> {
    let dname = node.plan(DNAME_BELOW)?;
    let cut = scratch.asked.offset(labels);
    match link.standing {
        Standing::Question => response.plan(&dname, cut),
        Standing::At(_) => splice(scratch, &dname, link.length, cut, link.standing, &mut response.message),
    }
    // Owner, type and class, TTL, length, target: as `compile` writes it.
    let (ttl, target) = (dname.bytes().get(6..10)?, dname.bytes().get(12..)?);
    let prefix = scratch.splice.name;
    let prefix = prefix.get(..cut).unwrap_or_default();
    let whole = prefix.len().saturating_add(target.len());
    if whole > NAME_BYTES_MAX {
        response.rcode = Rcode::YXDOMAIN;
        return None;
    }
    let name = scratch.splice.name.get(..link.length).unwrap_or_default();
    // Two that lead into each other: each link once.
    if stands_already(name, Rtype::CNAME, &response.message) {
        return None;
    }
    let message = &mut response.message;
    put_owner(name, link.standing, message);
    message.put(&[0, 5, 0, 1]);
    message.put(ttl);
    // Not above `NAME_BYTES_MAX`: that was looked at.
    message.put(&u16::try_from(whole).unwrap_or(0).to_be_bytes());
    let standing = Standing::At(message.position());
    message.put(prefix);
    message.put(target);
    message.count(Section::Answer, 1);
    copy(scratch.splice.name.get_mut(cut..).unwrap_or_default(), target);
    let growing = Some(node).filter(|_| target.len() >= link.length.saturating_sub(cut));
    Some(Link { length: whole, standing, growing })
}

fn copy(to: &mut [u8], from: &[u8]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}

/// Looks up the name that is being followed; none when it leaves the zone.
fn follow<'s>(authority: &Authority<'s>, scratch: &mut Scratch, length: usize) -> Option<Found<'s>> {
    let Scratch { asked, splice, .. } = scratch;
    let (name, _) = NameRef::split_from(splice.name.get(..length)?).ok()?;
    asked.set(name);
    let apex = authority.zone.apex.as_ref();
    let suffix = asked.suffix(authority.book.apex_labels());
    let inside = asked.labels() >= authority.book.apex_labels() && apex.wire().eq_ignore_ascii_case(suffix);
    inside.then(|| authority.book.search(asked))
}

/// Appends the answer for a name that is no DNAME's; returns where it leads
/// if that is an alias from a pool.
fn land<'s>(
    authority: &Authority<'_>,
    scratch: &mut Scratch,
    peer: Peer,
    question: &Question<'_>,
    (found, link): (&Found<'_>, Link<'_>),
    response: &mut Response<'_>,
) -> Option<Link<'s>> {
    let longer = question.qname.wire().len().saturating_sub(authority.book.apex_bytes());
    if matches!(found, Found::NxDomain) {
        response.rcode = Rcode::NXDOMAIN;
        put_negative(authority, longer, response);
        return None;
    }
    let (plan, base) = authority.plan(found, plan_type(question.qtype), scratch.asked.labels());
    let Some(plan) = plan else {
        put_negative(authority, longer, response);
        return None;
    };
    let shift = scratch.asked.offset(base);
    response.rcode = plan.flags().rcode();
    splice(scratch, &plan, link.length, shift, link.standing, &mut response.message);
    let mut negative = plan.flags().is_negative();
    if plan.has_pools() {
        let Scratch { splice: room, chance, .. } = scratch;
        let own = |at: super::plan::PoolRef| {
            let pointer = if at.moves { moved(at.owner, shift) } else { at.owner };
            let mut name = Decompressed::new();
            name.read(&room.message, usize::from(pointer & POINTER_MAX));
            name
        };
        let again = |at: &super::plan::PoolRef| {
            at.leads_on && stands_already(own(*at).as_ref(), Rtype::CNAME, &response.message)
        };
        if plan.pools().any(|at| again(&at)) {
            return None;
        }
        match authority.put_pools(chance, peer, &plan, response, own) {
            Pooled::Alias => return Some(pooled(scratch, response)),
            Pooled::Records => {}
            Pooled::Empty => negative = true,
            Pooled::Fails => return None,
        }
    }
    if negative {
        put_negative(authority, longer, response);
    }
    None
}

fn put_negative(authority: &Authority<'_>, longer: usize, response: &mut Response<'_>) {
    response.plan(&authority.book.negative(), longer);
    response.message.count(Section::Authority, 1);
}

fn put_owner(name: &[u8], standing: Standing, response: &mut MessageWriter<'_>) {
    match standing.pointer() {
        Some(pointer) => response.put(&pointer),
        None => response.put(name),
    }
}

/// Appends a plan that was made for another question: rebuilds the message it
/// was made for, reads its records there, and writes them with their names
/// in full.
fn splice(
    scratch: &mut Scratch,
    plan: &Plan<'_>,
    length: usize,
    shift: usize,
    standing: Standing,
    response: &mut MessageWriter<'_>,
) {
    let Room { name, message } = &mut scratch.splice;
    let name = name.get(..length).unwrap_or_default();
    let start = HEADER_BYTES.saturating_add(length).saturating_add(4);
    copy(message.get_mut(HEADER_BYTES..).unwrap_or_default(), name);
    copy(message.get_mut(start..).unwrap_or_default(), plan.bytes());
    if shift != 0 {
        for place in plan.moves() {
            move_pointer(message, start.saturating_add(place), shift);
        }
    }
    let mut at = start;
    for (section, count) in
        [Section::Answer, Section::Authority, Section::Additional].into_iter().zip(plan.counts())
    {
        let (before, fitted) = (response.position(), !response.is_overflown());
        let counted = response.counts();
        for _ in 0..count {
            let Some(next) = copy_record(message, at, (name, standing), section, response) else { return };
            at = next;
        }
        // Additional addresses are a courtesy, glue is none.
        if section == Section::Additional && fitted && response.is_overflown() && !plan.is_referral() {
            response.take_back(before, counted);
        }
    }
}

/// Whether the answer section has a record of this owner and type: a link of
/// the chain that must not stand there twice.
fn stands_already(owner: &[u8], rtype: Rtype, response: &MessageWriter<'_>) -> bool {
    let (message, mut at) = (response.written(), response.records_at());
    for _ in 0..response.counts()[0] {
        let mut other = Decompressed::new();
        let Some(fixed) = other.read(message, at) else { return false };
        let rdata = fixed.saturating_add(10);
        let Some(&[t0, t1, .., l0, l1]) = message.get(fixed..rdata) else { return false };
        if u16::from_be_bytes([t0, t1]) == rtype.0 && other.as_ref().eq_ignore_ascii_case(owner) {
            return true;
        }
        at = rdata.saturating_add(usize::from(u16::from_be_bytes([l0, l1])));
    }
    false
}

/// Writes the record at `at` of `message` with its names in full, unless it
/// is a link that stands there already; returns where the next one begins.
fn copy_record(
    message: &[u8],
    at: usize,
    (name, standing): (&[u8], Standing),
    section: Section,
    response: &mut MessageWriter<'_>,
) -> Option<usize> {
    let mut owner = Decompressed::new();
    let fixed = owner.read(message, at)?;
    let rdata = fixed.saturating_add(10);
    let &[t0, t1, .., l0, l1] = message.get(fixed..rdata)? else { return None };
    let end = rdata.saturating_add(usize::from(u16::from_be_bytes([l0, l1])));
    let rtype = Rtype(u16::from_be_bytes([t0, t1]));
    let link = matches!(rtype, Rtype::CNAME | Rtype::DNAME);
    if link && stands_already(owner.as_ref(), rtype, response) {
        return Some(end);
    }
    if owner.as_ref().eq_ignore_ascii_case(name) {
        put_owner(name, standing, response);
    } else {
        response.put(owner.as_ref());
    }
    response.put(message.get(fixed..rdata)?);
    let from = response.position();
    let none = NamesWithin { before: 0, names: 0, behind: 0 };
    let NamesWithin { before, names, .. } = names_within(rtype).unwrap_or(none);
    let mut next = rdata.saturating_add(before);
    response.put(message.get(rdata..next)?);
    for _ in 0..names {
        let mut inner = Decompressed::new();
        next = inner.read(message, next)?;
        response.put(inner.as_ref());
    }
    response.put(message.get(next..end)?);
    let written = response.position().saturating_sub(from);
    // Two names and five numbers at most where names were written in full; elsewhere as
    // long as before.
    response.patch(from.saturating_sub(2), u16::try_from(written).unwrap_or(0));
    response.count(section, 1);
    Some(end)
}

/// Takes back what follows the link of a chain of aliases that leads back to
/// the QNAME.
#[cold]
pub(super) fn cut_repetition(response: &mut Response<'_>) {
    let message = response.message.written();
    let mut at = response.message.records_at();
    let mut asked = Decompressed::new();
    if asked.read(message, HEADER_BYTES).is_none() {
        return;
    }
    for links in 1..=response.message.counts()[0] {
        let (mut owner, mut target) = (Decompressed::new(), Decompressed::new());
        let Some(fixed) = owner.read(message, at) else { return };
        // Type, class, TTL and length are ten bytes; the target is all of the RDATA.
        let Some(end) = target.read(message, fixed.saturating_add(10)) else { return };
        if asked.as_ref().eq_ignore_ascii_case(target.as_ref()) {
            return response.message.take_back(end, [links, 0, 0]);
        }
        at = end;
    }
}
