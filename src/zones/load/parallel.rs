//! Runs the loading of independent zones on several threads.

use std::fs;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder};

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

/// Runs `work` on each item and returns the results in no order. Uses `threads` threads, of which the calling
/// one is the first; fewer if the system refuses to start more.
///
/// # Panics
///
/// If `work` panics, but only after all other threads have ended.
pub(super) fn in_parallel<I: Sync, M: Send>(
    threads: usize,
    items: &[I],
    work: impl Fn(&I) -> M + Sync,
) -> Vec<M> {
    let next = AtomicUsize::new(0);
    let turn = || {
        let items = std::iter::from_fn(|| items.get(next.fetch_add(1, Ordering::Relaxed)));
        items.map(&work).collect::<Vec<M>>()
    };
    thread::scope(|scope| {
        let start = |_| Builder::new().name("edgedns-zone".to_owned()).spawn_scoped(scope, turn).ok();
        let others: Vec<_> = (1..threads.min(items.len())).map_while(start).collect();
        let mut made = turn();
        for other in others {
            made.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        made
    })
}

#[cfg(test)]
mod tests;
