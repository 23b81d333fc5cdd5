//! Chance that nobody can foretell: message ids, the case of names, tokens.
//!
//! Responsible for what keeps a forged response from matching (RFC 5452).
//! Not responsible for ports: the kernel chooses a fresh one for each query.

use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};

use siphasher::sip::SipHasher24;

/// A source of chance: a keyed function of a counter.
pub(super) struct Chance {
    key: [u8; 16],
    count: AtomicU64,
}

impl Chance {
    /// One whose key nobody else knows.
    pub(super) fn new() -> Self {
        let mut key = [0; 16];
        let read = File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut key));
        if read.is_err() {
            // The standard library has its own way to the system's source, which it keeps to itself.
            let half = || RandomState::new().build_hasher().finish().to_le_bytes();
            let (low, high) = key.split_at_mut(8);
            low.copy_from_slice(&half());
            high.copy_from_slice(&half());
        }
        Self::keyed(key)
    }

    /// One that is the same for the same key.
    pub(super) fn keyed(key: [u8; 16]) -> Self {
        Self { key, count: AtomicU64::new(0) }
    }

    /// The next number.
    pub(super) fn next(&self) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write_u64(self.count.fetch_add(1, Ordering::Relaxed));
        hasher.finish()
    }

    /// A message id.
    pub(super) fn id(&self) -> u16 {
        let [a, b, ..] = self.next().to_le_bytes();
        u16::from_le_bytes([a, b])
    }
}
