//! Whose the connections are that have ended and are kept for some seconds, so that what comes late of one is not taken for
//! another (RFC 9000, section 10.2).
//!
//! The endpoint says only how many there are. Whose they may be is known from who has ended some lately, and has proven
//! before that it is there: what others begin in a client's name is not counted against it.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use crate::transport::client::client;
use crate::transport::stream::HANDSHAKES_MAX;

/// Connections that have ended and are kept, at most, some 10 kB each. Whoever has proven its address may still end one
/// handshake after the other.
pub(super) const LINGERING_MAX: usize = 4 * HANDSHAKES_MAX;

/// The same of one client, so that no single one takes all.
const LINGERING_PER_CLIENT_MAX: usize = LINGERING_MAX / 8;

/// How long one is kept where no round trip has been measured: three times the time until a packet counts as lost, which is a
/// second then and an acknowledgement's delay (RFC 9002, section 6.2.2).
const KEPT_UNMEASURED: Duration = Duration::from_secs(4);

/// The same in round trips where one has been: a packet counts as lost after three, as the first one measured counts as
/// uncertain by half of it. Without that a client that answers late would have more than others.
const KEPT_ROUND_TRIPS: u32 = 9;

/// The connections that have ended lately, the oldest first, each with when it is kept no more: at most [`LINGERING_MAX`].
#[derive(Default)]
pub(super) struct Lingering {
    ended: VecDeque<(Instant, IpAddr)>,
}

/// Why no further connection is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TooMany {
    /// There are too many in all.
    InAll,
    /// There are too many of this client.
    OfClient,
}

impl Lingering {
    /// A connection of the client at `address` has ended, of which a round trip took no longer than this.
    pub(super) fn add(&mut self, address: IpAddr, round_trip: Duration, now: Instant) {
        if self.ended.len() >= LINGERING_MAX {
            self.ended.pop_front();
        }
        let kept = round_trip.saturating_mul(KEPT_ROUND_TRIPS).max(KEPT_UNMEASURED);
        // It does not fail: a round trip is no longer than a connection lives, and a clock runs for centuries.
        let until = now.checked_add(kept).unwrap_or(now);
        self.ended.push_back((until, client(address)));
    }

    /// Whether the client at `address` may begin another connection while `kept` are kept, of whomever.
    pub(super) fn look(&mut self, address: IpAddr, kept: usize, now: Instant) -> Result<(), TooMany> {
        self.ended.retain(|(until, _)| *until >= now);
        if kept >= LINGERING_MAX {
            return Err(TooMany::InAll);
        }
        let client = client(address);
        let own = self.ended.iter().filter(|(_, of)| *of == client).count();
        // Those that ended in order are kept much shorter: what is not kept is nobody's.
        if own.min(kept) >= LINGERING_PER_CLIENT_MAX { Err(TooMany::OfClient) } else { Ok(()) }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may stop at an overflow")]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_ends_one_connection_after_the_other_has_to_wait_and_others_have_not() {
        let (mut lingering, now) = (Lingering::default(), Instant::now());
        let [one, neighbour, other] =
            ["2001:db8::1", "2001:db8::2", "192.0.2.1"].map(|address| address.parse().unwrap());
        for count in 0..LINGERING_PER_CLIENT_MAX {
            assert_eq!(lingering.look(one, count, now), Ok(()), "{count}");
            lingering.add(one, Duration::from_millis(1), now);
        }
        assert_eq!(lingering.look(one, LINGERING_PER_CLIENT_MAX, now), Err(TooMany::OfClient));
        assert_eq!(lingering.look(neighbour, LINGERING_PER_CLIENT_MAX, now), Err(TooMany::OfClient));
        assert_eq!(lingering.look(other, LINGERING_PER_CLIENT_MAX, now), Ok(()));
        assert_eq!(lingering.look(one, 3, now), Ok(()), "most are not kept any more");
        assert_eq!(lingering.look(other, LINGERING_MAX, now), Err(TooMany::InAll));
        let later = now + KEPT_UNMEASURED + Duration::from_millis(1);
        assert_eq!(lingering.look(one, LINGERING_PER_CLIENT_MAX, later), Ok(()));
        assert!(lingering.ended.is_empty());
    }

    #[test]
    fn the_connections_of_a_client_that_answers_late_count_for_longer() {
        let (mut lingering, now) = (Lingering::default(), Instant::now());
        let slow = "192.0.2.1".parse().unwrap();
        for _ in 0..LINGERING_PER_CLIENT_MAX {
            lingering.add(slow, Duration::from_secs(2), now);
        }
        let at = |seconds| now + Duration::from_secs(seconds);
        assert_eq!(lingering.look(slow, LINGERING_PER_CLIENT_MAX, at(18)), Err(TooMany::OfClient));
        assert_eq!(lingering.look(slow, LINGERING_PER_CLIENT_MAX, at(19)), Ok(()));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut lingering, now) = (Lingering::default(), Instant::now());
        let client = "192.0.2.1".parse().unwrap();
        (0..2 * LINGERING_MAX).for_each(|_| lingering.add(client, Duration::ZERO, now));
        assert_eq!(lingering.ended.len(), LINGERING_MAX);
    }
}
