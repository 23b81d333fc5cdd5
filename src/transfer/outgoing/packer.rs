//! Messages of a transfer: filled with records, names compressed.
//!
//! Names are compressed as they are written, in upper and lower case, so that a secondary has them so, too (RFC
//! 5936, section 3.4). What a pointer can lead to is a tree: each label that was written knows the label behind
//! it by its place in the message.

use crate::dns::compression::{POINTER_BITS, POINTER_MAX};
use crate::dns::edns::{OPT_BYTES, OPTION_HEAD_BYTES, OptWriter, option};
use crate::dns::message::{HEADER_BYTES, Header, MESSAGE_BYTES_MAX, Rcode};
use crate::dns::message_writer;
use crate::dns::{NameRef, Rtype, rdata};

/// Bytes that a message of a transfer is filled to: further than a pointer reaches nothing is compressed. A larger
/// record is alone in its message.
pub const FILLED_BYTES: usize = 16 << 10;

/// Places of the table of labels: a power of two. A message of [`FILLED_BYTES`] has fewer labels than half of it.
const LABELS: usize = 1 << 14;

/// A record as it is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent<'r> {
    pub(super) owner: NameRef<'r>,
    pub(super) rtype: Rtype,
    pub(super) ttl: u32,
    pub(super) rdata: &'r [u8],
}

/// Whether a record went into a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// It did.
    Taken,
    /// It is for the next message.
    Full,
}

/// In which order records come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owners {
    /// In any.
    Anyhow,
    /// Those of an owner together: an owner that has another parent than the one before, or another label, has not been
    /// written as an owner. Nothing is looked for then, as long as no record has names in its data.
    Together,
}

/// Fills messages, one after the other.
pub(super) struct Packer {
    head: MessageHead,
    bytes: Vec<u8>,
    answers: u16,
    owners: Owners,
    labels: Labels,
    /// What the last owner has behind its first label, and where that is in the message; 0: it is not known.
    parent: Vec<u8>,
    parent_at: u16,
    /// Where the last owner is; 0: it is not known.
    owner_at: u16,
    /// Where the owners are, all of them with that parent, that are not among the labels yet.
    unlisted: Vec<u16>,
    /// Bytes that others append.
    reserved: usize,
}

/// What every message of a response has.
#[derive(Clone, Debug)]
pub(super) struct MessageHead {
    pub(super) id: u16,
    pub(super) flags: u16,
    /// In wire form.
    pub(super) question: Vec<u8>,
    /// The OPT record that belongs into the first; none: the client has sent none.
    pub(super) opt: Option<OptHead>,
}

/// What is said in an OPT record.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OptHead {
    /// For how many seconds the zone holds (RFC 7314); none: it was not asked.
    pub(super) expire: Option<u32>,
}

impl Packer {
    /// For the messages of a response, each of which gets `reserved` bytes by others.
    pub(super) fn new(head: MessageHead, owners: Owners, reserved: usize) -> Self {
        let mut packer = Self {
            head,
            bytes: Vec::new(),
            answers: 0,
            owners,
            labels: Labels::default(),
            parent: Vec::new(),
            parent_at: 0,
            owner_at: 0,
            unlisted: Vec::new(),
            reserved,
        };
        packer.begin();
        packer
    }

    fn begin(&mut self) {
        self.bytes.clear();
        self.bytes.reserve(FILLED_BYTES);
        self.bytes.extend_from_slice(&[0; HEADER_BYTES]);
        self.bytes.extend_from_slice(&self.head.question);
        self.answers = 0;
        self.parent_at = 0;
        self.unlisted.clear();
        self.labels.forget();
        self.labels.learn(&self.bytes, HEADER_BYTES);
    }

