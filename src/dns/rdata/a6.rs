//! Chained IPv6 addresses: the RDATA of A6 (RFC 2874, historic).

use std::fmt::{self, Write};
use std::net::Ipv6Addr;

use super::super::name::NameRef;
use super::number;
use super::reader::Reader;
use super::{address, name};
use crate::source::Diagnostic;

/// Bits of an address.
const BITS: u8 = 128;
/// Bytes of an address.
const BYTES: usize = 16;

/// Reads all that is left.
pub(super) fn read(reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let prefix = reader.word("prefix-length")?;
    let prefix = number::bounded("prefix-length", &prefix, u64::from(BITS))?;
    // It was bounded by a number of 8 bits.
    let prefix = u8::try_from(prefix).unwrap_or(BITS);
    reader.out.push(prefix);
    if prefix < BITS {
        let at = reader.out.len();
        address::ipv6("address-suffix", reader)?;
        // What belongs to the prefix is not sent.
        reader.out.drain(at..at + usize::from(prefix / 8));
        if let Some(first) = reader.out.get_mut(at) {
            *first &= own_bits(prefix);
        }
    }
    if prefix > 0 {
        name::plain_name("prefix-name", reader)?;
    }
    Ok(())
}

/// The bits of the first byte of the suffix that are not the prefix's.
fn own_bits(prefix: u8) -> u8 {
    u8::MAX >> (prefix % 8)
}

/// Length of the prefix, suffix, and the bytes of the name.
fn split(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&prefix, rest) = bytes.split_first()?;
    let (suffix, name) = rest.split_at_checked(BYTES.checked_sub(usize::from(prefix / 8))?)?;
    Some((prefix, suffix, name))
}

/// Whether these bytes are a suffix with the name that it needs.
pub(super) fn fits(bytes: &[u8]) -> bool {
    let Some((prefix, suffix, name)) = split(bytes).filter(|(prefix, ..)| *prefix <= BITS) else {
        return false;
    };
    let padded = suffix.first().is_none_or(|first| first & !own_bits(prefix) == 0);
    let named = match prefix {
        0 => name.is_empty(),
        _ => NameRef::split_from(name).is_ok_and(|(_, rest)| rest.is_empty()),
    };
    padded && named
}

/// Writes the parts that are there.
pub(super) fn write(bytes: &[u8], out: &mut String) -> fmt::Result {
    let (prefix, suffix, name) = split(bytes).ok_or(fmt::Error)?;
    write!(out, "{prefix}")?;
    if !suffix.is_empty() {
        let mut address = [0; BYTES];
        address.iter_mut().rev().zip(suffix.iter().rev()).for_each(|(byte, sent)| *byte = *sent);
        write!(out, " {}", Ipv6Addr::from(address))?;
    }
    if prefix > 0 {
        let (name, _) = NameRef::split_from(name).map_err(|_| fmt::Error)?;
        write!(out, " {name}")?;
    }
    Ok(())
}
