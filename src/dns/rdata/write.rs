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
use super::table::FieldKind;
use super::{a6, bitmap, foreign, gateway, hip, loc, prefixes, services, svcb, time};

/// Writes one field.
///
/// # Errors
///
/// When its bytes can be read and have no form in text but that of RFC 3597.
pub(super) fn field(piece: &Piece<'_>, out: &mut String) -> fmt::Result {
    let bytes = piece.bytes;
    match piece.kind {
        FieldKind::U8
        | FieldKind::U16
        | FieldKind::U32
        | FieldKind::Named8(_)
        | FieldKind::Named16(_)
        | FieldKind::Flags16(_)
        | FieldKind::Timer => write!(out, "{}", number(bytes)),
        FieldKind::Halves64 => write!(out, "{}", u64::from_be_bytes(exactly(bytes)?)),
        FieldKind::Timestamp => time::write(number(bytes), out),
        FieldKind::Type => write!(out, "{}", Rtype(u16::from_be_bytes(exactly(bytes)?))),
        FieldKind::Ipv4 => write!(out, "{}", Ipv4Addr::from(exactly::<4>(bytes)?)),
        FieldKind::Ipv6 => write!(out, "{}", Ipv6Addr::from(exactly::<16>(bytes)?)),
        FieldKind::Eui48 | FieldKind::Eui64 => eui(bytes, out),
        FieldKind::Name(..) => {
            let (name, _) = NameRef::split_from(bytes).map_err(|_| fmt::Error)?;
            write!(out, "{name}")
        }
        FieldKind::CharString | FieldKind::Digits => write_quoted(behind_length(bytes)?, out),
        FieldKind::OptionalString if bytes.is_empty() => Ok(()),
        FieldKind::OptionalString => write_quoted(behind_length(bytes)?, out),
        FieldKind::CharStrings => char_strings(bytes, out),
        FieldKind::Text(_) => write_quoted(bytes, out),
        FieldKind::Tag => {
            out.extend(behind_length(bytes)?.iter().copied().map(char::from));
            Ok(())
        }
        FieldKind::Digest(..) | FieldKind::Hex => {
            HEX.encode(bytes, out);
            Ok(())
        }
        FieldKind::Base64OrDash if bytes.is_empty() => out.write_char('-'),
        FieldKind::Base64(_) | FieldKind::Base64OrDash => {
            BASE64.encode(bytes, out);
            Ok(())
        }
        FieldKind::Salt => salt(behind_length(bytes)?, out),
        FieldKind::HashedOwner => {
            BASE32HEX.encode(behind_length(bytes)?, out);
            Ok(())
        }
        FieldKind::TypeBitmap => bitmap::write(bytes, out),
        FieldKind::FlatBitmap => bitmap::write_flat(bytes, out),
        FieldKind::SvcParams => svcb::write(bytes, out),
        FieldKind::Location => loc::write(bytes, out),
        FieldKind::Locator64 => foreign::write_locator(bytes, out),
        FieldKind::Prefixes => prefixes::write(bytes, out),
        FieldKind::Gateway(place) => gateway::write(place, piece, out),
        FieldKind::RelayType => gateway::write_relay_type(bytes, out),
        FieldKind::HostIdentity => hip::write(bytes, out),
        FieldKind::Services => services::write(bytes, out),
        FieldKind::AddressChain => a6::write(bytes, out),
        FieldKind::Nsap => foreign::write_nsap(bytes, out),
        FieldKind::Atm => foreign::write_atm(bytes, out),
        FieldKind::Opaque => Err(fmt::Error),
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
