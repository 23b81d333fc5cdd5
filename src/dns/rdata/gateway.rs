//! Gateways: where IPSECKEY (RFC 4025) and AMTRELAY (RFC 8777) send traffic.
//!
//! The form of the field depends on an earlier one.

use std::fmt::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::name::NameRef;
use super::number;
use super::piece::{Piece, exactly, name_length};
use super::reader::{Reader, show};
use super::table::GatewayType;
use super::token::Token;
use super::{address, name};
use crate::source::Diagnostic;

/// The bit of AMTRELAY's type that makes discovery optional (RFC 8777, section 4.2.2).
const DISCOVERY: u8 = 0x80;

const NOTHING: u8 = 0;
const AN_IPV4_ADDRESS: u8 = 1;
const AN_IPV6_ADDRESS: u8 = 2;
const A_NAME: u8 = 3;

impl GatewayType {
    /// The type, as the RDATA before the gateway says it.
    fn of(self, before: &[u8]) -> Option<u8> {
        match self {
            GatewayType::BeforeAlgorithm => {
                before.len().checked_sub(2).and_then(|at| before.get(at)).copied()
            }
            GatewayType::BelowDiscovery => before.last().map(|byte| byte & !DISCOVERY),
        }
    }
}

/// Reads the gateway that the type before it asks for.
pub(super) fn read(what: &str, place: GatewayType, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    match place.of(reader.rdata()) {
        Some(NOTHING) => {
            let token = reader.word(what)?;
            if token.text == b"." { Ok(()) } else { Err(not_nothing(what, &token)) }
        }
        Some(AN_IPV4_ADDRESS) => address::ipv4(what, reader),
        Some(AN_IPV6_ADDRESS) => address::ipv6(what, reader),
        Some(A_NAME) => name::plain_name(what, reader),
        _ => {
            let token = reader.word(what)?;
            let message = format!("no {what} of this type is known");
            Err(Diagnostic::error(token.span, message).help(TYPES))
        }
    }
}

const TYPES: &str = "the types are 0 (none, written `.`), 1 (IPv4), 2 (IPv6) and 3 (a name)";

#[cold]
fn not_nothing(what: &str, token: &Token<'_>) -> Diagnostic {
    let message = format!("`{}` is given, but type 0 means that there is no {what}", show(token.text));
    Diagnostic::error(token.span, message).help(TYPES)
}

/// How many bytes of `rest` the gateway takes. One of a type that is not known is all of them.
pub(super) fn length(place: GatewayType, before: &[u8], rest: &[u8]) -> Option<usize> {
    match place.of(before)? {
        NOTHING => Some(0),
        AN_IPV4_ADDRESS => Some(4),
        AN_IPV6_ADDRESS => Some(16),
        A_NAME => name_length(rest),
        _ => Some(rest.len()),
    }
}

/// Writes a gateway of a type that is known.
pub(super) fn write(place: GatewayType, piece: &Piece<'_>, out: &mut String) -> fmt::Result {
    match place.of(piece.before) {
        Some(NOTHING) => out.write_char('.'),
        Some(AN_IPV4_ADDRESS) => write!(out, "{}", Ipv4Addr::from(exactly::<4>(piece.bytes)?)),
        Some(AN_IPV6_ADDRESS) => write!(out, "{}", Ipv6Addr::from(exactly::<16>(piece.bytes)?)),
        Some(A_NAME) => {
            let (name, _) = NameRef::split_from(piece.bytes).map_err(|_| fmt::Error)?;
            write!(out, "{name}")
        }
        _ => Err(fmt::Error),
    }
}

/// Reads whether discovery is optional, and the type: two words, one byte.
pub(super) fn read_relay_type(reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let discovery = reader.word("discovery-optional")?;
    let discovery = number::bounded("discovery-optional", &discovery, 1)?;
    let relay_type = reader.word("relay-type")?;
    let relay_type = number::bounded("relay-type", &relay_type, u64::from(!DISCOVERY))?;
    let bit = if discovery == 1 { DISCOVERY } else { 0 };
    // Not above 127, so it is a byte.
    reader.out.push(bit | u8::try_from(relay_type).unwrap_or(0));
    Ok(())
}

/// Writes them.
pub(super) fn write_relay_type(bytes: &[u8], out: &mut String) -> fmt::Result {
    let [byte] = exactly::<1>(bytes)?;
    write!(out, "{} {}", u8::from(byte & DISCOVERY != 0), byte & !DISCOVERY)
}
