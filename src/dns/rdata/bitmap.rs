//! Bitmaps of RRTYPEs, in windows (RFC 4034, section 4.1.2) and flat (RFC 2535, section 5.2).

use std::fmt::{self, Write};

use super::super::rtype::Rtype;
use super::number::record_type;
use super::piece::counted;
use super::reader::Reader;
use crate::source::Diagnostic;

/// Bytes of bits in one window of 256 types.
const WINDOW_BYTES_MAX: usize = 32;

/// Most bytes of a flat bitmap: it knows types up to 127.
const FLAT_BYTES_MAX: usize = 16;

/// Reads all words that are left as types up to 127, in any order.
pub(super) fn read_flat(reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let mut bits = [0u8; FLAT_BYTES_MAX];
    let mut used = 0;
    while !reader.rest.is_empty() {
        let token = reader.word("a type")?;
        let rtype = record_type(&token)?;
        let place = usize::from(rtype.0 / 8);
        let Some(byte) = bits.get_mut(place).filter(|_| rtype.0 > 0) else {
            return Err(Diagnostic::error(token.span, format!("type {rtype} has no place in this bitmap"))
                .label("it holds types 1 to 127"));
        };
        *byte |= 0x80 >> (rtype.0 % 8);
        used = used.max(place + 1);
    }
    reader.out.extend_from_slice(bits.get(..used).unwrap_or_default());
    Ok(())
}

/// Whether these bytes are a flat bitmap, not longer than it must be.
pub(super) fn fits_flat(bytes: &[u8]) -> bool {
    // The first bit announces the windows of RFC 4034's drafts, which were never used.
    let plain = bytes.first().is_none_or(|first| first & 0x80 == 0);
    plain && bytes.len() <= FLAT_BYTES_MAX && bytes.last() != Some(&0)
}

/// Writes the types of a flat bitmap, separated by blanks.
pub(super) fn write_flat(bytes: &[u8], out: &mut String) -> fmt::Result {
    let mut blank = "";
    for low in (0..128).filter(|low| is_set(bytes, *low)) {
        write!(out, "{blank}{}", Rtype(u16::from(low)))?;
        blank = " ";
    }
    Ok(())
}

/// Reads all words that are left as types, in any order.
pub(super) fn read(reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let mut types = Vec::with_capacity(reader.rest.len());
    while !reader.rest.is_empty() {
        let token = reader.word("a type")?;
        types.push(record_type(&token)?);
    }
    encode(&mut types, reader.out);
    Ok(())
}

/// Appends types as windows; an empty list takes no bytes.
pub(super) fn encode(types: &mut [Rtype], out: &mut Vec<u8>) {
    types.sort_unstable();
    for window in types.chunk_by(|one, next| one.0 >> 8 == next.0 >> 8) {
        let mut bits = [0u8; WINDOW_BYTES_MAX];
        let mut used = 0;
        for rtype in window {
            let [_, low] = rtype.0.to_be_bytes();
            used = usize::from(low / 8) + 1;
            if let Some(byte) = bits.get_mut(usize::from(low / 8)) {
                *byte |= 0x80 >> (low % 8);
            }
        }
        let [number, _] = window.first().map_or([0, 0], |first| first.0.to_be_bytes());
        // A window has 32 bytes at most (RFC 4034, section 4.1.2).
        out.extend([number, u8::try_from(used).unwrap_or(u8::MAX)]);
        out.extend(bits.iter().take(used));
    }
}

/// Whether these bytes are windows in rising order, none of them longer than it must be.
pub(super) fn fits(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    let mut least = 0u16;
    while let Some((&number, after)) = rest.split_first() {
        let Some(bits) = counted(after) else { return false };
        let last = bits.last().copied().unwrap_or(0);
        if u16::from(number) < least || bits.len() > WINDOW_BYTES_MAX || last == 0 {
            return false;
        }
        least = u16::from(number) + 1;
        rest = after.get(bits.len() + 1..).unwrap_or_default();
    }
    true
}

/// Writes the types, separated by blanks.
pub(super) fn write(bytes: &[u8], out: &mut String) -> fmt::Result {
    let mut rest = bytes;
    let mut blank = "";
    while let Some((&number, after)) = rest.split_first() {
        let bits = counted(after).ok_or(fmt::Error)?;
        for low in (0..=u8::MAX).filter(|low| is_set(bits, *low)) {
            write!(out, "{blank}{}", Rtype(u16::from_be_bytes([number, low])))?;
            blank = " ";
        }
        rest = after.get(bits.len() + 1..).unwrap_or_default();
    }
    Ok(())
}

fn is_set(bits: &[u8], low: u8) -> bool {
    bits.get(usize::from(low / 8)).is_some_and(|byte| byte & 0x80 >> (low % 8) != 0)
}
