//! The response that is being written. HOT.
//!
//! Responsible for the bytes of a message: header, question, records of
//! plans and pools, the OPT record, and for never writing past the limit.
//! Not responsible for choosing what is written.

use std::net::IpAddr;

use super::plan::{Plan, Section};
use super::pools::{Asker, PoolAnswer};
use super::rate_limit::Source;
use super::splice::{Decoded, POINTER_MAX};
use crate::dns::NameHash;
use crate::dns::message::{HEADER_BYTES, Header, Rcode};
use crate::zone::name_hash;

/// Compression pointer to the question's name (RFC 1035, section 4.1.4).
pub(super) const QNAME_POINTER: u16 = 0xc00c;

/// The pointer every record of the question's own name begins with.
pub(super) const OWN: [u8; 2] = QNAME_POINTER.to_be_bytes();

/// A response that is being written into somebody's buffer.
pub(super) struct Response<'o> {
    out: &'o mut [u8],
    at: usize,
    /// Where the records begin: behind the question.
    records_at: usize,
    /// No record may go past this.
    limit: usize,
    /// Nor may anything else.
    end: usize,
    /// A record did not fit.
    overflown: bool,
    /// Where the last record from a pool begins, behind its owner.
    last_pooled: usize,
    pub(super) counts: [u16; 3],
    pub(super) rcode: Rcode,
    pub(super) authoritative: bool,
    /// The name whose records are written.
    pub(super) source: Source,
}

impl<'o> Response<'o> {
    /// A response of at most `limit` bytes that begins with the question as
    /// it came, and keeps `reserved` bytes for the OPT record.
    #[inline]
    pub(super) fn new(out: &'o mut [u8], question: &[u8], limit: usize, reserved: usize) -> Self {
        let end = limit.min(out.len());
        let mut response = Self {
            limit: end,
            end,
            out,
            at: HEADER_BYTES,
            records_at: HEADER_BYTES,
            overflown: false,
            last_pooled: 0,
            counts: [0; 3],
            rcode: Rcode::NOERROR,
            authoritative: false,
            source: Source::Name(NameHash::ROOT),
        };
        response.put(question);
        response.records_at = response.at;
        response.limit = end.saturating_sub(reserved);
        response
    }

    /// Where the next byte goes, from the start of the message.
    #[inline]
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Whether something did not fit.
    #[inline]
    pub(super) fn overflown(&self) -> bool {
        self.overflown
    }

    /// Appends bytes.
    #[inline]
    pub(super) fn put(&mut self, bytes: &[u8]) {
        // Two lengths of slices add up without an overflow.
        let end = self.at.wrapping_add(bytes.len());
        match self.out.get_mut(self.at..end) {
            Some(room) if end <= self.limit => {
                room.copy_from_slice(bytes);
                self.at = end;
            }
            _ => self.overflown = true,
        }
    }

    /// Overwrites two bytes that have been written.
    #[inline]
    pub(super) fn patch(&mut self, at: usize, value: u16) {
        if let Some(place) = self.out.get_mut(at..at.saturating_add(2)) {
            place.copy_from_slice(&value.to_be_bytes());
        }
    }

    /// Counts records into a section.
    #[inline]
    pub(super) fn count(&mut self, section: Section, records: u16) {
        let [answer, authority, additional] = &mut self.counts;
        let count = match section {
            Section::Answer => answer,
            Section::Authority => authority,
            Section::Additional => additional,
        };
        // A message of 65,535 bytes has no room for more than fit here; what
        // does not fit is cleared.
        *count = count.wrapping_add(records);
    }

    /// Appends the bytes of a plan that was made for a name `longer` bytes
    /// shorter than the question's, and takes over its counts. Where not all
    /// fits, additional addresses are left out.
    #[inline]
    pub(super) fn plan(&mut self, plan: &Plan<'_>, longer: usize) {
        let start = self.at;
        let [answers, authorities, additionals] = plan.counts();
        let bytes = plan.bytes();
        // Pools alone: nothing to copy, nothing to count.
        if bytes.is_empty() {
            return;
        }
        if bytes.len() <= self.room() {
            self.put(bytes);
            self.count(Section::Additional, additionals);
        } else {
            self.put(plan.needed());
        }
        self.count(Section::Answer, answers);
        self.count(Section::Authority, authorities);
        if longer != 0 && !self.overflown {
            let end = self.at;
            let places = plan.moves().map(|place| start.wrapping_add(place));
            places.take_while(|place| *place < end).for_each(|place| self.move_pointer(place, longer));
        }
    }