    /// Adds a record, unless the message is full.
    pub(super) fn push(&mut self, record: &Sent<'_>) -> Pushed {
        let before = self.bytes.len();
        let pointer = self.owner(record.owner);
        let ([t, y], [a, b, c, d]) = (record.rtype.0.to_be_bytes(), record.ttl.to_be_bytes());
        // Class IN, and no length yet. Together, as this is done a million times.
        match pointer.map(|at| (POINTER_BITS | at).to_be_bytes()) {
            Some([p, q]) => self.bytes.extend_from_slice(&[p, q, t, y, 0, 1, a, b, c, d, 0, 0]),
            None => self.bytes.extend_from_slice(&[t, y, 0, 1, a, b, c, d, 0, 0]),
        }
        let length_at = self.bytes.len().saturating_sub(2);
        self.rdata(record.rtype, record.rdata);
        let opt = self.head.opt.map_or(0, OptHead::bytes);
        let length = self.bytes.len().saturating_add(self.reserved).saturating_add(opt);
        // One that is alone may take all there is; more no zone holds.
        let is_full = if self.answers == 0 { length > MESSAGE_BYTES_MAX } else { length > FILLED_BYTES };
        let data = self.bytes.len().saturating_sub(length_at).saturating_sub(2);
        let (Ok(data), false) = (u16::try_from(data), is_full) else {
            self.bytes.truncate(before);
            return Pushed::Full;
        };
        if let Some(place) = self.bytes.get_mut(length_at..).and_then(<[u8]>::first_chunk_mut::<2>) {
            *place = data.to_be_bytes();
        }
        // Eleven bytes each at least: a message has room for less than 65,536.
        self.answers = self.answers.saturating_add(1);
        Pushed::Taken
    }

    /// Whether nothing is in the message.
    pub(super) fn is_empty(&self) -> bool {
        self.answers == 0
    }

