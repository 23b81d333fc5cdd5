//! Numbers and the mnemonics that may stand for them.
//!
//! Times are read by `ttl` and `time`.

use super::super::rtype::Rtype;
use super::reader::show;
use super::token::Token;
use crate::source::{Diagnostic, nearest};

/// The value of digits and nothing else; none beyond 64 bits.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// A number from 0 to `max`.
pub(super) fn bounded(what: &str, token: &Token<'_>, max: u64) -> Result<u64, Diagnostic> {
    match decimal(token.text) {
        Some(value) if value <= max => Ok(value),
        _ => Err(not_a_number(what, token, max)),
    }
}

#[cold]
fn not_a_number(what: &str, token: &Token<'_>, max: u64) -> Diagnostic {
    let word = show(token.text);
    let digits = !token.text.is_empty() && token.text.iter().all(u8::is_ascii_digit);
    let message = if digits { format!("`{word}` is too large") } else { format!("`{word}` is not a number") };
    Diagnostic::error(token.span, message).label(format!("{what} is a number from 0 to {max}"))
}

/// A number from 0 to `max`, or one of the mnemonics (in any case).
pub(super) fn named<N: Copy + Into<u64>>(
    what: &str,
    token: &Token<'_>,
    mnemonics: &'static [(&'static str, N)],
    max: u64,
) -> Result<u64, Diagnostic> {
    let listed = mnemonics.iter().find(|(mnemonic, _)| mnemonic.as_bytes().eq_ignore_ascii_case(token.text));
    if let Some(&(_, value)) = listed {
        return Ok(value.into());
    }
    if token.text.first().is_some_and(u8::is_ascii_digit) {
        return bounded(what, token, max);
    }
    Err(unknown_mnemonic(what, token, mnemonics.iter().map(|&(mnemonic, _)| mnemonic)))
}

#[cold]
fn unknown_mnemonic(what: &str, token: &Token<'_>, known: impl Iterator<Item = &'static str>) -> Diagnostic {
    let word = show(token.text);
    let fault = Diagnostic::error(token.span, format!("unknown {what} `{word}`"));
    match nearest(&word, known) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help("a number can be written too"),
    }
}

/// The type a word names.
pub(super) fn record_type(token: &Token<'_>) -> Result<Rtype, Diagnostic> {
    Rtype::parse(token.text).ok_or_else(|| {
        let word = show(token.text);
        let fault = Diagnostic::error(token.span, format!("unknown record type `{word}`"));
        match Rtype::nearest(&word) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault,
        }
    })
}
