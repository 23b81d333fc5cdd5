//! Entries of a journal: their format on disk, in which a torn entry is recognized.
//!
//! ```text
//!   length (4 bytes) │ check (16 bytes) │ kind (1 byte), and what that has
//! ```
//!
//! The check is the digest of the length and the bytes behind it. Numbers are in network order, names and RDATA in
//! wire form.

use std::sync::Arc;

use super::history::JournalStep;
use super::overlay::{Deleted, Overlaid, Overlay};
use crate::dns::{Name, NameRef, Rtype, Ttl};
use crate::source::{Digest, Digesting};
use crate::zone::{Changeset, Record};

/// Bytes before what an entry holds.
pub(super) const HEAD_BYTES: usize = 20;

/// Longest entry in bytes: an overlay of a million records. What says more is not one of ours.
const ENTRY_BYTES_MAX: usize = 1 << 30;

/// What stands for a TTL where there is none: more than a TTL can be.
const NO_TTL: u32 = u32::MAX;

// The kinds of entries.
const UPDATE: u8 = 1;
const KEPT: u8 = 2;
const BASE: u8 = 3;
const ANNOUNCED: u8 = 4;
const DELETED: u8 = 5;

/// An entry that was written as it is, by another version: of a kind that is not known here, or with more in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UnknownEntry;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum JournalEntry {
    /// An update: a step that the overlay takes as well.
    Update(JournalStep),
    /// A step that the overlay has taken, or that is none of its business.
    Kept(JournalStep),
    /// What is served is the file with this digest and this overlay, and has this serial.
    Base { serial: u32, file: Option<Digest>, overlay: Overlay },
    /// A serial that is about to be served, of the file with this digest: nothing else may have it.
    Announced { serial: u32, file: Option<Digest> },
    /// What an update deleted of records that are not served.
    Deleted(Deleted),
}

impl JournalEntry {
    fn kind(&self) -> u8 {
        match self {
            JournalEntry::Update(_) => UPDATE,
            JournalEntry::Kept(_) => KEPT,
            JournalEntry::Base { .. } => BASE,
            JournalEntry::Announced { .. } => ANNOUNCED,
            JournalEntry::Deleted(_) => DELETED,
        }
    }

    /// Appends it as it is written. None, with nothing appended, when it is too long.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> Option<()> {
        let start = out.len();
        out.resize(start + HEAD_BYTES, 0);
        out.push(self.kind());
        match self {
            JournalEntry::Update(step) | JournalEntry::Kept(step) => write_step(step, out),
            JournalEntry::Base { serial, file, overlay } => write_base(*serial, *file, overlay, out),
            JournalEntry::Announced { serial, file } => {
                out.extend(serial.to_be_bytes());
                write_digest(*file, out);
            }
            JournalEntry::Deleted(Deleted { records, at, by }) => {
                out.extend(at.to_be_bytes());
                write_text(by, out);
                write_records(records, out);
            }
        }
        seal(start, out)
    }

    /// Appends a [`JournalEntry::Base`] of this as it is written. None, with nothing appended, when it is too long.
    pub(super) fn write_as_base(
        serial: u32,
        file: Option<Digest>,
        overlay: &Overlay,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let start = out.len();
        out.resize(start + HEAD_BYTES, 0);
        out.push(BASE);
        write_base(serial, file, overlay, out);
        seal(start, out)
    }

    /// The entry at the front of `bytes`, and how many it takes; none where it is not whole.
    ///
    /// # Errors
    ///
    /// When it is whole and says what this version does not know.
    pub(super) fn read(bytes: &[u8]) -> Result<Option<(JournalEntry, usize)>, UnknownEntry> {
        let Some(body) = whole(bytes) else { return Ok(None) };
        let entry = JournalEntry::of(body).ok_or(UnknownEntry)?;
        Ok(Some((entry, HEAD_BYTES + body.len())))
    }

    /// What these bytes say behind the head of an entry; none: this version does not know it.
    fn of(body: &[u8]) -> Option<JournalEntry> {
        let mut read = EntryReader(body);
        let entry = match read.byte()? {
            UPDATE => JournalEntry::Update(read.step()?),
            KEPT => JournalEntry::Kept(read.step()?),
            BASE => {
                JournalEntry::Base { serial: read.u32()?, file: read.digest()?, overlay: read.overlay()? }
            }
            ANNOUNCED => JournalEntry::Announced { serial: read.u32()?, file: read.digest()? },
            DELETED => {
                let (at, by) = (read.u64()?, read.text()?);
                JournalEntry::Deleted(Deleted { records: read.records()?, at, by })
            }
            _ => return None,
        };
        read.0.is_empty().then_some(entry)
    }
}

/// What the entry at the front of `bytes` has behind its head, if it is there as it was written.
fn whole(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (wanted, rest) = rest.split_first_chunk::<16>()?;
    let length = u32::from_be_bytes(*length);
    let body = rest.get(..usize::try_from(length).ok()?)?;
    (check(length, body) == *wanted).then_some(body)
}

