//! `flap-limit` and `flap-window` in `[probe]`.
//!
//! `health` has their defaults.

use std::time::Duration;

use super::table::Table;
use crate::health::Damping;
use crate::setting::DURATION_MAX;
use crate::source::Diagnostics;

/// Most changes that a limit may bear: a target's last ones are remembered.
pub const FLAP_LIMIT_MAX: u32 = 1000;

/// Shortest window. Thresholds alone take longer to change a verdict twice.
pub const FLAP_WINDOW_MIN: Duration = Duration::from_secs(1);

/// Reads the keys; what is absent or faulty keeps its default.
pub(super) fn read(table: &Table<'_>, found: &mut Diagnostics) -> Damping {
    let default = Damping::default();
    let windows = FLAP_WINDOW_MIN..=DURATION_MAX;
    let limit = table.read("flap-limit", found, |value| {
        value.whole(format!("0 (off) to {FLAP_LIMIT_MAX}"), |count| {
            Some(count).filter(|_| count <= FLAP_LIMIT_MAX)
        })
    });
    let window = table.read("flap-window", found, |value| value.duration(&windows));
    Damping { limit: limit.unwrap_or(default.limit), window: window.unwrap_or(default.window) }
}
