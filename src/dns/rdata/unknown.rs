//! RDATA in the form for unknown types: `\# 4 C0000201` (RFC 3597, section 5), which known types may use as
//! well.

use std::fmt::Write;

use super::super::rtype::Rtype;
use super::encoded::encoded;
use super::encoding::HEX;
use super::extent::Pieces;
use super::number;
use super::piece::RDATA_BYTES_MAX;
use super::reader::{Reader, show};
use super::table::entry;
use super::token::Token;
use crate::source::Diagnostic;

/// What follows `\#`, if that is how the words begin.
pub(super) fn announced<'a, 't>(words: &'a [Token<'t>]) -> Option<&'a [Token<'t>]> {
    match words {
        [first, rest @ ..] if first.text == br"\#" && !first.quoted => Some(rest),
        _ => None,
    }
}

/// Reads length and bytes; those of a known type must be RDATA of it.
pub(super) fn read(rtype: Rtype, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let Some((length, bytes)) = reader.rest.split_first() else {
        return Err(Diagnostic::error(reader.end, "missing length").help(FORM));
    };
    let announced = number::bounded("length", length, RDATA_BYTES_MAX as u64)?;
    let span = bytes.first().zip(bytes.last()).map_or(length.span, |(first, last)| first.span.to(last.span));
    encoded("RDATA", &HEX, bytes, reader)?;
    reader.rest = &[];
    let rdata = reader.rdata();
    if rdata.len() as u64 != announced {
        let message = format!("length `{}`, but {} bytes follow", show(length.text), rdata.len());
        return Err(Diagnostic::error(length.span, message).help(FORM));
    }
    if let Some(entry) = entry(rtype) {
        let mut pieces = Pieces::of(entry, rdata);
        pieces.by_ref().for_each(drop);
        if !pieces.took_all() {
            let message = format!("these bytes are no RDATA of type {rtype}");
            return Err(Diagnostic::error(span, message).help(entry.form()));
        }
    }
    Ok(())
}

/// The fault of a type that can be written in no other form.
pub(super) fn wanted(rtype: Rtype, reader: &Reader<'_, '_>) -> Diagnostic {
    let span = reader.rest.first().map_or(reader.end, |first| first.span);
    let message = match entry(rtype) {
        Some(_) => format!("data of type {rtype} has no fields"),
        None => format!("the fields of type {rtype} are not known"),
    };
    Diagnostic::error(span, message).help(FORM)
}

/// Writes any bytes.
pub(super) fn write(rdata: &[u8], out: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(out, r"\# {}", rdata.len());
    if !rdata.is_empty() {
        out.push(' ');
        HEX.encode(rdata, out);
    }
}

const FORM: &str =
    r"unknown RDATA is written as `\#`, its length in bytes, and that many bytes in hexadecimal";
