//! Hashes of names that grow label by label, from the root outwards.
//!
//! Hashes a name and all its ancestors in one pass. Tables of names are in `zone` and `answer`.

use super::NameRef;

/// Hash of a name. The root's is [`NameHash::ROOT`]; a name's is its parent's with one label put in front.
///
/// Zone data is trusted, and a query changes nothing, so the hash need not be keyed: no client can make a
/// table slow from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NameHash(u64);

/// Odd constants with well spread bits (fractional digits of pi).
const SPREAD: [u64; 2] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7345];

impl NameHash {
    /// The hash of the root.
    pub const ROOT: NameHash = NameHash(0xa409_3822_299f_31d0);

    /// The hash of `label` in front of the name this is the hash of. The label must be in lower case. HOT.
    #[inline]
    #[must_use]
    pub fn below(self, label: &[u8]) -> NameHash {
        let mut state = self.0 ^ (label.len() as u64).wrapping_mul(SPREAD[0]);
        let (chunks, rest) = label.as_chunks::<8>();
        for chunk in chunks {
            state = fold(state ^ u64::from_le_bytes(*chunk));
        }
        NameHash(fold(state ^ word(rest)))
    }

    /// As [`NameHash::below`] for the label of `length` bytes at the front of `bytes`. Where at least eight
    /// bytes more follow it, it is read in words without a look at where it ends. HOT.
    #[inline]
    #[must_use]
    pub fn below_front(self, bytes: &[u8], length: usize) -> NameHash {
        let mut state = self.0 ^ (length as u64).wrapping_mul(SPREAD[0]);
        if let Some(word) = bytes.first_chunk::<8>()
            && length < 8
        {
            return NameHash(fold(state ^ front(*word, length)));
        }
        let mut left = length;
        for word in bytes.as_chunks::<8>().0 {
            if left < 8 {
                return NameHash(fold(state ^ front(*word, left)));
            }
            state = fold(state ^ u64::from_le_bytes(*word));
            left -= 8;
        }
        self.below(bytes.get(..length).unwrap_or(bytes))
    }

    /// The hash of a whole name, whatever its case.
    pub fn of(name: NameRef<'_>) -> NameHash {
        name.parent().map_or(NameHash::ROOT, |parent| NameHash::of(parent).child(name))
    }

    /// The hash of `name`, whatever its case, where this is its parent's.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "a name has no longer label than fits there")]
    pub fn child(self, name: NameRef<'_>) -> NameHash {
        let Some(label) = name.labels().next() else { return NameHash::ROOT };
        let mut lower = [0; super::name::LABEL_BYTES_MAX];
        let lower = &mut lower[..label.len()];
        lower.copy_from_slice(label);
        lower.make_ascii_lowercase();
        self.below(lower)
    }

    /// The bits that choose a place in a table.
    #[inline]
    pub fn bits(self) -> u64 {
        self.0
    }
}

/// The first `length` of eight bytes as a number, fewer than eight.
#[inline]
fn front(word: [u8; 8], length: usize) -> u64 {
    u64::from_le_bytes(word) & !(u64::MAX << (8 * length))
}

/// Fewer than eight bytes as a number, the first the lowest. Four bytes and more are read as two halves that
/// may overlap, where they agree.
#[inline]
fn word(bytes: &[u8]) -> u64 {
    if let (Some(low), Some(high)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let high = u64::from(u32::from_le_bytes(*high));
        return u64::from(u32::from_le_bytes(*low)) | high << (8 * (bytes.len() - 4));
    }
    match *bytes {
        [a, b, c] => u64::from(u32::from_le_bytes([a, b, c, 0])),
        [a, b] => u64::from(u16::from_le_bytes([a, b])),
        [a] => u64::from(a),
        _ => 0,
    }
}

/// Multiplies into 128 bits and folds the halves together.
#[inline]
fn fold(state: u64) -> u64 {
    let wide = u128::from(state) * u128::from(SPREAD[1]);
    #[allow(clippy::cast_possible_truncation, reason = "both halves are wanted, each in 64 bits")]
    let (low, high) = (wide as u64, (wide >> 64) as u64);
    low ^ high
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Name;

    #[test]
    fn case_does_not_change_the_hash_but_a_letter_does() {
        let hash = |text: &str| NameHash::of(text.parse::<Name>().unwrap().as_ref());
        assert_eq!(hash("API.ocp4.Example."), hash("api.ocp4.example."));
        assert_ne!(hash("api.ocp4.example."), hash("apj.ocp4.example."));
        assert_ne!(hash("a.b.example."), hash("ab.example."));
        assert_eq!(hash("."), NameHash::ROOT);
    }

    #[test]
    fn fewer_than_eight_bytes_are_read_as_if_padded() {
        for length in 0..8 {
            let bytes = &b"abcdefgh"[..length];
            let mut padded = [0; 8];
            padded[..length].copy_from_slice(bytes);
            assert_eq!(word(bytes), u64::from_le_bytes(padded), "{length} bytes");
        }
    }

    #[test]
    fn a_label_hashes_alike_whatever_follows_it() {
        let bytes: Vec<u8> = (b'a'..=b'z').cycle().take(80).collect();
        for length in 0..=63 {
            let hash = NameHash::ROOT.below(&bytes[..length]);
            assert_eq!(NameHash::ROOT.below_front(&bytes, length), hash, "{length} bytes and more");
            assert_eq!(NameHash::ROOT.below_front(&bytes[..length], length), hash, "{length} bytes");
        }
    }

    #[test]
    fn a_hash_grows_from_its_parents() {
        let parent = NameHash::of("ocp4.example.".parse::<Name>().unwrap().as_ref());
        let child = "API.ocp4.example.".parse::<Name>().unwrap();
        assert_eq!(parent.below(b"api"), NameHash::of(child.as_ref()));
        assert_eq!(parent.child(child.as_ref()), NameHash::of(child.as_ref()));
        assert_eq!(parent.child(Name::root().as_ref()), NameHash::ROOT);
    }

    #[test]
    fn a_hundred_thousand_numbered_names_do_not_collide_in_32_bits_more_than_chance() {
        let mut tags: Vec<u32> = (0..100_000)
            .map(|n| NameHash::ROOT.below(format!("host-{n}").as_bytes()).bits())
            .map(|bits| u32::try_from(bits >> 32).unwrap())
            .collect();
        tags.sort_unstable();
        let collisions = tags.windows(2).filter(|pair| pair[0] == pair[1]).count();
        // Chance gives 1.2 pairs.
        assert!(collisions < 12, "{collisions}");
    }
}
