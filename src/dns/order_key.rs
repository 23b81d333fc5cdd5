//! Canonical order of names (RFC 4034, section 6.1), as bytes that stand in it.

use std::cmp::Ordering;

use super::name::{LABELS_MAX, NAME_BYTES_MAX, NameRef};

/// Each byte of a name takes two at most.
const ORDER_BYTES_MAX: usize = 2 * NAME_BYTES_MAX;

/// A name so that bytes in their order are names in canonical order: its labels from the root on, in lower case, each
/// ended by a 0; what is 0 or 1 in them stands there as two bytes. HOT: no allocation.
pub struct OrderKey {
    bytes: [u8; ORDER_BYTES_MAX],
    length: usize,
}

impl OrderKey {
    /// Of a whole name.
    pub fn of(name: NameRef<'_>) -> OrderKey {
        let mut labels = [[].as_slice(); LABELS_MAX];
        let count = labels.iter_mut().zip(name.labels()).map(|(place, label)| *place = label).count();
        OrderKey::from_root(labels.iter().take(count).rev().copied())
    }

    /// Of labels, the one next to the root, or to an apex, first.
    #[inline]
    pub fn from_root<'l>(labels: impl Iterator<Item = &'l [u8]>) -> OrderKey {
        let mut key = OrderKey { bytes: [0; ORDER_BYTES_MAX], length: 0 };
        labels.for_each(|label| key.push_label(label));
        key
    }

    /// With one label more in front of the name.
    #[must_use]
    pub fn below(mut self, label: &[u8]) -> OrderKey {
        self.push_label(label);
        self
    }

    /// The bytes to compare.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn push_label(&mut self, label: &[u8]) {
        for &byte in label {
            match byte {
                // 0 ends a label and comes before all else; a 0 inside a label comes after that.
                0 | 1 => {
                    self.push(1);
                    self.push(byte.wrapping_add(1));
                }
                _ => self.push(byte.to_ascii_lowercase()),
            }
        }
        self.push(0);
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
            self.length = self.length.wrapping_add(1);
        }
    }
}

impl Ord for NameRef<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        OrderKey::of(*self).as_bytes().cmp(OrderKey::of(*other).as_bytes())
    }
}
impl PartialOrd for NameRef<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Name;

    fn key(name: &str) -> Vec<u8> {
        OrderKey::of(name.parse::<Name>().unwrap().as_ref()).as_bytes().to_vec()
    }

    #[test]
    fn names_are_in_the_order_of_rfc_4034() {
        let order = [
            "example.",
            "a.example.",
            "yljkjljk.a.example.",
            "Z.a.example.",
            "zABC.a.EXAMPLE.",
            "z.example.",
            "\\001.z.example.",
            "*.z.example.",
            "\\200.z.example.",
        ];
        let keys: Vec<Vec<u8>> = order.iter().map(|name| key(name)).collect();
        assert!(keys.is_sorted_by(|one, other| one < other));
        let mut other =
            ["a\\000.example.", "a.example.", "a\\000\\000.example.", "a\\001.example.", "b.a.example."];
        other.sort_by_key(|name| key(name));
        assert_eq!(
            other,
            ["a.example.", "b.a.example.", "a\\000.example.", "a\\000\\000.example.", "a\\001.example."]
        );
        let zero = ["a.", "x.a.", "\\000.a.", "\\000\\000.a.", "\\000\\001.a.", "\\001.a."].map(key);
        assert!(
            zero[0] < zero[2]
                && zero[2] < zero[3]
                && zero[3] < zero[4]
                && zero[4] < zero[5]
                && zero[5] < zero[1]
        );
    }

    #[test]
    fn a_name_of_one_byte_labels_has_room() {
        let longest = "\\001.".repeat(127);
        assert_eq!(key(&longest).len(), 3 * 127);
    }
}
