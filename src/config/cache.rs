//! `[cache]`: how long answers of upstreams are kept.
//!
//! Answers of our own zones need no cache.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::table::Table;
use crate::forward::{CacheSettings, Prefetch};
use crate::setting::DURATION_MAX;
use crate::setting::Value;
use crate::source::{Diagnostic, Diagnostics};

/// Most answers that are kept. With a kilobyte each that is a gigabyte.
const ENTRIES_MAX: u32 = 1_000_000;

/// Fewest, if any: each of the cache's parts must hold a few.
const ENTRIES_MIN: u32 = 64;

/// Least memory, in bytes: the longest answer must fit into each part.
const BYTES_MIN: u32 = 1 << 20;

/// Longest TTL that others are raised to. Whoever gives out shorter ones means it.
const TTL_MIN_MAX: Duration = Duration::from_hours(1);

/// Shortest time that TTLs are lowered to.
const TTL_MAX_MIN: Duration = Duration::from_secs(1);

/// Reads `[cache]`; what is absent or faulty keeps its default.
pub(super) fn read(table: &Table<'_>, found: &mut Diagnostics) -> CacheSettings {
    let default = CacheSettings::default();
    let mut duration = |key, bounds: RangeInclusive<Duration>, default| {
        table.read(key, found, |value| value.duration(&bounds)).unwrap_or(default)
    };
    let any = Duration::ZERO..=DURATION_MAX;
    let ttl_min = duration("ttl-min", Duration::ZERO..=TTL_MIN_MAX, default.ttl_min);
    let ttl_max = duration("ttl-max", TTL_MAX_MIN..=DURATION_MAX, default.ttl_max);
    let negative_ttl_max = duration("negative-ttl-max", any.clone(), default.negative_ttl_max);
    let serve_stale = duration("serve-stale", any, default.serve_stale);
    if ttl_min > ttl_max
        && let Some(value) = table.get("ttl-min")
    {
        found.push(value.fault("`ttl-min` is longer than `ttl-max`"));
    }
    CacheSettings {
        entries: table.read("entries", found, entries).unwrap_or(default.entries),
        bytes: table.read("bytes", found, bytes).unwrap_or(default.bytes),
        ttl_min,
        ttl_max,
        negative_ttl_max,
        serve_stale,
        prefetch: table.read("prefetch", found, prefetch).unwrap_or(default.prefetch),
    }
}

fn entries(value: Value<'_>) -> Result<usize, Diagnostic> {
    value.whole(format!("0 (none) or {ENTRIES_MIN} to {ENTRIES_MAX}"), |count| {
        usize::try_from(count).ok().filter(|_| count == 0 || (ENTRIES_MIN..=ENTRIES_MAX).contains(&count))
    })
}

fn bytes(value: Value<'_>) -> Result<usize, Diagnostic> {
    value.whole(format!("{BYTES_MIN} to {}", u32::MAX), |count| {
        usize::try_from(count).ok().filter(|_| count >= BYTES_MIN)
    })
}

fn prefetch(value: Value<'_>) -> Result<Prefetch, Diagnostic> {
    Ok(if value.truth()? { Prefetch::On } else { Prefetch::Off })
}
