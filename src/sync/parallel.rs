//! Independent work on several threads.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder};

/// Runs `work` on each item and returns the results in no order. Uses `threads` threads called `name`, of which the calling
/// one is the first; fewer if the system refuses to start more.
///
/// # Panics
///
/// If `work` panics, but only after all other threads have ended.
pub fn in_parallel<I: Sync, M: Send>(
    name: &str,
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
        let start = |_| Builder::new().name(name.to_owned()).spawn_scoped(scope, turn).ok();
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
