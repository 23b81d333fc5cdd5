//! Canonical order of names and canonical form of RRsets (RFC 4034, section 6).

use std::borrow::Cow;

use crate::dns::{NameRef, Rtype, rdata};

/// Appends bytes that stand in the order of names: labels from the root on, in lower case, each ended by a 0.
pub(super) fn order_key(name: NameRef<'_>, out: &mut Vec<u8>) {
    let labels: Vec<&[u8]> = name.labels().collect();
    for label in labels.into_iter().rev() {
        for byte in label.iter().map(u8::to_ascii_lowercase) {
            // 0 ends a label and comes before all else; a 0 inside a label comes after that.
            match byte {
                0 => out.extend([1, 1]),
                1 => out.extend([1, 2]),
                _ => out.push(byte),
            }
        }
        out.push(0);
    }
}

/// RDATA in canonical form and order (RFC 4034, sections 6.2 and 6.3).
pub(super) fn rdatas<'r>(rtype: Rtype, rdatas: impl Iterator<Item = &'r [u8]>) -> Vec<Cow<'r, [u8]>> {
    let mut rdatas: Vec<Cow<'r, [u8]>> = rdatas.map(|bytes| rdata::canonical(rtype, bytes)).collect();
    rdatas.sort_unstable();
    rdatas.dedup();
    rdatas
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Name;

    #[test]
    fn names_are_in_the_order_of_rfc_4034() {
        // Section 6.1.
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
        let key = |text: &&str| {
            let mut key = Vec::new();
            order_key(text.parse::<Name>().unwrap().as_ref(), &mut key);
            key
        };
        let keys: Vec<Vec<u8>> = order.iter().map(key).collect();
        assert!(keys.is_sorted_by(|one, other| one < other));
        let zero: Vec<Vec<u8>> = ["a.", "x.a.", "\\000.a.", "\\000\\000.a.", "\\000\\001.a.", "\\001.a."]
            .iter()
            .map(key)
            .collect();
        assert!(
            zero[0] < zero[2]
                && zero[2] < zero[3]
                && zero[3] < zero[4]
                && zero[4] < zero[5]
                && zero[5] < zero[1]
        );
    }
}
