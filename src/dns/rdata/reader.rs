//! The words of one record while they are read: hands them out one by one, and shows them in diagnostics.

use super::super::name::NameRef;
use super::token::Token;
use crate::source::{Diagnostic, Diagnostics, Span};

/// What is left to read, and where it goes.
pub(super) struct Reader<'a, 't> {
    /// Words not read yet.
    pub(super) rest: &'a [Token<'t>],
    /// What relative names are completed with.
    pub(super) origin: NameRef<'a>,
    /// Where the last word ended: the place of what is missing.
    pub(super) end: Span,
    /// Where in `out` this RDATA begins.
    pub(super) start: usize,
    /// The wire form, behind the RDATA of earlier records.
    pub(super) out: &'a mut Vec<u8>,
    /// Warnings.
    pub(super) found: &'a mut Diagnostics,
}

impl<'t> Reader<'_, 't> {
    /// The next word, quoted or not.
    pub(super) fn next(&mut self, what: &str) -> Result<Token<'t>, Diagnostic> {
        let (&first, rest) = self.rest.split_first().ok_or_else(|| missing_word(self.end, what))?;
        self.rest = rest;
        Ok(first)
    }

    /// The next word, which must not be quoted.
    pub(super) fn word(&mut self, what: &str) -> Result<Token<'t>, Diagnostic> {
        let token = self.next(what)?;
        if token.quoted { Err(quoted(&token, what)) } else { Ok(token) }
    }

    /// The wire form so far.
    pub(super) fn rdata(&self) -> &[u8] {
        self.out.get(self.start..).unwrap_or_default()
    }
}

#[cold]
fn missing_word(end: Span, what: &str) -> Diagnostic {
    Diagnostic::error(end, format!("missing {what}"))
}

/// The fault of a quoted word where only strings are quoted.
#[cold]
pub(super) fn quoted(token: &Token<'_>, what: &str) -> Diagnostic {
    let message = format!("`\"{}\"` is a quoted string; {what} is written without quotes", show(token.text));
    Diagnostic::error(token.span, message)
}

/// Longest word that a diagnostic repeats, in characters; the caret shows the rest.
const SHOWN_MAX: usize = 60;

/// The parts before and behind the first `byte` of a text; none if it has no such byte.
pub(super) fn split_once(text: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let (before, from) = text.split_at_checked(text.iter().position(|&one| one == byte)?)?;
    Some((before, from.split_first()?.1))
}

/// A word as diagnostics show it.
pub(super) fn show(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let shown = text.char_indices().nth(SHOWN_MAX).and_then(|(end, _)| text.get(..end));
    shown.map_or_else(|| text.to_string(), |shown| format!("{shown}…"))
}
