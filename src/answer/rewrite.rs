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

impl FollowedName {
    /// Where it is in the response.
    pub(super) fn at(self) -> usize {
        match self.owner {
            OwnerRef::Question => HEADER_BYTES,
            OwnerRef::At(at) => at,
        }
    }
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
        if rebuilt.count(section) != 0 {
            append_section(buffer, &mut rebuilt, section, message);
        }
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

impl Rebuilt {
    /// Records of a section.
    #[inline]
    fn count(&self, section: Section) -> u16 {
        let [answers, authorities, additionals] = self.counts;
        match section {
            Section::Answer => answers,
            Section::Authority => authorities,
            Section::Additional => additionals,
        }
    }
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
#[inline]
pub(super) fn append_section(
    buffer: &ChaseBuffer,
    rebuilt: &mut Rebuilt,
    section: Section,
    message: &mut MessageWriter<'_>,
) {
    let name = rebuilt.name;
    let wire = buffer.name.get(..name.length).unwrap_or_default();
    let (before, fitted) = (message.position(), !message.is_overflown());
    let counted = message.counts();
    for _ in 0..rebuilt.count(section) {
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
    has_record(message, message.counts()[0], |written, its_owner, record| {
        record.rtype(written) == Some(rtype) && its_owner.eq_ignore_ascii_case(owner)
    })
}

/// Whether the first records of the answer section have this one, given without its owner and with no compressed names: the
/// signature of a link, which is written once as well.
fn is_record_written(owner: &[u8], record: &[u8], records: u16, message: &MessageWriter<'_>) -> bool {
    has_record(message, records, |written, its_owner, own| {
        written.get(own.fixed..own.end) == Some(record) && its_owner.eq_ignore_ascii_case(owner)
    })
}

/// Whether one of the first records of the answer section, given with its owner, is such a one.
#[inline]
fn has_record(
    message: &MessageWriter<'_>,
    records: u16,
    is_one: impl Fn(&[u8], &[u8], &WrittenRecord) -> bool,
) -> bool {
    let (written, mut at) = (message.written(), message.records_at());
    let mut owner = Decompressed::new();
    for _ in 0..records {
        let Some(record) = WrittenRecord::read(&mut owner, written, at) else { return false };
        if is_one(written, owner.wire(), &record) {
            return true;
        }
        at = record.end;
    }
    false
}

/// Where the parts of a record of a message are. Its owner is read beside it: a name is 255 bytes of room, and moving them
/// with each record made a chain dearer by a tenth.
struct WrittenRecord {
    /// Where its type begins; behind it are class, TTL and length.
    fixed: usize,
    /// Where its RDATA begins.
    rdata: usize,
    /// Where it ends.
    end: usize,
}

impl WrittenRecord {
    /// Reads the record at `at`, and its owner into `owner`.
    #[inline]
    fn read(owner: &mut Decompressed, written: &[u8], at: usize) -> Option<WrittenRecord> {
        let fixed = owner.read(written, at)?;
        let rdata = fixed.saturating_add(10);
        let &[.., l0, l1] = written.get(fixed..rdata)? else { return None };
        let end = rdata.saturating_add(usize::from(u16::from_be_bytes([l0, l1])));
        (end <= written.len()).then_some(WrittenRecord { fixed, rdata, end })
    }

    #[inline]
    fn rtype(&self, written: &[u8]) -> Option<Rtype> {
        rtype_at(written, self.fixed)
    }

    /// The type that it signs, where that is one of a link.
    #[inline]
    fn signed_link(&self, written: &[u8]) -> Option<Rtype> {
        if self.rtype(written)? != Rtype::RRSIG {
            return None;
        }
        rtype_at(written, self.rdata).filter(|covers| matches!(*covers, Rtype::CNAME | Rtype::DNAME))
    }
}

#[inline]
fn rtype_at(written: &[u8], at: usize) -> Option<Rtype> {
    written.get(at..).and_then(<[u8]>::first_chunk).map(|bytes| Rtype(u16::from_be_bytes(*bytes)))
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
    let record = WrittenRecord::read(&mut owner, rebuilt, at)?;
    let (rtype, signed_link) = (record.rtype(rebuilt)?, record.signed_link(rebuilt));
    let WrittenRecord { fixed, rdata, end } = record;
    let is_link = matches!(rtype, Rtype::CNAME | Rtype::DNAME);
    if is_link && is_link_written(owner.wire(), rtype, message) {
        return Some(end);
    }
    if signed_link.is_some()
        && is_record_written(owner.wire(), rebuilt.get(fixed..end)?, message.counts()[0], message)
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

/// Takes back what follows the link of a chain of aliases that leads back to the QNAME, but for the signatures of the
/// links that stay.
#[cold]
pub(super) fn cut_repetition(response: &mut ResponseWriter<'_>) {
    let message = &mut response.message;
    let Some((links, mut end)) = links_back(message) else { return };
    let (mut kept, mut at) = (links, end);
    let (mut owner, mut moved_owner) = (Decompressed::new(), Decompressed::new());
    for _ in links..message.counts()[0] {
        let Some(record) = WrittenRecord::read(&mut owner, message.written(), at) else { break };
        if is_of_link(message, owner.wire(), &record, links, kept) {
            message.written_mut().copy_within(at..record.end, end);
            // One whose owner is a pointer to what is gone cannot stay.
            let moved = WrittenRecord::read(&mut moved_owner, message.written(), end);
            if let Some(moved) = moved.filter(|_| moved_owner.wire() == owner.wire()) {
                (kept, end) = (kept.saturating_add(1), moved.end);
            }
        }
        at = record.end;
    }
    message.take_back(end, [kept, 0, 0]);
}

/// How many links of a chain there are up to the one that leads back to the QNAME, and where that ends.
fn links_back(message: &MessageWriter<'_>) -> Option<(u16, usize)> {
    let (written, mut at) = (message.written(), message.records_at());
    let (mut qname, mut owner) = (Decompressed::new(), Decompressed::new());
    qname.read(written, HEADER_BYTES)?;
    for links in 1..=message.counts()[0] {
        let record = WrittenRecord::read(&mut owner, written, at)?;
        match record.rtype(written)? {
            Rtype::CNAME => {
                let mut target = Decompressed::new();
                target.read(written, record.rdata)?;
                if qname.wire().eq_ignore_ascii_case(target.wire()) {
                    return Some((links, record.end));
                }
            }
            Rtype::DNAME => {}
            _ => return None,
        }
        at = record.end;
    }
    None
}

/// Whether a record signs one of the first `links` records of the answer section, and is not among the first `kept`.
fn is_of_link(
    message: &MessageWriter<'_>,
    owner: &[u8],
    record: &WrittenRecord,
    links: u16,
    kept: u16,
) -> bool {
    let written = message.written();
    let Some(covers) = record.signed_link(written) else { return false };
    let is_link = |written: &[u8], its_owner: &[u8], link: &WrittenRecord| {
        link.rtype(written) == Some(covers) && its_owner.eq_ignore_ascii_case(owner)
    };
    let data = written.get(record.fixed..record.end).unwrap_or_default();
    has_record(message, links, is_link) && !is_record_written(owner, data, kept, message)
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