/// Writes the head of the entry from `start` on. None, with all of it taken back, when it is too long.
fn seal(start: usize, out: &mut Vec<u8>) -> Option<()> {
    let body = out.get(start + HEAD_BYTES..).unwrap_or_default();
    let length = u32::try_from(body.len()).ok().filter(|_| body.len() <= ENTRY_BYTES_MAX);
    let Some(length) = length else {
        out.truncate(start);
        return None;
    };
    let check = check(length, body);
    out.get_mut(start..start + 4)?.copy_from_slice(&length.to_be_bytes());
    out.get_mut(start + 4..start + HEAD_BYTES)?.copy_from_slice(&check);
    Some(())
}

fn write_base(serial: u32, file: Option<Digest>, overlay: &Overlay, out: &mut Vec<u8>) {
    out.extend(serial.to_be_bytes());
    write_digest(file, out);
    write_overlay(overlay, out);
}

fn check(length: u32, body: &[u8]) -> [u8; 16] {
    let mut digesting = Digesting::default();
    digesting.take(&length.to_be_bytes());
    digesting.take(body);
    digesting.finish().bytes()
}

fn write_step(step: &JournalStep, out: &mut Vec<u8>) {
    out.extend(step.from.to_be_bytes());
    out.extend(step.to.to_be_bytes());
    out.extend(step.at.to_be_bytes());
    write_text(&step.by, out);
    write_records(&step.changes.removed, out);
    write_records(&step.changes.added, out);
}

fn write_records(records: &[Record], out: &mut Vec<u8>) {
    write_count(records.len(), out);
    for record in records {
        write_record(record.owner.as_ref(), record.rtype, &record.rdata, out);
        out.extend(record.ttl.seconds().to_be_bytes());
    }
}

fn write_overlay(overlay: &Overlay, out: &mut Vec<u8>) {
    write_count(overlay.len(), out);
    for (key, overlaid) in overlay.iter() {
        let ((owner, rtype, _), Overlaid { updated, in_file, at, by, .. }) = (key, overlaid);
        write_record(owner.as_ref(), *rtype, overlaid.rdata(key), out);
        for ttl in [updated, in_file] {
            out.extend(ttl.map_or(NO_TTL, Ttl::seconds).to_be_bytes());
        }
        out.extend(at.to_be_bytes());
        write_text(by, out);
    }
}

fn write_record(owner: NameRef<'_>, rtype: Rtype, rdata: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(owner.wire());
    out.extend(rtype.0.to_be_bytes());
    write_bytes(rdata, out);
}

fn write_count(count: usize, out: &mut Vec<u8>) {
    // A zone has no more records: its builder counts them in 32 bits.
    out.extend(u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    // A boundary of the text is a place where it can be cut.
    write_bytes(
        text.get(..text.floor_char_boundary(usize::from(u16::MAX))).unwrap_or_default().as_bytes(),
        out,
    );
}

fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    // RDATA has 65,535 bytes at most, and a text was cut to that.
    out.extend(u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

fn write_digest(digest: Option<Digest>, out: &mut Vec<u8>) {
    out.push(u8::from(digest.is_some()));
    out.extend(digest.map_or([0; 16], Digest::bytes));
}

/// What is left of an entry.
struct EntryReader<'b>(&'b [u8]);

impl<'b> EntryReader<'b> {
    fn chunk<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (chunk, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*chunk)
    }

    fn byte(&mut self) -> Option<u8> {
        self.chunk::<1>().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Option<u16> {
        self.chunk().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.chunk().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.chunk().map(u64::from_be_bytes)
    }

    fn bytes(&mut self) -> Option<&'b [u8]> {
        let length = usize::from(self.u16()?);
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<Arc<str>> {
        std::str::from_utf8(self.bytes()?).ok().map(Arc::from)
    }

    fn name(&mut self) -> Option<Name> {
        let (name, rest) = NameRef::split_from(self.0).ok()?;
        self.0 = rest;
        Some(name.to_name())
    }

    fn digest(&mut self) -> Option<Option<Digest>> {
        let is_there = self.byte()? != 0;
        let bytes = self.chunk::<16>()?;
        Some(is_there.then(|| Digest::from_bytes(bytes)))
    }

    fn step(&mut self) -> Option<JournalStep> {
        let (from, to, at, by) = (self.u32()?, self.u32()?, self.u64()?, self.text()?);
        let changes = Changeset { removed: self.records()?, added: self.records()? };
        Some(JournalStep { from, to, changes, at, by })
    }

    fn records(&mut self) -> Option<Vec<Record>> {
        (0..self.u32()?).map(|_| self.record()).collect()
    }

    fn record(&mut self) -> Option<Record> {
        let (owner, rtype, rdata) = (self.name()?, Rtype(self.u16()?), self.bytes()?.into());
        Some(Record { owner, rtype, ttl: Ttl::from_seconds(self.u32()?)?, rdata })
    }

    fn overlay(&mut self) -> Option<Overlay> {
        let mut overlay = Overlay::default();
        // Most are by the one who changed the record before: that is held once for them.
        let mut last: Option<Arc<str>> = None;
        for _ in 0..self.u32()? {
            let record = (self.name()?, Rtype(self.u16()?), self.bytes()?);
            let ttls = (Ttl::from_seconds(self.u32()?), Ttl::from_seconds(self.u32()?));
            let (at, by) = (self.u64()?, self.text()?);
            let by = last.filter(|last| *last == by).unwrap_or(by);
            last = Some(Arc::clone(&by));
            overlay.insert(record, ttls, (at, by));
        }
        Some(overlay)
    }
}
