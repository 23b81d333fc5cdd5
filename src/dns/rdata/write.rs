//! Writes RDATA as text, field by field, in one canonical form.
//!
//! Where a field ends is measured by `extent`.

use std::fmt::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::name::NameRef;
use super::super::presentation::write_quoted;
use super::super::rtype::Rtype;
use super::encoding::{BASE32HEX, BASE64, HEX};
use super::piece::{Piece, counted, exactly};
use super::table::Kind;
use super::{a6, bitmap, foreign, gateway, hip, loc, prefixes, services, svcb, time};

/// Writes one field.
///
/// # Errors
///
/// When its bytes can be read and have no form in text but that of RFC 3597.
pub(super) fn field(piece: &Piece<'_>, out: &mut String) -> fmt::Result {
    let bytes = piece.bytes;
    match piece.kind {
        Kind::U8
        | Kind::U16
        | Kind::U32
        | Kind::Named8(_)
        | Kind::Named16(_)
        | Kind::Flags16(_)
        | Kind::Timer => write!(out, "{}", number(bytes)),
        Kind::Halves64 => write!(out, "{}", u64::from_be_bytes(exactly(bytes)?)),
        Kind::Timestamp => time::write(number(bytes), out),
        Kind::Type => write!(out, "{}", Rtype(u16::from_be_bytes(exactly(bytes)?))),
        Kind::Ipv4 => write!(out, "{}", Ipv4Addr::from(exactly::<4>(bytes)?)),
        Kind::Ipv6 => write!(out, "{}", Ipv6Addr::from(exactly::<16>(bytes)?)),
        Kind::Eui48 | Kind::Eui64 => eui(bytes, out),
        Kind::Name(..) => {
            let (name, _) = NameRef::split_from(bytes).map_err(|_| fmt::Error)?;
            write!(out, "{name}")
        }
        Kind::CharString | Kind::Digits => write_quoted(behind_length(bytes)?, out),
        Kind::OptionalString if bytes.is_empty() => Ok(()),
        Kind::OptionalString => write_quoted(behind_length(bytes)?, out),
        Kind::CharStrings => char_strings(bytes, out),
        Kind::Text(_) => write_quoted(bytes, out),
        Kind::Tag => {
            out.extend(behind_length(bytes)?.iter().copied().map(char::from));
            Ok(())
        }
        Kind::Digest(..) | Kind::Hex => {
            HEX.encode(bytes, out);
            Ok(())
        }
        Kind::Base64OrDash if bytes.is_empty() => out.write_char('-'),
        Kind::Base64(_) | Kind::Base64OrDash => {
            BASE64.encode(bytes, out);
            Ok(())
        }
        Kind::Salt => salt(behind_length(bytes)?, out),
        Kind::HashedOwner => {
            BASE32HEX.encode(behind_length(bytes)?, out);
            Ok(())
        }
        Kind::TypeBitmap => bitmap::write(bytes, out),
        Kind::FlatBitmap => bitmap::write_flat(bytes, out),
        Kind::SvcParams => svcb::write(bytes, out),
        Kind::Location => loc::write(bytes, out),
        Kind::Locator64 => foreign::write_locator(bytes, out),
        Kind::Prefixes => prefixes::write(bytes, out),
        Kind::Gateway(place) => gateway::write(place, piece, out),
        Kind::RelayType => gateway::write_relay_type(bytes, out),
        Kind::HostIdentity => hip::write(bytes, out),
        Kind::Services => services::write(bytes, out),
        Kind::AddressChain => a6::write(bytes, out),
        Kind::Nsap => foreign::write_nsap(bytes, out),
        Kind::Atm => foreign::write_atm(bytes, out),
        Kind::Opaque => Err(fmt::Error),
    }
}

/// The number that at most four bytes are.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |value, &byte| value << 8 | u32::from(byte))
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
