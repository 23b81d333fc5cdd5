//! What tests that run the real program share.
//!
//! Responsible for starting and stopping edgedns, for stand-in masters that it probes, for asking it, and for
//! addresses nobody else uses.
//! Not responsible for what the answers should be: the tests say that.
#![allow(dead_code, reason = "every test program takes the parts it needs")]
#![allow(unreachable_pub, reason = "shared between test programs, each of which is a crate of its own")]

pub mod client;
pub mod http;
pub mod lab;
pub mod master;
pub mod program;

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// Longest wait for anything that should happen at once: far more than a loaded machine needs, so that only a
/// condition that never comes true reaches it.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A loopback address no other test uses: tests run beside each other, in threads and in processes.
pub fn loopback() -> Ipv4Addr {
    static NEXT: AtomicU16 = AtomicU16::new(1);
    let [high, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    // 127.0 and 127.1 are left to people; the process picks among the rest.
    let process = u8::try_from(std::process::id() % 250).expect("a remainder below 250");
    Ipv4Addr::new(127, 2 + process, high, low)
}

/// A port at `address` that was free for UDP and TCP a moment ago.
pub fn free_port(address: Ipv4Addr) -> SocketAddr {
    for _ in 0..100 {
        let datagrams = UdpSocket::bind((address, 0)).expect("a loopback address");
        let place = datagrams.local_addr().expect("a bound socket");
        if TcpListener::bind(place).is_ok() {
            return place;
        }
    }
    panic!("no port at {address} is free for both UDP and TCP");
}

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
