//! `down-interval`, `startup` and `slow-start` of `[[zone.probe]]`.

use std::time::Duration;

use super::probe::INTERVAL_MIN;
use super::table::Table;
use crate::probe::Life;
use crate::setting::DURATION_MAX;
use crate::source::Diagnostics;
use crate::zone::{Follows, Selector};

/// Reads these keys of a block; what is absent or faulty keeps its default.
pub(super) fn read(table: &Table<'_>, selector: Selector, found: &mut Diagnostics) -> Life {
    let mut time =
        |key, least: Duration| table.read(key, found, |value| value.duration(&(least..=DURATION_MAX)));
    Life {
        interval_down: time("down-interval", INTERVAL_MIN),
        startup: time("startup", Duration::ZERO).unwrap_or_default(),
        slow_start: time("slow-start", Duration::ZERO).unwrap_or_default(),
        is_timed: selector.entry().follows == Follows::Latency,
    }
}
