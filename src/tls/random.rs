//! Random numbers that cannot be predicted: keys, message ids, tokens.
//!
//! Takes keys from the system or the cryptographic module, and makes numbers from a key without asking the system again.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use siphasher::sip::SipHasher24;

use crate::crypto;

/// A generator of numbers: a keyed function of a counter.
pub struct Random {
    key: [u8; 16],
    count: AtomicU64,
}

/// A generator with a key of the system.
impl Default for Random {
    fn default() -> Self {
        Self::new()
    }
}

/// Without the key: with it every number is known.
impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random(…)")
    }
}

impl Random {
    /// A generator with a key of the system.
    pub fn new() -> Self {
        Self::keyed(random_bytes())
    }

    /// A generator that gives the same numbers for the same key.
    pub fn keyed(key: [u8; 16]) -> Self {
        Self { key, count: AtomicU64::new(0) }
    }

    /// The next number.
    pub fn next(&self) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write_u64(self.count.fetch_add(1, Ordering::Relaxed));
        hasher.finish()
    }

    /// A message id: ids that can be guessed let responses be forged (RFC 5452, section 4.3).
    pub fn id(&self) -> u16 {
        let [a, b, ..] = self.next().to_le_bytes();
        u16::from_le_bytes([a, b])
    }
}

/// Random bytes of the system or of the cryptographic module.
///
/// Where /dev/urandom cannot be opened, as in a root folder without devices, the standard library's own
/// source serves: it asks the kernel by a system call, and shows what it gets only as hashes.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    secret_bytes().unwrap_or_else(|| {
        let mut bytes = [0; N];
        for piece in bytes.chunks_mut(8) {
            let number = RandomState::new().build_hasher().finish().to_le_bytes();
            piece.iter_mut().zip(number).for_each(|(byte, random)| *byte = random);
        }
        bytes
    })
}

/// Random bytes that are fit for a secret that is kept; none where there are none ([`crypto::fill_random`]).
pub fn secret_bytes<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    crypto::fill_random(&mut bytes).map(|()| bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gives_the_same_numbers_again_and_the_system_gives_others_each_time() {
        let (one, same) = (Random::keyed([7; 16]), Random::keyed([7; 16]));
        let numbers: Vec<u64> = (0..4).map(|_| one.next()).collect();
        assert_eq!(numbers, (0..4).map(|_| same.next()).collect::<Vec<_>>());
        assert!(numbers[0] != numbers[1]);
        assert_ne!(random_bytes::<16>(), random_bytes::<16>());
        assert_ne!(Random::new().next(), Random::new().next());
    }

    #[test]
    fn a_key_is_not_shown() {
        assert_eq!(format!("{:?}", Random::keyed([7; 16])), "Random(…)");
    }
}
