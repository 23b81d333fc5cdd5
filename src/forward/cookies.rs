//! Cookies of clients, and what they are answered with (RFC 7873, RFC 9018).

use std::time::Duration;

use crate::answer::CookieSecret;

/// What cookies of clients are answered with.
#[derive(Clone, Copy, Default)]
pub(super) struct Cookies {
    /// None: they are ignored.
    pub(super) secret: Option<CookieSecret>,
    /// Seconds since 1970, modulo 2^32 (RFC 9018, section 4.3).
    pub(super) now_seconds: u32,
}

impl Cookies {
    /// With the time since 1970.
    pub(super) fn new(secret: Option<CookieSecret>, now: Duration) -> Self {
        // Modulo 2^32, as RFC 9018 counts: 32 bits are left.
        let now_seconds = u32::try_from(now.as_secs() & u64::from(u32::MAX)).unwrap_or(0);
        Self { secret, now_seconds }
    }
}
