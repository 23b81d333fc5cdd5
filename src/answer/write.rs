//! The response that is being written. HOT.
//!
//! Responsible for the bytes of a message: header, question, records of
//! plans and pools, the OPT record, and for never writing past the limit.
//! Not responsible for choosing what is written.

use std::net::IpAddr;

use super::plan::Plan;
use super::pools::{Asker, PoolAnswer};
use super::rate_limit::Source;
use crate::dns::NameHash;
use crate::dns::compression::{Decompressed, POINTER_MAX, QNAME_POINTER};
use crate::dns::message::{Rcode, Section};
use crate::dns::message_writer::MessageWriter;
use crate::zone::name_hash;

/// The pointer every record of the question's own name begins with.
pub(super) const OWN: [u8; 2] = QNAME_POINTER.to_be_bytes();

/// A response that is being written.
pub(super) struct Response<'o> {
    pub(super) message: MessageWriter<'o>,
    /// Where the last record from a pool begins, behind its owner.
    last_pooled: usize,
    pub(super) rcode: Rcode,
    pub(super) authoritative: bool,
    /// The name whose records are written.
    pub(super) source: Source,
}

impl<'o> Response<'o> {
    /// A response with nothing in it yet.
    #[inline]
    pub(super) fn new(message: MessageWriter<'o>) -> Self {
        Self {
            message,
            last_pooled: 0,
            rcode: Rcode::NOERROR,
            authoritative: false,
            source: Source::Name(NameHash::ROOT),
        }
    }

    /// Appends the bytes of a plan that was made for a name `longer` bytes
    /// shorter than the question's, and takes over its counts. Where not all
    /// fits, additional addresses are left out.
    #[inline]
    pub(super) fn plan(&mut self, plan: &Plan<'_>, longer: usize) {
        let start = self.message.position();
        let [answers, authorities, additionals] = plan.counts();
        let bytes = plan.bytes();
        // Pools alone: nothing to copy, nothing to count.
        if bytes.is_empty() {
            return;
        }
        if bytes.len() <= self.message.room() {
            self.message.put(bytes);
            self.message.count(Section::Additional, additionals);
        } else {
            self.message.put(plan.needed());
        }
        self.message.count(Section::Answer, answers);
        self.message.count(Section::Authority, authorities);
        if longer != 0 && !self.message.is_overflown() {
            let message = self.message.written_mut();
            let end = message.len();
            let places = plan.moves().map(|place| start.wrapping_add(place));
            places.take_while(|place| *place < end).for_each(|place| move_pointer(message, place, longer));
        }
    }

    /// Appends so many records that are ready, owners included.
    #[inline]
    pub(super) fn ready(&mut self, section: Section, bytes: &[u8], records: u16) {
        self.message.put(bytes);
        self.message.count(section, records);
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
            self.message.put(owner);
            self.last_pooled = self.message.position();
            self.message.put(record);
            records = records.saturating_add(1);
        });
        self.message.count(section, records);
        answers.then_some(records)
    }

    /// PowerDNS's hash of an owner: a pointer into what has been written, or a
    /// name in full.
    fn hash_of(&self, owner: &[u8]) -> u32 {
        let mut name = Decompressed::new();
        match *owner {
            [high, low] => {
                let at = u16::from_be_bytes([high, low]) & POINTER_MAX;
                name.read(self.message.written(), usize::from(at));
            }
            _ => {
                name.read(owner, 0);
            }
        }
        name.make_lowercase();
        name_hash(name.wire())
    }

    /// Where the RDATA of the last record from a pool begins, and the record's
    /// RDATA itself.
    pub(super) fn last_pooled(&self) -> (usize, &[u8]) {
        /// Type, class, TTL, length.
        const FIXED_BYTES: usize = 10;
        let at = self.last_pooled.saturating_add(FIXED_BYTES);
        (at, self.message.written().get(at..).unwrap_or_default())
    }
}

/// A compression pointer for a question that is so many bytes longer.
#[inline]
pub(super) fn moved(pointer: u16, longer: usize) -> u16 {
    pointer.wrapping_add(u16::from(longer.to_le_bytes()[0]))
}

/// Moves the compression pointer at `place` of a message.
#[inline]
pub(super) fn move_pointer(message: &mut [u8], place: usize, longer: usize) {
    if let Some([a, b]) = message.get_mut(place..place.wrapping_add(2)) {
        let [high, low] = moved(u16::from_be_bytes([*a, *b]), longer).to_be_bytes();
        (*a, *b) = (high, low);
    }
}
