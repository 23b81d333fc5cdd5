//! Response rate limiting: how many responses of one kind the clients of one network get in a second over
//! UDP.
//!
//! A forged source address makes this server send its response to a third party. The limit keeps that stream
//! thin. The client that owns the address can still get answers: some of what is held back goes out as TC, so
//! that it asks again over TCP, which cannot be forged; and a client with a server cookie of ours is not
//! limited at all.
//!
//! ```text
//!   network of the client ┐                  enough in the bucket ─▶ the response
//!   kind of the response  ├─ hash ─▶ bucket ─┤
//!   name it is made from  ┘                  not ─▶ one in `slip`: TC alone
//!                                                   the others: nothing
//! ```
//!
//! That limit is for one kind and one name, so many names get round it. A second one, if it is set, is for
//! everything that a network gets. With both, the first that is exceeded holds a response back. What is
//! forwarded is limited before it is looked up anywhere, as one kind, by the QNAME.
//!
//! Each worker counts for itself, and the kernel gives all queries from one address and port to one worker: a
//! network that uses many ports may get the limit from every worker. The time comes in as an argument; what
//! is sent instead is written by `finish`.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;

use super::counters::Count;
use super::prefix::Prefix;
use crate::dns::NameHash;

/// How long a bucket takes to fill, in nanoseconds: it holds the responses of one second, and they may come
/// at once.
const FILL_NS: u64 = 1_000_000_000;

/// Rows of the table. With four buckets of 16 bytes each a row has the size of a cache line, and the table of
/// a worker 1 MiB: room for 65,536 networks and names at a time, as a bucket is needed for a second only. It
/// is never touched, and takes no memory, while nothing is limited.
const ROWS: usize = 1 << 14;

/// Buckets of a row.
const WAYS: usize = 4;

/// Bits of an address that say its network: what a site is given at least, so that one client cannot be many
/// (as in BIND, NSD and Knot).
const NETWORK_BITS: (u32, u32) = (24, 56);

/// The rates, and the clients that they do not apply to.
#[derive(Clone, PartialEq, Eq)]
pub struct RateLimit {
    /// What one response takes out of the bucket of its kind and name, in nanoseconds of filling; 0 for no
    /// limit.
    cost_ns: u64,
    /// What it takes out of its network's bucket; none for no such limit.
    all_cost_ns: Option<u64>,
    slip: u32,
    exempt: Vec<Prefix>,
}

impl RateLimit {
    /// Limits responses of one kind per second and network. Of those held back one in `slip` (by chance) is
    /// sent as TC, with 0 none. Clients in `exempt` are not limited: each prefix costs a comparison per
    /// query.
    pub fn new(responses_per_second: NonZeroU32, slip: u32, exempt: Vec<Prefix>) -> Self {
        Self { cost_ns: cost_ns(responses_per_second), all_cost_ns: None, slip, exempt }
    }

    /// The same, but for responses of all kinds to a network together.
    pub fn for_all(all_per_second: NonZeroU32, slip: u32, exempt: Vec<Prefix>) -> Self {
        Self { cost_ns: 0, all_cost_ns: Some(cost_ns(all_per_second)), slip, exempt }
    }

    /// The same with a second limit: responses of all kinds per second and network.
    #[must_use]
    pub fn with_all(self, all_per_second: NonZeroU32) -> Self {
        Self { all_cost_ns: Some(cost_ns(all_per_second)), ..self }
    }

    /// Whether a client is never limited.
    #[inline]
    pub(super) fn is_exempt(&self, client: IpAddr) -> bool {
        self.exempt.iter().any(|prefix| prefix.contains(client))
    }
}

/// What one response takes out of a bucket that is good for `per_second` of them.
fn cost_ns(per_second: NonZeroU32) -> u64 {
    let per_second = u64::from(per_second.get());
    // It is not 0.
    FILL_NS.checked_div(per_second).unwrap_or(FILL_NS)
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cost_ns, all_cost_ns, slip, exempt } = self;
        write!(f, "one in {cost_ns} ns, of all in {all_cost_ns:?} ns, slip {slip}, exempt {exempt:?}")
    }
}

/// What the limit does to a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RrlAction {
    /// It is sent.
    Pass,
    /// TC is sent instead.
    Slip,
    /// Nothing is sent.
    Drop,
}

/// The name whose records a response is made from.
#[derive(Clone, Copy, Debug)]
pub(super) enum RrlSource {
    /// This one: the QNAME, a zone cut, the owner of a DNAME, or an apex whose SOA says that a name does not
    /// exist.
    Name(NameHash),
    /// The wildcard below this closest encloser (RFC 4592, section 3.3.1).
    WildcardBelow(NameHash),
}

/// A response, as far as the limit looks at it.
#[derive(Clone, Copy, Debug)]
pub(super) struct LimitedResponse {
    pub(super) client: IpAddr,
    /// What it is counted as.
    pub(super) count: Count,
    pub(super) source: RrlSource,
}

