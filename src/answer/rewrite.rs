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
    let mut rebuilt = rebuild(buffer, [&[], template.bytes()], template, name, beyond_owner);
    for section in [Section::Answer, Section::Authority, Section::Additional] {
        append_section(buffer, &mut rebuilt, section, message);
    }
}

/// A message that a template was made for, in the [`ChaseBuffer`].
pub(super) struct Rebuilt {
    name: FollowedName,
    /// Where the records begin that have not been appended.
    at: usize,
    counts: [u16; 3],
    is_referral: bool,
}

/// Rebuilds the message that a template was made for: its bytes, of which the first come from elsewhere.
pub(super) fn rebuild(
    buffer: &mut ChaseBuffer,
    [first, own]: [&[u8]; 2],
    template: &ResponseTemplate<'_>,
    name: FollowedName,
    beyond_owner: usize,
) -> Rebuilt {
    let ChaseBuffer { name: wire, message: rebuilt } = buffer;
    let wire = wire.get(..name.length).unwrap_or_default();
    let at = HEADER_BYTES.saturating_add(name.length).saturating_add(4);
    copy(rebuilt.get_mut(HEADER_BYTES..).unwrap_or_default(), wire);
    copy(rebuilt.get_mut(at..).unwrap_or_default(), first);
    copy(rebuilt.get_mut(at.saturating_add(first.len())..).unwrap_or_default(), own);
    if beyond_owner != 0 {
        for place in template.fixups() {
            move_pointer(rebuilt, at.saturating_add(place), beyond_owner);
        }
    }
    Rebuilt { name, at, counts: template.counts(), is_referral: template.is_referral() }
}

/// Appends the next section of a rebuilt message.
pub(super) fn append_section(
    buffer: &ChaseBuffer,
    rebuilt: &mut Rebuilt,
    section: Section,
    message: &mut MessageWriter<'_>,
) {
    let name = rebuilt.name;
    let wire = buffer.name.get(..name.length).unwrap_or_default();
    let [answers, authorities, additionals] = rebuilt.counts;
    let count = match section {
        Section::Answer => answers,
        Section::Authority => authorities,
        Section::Additional => additionals,
    };
    let (before, fitted) = (message.position(), !message.is_overflown());
    let counted = message.counts();
    for _ in 0..count {
        let Some(next) = copy_record(&buffer.message, rebuilt.at, wire, name.owner, section, message) else {
            return;
        };
        rebuilt.at = next;
    }
    // Additional addresses may be left out, glue may not.
    if section == Section::Additional && fitted && message.is_overflown() && !rebuilt.is_referral {
        message.take_back(before, counted);
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

/// Whether the answer section has this record, given without its owner and with no compressed names: the signature of
/// a link, which is written once as well.
fn is_record_written(owner: &[u8], record: &[u8], message: &MessageWriter<'_>) -> bool {
    let (written, mut at) = (message.written(), message.records_at());
    for _ in 0..message.counts()[0] {
        let mut other = Decompressed::new();
        let Some(fixed) = other.read(written, at) else { return false };
        let rdata = fixed.saturating_add(10);
        let Some(&[.., l0, l1]) = written.get(fixed..rdata) else { return false };
        let end = rdata.saturating_add(usize::from(u16::from_be_bytes([l0, l1])));
        if written.get(fixed..end) == Some(record) && other.wire().eq_ignore_ascii_case(owner) {
            return true;
        }
        at = end;
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
    let covers =
        rebuilt.get(rdata..).and_then(<[u8]>::first_chunk).map(|bytes| Rtype(u16::from_be_bytes(*bytes)));
    if rtype == Rtype::RRSIG
        && matches!(covers, Some(Rtype::CNAME | Rtype::DNAME))
        && is_record_written(owner.wire(), rebuilt.get(fixed..end)?, message)
    {
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
