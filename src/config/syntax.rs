//! From the bytes of the file to a tree of tables and values with places.
//!
//! Reports faults of TOML itself.

use std::ops::Range;

use toml::de::{DeTable, Error};

use crate::setting::span_of;
use crate::source::{Diagnostic, Diagnostics, FileId};

/// What the parser says of a key or table given twice. It keeps the first and goes on soundly, and so do we.
const GIVEN_TWICE: &str = "duplicate key";

/// How the parser's words begin when a text lacks its quotes. It takes the word for the text and goes on
/// soundly.
const UNQUOTED: &str = "string values must be quoted";

/// The file as text; none, and a fault, if it is not UTF-8.
pub(super) fn text<'t>(file: FileId, bytes: &'t [u8], found: &mut Diagnostics) -> Option<&'t str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let start = error.valid_up_to();
            let end = start + error.error_len().unwrap_or(bytes.len() - start);
            found.push(
                Diagnostic::error(span_of(file, &(start..end)), "not UTF-8")
                    .help("a config file is TOML, which is UTF-8 text"),
            );
            None
        }
    }
}

/// The tree. A fault after which the parser can only guess is told alone, as the rest would mostly be its
/// echo; then there is no tree. What stands in `secrets` is not repeated.
pub(super) fn parse<'t>(
    file: FileId,
    text: &'t str,
    secrets: &[Range<usize>],
    found: &mut Diagnostics,
) -> Option<DeTable<'t>> {
    let (tree, faults) = DeTable::parse_recoverable(text);
    if let Some(garbling) = faults.iter().find(|fault| !is_harmless(fault)) {
        let place = span_of(file, &garbling.span().unwrap_or_default());
        found.push(
            Diagnostic::error(place, garbling.message()).remark("nothing else in this file was looked at"),
        );
        return None;
    }
    found.extend(faults.iter().map(|fault| harmless(file, text, secrets, fault)));
    Some(tree.into_inner())
}

fn is_harmless(fault: &Error) -> bool {
    fault.message() == GIVEN_TWICE || fault.message().starts_with(UNQUOTED)
}

fn harmless(file: FileId, text: &str, secrets: &[Range<usize>], fault: &Error) -> Diagnostic {
    let range = fault.span().unwrap_or_default();
    let word = text.get(range.clone()).unwrap_or_default();
    let place = span_of(file, &range);
    if fault.message() != GIVEN_TWICE {
        if secrets.iter().any(|secret| secret.contains(&range.start)) {
            return Diagnostic::error(place, "a secret lacks its quotes");
        }
        return Diagnostic::error(place, format!("`{word}` lacks its quotes"))
            .help(format!("write `\"{word}\"`"));
    }
    let twice = Diagnostic::error(place, format!("`{word}` is given twice"));
    match first_given(text, range.start) {
        Some(first) => twice.and_at(span_of(file, &first), "first given here"),
        None => twice,
    }
}

/// The nearest line above that gives the same key or opens the same table as the line of the byte `at`. The
/// parser knows the place but keeps it to itself.
fn first_given(text: &str, at: usize) -> Option<Range<usize>> {
    let line_start = text.get(..at)?.rfind('\n').map_or(0, |before| before + 1);
    let wanted = head(text.get(line_start..)?.lines().next()?);
    let mut end = line_start;
    for line in text.get(..line_start)?.split_inclusive('\n').rev() {
        end -= line.len();
        if head(line) == wanted {
            let start = end + (line.len() - line.trim_start().len());
            return Some(start..start + wanted.len());
        }
    }
    None
}

/// What a line gives: the header of a table, or the key before `=`.
fn head(line: &str) -> &str {
    let line = line.trim();
    let end = if line.starts_with('[') { line.rfind(']').map(|at| at + 1) } else { line.find('=') };
    line.get(..end.unwrap_or(line.len())).unwrap_or_default().trim_end()
}
