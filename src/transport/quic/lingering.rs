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

/// How long one is kept: three times the time until a packet counts as lost, which is a second and an acknowledgement's
/// delay where no round trip has been measured (RFC 9002, section 6.2.2).
const KEPT_MAX: Duration = Duration::from_secs(4);

/// The connections that have ended lately, the oldest first: at most [`LINGERING_MAX`].
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
    /// A connection of the client at `address` has ended.
    pub(super) fn add(&mut self, address: IpAddr, now: Instant) {
        if self.ended.len() >= LINGERING_MAX {
            self.ended.pop_front();
        }
        self.ended.push_back((now, client(address)));
    }

    /// Whether the client at `address` may begin another connection while `kept` are kept, of whomever.
    pub(super) fn look(&mut self, address: IpAddr, kept: usize, now: Instant) -> Result<(), TooMany> {
        let is_over = |(ended, _): &(Instant, IpAddr)| now.saturating_duration_since(*ended) > KEPT_MAX;
        while self.ended.front().is_some_and(is_over) {
            self.ended.pop_front();
        }
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
            lingering.add(one, now);
        }
        assert_eq!(lingering.look(one, LINGERING_PER_CLIENT_MAX, now), Err(TooMany::OfClient));
        assert_eq!(lingering.look(neighbour, LINGERING_PER_CLIENT_MAX, now), Err(TooMany::OfClient));
        assert_eq!(lingering.look(other, LINGERING_PER_CLIENT_MAX, now), Ok(()));
        assert_eq!(lingering.look(one, 3, now), Ok(()), "most are not kept any more");
        assert_eq!(lingering.look(other, LINGERING_MAX, now), Err(TooMany::InAll));
        let later = now + KEPT_MAX + Duration::from_millis(1);
        assert_eq!(lingering.look(one, LINGERING_PER_CLIENT_MAX, later), Ok(()));
        assert!(lingering.ended.is_empty());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut lingering, now) = (Lingering::default(), Instant::now());
        (0..2 * LINGERING_MAX).for_each(|_| lingering.add("192.0.2.1".parse().unwrap(), now));
        assert_eq!(lingering.ended.len(), LINGERING_MAX);
    }
}
