//! When a copy of a zone expires (RFC 7314).
//!
//! Says how long one holds still. `opt` tells it to who asks, `daemon` knows when a copy was confirmed.

use std::time::Duration;

/// When a zone expires unless it is confirmed where it comes from, by the clock of a worker: seconds since 1970, modulo
/// 2^32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyExpiry(u32);

impl CopyExpiry {
    /// At this time, in whole seconds.
    pub fn at(since_1970: Duration) -> Self {
        // The lower half of the seconds, as `WorkerContext::set_now` takes it.
        Self(u32::try_from(since_1970.as_secs() & u64::from(u32::MAX)).unwrap_or(0))
    }

    /// Seconds that are left; 0: none are.
    pub(super) fn left(self, now_seconds: u32) -> u32 {
        match self.0.wrapping_sub(now_seconds) {
            left if left < 1 << 31 => left,
            // It lies behind.
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_go_round_and_what_lies_behind_has_none_left() {
        let at = |seconds| CopyExpiry::at(Duration::from_secs(seconds));
        assert_eq!(at(100).left(40), 60);
        assert_eq!(at(100).left(101), 0);
        assert_eq!(at((1 << 32) + 5).left(u32::MAX - 4), 10);
    }
}
