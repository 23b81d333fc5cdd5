//! Compression pointers in prepared bytes (RFC 1035, section 4.1.4). HOT.
//!
//! Prepared bytes point to names in the question. Where the QNAME is longer than the name they were made for,
//! their pointers move by the difference.

use crate::dns::compression::QNAME_POINTER;

/// The pointer that every record of the QNAME begins with.
pub(super) const OWN: [u8; 2] = QNAME_POINTER.to_be_bytes();

/// A pointer for a QNAME that is `beyond` bytes longer.
#[inline]
pub(super) fn moved(pointer: u16, beyond: usize) -> u16 {
    // The difference of two names: 254 bytes at most.
    pointer.wrapping_add(u16::from(beyond.to_le_bytes()[0]))
}

/// Moves the pointer at `place` of a message.
#[inline]
pub(super) fn move_pointer(message: &mut [u8], place: usize, beyond: usize) {
    if let Some([a, b]) = message.get_mut(place..place.wrapping_add(2)) {
        let [high, low] = moved(u16::from_be_bytes([*a, *b]), beyond).to_be_bytes();
        (*a, *b) = (high, low);
    }
}
