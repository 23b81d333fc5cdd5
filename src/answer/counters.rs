//! Counters: what workers have answered.
//!
//! Each worker writes its own memory only. `control` adds up and shows them.

use std::sync::atomic::{AtomicU64, Ordering};

use super::spread::{Spread, SpreadTotals};

/// Everything that is counted. The discriminant is the place in the array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Count {
    /// Queries, by whichever transport: a worker serves one.
    Queries,
    /// Not answered: responses, and messages shorter than a header.
    Dropped,
    /// NOERROR with records in the answer section.
    Answered,
    /// NOERROR without records.
    NoData,
    /// NXDOMAIN.
    NxDomain,
    /// Referrals to a child zone.
    Referral,
    /// FORMERR.
    FormErr,
    /// SERVFAIL.
    ServFail,
    /// NOTIMP.
    NotImp,
    /// REFUSED.
    Refused,
    /// Any other response code.
    OtherRcode,
    /// For a name outside our zones, and forwarded; or over the rate limit and sent with TC instead.
    Forwarded,
    /// No plain query, and handed over to whoever takes its kind.
    HandedOver,
    /// Did not fit: sent with TC and empty sections.
    Truncated,
    /// With an OPT record.
    Edns,
    /// With a server cookie of ours that was valid.
    Cookie,
    /// Not answered: over the rate limit. Counted under no response code.
    RateDropped,
    /// Over the rate limit and sent with TC and empty sections, or an error.
    Slipped,
    /// For a name outside our zones, or for an alias that leads there, and not forwarded because it was over
    /// the rate limit. Counted as limited or slipped, too.
    ForwardLimited,
}

impl Count {
    /// The kinds of response. Each query that is not dropped counts as one of them.
    pub const RESPONSES: [Count; 11] = [
        Count::Answered,
        Count::NoData,
        Count::NxDomain,
        Count::Referral,
        Count::FormErr,
        Count::ServFail,
        Count::NotImp,
        Count::Refused,
        Count::OtherRcode,
        Count::Forwarded,
        Count::HandedOver,
    ];

    /// All counters, with the names they are shown by.
    pub const ALL: [(Count, &'static str); 19] = [
        (Count::Queries, "queries"),
        (Count::Dropped, "dropped"),
        (Count::Answered, "answered"),
        (Count::NoData, "nodata"),
        (Count::NxDomain, "nxdomain"),
        (Count::Referral, "referral"),
        (Count::FormErr, "formerr"),
        (Count::ServFail, "servfail"),
        (Count::NotImp, "notimp"),
        (Count::Refused, "refused"),
        (Count::OtherRcode, "other"),
        (Count::Forwarded, "forwarded"),
        (Count::HandedOver, "handed-over"),
        (Count::Truncated, "truncated"),
        (Count::Edns, "edns"),
        (Count::Cookie, "cookie"),
        (Count::RateDropped, "limited"),
        (Count::Slipped, "slipped"),
        (Count::ForwardLimited, "forward-limited"),
    ];

    /// The name it is shown by.
    pub fn name(self) -> &'static str {
        let named = Count::ALL.iter().find(|(count, _)| *count == self);
        named.map_or("", |(_, name)| name)
    }
}

/// Counters of one worker: only the worker writes, any thread may read.
///
/// Aligned so that no two workers share a cache line.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Counters {
    values: [AtomicU64; Count::ALL.len()],
    pub(super) spread: Spread,
}

impl Counters {
    /// Adds one. HOT: with one writer a load and a store do, no locked instruction is needed.
    #[inline]
    pub(super) fn add(&self, count: Count) {
        if let Some(value) = self.values.get(count as usize) {
            value.store(value.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        }
    }

    /// The value of one counter.
    pub fn get(&self, count: Count) -> u64 {
        self.values.get(count as usize).map_or(0, |value| value.load(Ordering::Relaxed))
    }
}

/// Counters added up over workers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    values: [u64; Count::ALL.len()],
    /// Types, response codes and sizes.
    pub spread: SpreadTotals,
}

impl Totals {
    /// The sum of one counter.
    pub fn get(&self, count: Count) -> u64 {
        self.values.get(count as usize).copied().unwrap_or(0)
    }
}

impl<'c> FromIterator<&'c Counters> for Totals {
    fn from_iter<I: IntoIterator<Item = &'c Counters>>(workers: I) -> Self {
        let mut totals = Totals::default();
        for worker in workers {
            for (total, value) in totals.values.iter_mut().zip(&worker.values) {
                *total = total.wrapping_add(value.load(Ordering::Relaxed));
            }
            totals.spread.add(&worker.spread);
        }
        totals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_has_its_place_and_its_name() {
        for (place, (count, name)) in Count::ALL.into_iter().enumerate() {
            assert_eq!((count as usize, count.name()), (place, name));
        }
    }

    #[test]
    fn totals_add_up_what_the_workers_counted() {
        let (one, other) = (Counters::default(), Counters::default());
        one.add(Count::Queries);
        other.add(Count::Queries);
        other.add(Count::Edns);
        let totals: Totals = [&one, &other].into_iter().collect();
        assert_eq!([Count::Queries, Count::Edns, Count::Cookie].map(|count| totals.get(count)), [2, 1, 0]);
    }
}
