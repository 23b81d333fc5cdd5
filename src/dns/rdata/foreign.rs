//! Addresses of other networks: X.25, NSAP, ATM, and the locators of ILNP.

use std::fmt::{self, Write};

use super::encoding::HEX;
use super::piece::exactly;
use super::reader::{Reader, show};
use super::strings::char_string;
use super::token::Token;
use crate::source::Diagnostic;

/// Fewest digits of a PSDN address: those of its data network (RFC 1183, section 3.1).
const DIGITS_MIN: usize = 4;

/// The first byte of an ATM address that is an end system address in binary.
const ATM_BINARY: u8 = 0;
/// The first byte of an ATM address that is a telephone number (E.164).
const ATM_NUMBER: u8 = 1;

/// Whether these bytes can be a PSDN address.
pub(super) fn are_digits(bytes: &[u8]) -> bool {
    bytes.len() >= DIGITS_MIN && bytes.iter().all(u8::is_ascii_digit)
}

/// Reads a string of digits.
pub(super) fn read_digits(what: &str, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let token = reader.next(what)?;
    let at = reader.out.len() + 1;
    char_string(&token, reader)?;
    if reader.out.get(at..).is_some_and(are_digits) { Ok(()) } else { Err(no_psdn_address(what, &token)) }
}

#[cold]
fn no_psdn_address(what: &str, token: &Token<'_>) -> Diagnostic {
    Diagnostic::error(token.span, format!("`{}` is not a {what}", show(token.text)))
        .help(format!("it has digits only, {DIGITS_MIN} at least"))
}

/// Reads `0x` and hexadecimal digits, with dots wherever they please (RFC 1706, section 5).
pub(super) fn read_nsap(what: &str, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let token = reader.word(what)?;
    let at = reader.out.len();
    let digits = token.text.strip_prefix(b"0x").or_else(|| token.text.strip_prefix(b"0X"));
    let read = digits.and_then(|digits| HEX.decode(parts(digits), reader.out).ok());
    if read.is_some() && reader.out.len() > at { Ok(()) } else { Err(no_nsap_address(&token)) }
}

#[cold]
fn no_nsap_address(token: &Token<'_>) -> Diagnostic {
    Diagnostic::error(token.span, format!("`{}` is not an NSAP address", show(token.text)))
        .help("write `0x` and whole bytes in hexadecimal, with dots between them: `0x47.0005.80…`")
}

/// Writes an NSAP address.
pub(super) fn write_nsap(bytes: &[u8], out: &mut String) -> fmt::Result {
    out.push_str("0x");
    HEX.encode(bytes, out);
    Ok(())
}

/// Reads hexadecimal digits, or `+` and decimal ones; dots may separate them.
pub(super) fn read_atm(what: &str, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let token = reader.word(what)?;
    let at = reader.out.len();
    let number = token.text.strip_prefix(b"+");
    reader.out.push(if number.is_some() { ATM_NUMBER } else { ATM_BINARY });
    let digits = number.unwrap_or(token.text);
    let read = match number {
        Some(number) => {
            reader.out.extend(parts(number).flatten());
            Some(())
        }
        None => HEX.decode(parts(digits), reader.out).ok(),
    };
    let dots_are_between = parts(digits).all(|part| !part.is_empty());
    let fits = read.is_some() && dots_are_between && reader.out.get(at..).is_some_and(fits_atm);
    if fits { Ok(()) } else { Err(no_atm_address(&token)) }
}

#[cold]
fn no_atm_address(token: &Token<'_>) -> Diagnostic {
    Diagnostic::error(token.span, format!("`{}` is not an ATM address", show(token.text))).help(
        "write whole bytes in hexadecimal (`39.246f00…`), or `+` and a telephone number (`+61200000000`)",
    )
}

/// Whether these bytes are an ATM address. One of a format that is not known may hold anything.
pub(super) fn fits_atm(bytes: &[u8]) -> bool {
    match bytes {
        [] | [_] => false,
        [ATM_NUMBER, number @ ..] => number.iter().all(u8::is_ascii_digit),
        [_, ..] => true,
    }
}

/// Writes an ATM address.
pub(super) fn write_atm(bytes: &[u8], out: &mut String) -> fmt::Result {
    match bytes {
        [ATM_BINARY, address @ ..] => HEX.encode(address, out),
        [ATM_NUMBER, number @ ..] => {
            out.push('+');
            out.extend(number.iter().copied().map(char::from));
        }
        _ => return Err(fmt::Error),
    }
    Ok(())
}

/// The parts between the dots.
fn parts(digits: &[u8]) -> impl Iterator<Item = &[u8]> {
    digits.split(|&byte| byte == b'.')
}

/// Reads four groups of one to four hexadecimal digits, joined by colons.
pub(super) fn read_locator(what: &str, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let token = reader.word(what)?;
    let mut groups = token.text.split(|&byte| byte == b':').map(group);
    let read = [groups.next(), groups.next(), groups.next(), groups.next()];
    match (read, groups.next()) {
        ([Some(Some(a)), Some(Some(b)), Some(Some(c)), Some(Some(d))], None) => {
            reader.out.extend([a, b, c, d].into_iter().flat_map(u16::to_be_bytes));
            Ok(())
        }
        _ => Err(no_locator(what, &token)),
    }
}

#[cold]
fn no_locator(what: &str, token: &Token<'_>) -> Diagnostic {
    Diagnostic::error(token.span, format!("`{}` is not a {what}", show(token.text)))
        .help("write four groups of one to four hexadecimal digits: `2001:0db8:1140:1000`")
}

fn group(digits: &[u8]) -> Option<u16> {
    let plain = (1..=4).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
    u16::from_str_radix(std::str::from_utf8(digits).ok().filter(|_| plain)?, 16).ok()
}

/// Writes a locator, all digits of it.
pub(super) fn write_locator(bytes: &[u8], out: &mut String) -> fmt::Result {
    let [a, b, c, d, e, f, g, h] = exactly::<8>(bytes)?;
    write!(out, "{a:02x}{b:02x}:{c:02x}{d:02x}:{e:02x}{f:02x}:{g:02x}{h:02x}")
}
