//! The response that is being written: records of templates and pools. HOT.
//!
//! What is written is chosen by `authority`, `chase` and `chaos`.

use super::client::Client;
use super::pointer::{OWN, move_pointer};
use super::pools::{PoolAnswer, Selection};
use super::rate_limit::RrlSource;
use super::signed_template::SignedTemplate;
use super::template::{PoolRef, ResponseTemplate};
use crate::dns::NameHash;
use crate::dns::compression::{Decompressed, POINTER_MAX};
use crate::dns::message::{Rcode, Section};
use crate::dns::message_writer::MessageWriter;

/// A response that is being written.
pub(super) struct ResponseWriter<'o> {
    pub(super) message: MessageWriter<'o>,
    /// Where the last record from a pool begins, behind its owner.
    last_pooled: usize,
    pub(super) rcode: Rcode,
    pub(super) authoritative: bool,
    /// The name whose records are written, for the rate limit.
    pub(super) source: RrlSource,
}

impl<'o> ResponseWriter<'o> {
    /// A response with nothing in it yet.
    #[inline]
    pub(super) fn new(message: MessageWriter<'o>) -> Self {
        Self {
            message,
            last_pooled: 0,
            rcode: Rcode::NOERROR,
            authoritative: false,
            source: RrlSource::Name(NameHash::ROOT),
        }
    }

    /// Appends the records of a template that was made for a name; the QNAME is `beyond` bytes longer. Where
    /// not all fits, additional addresses are left out.
    #[inline]
    pub(super) fn put_template(&mut self, template: &ResponseTemplate<'_>, beyond: usize) {
        let start = self.message.position();
        let [answers, authorities, additionals] = template.counts();
        let bytes = template.bytes();
        // Pools alone: nothing to copy, nothing to count.
        if bytes.is_empty() {
            return;
        }
        if bytes.len() <= self.message.room() {
            self.message.put(bytes);
            self.message.count(Section::Additional, additionals);
        } else {
            self.message.put(template.without_additional());
        }
        self.message.count(Section::Answer, answers);
        self.message.count(Section::Authority, authorities);
        if beyond != 0 && !self.message.is_overflown() {
            let message = self.message.written_mut();
            let end = message.len();
            let places = template.fixups().map(|place| start.wrapping_add(place));
            places.take_while(|place| *place < end).for_each(|place| move_pointer(message, place, beyond));
        }
    }

    /// Appends answer and authority section of a template with its signatures; as [`ResponseWriter::put_template`].
    pub(super) fn put_signed(
        &mut self,
        template: &ResponseTemplate<'_>,
        signed: &SignedTemplate<'_>,
        beyond: usize,
    ) {
        let start = self.message.position();
        let [answers, authorities, _] = signed.own.counts();
        self.message.put(template.bytes().get(..signed.shared).unwrap_or_default());
        self.message.put(signed.own.without_additional());
        self.message.count(Section::Answer, answers);
        self.message.count(Section::Authority, authorities);
        self.move_pointers(signed, start, beyond);
    }

    /// Appends what belongs into its additional section, behind what proves something: glue, or addresses if they fit.
    pub(super) fn put_signed_additional(&mut self, signed: &SignedTemplate<'_>, beyond: usize) {
        let [.., additionals] = signed.own.counts();
        let before = signed.own.without_additional().len();
        let bytes = signed.own.bytes().get(before..).unwrap_or_default();
        if bytes.is_empty() || (bytes.len() > self.message.room() && !signed.own.is_referral()) {
            return;
        }
        // Where the template would begin if nothing stood between.
        let start = self.message.position().wrapping_sub(signed.shared).wrapping_sub(before);
        self.message.put(bytes);
        self.message.count(Section::Additional, additionals);
        self.move_pointers(signed, start, beyond);
    }

    /// Moves the pointers of what has been written last of a template that begins at `start`.
    fn move_pointers(&mut self, signed: &SignedTemplate<'_>, start: usize, beyond: usize) {
        if beyond == 0 || self.message.is_overflown() {
            return;
        }
        let message = self.message.written_mut();
        let required = signed.shared.wrapping_add(signed.own.without_additional().len());
        let end = message.len();
        for place in signed.own.fixups() {
            let at = start.wrapping_add(place);
            // Those of the additional section are moved when it is written, and the others are by then.
            let is_last = (place < required) == (start.wrapping_add(required) == end);
            if is_last && at < end {
                move_pointer(message, at, beyond);
            }
        }
    }

    /// Appends prepared bytes of `records` records, owners included.
    #[inline]
    pub(super) fn put_records(&mut self, section: Section, bytes: &[u8], records: u16) {
        self.message.put(bytes);
        self.message.count(section, records);
    }

