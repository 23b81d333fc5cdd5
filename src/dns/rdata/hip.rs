//! Host identities: the RDATA of HIP (RFC 8005, section 5).
//!
//! The lengths of tag and key come before all of them.

use std::fmt::{self, Write};

use super::super::name::NameRef;
use super::encoded::encoded;
use super::encoding::{BASE64, Encoding, HEX};
use super::name;
use super::number;
use super::reader::Reader;
use crate::source::Diagnostic;

/// The RDATA taken apart.
struct Identity<'r> {
    algorithm: u8,
    tag: &'r [u8],
    key: &'r [u8],
    servers: &'r [u8],
}

/// Reads all that is left.
pub(super) fn read(reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let algorithm = reader.word("algorithm")?;
    let algorithm = u8::try_from(number::bounded("algorithm", &algorithm, u64::from(u8::MAX))?).unwrap_or(0);
    let at = reader.out.len();
    reader.out.extend([0, algorithm, 0, 0]);
    let tag_length = bytes("hit", &HEX, usize::from(u8::MAX), reader)?;
    let key_length = bytes("public-key", &BASE64, usize::from(u16::MAX), reader)?;
    // Neither is longer than what it was read with allows.
    let (tag_length, key_length) =
        (u8::try_from(tag_length).unwrap_or(0), u16::try_from(key_length).unwrap_or(0).to_be_bytes());
    if let Some(lengths) = reader.out.get_mut(at..).and_then(|all| all.first_chunk_mut()) {
        *lengths = [tag_length, algorithm, key_length[0], key_length[1]];
    }
    while !reader.rest.is_empty() {
        name::plain_name("rendezvous-servers", reader)?;
    }
    Ok(())
}

/// Reads one word of bytes, and says how many they were: one at least, and not more than their length can
/// tell.
fn bytes(
    what: &str,
    encoding: &Encoding,
    bytes_max: usize,
    reader: &mut Reader<'_, '_>,
) -> Result<usize, Diagnostic> {
    let token = reader.word(what)?;
    let at = reader.out.len();
    encoded(what, encoding, std::slice::from_ref(&token), reader)?;
    let length = reader.out.len() - at;
    if (1..=bytes_max).contains(&length) {
        return Ok(length);
    }
    Err(Diagnostic::error(token.span, format!("{what} of {length} bytes; it has 1 to {bytes_max}")))
}

/// The parts of these bytes, if that is what they are.
fn split(bytes: &[u8]) -> Option<Identity<'_>> {
    let (&[tag_length, algorithm, high, low], rest) = bytes.split_first_chunk()?;
    let (tag, rest) = rest.split_at_checked(usize::from(tag_length))?;
    let (key, servers) = rest.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
    (!tag.is_empty() && !key.is_empty()).then_some(Identity { algorithm, tag, key, servers })
}

/// Whether these bytes are a host identity with names behind it.
pub(super) fn fits(bytes: &[u8]) -> bool {
    let Some(Identity { mut servers, .. }) = split(bytes) else { return false };
    while !servers.is_empty() {
        let Ok((_, rest)) = NameRef::split_from(servers) else { return false };
        servers = rest;
    }
    true
}

/// Writes all parts.
pub(super) fn write(bytes: &[u8], out: &mut String) -> fmt::Result {
    let Identity { algorithm, tag, key, mut servers } = split(bytes).ok_or(fmt::Error)?;
    write!(out, "{algorithm} ")?;
    HEX.encode(tag, out);
    out.push(' ');
    BASE64.encode(key, out);
    while !servers.is_empty() {
        let (name, rest) = NameRef::split_from(servers).map_err(|_| fmt::Error)?;
        write!(out, " {name}")?;
        servers = rest;
    }
    Ok(())
}
