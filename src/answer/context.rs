//! What answering one query needs: the query with its snapshot, and what belongs to the worker.
//!
//! Everything is allocated when a worker starts; a query allocates nothing.

use std::sync::Arc;
use std::time::Duration;

use super::client::Client;
use super::counters::{Count, Counters};
use super::hashed_name::HashedName;
use super::peer::Peer;
use super::pools::next_random;
use super::query_edns::QueryEdns;
use super::rate_limit::{LimitedResponse, RateLimit, RrlAction, RrlSource, RrlTable};
use super::snapshot::Snapshot;
use crate::dns::message::{HEADER_BYTES, Header, Question};
use crate::dns::name::NAME_BYTES_MAX;

/// A query, who sent it, and the snapshot that it is answered from.
pub(super) struct QueryContext<'q> {
    pub(super) snapshot: &'q Snapshot,
    pub(super) peer: Peer,
    /// Whom the answer is for.
    pub(super) client: Client<'q>,
    pub(super) header: Header,
    pub(super) question: Question<'q>,
    pub(super) edns: QueryEdns<'q>,
}

/// What belongs to one worker: its counters, its random numbers, its rate limits, room for names, and the
/// time of the batch.
pub struct WorkerContext {
    /// The name that is looked up.
    pub(super) name: HashedName,
    pub(super) chase: ChaseBuffer,
    /// State of the random number generator.
    pub(super) rng: u64,
    pub(super) counters: Arc<Counters>,
    rrl: RrlTable,
    /// Seconds since 1970, modulo 2^32 (RFC 9018, section 4.3).
    pub(super) now_seconds: u32,
    now_ns: u64,
}

/// Room for a chain of aliases: the name that is followed, and the message that a template was made for, so
/// that its pointers can be read.
pub(super) struct ChaseBuffer {
    pub(super) name: [u8; NAME_BYTES_MAX],
    pub(super) message: Box<[u8]>,
}

/// Longest message that a template is made for.
const MESSAGE_BYTES: usize = HEADER_BYTES + NAME_BYTES_MAX + 4 + u16::MAX as usize;

impl WorkerContext {
    /// For one worker; `seed` starts its random numbers.
    pub fn new(counters: Arc<Counters>, seed: u64) -> Self {
        Self {
            name: HashedName::new(),
            chase: ChaseBuffer {
                name: [0; NAME_BYTES_MAX],
                message: vec![0; MESSAGE_BYTES].into_boxed_slice(),
            },
            // The generator never leaves 0.
            rng: seed | 1,
            counters,
            rrl: RrlTable::new(seed),
            now_seconds: 0,
            now_ns: 0,
        }
    }

    /// Sets the time, for cookies and rate limits; once per batch.
    #[inline]
    pub fn set_now(&mut self, since_1970: Duration) {
        // Modulo 2^32, as RFC 9018 counts; the nanoseconds of a u64 last until 2554.
        self.now_seconds = u32::try_from(since_1970.as_secs() & u64::from(u32::MAX)).unwrap_or(0);
        self.now_ns = u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX);
    }

    /// What the rate limit does to a response; over a stream, whose client's address cannot be forged,
    /// nothing.
    pub(super) fn limit(
        &mut self,
        limit: &RateLimit,
        peer: Peer,
        count: Count,
        source: RrlSource,
    ) -> RrlAction {
        if peer.transport.is_stream() || limit.is_exempt(peer.address) {
            return RrlAction::Pass;
        }
        let entropy = next_random(&mut self.rng) >> 32;
        let response = LimitedResponse { client: peer.address, count, source };
        let action = self.rrl.action(limit, response, self.now_ns, entropy);
        if action == RrlAction::Drop {
            self.counters.add(Count::RateDropped);
        }
        action
    }
}
