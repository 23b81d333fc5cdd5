//! SvcParams: the parameters of SVCB and HTTPS (RFC 9460, section 2), their order, and which need each other.
//!
//! Values are read and written by `value`.

mod key;
mod value;

use std::fmt::{self, Write};

use super::reader::{Reader, quoted, show, split_once};
use super::token::Token;
use crate::source::{Diagnostic, Span, nearest};
use key::{ALPN, INVALID, KEYS, MANDATORY, NO_DEFAULT_ALPN, Name, Value, read_key, value_of};

/// One parameter as it was read.
struct Param {
    code: u16,
    value: Vec<u8>,
    span: Span,
}

/// Reads all words that are left as parameters, in any order.
pub(super) fn read(reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let mut params: Vec<Param> = Vec::with_capacity(reader.rest.len());
    while !reader.rest.is_empty() {
        let param = param(reader)?;
        if let Some(first) = params.iter().find(|earlier| earlier.code == param.code) {
            let fault = Diagnostic::error(param.span, format!("second `{}` in one record", Name(param.code)));
            return Err(fault.and_at(first.span, "the first"));
        }
        params.push(param);
    }
    params.sort_by_key(|param| param.code);
    if let Some(first) = params.first() {
        if reader.rdata().starts_with(&[0, 0]) {
            let message = "parameters in AliasMode: clients ignore them";
            reader.found.push(
                Diagnostic::warning(first.span, message).help("priority 0 is AliasMode; others take them"),
            );
        }
        let view: Vec<(u16, &[u8])> = params.iter().map(|param| (param.code, &*param.value)).collect();
        if let Some((code, lacking)) = unmet(&view) {
            let span = params.iter().find(|param| param.code == code).map_or(first.span, |param| param.span);
            let message = format!("`{}` wants `{}`, which is not there", Name(code), Name(lacking));
            return Err(Diagnostic::error(span, message));
        }
    }
    for param in params {
        let length = u16::try_from(param.value.len()).map_err(|_| {
            Diagnostic::error(
                param.span,
                format!("value of {} bytes; one holds at most 65535", param.value.len()),
            )
        })?;
        reader.out.extend(param.code.to_be_bytes());
        reader.out.extend(length.to_be_bytes());
        reader.out.extend(param.value);
    }
    Ok(())
}

fn param(reader: &mut Reader<'_, '_>) -> Result<Param, Diagnostic> {
    let token = reader.next("parameter")?;
    if token.quoted {
        return Err(quoted(&token, "a parameter").help("put the quotes round its value: `alpn=\"h2,h3\"`"));
    }
    let (name, written) = match split_once(token.text, b'=') {
        Some((name, written)) => (name, Some(written)),
        None => (token.text, None),
    };
    let (written, span) = match written {
        Some(b"") => quoted_value(&token, reader),
        Some(written) => (Some(without_quotes(written)), token.span),
        None => (None, token.span),
    };
    let (code, kind) = read_key(name).ok_or_else(|| unknown_key(name, token.span))?;
    let mut value = Vec::new();
    let written = written.unwrap_or_default();
    match kind.read(written, &mut value) {
        Some(()) if value_of(code).fits(&value) => Ok(Param { code, value, span }),
        _ => Err(wrong_value(name, written, value_of(code), span)),
    }
}

#[cold]
fn wrong_value(name: &[u8], written: &[u8], wanted: Value, span: Span) -> Diagnostic {
    let (name, value) = (show(name), show(written));
    let message = if written.is_empty() {
        format!("`{name}` has no value")
    } else {
        format!("`{value}` is not a value of `{name}`")
    };
    Diagnostic::error(span, message).label(format!("wanted is {}", wanted.form()))
}

/// The value of a word that ends in `=`: a string right behind it, where the lexer made a word of its own of
/// it.
fn quoted_value<'t>(token: &Token<'t>, reader: &mut Reader<'_, 't>) -> (Option<&'t [u8]>, Span) {
    match reader.rest.split_first() {
        Some((next, rest)) if next.quoted && next.span.start == token.span.end => {
            reader.rest = rest;
            (Some(next.text), token.span.to(next.span))
        }
        _ => (None, token.span),
    }
}

/// A value without the quotes that the lexer left round it.
fn without_quotes(written: &[u8]) -> &[u8] {
    written.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(written)
}

#[cold]
fn unknown_key(name: &[u8], span: Span) -> Diagnostic {
    let word = show(name);
    let fault = Diagnostic::error(span, format!("unknown parameter `{word}`"));
    match nearest(&word, KEYS.iter().map(|key| key.name)) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help("others are written as `key` and their number up to 65534: `key667=…`"),
    }
}

/// The first key that requires another which is missing, and that other (RFC 9460, sections 7.1.1 and 8).
fn unmet(params: &[(u16, &[u8])]) -> Option<(u16, u16)> {
    let lacks = |code: u16| params.iter().all(|&(other, _)| other != code);
    params.iter().find_map(|&(code, value)| match code {
        MANDATORY => value::codes(value).find(|&wanted| lacks(wanted)).map(|wanted| (MANDATORY, wanted)),
        NO_DEFAULT_ALPN if lacks(ALPN) => Some((NO_DEFAULT_ALPN, ALPN)),
        _ => None,
    })
}

/// Whether these bytes are SvcParams: keys in rising order, with sound values.
pub(super) fn fits(bytes: &[u8]) -> bool {
    let mut params: Vec<(u16, &[u8])> = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some((code, value, after)) = split(rest) else { return false };
        let rising = params.last().is_none_or(|&(last, _)| last < code);
        if !rising || code == INVALID || !value_of(code).fits(value) {
            return false;
        }
        params.push((code, value));
        rest = after;
    }
    unmet(&params).is_none()
}

/// The parameter that some bytes begin with, and what follows it.
fn split(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (code, rest) = bytes.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((u16::from_be_bytes(*code), value, rest))
}

/// Writes parameters as they lie on the wire, by code.
pub(super) fn write(bytes: &[u8], out: &mut String) -> fmt::Result {
    let mut rest = bytes;
    let mut blank = "";
    while !rest.is_empty() {
        let (code, value, after) = split(rest).ok_or(fmt::Error)?;
        write!(out, "{blank}{}", Name(code))?;
        if !value.is_empty() {
            out.push('=');
            value_of(code).write(value, out)?;
        }
        blank = " ";
        rest = after;
    }
    Ok(())
}
