//! The answer that nearly every pool gives: all its records, beginning anywhere. HOT.
//!
//! It is made when the board changes, so that a query is one copy. Pools that answer otherwise go record by
//! record.

use super::super::pointer::OWN;
use super::selection::number_below;
use crate::dns::Rtype;

/// All records under a pointer to the question's name, twice: whichever comes
/// first, the answer is one piece of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReadyRotation {
    /// How many records there are.
    records: u16,
    /// How long each of them is, its owner included.
    record_bytes: usize,
    twice: Box<[u8]>,
}

impl ReadyRotation {
    /// Of records without owners, one after the other, and where each ends;
    /// at most `most` are answered. None where they differ in length or not
    /// all are answered, and for aliases: those are followed, for which the
    /// record must be found again.
    pub(super) fn new(rtype: Rtype, most: u32, ends: &[u32], records: &[u8]) -> Option<Self> {
        let count = ends.len();
        let one = *ends.first()? as usize;
        let alike = ends.iter().zip(1_usize..).all(|(end, nth)| *end as usize == one.saturating_mul(nth));
        if rtype == Rtype::CNAME || !alike || (most as usize) < count {
            return None;
        }
        let owned: Vec<u8> = records.chunks(one).flat_map(|record| [&OWN, record].concat()).collect();
        Some(Self {
            records: u16::try_from(count).ok()?,
            record_bytes: one.saturating_add(OWN.len()),
            twice: owned.repeat(2).into_boxed_slice(),
        })
    }

    /// The records, beginning anywhere, and how many they are. HOT.
    #[inline]
    pub(super) fn piece(&self, rng: &mut u64) -> Option<(&[u8], u16)> {
        let first = if self.records > 1 { number_below(rng, u32::from(self.records)) } else { 0 };
        let from = self.record_bytes.wrapping_mul(first as usize);
        let bytes = self.record_bytes.wrapping_mul(usize::from(self.records));
        Some((self.twice.get(from..)?.get(..bytes)?, self.records))
    }
}
