//! Compressed names (RFC 1035, section 4.1.4): pointers, and names read in full.
//!
//! Follows pointers without allocating. Whether a message of another server may be passed on unchanged is
//! decided by `forward`, which is stricter.

use super::name::{LABELS_MAX, NAME_BYTES_MAX, Name, NameRef};
use super::rtype::Rtype;

/// The two bits that begin a pointer.
pub const POINTER_BITS: u16 = 0xc000;

/// Largest offset that a pointer reaches: it has 14 bits.
pub const POINTER_MAX: u16 = 0x3fff;

/// Pointer to the question's name, which follows the header of twelve bytes.
pub const QNAME_POINTER: u16 = POINTER_BITS | 12;

/// A name that was read out of a message, in full, in room of its own.
#[derive(Clone)]
pub struct Decompressed {
    wire: [u8; NAME_BYTES_MAX],
    length: usize,
}

impl Default for Decompressed {
    fn default() -> Self {
        Self::new()
    }
}

impl Decompressed {
    /// Room for a name.
    #[inline]
    pub fn new() -> Self {
        Self { wire: [0; NAME_BYTES_MAX], length: 0 }
    }

    /// Reads the name at `at`; returns where it ends there. None, with no name read, when it does not end, or
    /// is no name.
    pub fn read(&mut self, message: &[u8], mut at: usize) -> Option<usize> {
        self.length = 0;
        let (mut length, mut end) = (0, None);
        // Each label is one turn, and so is each pointer between two of them.
        for _ in 0..=2 * LABELS_MAX {
            let &first = message.get(at)?;
            if first & 0xc0 == 0xc0 {
                let &low = message.get(at + 1)?;
                end = end.or(Some(at + 2));
                at = usize::from(u16::from_be_bytes([first, low]) & POINTER_MAX);
                continue;
            }
            if first & 0xc0 != 0 {
                return None;
            }
            let next = at + usize::from(first) + 1;
            let label = message.get(at..next)?;
            let behind = length + label.len();
            self.wire.get_mut(length..behind)?.copy_from_slice(label);
            (length, at) = (behind, next);
            if first == 0 {
                self.length = length;
                return end.or(Some(next));
            }
        }
        None
    }

    /// Makes its letters lower case.
    pub fn make_lowercase(&mut self) {
        // Length bytes are at most 63 and no letters, so they stay as they are.
        self.wire.make_ascii_lowercase();
    }

    /// The name; none before one has been read.
    pub fn name(&self) -> Option<NameRef<'_>> {
        Some(NameRef::split_from(self.wire()).ok()?.0)
    }

    /// The name in wire form; empty before one has been read.
    pub fn wire(&self) -> &[u8] {
        self.wire.get(..self.length).unwrap_or_default()
    }
}

/// The wire form.
impl AsRef<[u8]> for Decompressed {
    fn as_ref(&self) -> &[u8] {
        self.wire()
    }
}

/// The name at `at` of a message, and where it ends there; none where it does not end, or is no name.
pub fn name(message: &[u8], at: usize) -> Option<(Name, usize)> {
    let mut read = Decompressed::new();
    let end = read.read(message, at)?;
    Some((read.name()?.to_name(), end))
}

/// Where names are in RDATA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamesWithin {
    /// Bytes before the first.
    pub before: usize,
    /// How many names there are, one behind the other.
    pub names: usize,
    /// Bytes behind the last.
    pub behind: usize,
}

/// Where names are in the RDATA of a type in which they may be compressed; none for all other types. Those of
/// RFC 1035 are compressed, and those of a few later types must be understood so (RFC 3597, section 4).
pub fn names_within(rtype: Rtype) -> Option<NamesWithin> {
    let (before, names, behind) = match rtype {
        // MD, MF, MB, MG and MR as well.
        Rtype::NS | Rtype::CNAME | Rtype::PTR | Rtype::DNAME | Rtype(3 | 4 | 7..=9) => (0, 1, 0),
        Rtype::SOA => (0, 2, 20),
        // MINFO, and RP.
        Rtype(14 | 17) => (0, 2, 0),
        // AFSDB and RT as well.
        Rtype::MX | Rtype(18 | 21) => (2, 1, 0),
        // PX.
        Rtype(26) => (2, 2, 0),
        Rtype::SRV => (6, 1, 0),
        _ => return None,
    };
    Some(NamesWithin { before, names, behind })
}

/// Appends the RDATA between two places of a message to `out`, its names in full. None where a name does not
/// end, or ends behind it; whether what is appended is RDATA of its type is for `rdata` to say.
pub fn rdata_in_full(rtype: Rtype, message: &[u8], from: usize, end: usize, out: &mut Vec<u8>) -> Option<()> {
    let within = names_within(rtype).unwrap_or(NamesWithin { before: 0, names: 0, behind: 0 });
    let mut at = from.checked_add(within.before)?;
    out.extend_from_slice(message.get(from..at)?);
    for _ in 0..within.names {
        let mut inner = Decompressed::new();
        at = inner.read(message, at)?;
        out.extend_from_slice(inner.wire());
    }
    out.extend_from_slice(message.get(at..end)?);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `example` behind a header, then `www` with a pointer to it, then a pointer to itself.
    const MESSAGE: &[u8] = b"............\x07example\0\x03www\xc0\x0c\xc0\x1b\x40";

    #[test]
    fn a_name_is_read_through_its_pointers_and_ends_behind_the_first() {
        let (read, end) = name(MESSAGE, 21).unwrap();
        assert_eq!((read.to_string().as_str(), end), ("www.example.", 27));
    }

    #[test]
    fn a_pointer_to_itself_and_a_label_of_an_unknown_kind_are_no_names() {
        assert!(name(MESSAGE, 27).is_none());
        assert!(name(MESSAGE, 29).is_none());
        assert!(name(MESSAGE, MESSAGE.len()).is_none());
    }

    #[test]
    fn a_name_that_is_too_long_is_none_and_leaves_nothing_behind() {
        let mut message = Vec::new();
        (0..4).for_each(|_| message.extend_from_slice(&[[63].as_slice(), &[b'a'; 63]].concat()));
        message.push(0);
        let mut read = Decompressed::new();
        assert_eq!(read.read(&message, 64), Some(message.len()));
        assert_eq!(read.wire().len(), 193);
        assert_eq!(read.read(&message, 0), None);
        assert_eq!(read.wire(), b"");
    }
}
