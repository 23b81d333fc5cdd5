//! Counts queries by type, and responses by code and size. HOT.
//!
//! Kinds of answers are counted in `counters`.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::dns::Rtype;
use crate::dns::message::Rcode;

/// The types that are counted one by one: what clients of a cluster ask for. All others are counted together,
/// so that no client can make the metrics grow by asking.
const QTYPES_COUNTED: [u16; 19] = [
    Rtype::A.0,
    Rtype::NS.0,
    Rtype::CNAME.0,
    Rtype::SOA.0,
    Rtype::PTR.0,
    Rtype::MX.0,
    Rtype::TXT.0,
    Rtype::AAAA.0,
    Rtype::SRV.0,
    // NAPTR.
    35,
    Rtype::DNAME.0,
    Rtype::DS.0,
    Rtype::DNSKEY.0,
    Rtype::SVCB.0,
    Rtype::HTTPS.0,
    Rtype::IXFR.0,
    Rtype::AXFR.0,
    Rtype::ANY.0,
    // CAA.
    257,
];

/// The response codes that are counted one by one: those this server sends.
const RCODES_COUNTED: [u16; 9] = [
    Rcode::NOERROR.0,
    Rcode::FORMERR.0,
    Rcode::SERVFAIL.0,
    Rcode::NXDOMAIN.0,
    Rcode::NOTIMP.0,
    Rcode::REFUSED.0,
    Rcode::YXDOMAIN.0,
    Rcode::NOTAUTH.0,
    Rcode::BADVERS.0,
];

/// The smallest step of sizes, in bytes; each further one is twice as large, up to 65,536.
const SIZE_STEP_FIRST: u32 = 1 << SIZE_STEP_FIRST_BITS;
const SIZE_STEP_FIRST_BITS: u32 = 5;
const SIZE_STEPS: usize = 12;

/// A place for each that is counted separately, and a last one for all others.
const QTYPE_PLACES: usize = QTYPES_COUNTED.len() + 1;
const RCODE_PLACES: usize = RCODES_COUNTED.len() + 1;

/// The place of each number; those above are among the others.
static QTYPE_PLACE: [u8; 258] = places(&QTYPES_COUNTED);
static RCODE_PLACE: [u8; 17] = places(&RCODES_COUNTED);

/// Counters of one worker: only the worker writes, any thread may read.
#[derive(Debug, Default)]
pub(super) struct Spread {
    qtypes: [AtomicU64; QTYPE_PLACES],
    rcodes: [AtomicU64; RCODE_PLACES],
    sizes: [AtomicU64; SIZE_STEPS],
    bytes: AtomicU64,
}

/// The same, added up over workers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpreadTotals {
    qtypes: [u64; QTYPE_PLACES],
    rcodes: [u64; RCODE_PLACES],
    sizes: [u64; SIZE_STEPS],
    bytes: u64,
}

impl Spread {
    /// Counts a question.
    #[inline]
    pub(super) fn question(&self, qtype: Rtype) {
        add(&self.qtypes, place(&QTYPE_PLACE, qtype.0, QTYPES_COUNTED.len()));
    }

    /// Counts a response that is sent.
    #[inline]
    pub(super) fn response(&self, rcode: Rcode, bytes: usize) {
        add(&self.rcodes, place(&RCODE_PLACE, rcode.0, RCODES_COUNTED.len()));
        add(&self.sizes, size_step(bytes));
        let sum = self.bytes.load(Ordering::Relaxed).wrapping_add(bytes as u64);
        self.bytes.store(sum, Ordering::Relaxed);
    }
}

impl SpreadTotals {
    /// Adds what one worker has counted.
    pub(super) fn add(&mut self, worker: &Spread) {
        let Spread { qtypes, rcodes, sizes, bytes } = worker;
        let counted = qtypes.iter().chain(rcodes).chain(sizes).chain([bytes]);
        let Self { qtypes, rcodes, sizes, bytes } = self;
        let totals = qtypes.iter_mut().chain(rcodes).chain(sizes).chain([bytes]);
        for (total, count) in totals.zip(counted) {
            *total = total.wrapping_add(count.load(Ordering::Relaxed));
        }
    }

    /// Questions by type; none for all types that are not counted separately.
    pub fn questions(&self) -> impl Iterator<Item = (Option<Rtype>, u64)> {
        QTYPES_COUNTED.into_iter().map(Rtype).map(Some).chain([None]).zip(self.qtypes)
    }

    /// Responses sent, by code; none for all codes that are not counted separately.
    pub fn rcodes(&self) -> impl Iterator<Item = (Option<Rcode>, u64)> {
        RCODES_COUNTED.into_iter().map(Rcode).map(Some).chain([None]).zip(self.rcodes)
    }

    /// Sizes of responses: the largest of each step in bytes, and how many there were in it.
    pub fn sizes(&self) -> impl Iterator<Item = (u32, u64)> {
        std::iter::successors(Some(SIZE_STEP_FIRST), |most| most.checked_mul(2)).zip(self.sizes)
    }

    /// Bytes of all responses together.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// The step of a size.
#[inline]
fn size_step(bytes: usize) -> usize {
    // The bits of what is left of the number: one more with each doubling.
    let above = bytes.saturating_sub(1) >> SIZE_STEP_FIRST_BITS;
    (usize::BITS.saturating_sub(above.leading_zeros()) as usize).min(SIZE_STEPS.saturating_sub(1))
}

#[inline]
fn place(places: &[u8], number: u16, others: usize) -> usize {
    places.get(usize::from(number)).map_or(others, |place| usize::from(*place))
}

/// Adds one: with one writer a load and a store do.
#[inline]
fn add(counts: &[AtomicU64], place: usize) {
    if let Some(count) = counts.get(place) {
        count.store(count.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }
}

/// For every number its place in `counted`, or the place behind all of them.
#[allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "the compiler works it out, and refuses what would panic; there are a few dozen places"
)]
const fn places<const ROOM: usize>(counted: &[u16]) -> [u8; ROOM] {
    let mut places = [counted.len() as u8; ROOM];
    let mut at = 0;
    while at < counted.len() {
        places[counted[at] as usize] = at as u8;
        at += 1;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_and_code_is_counted_once_at_its_own_place_or_with_the_others() {
        let spread = Spread::default();
        for number in 0..=u16::MAX {
            spread.question(Rtype(number));
            spread.response(Rcode(number), 12);
        }
        let mut totals = SpreadTotals::default();
        totals.add(&spread);
        for (qtype, count) in totals.questions() {
            let others = 65_536 - QTYPES_COUNTED.len() as u64;
            assert_eq!(count, if qtype.is_some() { 1 } else { others }, "{qtype:?}");
        }
        for (rcode, count) in totals.rcodes() {
            let others = 65_536 - RCODES_COUNTED.len() as u64;
            assert_eq!(count, if rcode.is_some() { 1 } else { others }, "{rcode:?}");
        }
        assert_eq!(totals.bytes(), 65_536 * 12);
    }

    #[test]
    fn a_size_is_counted_in_the_step_that_it_does_not_exceed() {
        for bytes in [0, 1, 31, 32, 33, 64, 65, 512, 513, 1232, 4096, 65_535] {
            let spread = Spread::default();
            spread.response(Rcode::NOERROR, bytes);
            let mut totals = SpreadTotals::default();
            totals.add(&spread);
            let step = totals.sizes().find(|(_, count)| *count == 1).map(|(most, _)| most as usize);
            let wanted = bytes.next_power_of_two().max(32);
            assert_eq!(step, Some(wanted), "{bytes}");
        }
    }
}
