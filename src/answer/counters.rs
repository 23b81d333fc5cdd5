//! Counters: what workers have answered.
//!
//! Responsible for counting without a worker ever touching another's memory.
//! Not responsible for showing: `control` reads and adds up.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Transport;

/// What is counted, one after the other; the discriminant is the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Count {
    /// Queries that came in a datagram.
    Udp,
    /// Queries that came over a stream.
    Tcp,
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
    /// Sent with TC and empty sections.
    Truncated,
    /// With an OPT record.
    Edns,
    /// With a server cookie of ours that was valid.
    Cookie,
}

impl Count {
    /// All counters, with the names they are shown by.
    pub const ALL: [(Count, &'static str); 15] = [
        (Count::Udp, "udp"),
        (Count::Tcp, "tcp"),
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
        (Count::Truncated, "truncated"),
        (Count::Edns, "edns"),
        (Count::Cookie, "cookie"),
    ];

    /// The counter of a transport.
    #[inline]
    pub(super) fn of(transport: Transport) -> Count {
        match transport {
            Transport::Udp => Count::Udp,
            Transport::Tcp => Count::Tcp,
        }
    }
}

/// Counters of one worker: it alone writes, everybody may read.
///
/// Aligned so that no two workers share a cache line.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Counters {
    values: [AtomicU64; Count::ALL.len()],
}

impl Counters {
    /// Adds one. HOT: with one writer a load and a store do, no locked
    /// instruction is needed.
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
