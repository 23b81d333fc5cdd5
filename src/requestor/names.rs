//! Names in messages of other servers, pointers and all (RFC 1035, section 4.1.4).
//!
//! Decides which of them stay what they are when the message is passed on: its header, its TTLs and the case
//! of its question are written anew. Not responsible for what a name means.

use std::ops::Range;

use crate::dns::message::HEADER_BYTES;
use crate::dns::name::{LABELS_MAX, NAME_BYTES_MAX};

/// Walks over the name at a place; returns where it ends there. None unless every reader finds the same name,
/// now and when it is passed on: it ends, it is no longer than a name may be, and each pointer leads to what
/// stands before it, behind the header, and takes nothing of what is between a record's owner and its RDATA.
/// There are no more pointers than a name has labels: a chain of thousands, followed for every record, would
/// keep all others waiting. `ttls`: where the TTLs are of the records so far, in their order.
pub(super) fn walk(message: &[u8], start: usize, ttls: &[u16]) -> Option<usize> {
    let (mut at, mut bytes, mut end) = (start, 0_usize, None);
    // The part of the name that is looked at, and where it must have ended.
    let (mut part, mut before) = (start, message.len());
    let mut pointers = 0..LABELS_MAX;
    loop {
        let length = *message.get(at)?;
        let after = at.checked_add(usize::from(length))?.checked_add(1)?;
        match length {
            0..=63 => {
                bytes = bytes.checked_add(after.checked_sub(at)?)?;
                at = after;
            }
            0xc0.. => at = at.checked_add(2)?,
            _ => return None,
        }
        if bytes > NAME_BYTES_MAX || at > before {
            return None;
        }
        if (1..=63).contains(&length) {
            continue;
        }
        // A part ends here. Where the name itself stands nothing else is.
        if end.is_some() && holds_fixed(ttls, part..at) {
            return None;
        }
        let here = *end.get_or_insert(at);
        if length == 0 {
            return Some(here);
        }
        pointers.next()?;
        let [high, low] = *message.get(at.checked_sub(2)?..)?.first_chunk()?;
        let target = usize::from(u16::from_be_bytes([high & 0x3f, low]));
        if target >= part || target < HEADER_BYTES {
            return None;
        }
        (at, before, part) = (target, part, target);
    }
}

/// Whether there is a byte of a type, class, TTL or length of RDATA in a part of the message.
fn holds_fixed(ttls: &[u16], part: Range<usize>) -> bool {
    let fixed = |ttl: &u16| usize::from(*ttl).saturating_sub(4)..usize::from(*ttl).saturating_add(6);
    let next = ttls.partition_point(|ttl| fixed(ttl).end <= part.start);
    ttls.get(next).is_some_and(|ttl| fixed(ttl).start < part.end)
}