    /// Moves the compression pointer at `place` along.
    #[inline]
    fn move_pointer(&mut self, place: usize, longer: usize) {
        if let Some([a, b]) = self.out.get_mut(place..place.wrapping_add(2)) {
            let [high, low] = moved(u16::from_be_bytes([*a, *b]), longer).to_be_bytes();
            (*a, *b) = (high, low);
        }
    }

    /// Appends so many records that are ready, owners included.
    #[inline]
    pub(super) fn ready(&mut self, section: Section, bytes: &[u8], records: u16) {
        self.put(bytes);
        self.count(section, records);
    }

    /// Appends the records a pool answers with, each under the owner that the
    /// plan names. Returns how many; none when the pool wants SERVFAIL.
    #[inline]
    pub(super) fn pool(
        &mut self,
        section: Section,
        owner: &[u8],
        pool: &PoolAnswer,
        chance: &mut u64,
        client: IpAddr,
    ) -> Option<u16> {
        let name_hash = if pool.is_by_name() { self.hash_of(owner) } else { 0 };
        let mut records = 0_u16;
        let answers = pool.chosen(Asker { chance, client, name_hash }, |record| {
            self.put(owner);
            self.last_pooled = self.at;
            self.put(record);
            records = records.saturating_add(1);
        });
        self.count(section, records);
        answers.then_some(records)
    }

    /// PowerDNS's hash of an owner: a pointer into what has been written, or a
    /// name in full.
    fn hash_of(&self, owner: &[u8]) -> u32 {
        let mut name = Decoded::new();
        match *owner {
            [high, low] => {
                let at = u16::from_be_bytes([high, low]) & POINTER_MAX;
                name.read(self.out, usize::from(at));
            }
            _ => {
                name.read(owner, 0);
            }
        }
        name.lower();
        name_hash(name.as_ref())
    }

    /// Where the RDATA of the last record from a pool begins, and the record's
    /// RDATA itself.
    pub(super) fn last_pooled(&self) -> (usize, &[u8]) {
        /// Type, class, TTL, length.
        const FIXED_BYTES: usize = 10;
        let at = self.last_pooled.saturating_add(FIXED_BYTES);
        (at, self.out.get(at..self.at).unwrap_or_default())
    }

    /// Takes back what was written from `at` on, whether it did fit or not.
    pub(super) fn take_back(&mut self, at: usize) {
        self.at = at;
        self.overflown = false;
    }

    /// Takes every record back: TC with empty sections.
    pub(super) fn clear(&mut self) {
        self.at = self.records_at;
        self.counts = [0; 3];
        self.overflown = false;
    }

    /// The message so far, and where its records begin.
    pub(super) fn written(&self) -> (&[u8], usize) {
        (self.out.get(..self.at).unwrap_or_default(), self.records_at)
    }

    /// Keeps so many records of the answer section, which end at `end`.
    pub(super) fn keep_links(&mut self, links: u16, end: usize) {
        self.at = end;
        self.counts = [links, 0, 0];
    }

    /// Opens the room kept for the OPT record, and no further.
    #[inline]
    pub(super) fn open(&mut self) {
        self.limit = self.end;
    }

    /// Opens the whole buffer: a TSIG record must be sent, however long.
    pub(super) fn open_all(&mut self) {
        self.limit = self.out.len();
    }

    /// How many bytes may still follow.
    #[inline]
    pub(super) fn room(&self) -> usize {
        self.limit.saturating_sub(self.at)
    }

    /// Writes the header; the response is complete. Returns its length.
    #[inline]
    pub(super) fn finish(&mut self, header: &Header, flags: u16, questions: u16) -> usize {
        let [answers, authorities, additionals] = self.counts;
        let fields = [header.id, flags, questions, answers, authorities, additionals];
        if let Some(head) = self.out.first_chunk_mut::<HEADER_BYTES>() {
            for (to, field) in head.as_chunks_mut::<2>().0.iter_mut().zip(fields) {
                *to = field.to_be_bytes();
            }
        }
        self.at
    }
}

/// A compression pointer for a question that is so many bytes longer.
#[inline]
pub(super) fn moved(pointer: u16, longer: usize) -> u16 {
    pointer.wrapping_add(u16::from(longer.to_le_bytes()[0]))
}
