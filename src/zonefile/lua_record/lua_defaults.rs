//! What LUA records take where they do not say otherwise.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::zone::Selector;

/// What LUA records take where they do not say otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LuaDefaults {
    /// How an answer is chosen where the record names no `selector` or no `backupSelector`.
    pub selector: Selector,
    /// From one probe of a target to the next.
    pub interval: Duration,
    /// How long one probe may take.
    pub timeout: Duration,
    /// From an outcome that contradicts the verdict to the next probe; never longer than the
    /// record's interval.
    pub retry: Duration,
    /// Consecutive passes until a target that was down is up.
    pub rise: NonZeroU32,
    /// Consecutive failures until a target that was up is down.
    pub fall: NonZeroU32,
}

impl Default for LuaDefaults {
    fn default() -> Self {
        let two = NonZeroU32::MIN.saturating_add(1);
        Self {
            // PowerDNS's own default is `random`. Clients of a cluster's names try what they are
            // given in turn, so all that is up serves them better.
            selector: Selector::All,
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            retry: Duration::from_millis(200),
            rise: two,
            fall: two,
        }
    }
}
