//! Address prefixes: the RDATA of APL (RFC 3123), lists of `!1:192.0.2.0/24`.

use std::fmt::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

use super::address::address;
use super::number::decimal;
use super::reader::{Reader, quoted, show};
use super::token::Token;
use crate::source::Diagnostic;

/// Address families by their numbers at IANA.
const IPV4: u16 = 1;
const IPV6: u16 = 2;
/// The bit of the length that says "but not these".
const NEGATED: u8 = 0x80;

/// One item as it lies on the wire.
struct Item<'r> {
    family: u16,
    prefix: u8,
    negated: bool,
    /// The address without the zeros at its end.
    address: &'r [u8],
}

/// Reads all words that are left.
pub(super) fn read(reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let words = std::mem::take(&mut reader.rest);
    for word in words {
        if word.quoted {
            return Err(quoted(word, "a prefix"));
        }
        read_item(word.text, reader.out).ok_or_else(|| no_prefix(word))?;
    }
    Ok(())
}

#[cold]
fn no_prefix(word: &Token<'_>) -> Diagnostic {
    Diagnostic::error(word.span, format!("`{}` is not an address prefix", show(word.text)))
        .help("write the family (1 for IPv4, 2 for IPv6), the address and its prefix: `1:192.0.2.0/24`")
        .help("`!` before it takes addresses out")
}

fn read_item(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (negated, text) = text.strip_prefix(b"!").map_or((0, text), |rest| (NEGATED, rest));
    let colon = text.iter().position(|&byte| byte == b':')?;
    let slash = text.iter().rposition(|&byte| byte == b'/')?;
    let family = u16::try_from(decimal(text.get(..colon)?)?).ok()?;
    let written = text.get(colon + 1..slash)?;
    let bytes = match family {
        IPV4 => address::<Ipv4Addr>(written)?.octets().to_vec(),
        IPV6 => address::<Ipv6Addr>(written)?.octets().to_vec(),
        _ => return None,
    };
    let prefix = u8::try_from(decimal(text.get(slash + 1..)?)?).ok()?;
    if prefix > prefix_max(family)? {
        return None;
    }
    let used = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    out.extend(family.to_be_bytes());
    out.extend([prefix, negated | u8::try_from(used).ok()?]);
    out.extend_from_slice(bytes.get(..used)?);
    Some(())
}

/// Bits of an address, where the family is known.
fn prefix_max(family: u16) -> Option<u8> {
    match family {
        IPV4 => Some(32),
        IPV6 => Some(128),
        _ => None,
    }
}

/// The item that some bytes begin with, and what follows it. One of a family that is not known may hold any
/// address that does not end in a zero.
fn split(bytes: &[u8]) -> Option<(Item<'_>, &[u8])> {
    let (&[high, low, prefix, length], rest) = bytes.split_first_chunk()?;
    let (address, rest) = rest.split_at_checked(usize::from(length & !NEGATED))?;
    let family = u16::from_be_bytes([high, low]);
    let fits = prefix_max(family).is_none_or(|max| prefix <= max && address.len() <= usize::from(max / 8));
    // RFC 3123, section 4: trailing zero octets are not sent.
    let item = Item { family, prefix, negated: length & NEGATED != 0, address };
    (fits && address.last() != Some(&0)).then_some((item, rest))
}

/// Whether these bytes are prefixes.
pub(super) fn fit(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some((_, after)) = split(rest) else { return false };
        rest = after;
    }
    true
}

/// Writes prefixes, separated by blanks.
pub(super) fn write(bytes: &[u8], out: &mut String) -> fmt::Result {
    let mut rest = bytes;
    let mut blank = "";
    while !rest.is_empty() {
        let (item, after) = split(rest).ok_or(fmt::Error)?;
        let not = if item.negated { "!" } else { "" };
        write!(out, "{blank}{not}{}:", item.family)?;
        match item.family {
            IPV4 => write!(out, "{}", Ipv4Addr::from(filled(item.address)))?,
            IPV6 => write!(out, "{}", Ipv6Addr::from(filled(item.address)))?,
            _ => return Err(fmt::Error),
        }
        write!(out, "/{}", item.prefix)?;
        blank = " ";
        rest = after;
    }
    Ok(())
}

/// An address with the zeros that are not sent.
fn filled<const BYTES: usize>(sent: &[u8]) -> [u8; BYTES] {
    let mut all = [0; BYTES];
    all.iter_mut().zip(sent).for_each(|(byte, sent)| *byte = *sent);
    all
}