/// A key, 0 if the bucket is unused, and the time at which the bucket will be full.
type Bucket = [u64; 2];

/// The buckets of one worker.
///
/// A bucket is the moment at which it will be full again: it fills by itself as time goes by, and each
/// response moves that moment further away.
pub(super) struct RrlTable {
    rows: Vec<[Bucket; WAYS]>,
    /// Keeps attackers from choosing which networks share a row.
    seed: u64,
}

impl RrlTable {
    /// Full buckets for all. The memory is the system's zero pages until it is written.
    pub(super) fn new(seed: u64) -> Self {
        Self { rows: vec![[[0; 2]; WAYS]; ROWS], seed }
    }

    /// What the limit does to a response. HOT: touches one cache line for each limit there is.
    ///
    /// `now_ns` is the time since 1970, and `entropy` decides which of those held back slip.
    #[inline]
    pub(super) fn action(
        &mut self,
        limit: &RateLimit,
        response: LimitedResponse,
        now_ns: u64,
        entropy: u64,
    ) -> RrlAction {
        let LimitedResponse { client, count, source } = response;
        let key = self.key(client, count, source);
        // In this order: what its own bucket holds back takes nothing out of the bucket of the network.
        if self.take(key, limit.cost_ns, now_ns) && self.take_of_all(client, limit, now_ns) {
            RrlAction::Pass
        } else if entropy.checked_rem(u64::from(limit.slip)) == Some(0) {
            RrlAction::Slip
        } else {
            RrlAction::Drop
        }
    }

    /// Takes one response out of the bucket of the client's network, if it is in it.
    #[inline]
    fn take_of_all(&mut self, client: IpAddr, limit: &RateLimit, now_ns: u64) -> bool {
        let Some(cost_ns) = limit.all_cost_ns else { return true };
        // A kind that no response is counted as.
        let key = mixed(mixed((network(client) << 8 | 0xff) ^ self.seed)).max(1);
        self.take(key, cost_ns, now_ns)
    }

    /// What responses have in common that are limited together.
    #[inline]
    fn key(&self, client: IpAddr, count: Count, source: RrlSource) -> u64 {
        let (kind, source) = match (count, source) {
            (
                Count::Answered
                | Count::NoData
                | Count::NxDomain
                | Count::Referral
                | Count::Forwarded
                | Count::HandedOver,
                RrlSource::Name(name),
            ) => (count, name),
            (
                Count::Answered | Count::NoData | Count::NxDomain | Count::Referral,
                RrlSource::WildcardBelow(encloser),
            ) => (count, encloser.below(b"*")),
            // Errors are all alike, whatever was asked.
            _ => (Count::FormErr, NameHash::ROOT),
        };
        let [kind, ..] = (kind as usize).to_le_bytes();
        let who = network(client) << 8 | u64::from(kind);
        // 0 marks an unused bucket.
        mixed(mixed(who ^ self.seed) ^ source.bits()).max(1)
    }

    /// Takes one response out of the bucket of `key`, if it is in it.
    #[inline]
    fn take(&mut self, key: u64, cost_ns: u64, now_ns: u64) -> bool {
        #[allow(clippy::cast_possible_truncation, reason = "masked to the table's size")]
        let place = key as usize & (ROWS - 1);
        // No bucket is further from full than from empty to full, unless the clock has been set back
        // meanwhile: then it counts as full.
        let latest = now_ns.saturating_add(FILL_NS);
        let worth = |bucket: &&mut Bucket| match **bucket {
            [held, _] if held == key => (0, 0),
            [_, full_at] if full_at > latest => (1, 0),
            [_, full_at] => (1, full_at),
        };
        // Its own, or the one that is nearest to full: a full one says no more than a new one, so that other
        // networks in the row lose nothing.
        let row = self.rows.get_mut(place);
        let Some([held, full_at]) = row.and_then(|row| row.iter_mut().min_by_key(worth)) else { return true };
        if *held != key || *full_at > latest {
            (*held, *full_at) = (key, 0);
        }
        // Both are times of this century, in nanoseconds, of which 64 bits have room for six.
        let then = now_ns.max(*full_at).saturating_add(cost_ns);
        let enough = then <= latest;
        if enough {
            *full_at = then;
        }
        enough
    }
}

/// The network of a client as a number of 57 bits.
#[inline]
fn network(client: IpAddr) -> u64 {
    let (v4, v6) = NETWORK_BITS;
    match client {
        IpAddr::V4(client) => u64::from(client.to_bits() >> u32::BITS.saturating_sub(v4)),
        IpAddr::V6(client) => {
            let bits = client.to_bits() >> u128::BITS.saturating_sub(v6);
            // 56 bits are left.
            u64::try_from(bits).unwrap_or(0) | 1 << v6
        }
    }
}

/// Spreads a number over all bits, reversibly (the last steps of SplitMix64).
#[inline]
fn mixed(number: u64) -> u64 {
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

#[cfg(test)]
mod tests;