    /// Appends the records that a pool chooses, each under this owner. Returns how many; none when the pool
    /// wants SERVFAIL.
    #[inline]
    pub(super) fn put_pool(
        &mut self,
        section: Section,
        owner: &[u8],
        pool: &PoolAnswer,
        rng: &mut u64,
        client: &Client<'_>,
    ) -> Option<u16> {
        let (_, records) = self.put_chosen(owner, pool, Selection { rng, client, name: &[] })?;
        self.message.count(section, records);
        Some(records)
    }

    /// The same with the records that sign what is chosen. They are not counted in what is returned.
    pub(super) fn put_signed_pool(
        &mut self,
        at: PoolRef,
        owner: &[u8],
        pool: &PoolAnswer,
        rng: &mut u64,
        client: &Client<'_>,
    ) -> Option<u16> {
        let (set, records) = match pool.ready_rotation(owner, rng) {
            Some((bytes, records)) => {
                self.message.put(bytes);
                (0, records)
            }
            None => self.put_chosen(owner, pool, Selection { rng, client, name: &[] })?,
        };
        self.message.count(at.section, records);
        if records > 0 && !at.is_delegated {
            for signature in pool.signatures(set) {
                self.message.put(owner);
                self.message.put(signature);
                self.message.count(at.section, 1);
            }
        }
        Some(records)
    }

    /// Appends what a pool chooses, each record under this owner, and counts it nowhere yet; the selection has no name yet.
    /// Returns which of its sets of signatures belongs to it, and how many records it is; none when the pool wants SERVFAIL.
    #[inline]
    fn put_chosen(
        &mut self,
        owner: &[u8],
        pool: &PoolAnswer,
        selection: Selection<'_>,
    ) -> Option<(u32, u16)> {
        if pool.is_by_name() {
            return self.put_chosen_by_name(owner, pool, selection);
        }
        self.put_each(owner, pool, selection)
    }

    /// The same of a pool whose choice depends on the name. Not inlined: the name's room is not to be that of other pools.
    #[inline(never)]
    fn put_chosen_by_name(
        &mut self,
        owner: &[u8],
        pool: &PoolAnswer,
        selection: Selection<'_>,
    ) -> Option<(u32, u16)> {
        let name = self.name_of(owner);
        self.put_each(owner, pool, Selection { name: name.wire(), ..selection })
    }

    #[inline(always)]
    fn put_each(&mut self, owner: &[u8], pool: &PoolAnswer, selection: Selection<'_>) -> Option<(u32, u16)> {
        let mut records = 0_u16;
        let set = pool.chosen(selection, |record| {
            self.message.put(owner);
            self.last_pooled = self.message.position();
            self.message.put(record);
            records = records.saturating_add(1);
        })?;
        Some((set, records))
    }

    /// Appends the records alone that sign what a pool at the QNAME would answer now. Returns how many; they are not counted
    /// yet.
    pub(super) fn put_pool_signatures(
        &mut self,
        pool: &PoolAnswer,
        rng: &mut u64,
        client: &Client<'_>,
    ) -> u16 {
        let name = if pool.is_by_name() { self.name_of(&OWN) } else { Decompressed::new() };
        let mut chosen = 0_u16;
        let set =
            pool.chosen(Selection { rng, client, name: name.wire() }, |_| chosen = chosen.saturating_add(1));
        let Some(set) = set.filter(|_| chosen > 0) else { return 0 };
        let mut signatures = 0_u16;
        for signature in pool.signatures(set) {
            self.message.put(&OWN);
            self.message.put(signature);
            signatures = signatures.saturating_add(1);
        }
        signatures
    }

    /// Gives the records from a place on no longer TTL than this.
    pub(super) fn lower_ttls(&mut self, from: usize, ttl: u32) {
        let (written, mut at) = (self.message.written_mut(), from);
        while let Some(fixed) = Decompressed::new().read(written, at) {
            let Some([_, _, _, _, own @ .., high, low]) =
                written.get_mut(fixed..).and_then(<[u8]>::first_chunk_mut::<10>)
            else {
                return;
            };
            let lower: [u8; 4] = ttl.to_be_bytes();
            if *own > lower {
                *own = lower;
            }
            at = fixed.saturating_add(10).saturating_add(usize::from(u16::from_be_bytes([*high, *low])));
        }
    }

    /// An owner in lower case: a pointer into what has been written, or a name in full.
    fn name_of(&self, owner: &[u8]) -> Decompressed {
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
        name
    }

    /// Where the RDATA of the last record from a pool begins, and that RDATA.
    pub(super) fn last_pooled(&self) -> (usize, &[u8]) {
        /// Type, class, TTL, length.
        const FIXED_BYTES: usize = 10;
        let at = self.last_pooled.saturating_add(FIXED_BYTES);
        let written = self.message.written();
        let length =
            written.get(..at).and_then(<[u8]>::last_chunk).map_or(0, |bytes| u16::from_be_bytes(*bytes));
        (at, written.get(at..at.saturating_add(usize::from(length))).unwrap_or_default())
    }
}
