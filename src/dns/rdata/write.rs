//! Wire to text, field by field.
//!
//! Responsible for the canonical look of every kind.
//! Not responsible for where a field ends: that is `extent`.

use std::fmt::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::presentation::write_quoted;
use super::super::{NameRef, Rtype};
use super::encoding::{BASE32HEX, BASE64, HEX};
use super::extent::counted;
use super::table::Kind;
use super::{bitmap, loc, svcb, time};

/// Writes the bytes of one field.
///
/// # Errors
///
/// When they are not of their kind, which [`super::extent::Pieces`] excludes.
pub(super) fn field(kind: Kind, bytes: &[u8], out: &mut String) -> fmt::Result {
    match kind {
        Kind::U8 | Kind::U16 | Kind::U32 | Kind::Named8(_) | Kind::Named16(_) | Kind::Timer => {
            write!(out, "{}", number(bytes))
        }
        Kind::Timestamp => time::write(number(bytes), out),
        Kind::Type => write!(out, "{}", Rtype(u16::from_be_bytes(exactly(bytes)?))),
        Kind::Ipv4 => write!(out, "{}", Ipv4Addr::from(exactly::<4>(bytes)?)),
        Kind::Ipv6 => write!(out, "{}", Ipv6Addr::from(exactly::<16>(bytes)?)),
        Kind::Eui48 | Kind::Eui64 => eui(bytes, out),
        Kind::Name(..) => {
            let (name, _) = NameRef::split_from(bytes).map_err(|_| fmt::Error)?;
            write!(out, "{name}")
        }
        Kind::CharString => write_quoted(behind_length(bytes)?, out),
        Kind::CharStrings => char_strings(bytes, out),
        Kind::Text(_) => write_quoted(bytes, out),
        Kind::Tag => {
            out.extend(behind_length(bytes)?.iter().copied().map(char::from));
            Ok(())
        }
        Kind::Digest(_) => {
            HEX.encode(bytes, out);
            Ok(())
        }
        Kind::Base64 => {
            BASE64.encode(bytes, out);
            Ok(())
        }
        Kind::Salt => salt(behind_length(bytes)?, out),
        Kind::HashedOwner => {
            BASE32HEX.encode(behind_length(bytes)?, out);
            Ok(())
        }
        Kind::TypeBitmap => bitmap::write(bytes, out),
        Kind::SvcParams => svcb::write(bytes, out),
        Kind::Location => loc::write(bytes, out),
    }
}

/// The number that at most four bytes are.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |value, &byte| value << 8 | u32::from(byte))
}

fn exactly<const BYTES: usize>(bytes: &[u8]) -> Result<[u8; BYTES], fmt::Error> {
    bytes.try_into().map_err(|_| fmt::Error)
}

fn behind_length(bytes: &[u8]) -> Result<&[u8], fmt::Error> {
    counted(bytes).ok_or(fmt::Error)
}

fn eui(bytes: &[u8], out: &mut String) -> fmt::Result {
    for (index, byte) in bytes.iter().enumerate() {
        let dash = if index == 0 { "" } else { "-" };
        write!(out, "{dash}{byte:02x}")?;
    }
    Ok(())
}

fn char_strings(bytes: &[u8], out: &mut String) -> fmt::Result {
    let mut rest = bytes;
    while !rest.is_empty() {
        if rest.len() < bytes.len() {
            out.push(' ');
        }
        let string = behind_length(rest)?;
        write_quoted(string, out)?;
        rest = rest.get(string.len() + 1..).unwrap_or_default();
    }
    Ok(())
}

fn salt(salt: &[u8], out: &mut String) -> fmt::Result {
    if salt.is_empty() {
        out.push('-');
    } else {
        HEX.encode(salt, out);
    }
    Ok(())
}