    /// The message, and begins the next one.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let opt = self.head.opt.take();
        if let Some(opt) = opt {
            self.bytes.extend_from_slice(&opt.record());
        }
        let header = Header {
            id: self.head.id,
            flags: self.head.flags,
            counts: [u16::from(!self.head.question.is_empty()), self.answers, 0, u16::from(opt.is_some())],
        };
        if let Some(place) = self.bytes.first_chunk_mut::<HEADER_BYTES>() {
            header.write(place);
        }
        let message = std::mem::take(&mut self.bytes);
        self.begin();
        message
    }

    fn rdata(&mut self, rtype: Rtype, data: &[u8]) {
        let mut copied: usize = 0;
        if has_compressible_names(rtype) {
            for inner in rdata::names(rtype, data).filter(|inner| inner.compressible) {
                self.bytes.extend_from_slice(data.get(copied..inner.at).unwrap_or_default());
                let place = self.name(inner.name);
                if place.is_new {
                    self.labels.remember(first_label(inner.name).0, place.behind, place.at);
                }
                copied = inner.at.saturating_add(inner.name.wire().len());
            }
        }
        self.bytes.extend_from_slice(data.get(copied..).unwrap_or_default());
    }

    /// The owner of a record, as [`Packer::name`] writes it; or all of it but a pointer, and where that leads to. Most have the
    /// parent of the one before, and then nothing but their first label is of interest.
    fn owner(&mut self, name: NameRef<'_>) -> Option<u16> {
        let (label, parent) = first_label(name);
        if self.parent_at == 0 || parent != self.parent {
            let place = self.name(name);
            (self.parent_at, self.owner_at) = (place.behind, place.at);
            self.parent.clear();
            self.parent.extend_from_slice(parent);
            if place.is_new {
                self.list_later(label, place.at);
            }
            return None;
        }
        if self.owner_at != 0 && is_at(&self.bytes, self.owner_at, label) {
            return Some(self.owner_at);
        }
        if let Some(at) = self.labels.find(&self.bytes, label, self.parent_at) {
            self.owner_at = at;
            return Some(at);
        }
        // One that is further away than a pointer reaches is not known; nor is there another record behind it.
        self.owner_at = pointer_to(self.bytes.len());
        self.bytes.extend_from_slice(label);
        if self.owner_at != 0 {
            self.list_later(label, self.owner_at);
        }
        Some(self.parent_at)
    }

    /// Has an owner, whose parent is that of the last one, be among the labels before any is looked for.
    fn list_later(&mut self, label: &[u8], at: u16) {
        match self.owners {
            Owners::Together => self.unlisted.push(at),
            Owners::Anyhow => self.labels.remember(label, self.parent_at, at),
        }
    }

    fn list(&mut self) {
        for at in self.unlisted.drain(..) {
            let rest = self.bytes.get(usize::from(at)..).unwrap_or_default();
            let length = usize::from(rest.first().copied().unwrap_or(0)).saturating_add(1);
            self.labels.remember(rest.get(..length).unwrap_or_default(), self.parent_at, at);
        }
    }

    /// A name, with a pointer to its longest suffix that was written before. Its first label is for the caller to remember.
    fn name(&mut self, name: NameRef<'_>) -> NamePlace {
        self.list();
        let wire = name.wire();
        let mut starts = [0_u8; crate::dns::name::LABELS_MAX + 1];
        let count = starts_of(wire, &mut starts);
        let label = |number: usize| {
            let at = usize::from(starts.get(number).copied().unwrap_or(0));
            let length = usize::from(wire.get(at).copied().unwrap_or(0));
            wire.get(at..at.saturating_add(length).saturating_add(1)).unwrap_or_default()
        };
        let (mut unknown, mut known) = (count, NamePlace::default());
        while let Some(number) = unknown.checked_sub(1)
            && let Some(at) = self.labels.find(&self.bytes, label(number), known.at)
        {
            (unknown, known) = (number, NamePlace { at, behind: known.at, is_new: false });
        }
        let first = self.bytes.len();
        let written = usize::from(starts.get(unknown).copied().unwrap_or(0));
        self.bytes.extend_from_slice(wire.get(..written).unwrap_or_default());
        match known.at {
            0 => self.bytes.push(0),
            at => self.bytes.extend_from_slice(&(POINTER_BITS | at).to_be_bytes()),
        }
        let mut place = known;
        for number in (0..unknown).rev() {
            let at = pointer_to(first.saturating_add(usize::from(starts.get(number).copied().unwrap_or(0))));
            // Nor can a pointer lead to what is in front of it.
            if at == 0 {
                return NamePlace::default();
            }
            if number != 0 {
                self.labels.remember(label(number), place.at, at);
            }
            place = NamePlace { at, behind: place.at, is_new: true };
        }
        place
    }
}

/// Where a name is; 0: that is not known, or it is the root.
#[derive(Clone, Copy, Default)]
struct NamePlace {
    at: u16,
    /// Where the name behind its first label is.
    behind: u16,
    /// Whether its first label was not written before.
    is_new: bool,
}

/// The first label of a name with its length, and what is behind it.
fn first_label(name: NameRef<'_>) -> (&[u8], &[u8]) {
    let wire = name.wire();
    let length = usize::from(wire.first().copied().unwrap_or(0)).saturating_add(1);
    wire.split_at_checked(length).unwrap_or((wire, &[]))
}

/// A place as a pointer has it; 0: none reaches it.
fn pointer_to(place: usize) -> u16 {
    u16::try_from(place).ok().filter(|at| *at <= POINTER_MAX).unwrap_or(0)
}

/// Whether a label with its length is at a place of a message.
fn is_at(message: &[u8], at: u16, label: &[u8]) -> bool {
    let at = usize::from(at);
    message.get(at..at.saturating_add(label.len())) == Some(label)
}

