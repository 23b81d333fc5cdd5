//! What the tests that run the program share: starting and stopping it, asking it, standing in for masters
//! and upstreams, and addresses that no other test uses.
//!
//! Tests say what the answers should be; nothing here does.
#![allow(clippy::new_without_default, reason = "a folder and a port of one's own are made, and no default")]

pub mod api_server;
pub mod client;
pub mod clock;
pub mod crypto;
pub mod etcd;
pub mod forwarding;
pub mod hickory;
pub mod http;
pub mod lab;
pub mod lease;
pub mod master;
pub mod namespace;
pub mod node;
pub mod place;
pub mod program;
pub mod scripted_primary;
pub mod stub;
pub mod tools;
pub mod unbound;
pub mod upstream;
pub mod versions;
pub mod zone_keys;

pub use place::{claimed_port, free_port, loopback, loopback_network};

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Longest wait for anything that should happen at once: far more than a loaded machine needs, so that only a
/// condition that never comes true reaches it.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until `condition` gives something, for at most `limit`.
///
/// # Panics
///
/// When the limit has passed; `what` says what was waited for.
pub fn wait_for<T>(what: &str, limit: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(begin.elapsed() < limit, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Does one thing over and over on a thread of its own while another is done, and a little longer when that one panics.
///
/// # Panics
///
/// When either does.
pub fn meanwhile(again: impl Fn() + Sync, once: impl FnOnce()) {
    /// A scope waits for its threads, also when a test has failed.
    struct End<'a>(&'a AtomicBool);
    impl Drop for End<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                again();
            }
        });
        let end = End(&is_over);
        once();
        drop(end);
    });
}
