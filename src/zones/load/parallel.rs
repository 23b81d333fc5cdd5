//! How many zones are read at once, and when that pays.

use std::fs;
use std::num::NonZero;
use std::path::Path;
use std::thread;

use super::serving::Purpose;
use crate::source::patiently;
use crate::zones::settings::ZoneSettings;

/// Most zones that are read at once. Each keeps its text and its tree in memory until it is compiled.
pub const READERS_MAX: usize = 4;

/// Least zone text that is read by several threads, in bytes. Less takes a few milliseconds, and at boot
/// other services want the cores.
pub(super) const WORTH_BYTES: u64 = 256 << 10;

/// How many zones are read at once. A start uses all cores. A reload leaves half of them to the workers that
/// answer. A check reads one zone at a time, since it compares each with those before it.
pub fn readers_max(purpose: &Purpose) -> usize {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let cores = match purpose {
        Purpose::Check => 1,
        Purpose::Serve(serving) if serving.versions.is_empty() => cores,
        Purpose::Serve(_) => cores / 2,
    };
    cores.clamp(1, READERS_MAX)
}

/// The length of the zone's own file, in bytes. The files it includes are known only after it is read.
pub(super) fn text_bytes(zone: &ZoneSettings) -> u64 {
    let len = |file: &Path| {
        let named = file.to_owned();
        patiently(file, move |_| Ok(fs::metadata(named)?.len())).ok()
    };
    zone.sources.file().and_then(len).unwrap_or(0)
}