/// Where the labels of a name begin, and behind them the root's; returns how many there are besides that.
fn starts_of(wire: &[u8], starts: &mut [u8]) -> usize {
    let (mut at, mut count) = (0_usize, 0_usize);
    while let Some(&length) = wire.get(at)
        && let Some(place) = starts.get_mut(count)
    {
        // A name has 255 bytes at most.
        *place = u8::try_from(at).unwrap_or(u8::MAX);
        if length == 0 {
            break;
        }
        at = at.saturating_add(usize::from(length)).saturating_add(1);
        count = count.saturating_add(1);
    }
    count
}

/// Whether a type has names that may be compressed: one of RFC 1035 (RFC 3597, section 4).
fn has_compressible_names(rtype: Rtype) -> bool {
    matches!(
        rtype,
        Rtype::NS | Rtype::CNAME | Rtype::SOA | Rtype::PTR | Rtype::MX | Rtype(3 | 4 | 7..=9 | 14)
    )
}

/// Length of the value of an EXPIRE option (RFC 7314, section 2).
const EXPIRE_BYTES: usize = 4;

impl OptHead {
    /// How long the record is.
    fn bytes(self) -> usize {
        self.expire.map_or(OPT_BYTES, |_| OPT_BYTES + OPTION_HEAD_BYTES + EXPIRE_BYTES)
    }

    /// In wire form.
    fn record(self) -> Vec<u8> {
        let message = message_writer::owned(HEADER_BYTES.saturating_add(self.bytes()), 0, 0, |message| {
            let mut opt = OptWriter::new(message, Rcode::NOERROR, 0);
            if let Some(expire) = self.expire {
                opt.option(option::EXPIRE, &expire.to_be_bytes());
            }
            opt.finish();
        });
        message.get(HEADER_BYTES..).unwrap_or_default().to_vec()
    }
}

/// The labels that were written into a message.
struct Labels {
    places: Box<[Label]>,
    /// Which message they are of, so that a new one has none without clearing.
    message: u32,
    count: usize,
    /// What is in front of which others, by a bit for each of them that several may share: most owners have a parent that
    /// no name in the data of a record has.
    parents: u64,
}

#[derive(Clone, Copy, Default)]
struct Label {
    message: u32,
    /// Where it is.
    at: u16,
    /// Where the label behind it is; 0: it is the last.
    behind: u16,
}

impl Default for Labels {
    fn default() -> Self {
        Self { places: vec![Label::default(); LABELS].into_boxed_slice(), message: 0, count: 0, parents: 0 }
    }
}

impl Labels {
    fn forget(&mut self) {
        (self.count, self.parents) = (0, 0);
        self.message = self.message.wrapping_add(1);
        if self.message == 0 {
            self.places.fill(Label::default());
            self.message = 1;
        }
    }

    /// The labels of the name at `at`, which is written in full.
    fn learn(&mut self, message: &[u8], at: usize) {
        let Ok((name, _)) = NameRef::split_from(message.get(at..).unwrap_or_default()) else { return };
        let mut starts = [0_u8; crate::dns::name::LABELS_MAX + 1];
        let count = starts_of(name.wire(), &mut starts);
        let mut behind = 0;
        for start in starts.iter().take(count).rev().map(|start| usize::from(*start)) {
            let length = usize::from(name.wire().get(start).copied().unwrap_or(0)).saturating_add(1);
            let label = name.wire().get(start..start.saturating_add(length)).unwrap_or_default();
            // It follows the header.
            let place = u16::try_from(at.saturating_add(start)).unwrap_or(POINTER_MAX);
            self.remember(label, behind, place);
            behind = place;
        }
    }

    /// Where a label is, with its length, in front of the one at `behind`.
    fn find(&self, message: &[u8], label: &[u8], behind: u16) -> Option<u16> {
        if self.parents & bit(behind) == 0 {
            return None;
        }
        let mut place = hash(label, behind);
        loop {
            let known = self.places.get(place & (LABELS - 1))?;
            if known.message != self.message {
                return None;
            }
            if known.behind == behind && is_at(message, known.at, label) {
                return Some(known.at);
            }
            place = place.wrapping_add(1);
        }
    }

