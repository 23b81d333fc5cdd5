//! Zones that are read beside each other, each on a thread of its own.
//!
//! Loads independent zones in parallel. Results are in the order of the config file, whichever zone was done
//! first. Not responsible for reading one.

use std::fs;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder};

use super::serving::Purpose;
use crate::source::patiently;
use crate::zones::settings::ZoneSettings;

/// Zones that are read at once at most. Each has its text and its tree in memory until it is compiled.
pub const READERS_MAX: usize = 4;

/// Zone text from which on a second thread is worth it, in bytes. Less is read in a few milliseconds, for
/// which no core need be taken from whoever else is starting.
pub(super) const WORTH_BYTES: u64 = 256 << 10;

/// How many zones are read at once. At a reload half the cores stay with those who are answering; at a start
/// there is nobody yet. A check takes one zone after the other, since it compares each with those before it.
pub fn readers_max(purpose: &Purpose) -> usize {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let cores = match purpose {
        Purpose::Check => 1,
        Purpose::Serve(serving) if serving.versions.is_empty() => cores,
        Purpose::Serve(_) => cores / 2,
    };
    cores.clamp(1, READERS_MAX)
}

/// How long the zone's own file is; what it includes is not known before it is read.
pub(super) fn text_bytes(zone: &ZoneSettings) -> u64 {
    let len = |file: &Path| {
        let named = file.to_owned();
        patiently(file, move |_| Ok(fs::metadata(named)?.len())).ok()
    };
    zone.sources.file().and_then(len).unwrap_or(0)
}

/// What `work` makes of each item, in no order, by `threads` of which this one is the first. Where the system
/// has no threads left, fewer do it.
///
/// # Panics
///
/// When `work` does, but not before everything else is done.
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
