//! RDATA by one table of field kinds per type: text to wire, wire to text, and the names inside.
//!
//! A type is a row of `table`; a kind of field is read by `read`, measured by `extent` and written by
//! `write`.

mod table;

mod mnemonic;

mod token;

mod reader;

mod encoding;

mod number;

pub mod time;

mod piece;

mod address;

mod name;

mod strings;

mod encoded;

mod loc;

mod services;

mod prefixes;

mod bitmap;

mod foreign;

mod gateway;

mod hip;

mod a6;

mod svcb;

mod extent;

mod read;

mod write;

mod unknown;

use std::borrow::Cow;
use std::fmt;

use super::name::NameRef;
use super::rtype::Rtype;
use crate::source::{Diagnostic, Diagnostics, Span};
use extent::Pieces;
use reader::Reader;
use table::{Compression, FieldKind, entry};

pub use piece::RDATA_BYTES_MAX;
pub use token::Token;

/// Reads the RDATA of a record from its words and appends the wire form (names uncompressed, in the case they
/// were written) to `out`.
///
/// `end` is where the record's last word ended: the place of a missing field.
///
/// # Errors
///
/// The first fault, with its place; `out` is left as it was.
pub fn parse(
    rtype: Rtype,
    tokens: &[Token<'_>],
    origin: NameRef<'_>,
    end: Span,
    out: &mut Vec<u8>,
    found: &mut Diagnostics,
) -> Result<(), Diagnostic> {
    let start = out.len();
    let mut reader = Reader { rest: tokens, origin, end, start, out, found };
    let mut read = read_rdata(rtype, &mut reader);
    if read.is_ok() && reader.rdata().len() > RDATA_BYTES_MAX {
        read = Err(too_long(tokens, end, reader.rdata().len()));
    }
    if read.is_err() {
        out.truncate(start);
    }
    read
}

/// Whether these words are RDATA in the form for unknown types (RFC 3597, section 5).
pub fn is_unknown_form(tokens: &[Token<'_>]) -> bool {
    unknown::announced(tokens).is_some()
}

/// Whether the RDATA of a type ends in character strings or other text, which may be quoted.
pub fn ends_in_text(rtype: Rtype) -> bool {
    let is_text = |kind| matches!(kind, FieldKind::CharString | FieldKind::CharStrings | FieldKind::Text(_));
    entry(rtype).and_then(|entry| entry.fields.last()).is_some_and(|last| is_text(last.kind))
}

fn read_rdata(rtype: Rtype, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    if let Some(rest) = unknown::announced(reader.rest) {
        reader.rest = rest;
        return unknown::read(rtype, reader);
    }
    let Some(entry) = entry(rtype).filter(|entry| !entry.is_opaque()) else {
        return Err(unknown::wanted(rtype, reader));
    };
    for (index, field) in entry.fields.iter().enumerate() {
        if reader.rest.is_empty() {
            if field.kind.may_be_absent(reader.rdata()) {
                continue;
            }
            let missing = entry.fields.get(index..).unwrap_or_default();
            return Err(read::missing(entry, missing, reader));
        }
        read::field(field, reader)?;
    }
    match reader.rest.first() {
        None => Ok(()),
        Some(extra) => Err(read::too_many(entry, extra)),
    }
}

#[cold]
fn too_long(tokens: &[Token<'_>], end: Span, length: usize) -> Diagnostic {
    let span = tokens.first().map_or(end, |first| first.span);
    Diagnostic::error(span, format!("RDATA of {length} bytes; a record holds at most {RDATA_BYTES_MAX}"))
}

/// Writes RDATA in presentation format, canonically: names absolute, strings quoted, numbers for mnemonics.
/// What does not fit its type is written as RFC 3597 unknown RDATA.
pub fn write(rtype: Rtype, rdata: &[u8], out: &mut String) {
    let start = out.len();
    if write_fields(rtype, rdata, out).is_err() {
        out.truncate(start);
        unknown::write(rdata, out);
    }
}

fn write_fields(rtype: Rtype, rdata: &[u8], out: &mut String) -> fmt::Result {
    let entry = entry(rtype).ok_or(fmt::Error)?;
    let mut pieces = Pieces::of(entry, rdata);
    let start = out.len();
    for piece in &mut pieces {
        if piece.bytes.is_empty() && piece.kind.may_be_absent(piece.before) {
            continue;
        }
        if out.len() > start {
            out.push(' ');
        }
        write::field(&piece, out)?;
    }
    if pieces.took_all() { Ok(()) } else { Err(fmt::Error) }
}

/// Whether some bytes are RDATA of a type, its names uncompressed. Of a type that is not known any bytes are.
pub fn is_sound(rtype: Rtype, rdata: &[u8]) -> bool {
    entry(rtype).is_none_or(|entry| {
        let mut pieces = Pieces::of(entry, rdata);
        pieces.by_ref().for_each(drop);
        pieces.took_all()
    })
}

/// RDATA to be compared with others of its type: names in it that differ in case only are the same (RFC 4343;
/// RFC 4034, section 6.2), hence so are the records.
pub fn caseless(rtype: Rtype, rdata: &[u8]) -> Cow<'_, [u8]> {
    let mut lower = Cow::Borrowed(rdata);
    for inner in names(rtype, rdata) {
        let wire = inner.name.wire();
        if wire.iter().any(u8::is_ascii_uppercase)
            && let Some(name) = lower.to_mut().get_mut(inner.at..inner.at + wire.len())
        {
            // Length bytes are at most 63, so none of them is an upper-case letter.
            name.make_ascii_lowercase();
        }
    }
    lower
}

/// Types whose names are in lower case in the canonical form (RFC 4034, section 6.2): those of RFC 4034's list, without
/// NSEC (RFC 6840, section 5.1). Types that came later keep theirs.
const LOWERED: [u16; 22] = [2, 3, 4, 5, 6, 7, 8, 9, 12, 14, 15, 17, 18, 21, 24, 26, 30, 33, 35, 36, 38, 39];

/// RDATA as it is signed (RFC 4034, section 6.2).
pub fn canonical(rtype: Rtype, rdata: &[u8]) -> Cow<'_, [u8]> {
    if LOWERED.contains(&rtype.0) { caseless(rtype, rdata) } else { Cow::Borrowed(rdata) }
}

/// Appends a bitmap of types, given in any order (RFC 4034, section 4.1.2).
pub fn write_type_bitmap(types: &mut [Rtype], out: &mut Vec<u8>) {
    bitmap::encode(types, out);
}

/// A name inside some RDATA.
#[derive(Clone, Copy, Debug)]
pub struct Inner<'r> {
    /// Offset of its first byte in the RDATA.
    pub at: usize,
    /// The name.
    pub name: NameRef<'r>,
    /// Whether it may be compressed in a message: only in the types of RFC 1035 (RFC 3597, section 4).
    pub compressible: bool,
}

/// The names inside some RDATA, from first to last.
pub fn names(rtype: Rtype, rdata: &[u8]) -> impl Iterator<Item = Inner<'_>> {
    let pieces = entry(rtype).map(|entry| Pieces::of(entry, rdata));
    pieces.into_iter().flatten().filter_map(|piece| match piece.kind {
        FieldKind::Name(compression, _) => Some(Inner {
            at: piece.at,
            name: NameRef::split_from(piece.bytes).ok()?.0,
            compressible: compression == Compression::Allowed,
        }),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