    fn remember(&mut self, label: &[u8], behind: u16, at: u16) {
        if self.count >= LABELS / 2 {
            return;
        }
        self.parents |= bit(behind);
        let mut place = hash(label, behind);
        while let Some(known) = self.places.get_mut(place & (LABELS - 1)) {
            if known.message != self.message {
                *known = Label { message: self.message, at, behind };
                self.count = self.count.saturating_add(1);
                return;
            }
            place = place.wrapping_add(1);
        }
    }
}

/// The bit of a place in a message.
fn bit(place: u16) -> u64 {
    1 << (place & 63)
}

/// Spreads labels over the table. Somebody who writes a zone so that they meet makes its transfers slower, not wrong:
/// the table is never more than half full.
fn hash(label: &[u8], behind: u16) -> usize {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = u64::from(behind).wrapping_mul(FACTOR);
    let (chunks, rest) = label.as_chunks::<8>();
    for chunk in chunks {
        hash = (hash.rotate_left(5) ^ u64::from_le_bytes(*chunk)).wrapping_mul(FACTOR);
    }
    let rest = rest.iter().fold(0_u64, |rest, byte| rest << 8 | u64::from(*byte));
    hash = (hash.rotate_left(5) ^ rest).wrapping_mul(FACTOR);
    // 24 bits are left.
    usize::try_from(hash >> 40).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Name;
    use crate::dns::response::Response;

    fn head() -> MessageHead {
        let question = [&b"\x07Example\x00"[..], &[0, 252, 0, 1]].concat();
        MessageHead { id: 7, flags: Header::QR | Header::AA, question, opt: None }
    }

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn names_are_compressed_and_come_out_as_they_were_written() {
        let mut packer = Packer::new(head(), Owners::Together, 0);
        let names = [
            "Example.",
            "a.Example.",
            "b.a.Example.",
            "B.a.Example.",
            "b.a.Example.",
            "x.test.",
            ".",
            "y.x.test.",
        ];
        for owner in names.map(name) {
            let mx = [&[0, 5][..], name("b.a.Example.").as_ref().wire()].concat();
            let record = Sent { owner: owner.as_ref(), rtype: Rtype::MX, ttl: 60, rdata: &mx };
            assert_eq!(packer.push(&record), Pushed::Taken);
        }
        let message = packer.take();
        let read = Response::read(&message).unwrap();
        let owners: Vec<String> = read.answers().iter().map(|record| record.owner.to_string()).collect();
        assert_eq!(owners, names);
        assert!(read.answers().iter().all(|record| record.data() == "5 b.a.Example."));
        // Every name but the first of its kind is a pointer, or a label and one.
        assert!(message.len() < 12 + 13 + 8 * 16 + 2 + 4 + 4 + 2 + 8 + 4, "{} bytes", message.len());
    }

    #[test]
    fn an_owner_with_the_parent_of_the_one_before_is_written_as_after_any_other() {
        let names = [
            "Example.",
            "a.Example.",
            "b.Example.",
            "b.Example.",
            "B.Example.",
            "c.b.Example.",
            "d.b.Example.",
            "b.Example.",
            "d.B.Example.",
            "x.test.",
            "y.test.",
            "test.",
            "other.",
            ".",
            "e.other.",
            "f.e.other.",
            "g.other.",
        ];
        let written = |before_each: fn(&mut Packer)| {
            let mut packer = Packer::new(head(), Owners::Together, 0);
            for owner in names.map(name) {
                before_each(&mut packer);
                let ns = name("d.b.Example.");
                let record =
                    Sent { owner: owner.as_ref(), rtype: Rtype::NS, ttl: 60, rdata: ns.as_ref().wire() };
                assert_eq!(packer.push(&record), Pushed::Taken);
            }
            packer.take()
        };
        let message = written(|_| {});
        let forget = |packer: &mut Packer| {
            packer.list();
            packer.parent_at = 0;
        };
        assert_eq!(message, written(forget));
        let read = Response::read(&message).unwrap();
        let owners: Vec<String> = read.answers().iter().map(|record| record.owner.to_string()).collect();
        assert_eq!(owners, names);
    }

    #[test]
    fn owners_whose_records_are_together_are_written_as_in_any_order() {
        // With names in data in front of the owners that they are, and behind them.
        let records = [
            ("Example.", Rtype::NS, "ns.Example."),
            ("a.Example.", Rtype::A, ""),
            ("a.Example.", Rtype::A, ""),
            ("b.Example.", Rtype::A, ""),
            ("ns.Example.", Rtype::A, ""),
            ("ns.Example.", Rtype::A, ""),
            ("c.Example.", Rtype::A, ""),
            ("x.b.Example.", Rtype::A, ""),
            ("y.b.Example.", Rtype::A, ""),
            ("d.Example.", Rtype::MX, "c.Example."),
            ("e.Example.", Rtype::A, ""),
            ("f.Example.", Rtype::CNAME, "y.b.Example."),
            ("g.Example.", Rtype::CNAME, "e.Example."),
            ("h.elsewhere.test.", Rtype::A, ""),
            ("i.elsewhere.test.", Rtype::A, ""),
            ("elsewhere.test.", Rtype::NS, "i.elsewhere.test."),
            ("j.test.", Rtype::A, ""),
        ];
        let written = |owners| {
            let mut packer = Packer::new(head(), owners, 0);
            for (owner, rtype, data) in records {
                let data = match rtype {
                    Rtype::A => vec![192, 0, 2, 1],
                    Rtype::MX => [&[0, 5][..], name(data).as_ref().wire()].concat(),
                    _ => name(data).as_ref().wire().to_vec(),
                };
                let owner = name(owner);
                let record = Sent { owner: owner.as_ref(), rtype, ttl: 60, rdata: &data };
                assert_eq!(packer.push(&record), Pushed::Taken);
            }
            packer.take()
        };
        let message = written(Owners::Together);
        assert_eq!(message, written(Owners::Anyhow));
        let read = Response::read(&message).unwrap();
        let owners: Vec<String> = read.answers().iter().map(|record| record.owner.to_string()).collect();
        assert_eq!(owners, records.map(|(owner, ..)| owner));
    }

    #[test]
    fn a_message_is_filled_and_a_record_that_is_larger_is_alone() {
        let mut packer = Packer::new(head(), Owners::Together, 100);
        let (owner, small, large) = (name("h.example."), vec![1; 1000], vec![2; 60_000]);
        let record = |rdata| Sent { owner: owner.as_ref(), rtype: Rtype(65_280), ttl: 60, rdata };
        let mut count = 0;
        while packer.push(&record(&small)) == Pushed::Taken {
            count += 1;
        }
        let message = packer.take();
        assert_eq!(count, 16);
        assert!(message.len() + 100 <= FILLED_BYTES);
        assert_eq!(packer.push(&record(&large)), Pushed::Taken);
        assert_eq!(packer.push(&record(&small)), Pushed::Full);
        assert_eq!(Response::read(&packer.take()).unwrap().answers().len(), 1);
        assert!(packer.is_empty());
    }

    #[test]
    fn each_message_is_compressed_on_its_own() {
        let mut packer = Packer::new(head(), Owners::Together, 0);
        let owner = name("deep.down.elsewhere.test.");
        let record = Sent { owner: owner.as_ref(), rtype: Rtype::A, ttl: 60, rdata: &[192, 0, 2, 1] };
        let messages = [0, 1].map(|_| {
            packer.push(&record);
            packer.push(&record);
            packer.take()
        });
        assert_eq!(messages[0], messages[1]);
        assert_eq!(Response::read(&messages[1]).unwrap().answers().len(), 2);
    }
}
