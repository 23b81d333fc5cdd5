//! Appends a template to a message that it was not made for, at the query.
//!
//! A template is made for a message whose question is its own name. That message is rebuilt in the
//! [`ChaseBuffer`], its records are read there, and written with their names in full.

use super::context::ChaseBuffer;
use super::pointer::{OWN, move_pointer};
use super::response_writer::ResponseWriter;
use super::template::ResponseTemplate;
use crate::dns::Rtype;
use crate::dns::compression::{Decompressed, NamesWithin, POINTER_BITS, POINTER_MAX, names_within};
use crate::dns::message::{HEADER_BYTES, Section};
use crate::dns::message_writer::MessageWriter;

/// The name that is followed; its bytes are in the [`ChaseBuffer`].
#[derive(Clone, Copy)]
pub(super) struct FollowedName {
    pub(super) length: usize,
    pub(super) owner: OwnerRef,
}

/// Where the name that is followed is in the response.
#[derive(Clone, Copy)]
pub(super) enum OwnerRef {
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

/// Appends a template that was made for another question: rebuilds the message it was made for, reads its
/// records there, and writes them with their names in full.
pub(super) fn append_template(
    buffer: &mut ChaseBuffer,
    template: &ResponseTemplate<'_>,
    name: FollowedName,
    beyond_owner: usize,
    message: &mut MessageWriter<'_>,
) {
    let ChaseBuffer { name: wire, message: rebuilt } = buffer;
    let wire = wire.get(..name.length).unwrap_or_default();
    let start = HEADER_BYTES.saturating_add(name.length).saturating_add(4);
    copy(rebuilt.get_mut(HEADER_BYTES..).unwrap_or_default(), wire);
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
            let Some(next) = copy_record(rebuilt, at, wire, name.owner, section, message) else { return };
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
pub(super) fn is_link_written(owner: &[u8], rtype: Rtype, message: &MessageWriter<'_>) -> bool {
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

/// Writes the name that is followed as an owner: a pointer, where one reaches.
pub(super) fn put_owner(name: &[u8], owner: OwnerRef, message: &mut MessageWriter<'_>) {
    match owner.pointer() {
        Some(pointer) => message.put(&pointer),
        None => message.put(name),
    }
}

pub(super) fn copy(to: &mut [u8], from: &[u8]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}
