//! The code of a record, and the place of each of its bytes in the zone text.
//!
//! Joins the chunks of a record as PowerDNS does, and leads back from an offset in the code to a span.

use std::borrow::Cow;
use std::ops::Range;

use crate::source::{Diagnostic, Diagnostics, Span, offset};

/// Longest code that is read, in bytes: the longest RDATA there is, as PowerDNS keeps the code in one.
pub const CODE_BYTES_MAX: usize = 65_535;

/// One word of a record's RDATA behind the inner type.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'t> {
    /// The bytes as written: between the quotes, backslashes included.
    pub text: &'t [u8],
    /// Where it stands, with its quotes.
    pub span: Span,
    /// Whether it stood between double quotes.
    pub quoted: bool,
}

/// The code of one LUA record: its chunks joined with nothing between them, as PowerDNS does from version 5.0
/// on. A chunk that is exactly one blank is dropped, also as PowerDNS does.
#[derive(Clone, Debug, Default)]
pub struct Code {
    bytes: Vec<u8>,
    /// In the order of `bytes`, without gaps.
    pieces: Vec<Piece>,
    /// Offsets in `bytes` at which one chunk ends and the next begins, ascending.
    borders: Vec<usize>,
    first_escape: Option<Span>,
    first_unquoted: Option<Span>,
    /// The closing quote of the last chunk: where the code ends.
    end: Option<Span>,
}

/// Bytes of the code, from `at` to the next piece, that stand together in the zone text.
#[derive(Clone, Copy, Debug)]
struct Piece {
    at: usize,
    source: Span,
    mapping: Mapping,
}

/// How the bytes of a piece stand in the zone text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mapping {
    /// One for one.
    Bytes,
    /// Each of them comes from all of the source: an escape, or text made from a template.
    Whole,
}

impl Code {
    /// Joins the chunks of a record. A `\"` in a chunk becomes a plain `"`; every other backslash belongs to
    /// the code.
    pub fn join(chunks: &[Chunk<'_>]) -> Code {
        let mut code = Code::default();
        for chunk in chunks {
            code.append(chunk);
        }
        code
    }

    /// The code.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The code as text; bytes that are not UTF-8 (in comments and strings) are replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }

    /// Where some bytes of the code stand. What begins in one chunk and ends in another runs from the one to
    /// the other, if both are in the same file. None for an empty range.
    pub fn span(&self, range: Range<usize>) -> Option<Span> {
        let last = range.end.checked_sub(1).filter(|&last| last >= range.start)?;
        Some(self.place(range.start)?.to(self.place(last)?))
    }

    /// Where the code ends: the last closing quote. None for a record without chunks.
    pub fn end(&self) -> Option<Span> {
        self.end
    }

    /// Whether chunks meet within some bytes of the code, not just at their edges.
    pub(super) fn crosses_chunks(&self, range: Range<usize>) -> bool {
        let next = self.borders.partition_point(|&border| border <= range.start);
        self.borders.get(next).is_some_and(|&border| border < range.end)
    }

    /// Says once per record what PowerDNS would have made of its quoting.
    pub(super) fn remark_on_quoting(&self, found: &mut Diagnostics) {
        if let Some(span) = self.first_escape {
            found.push(
                Diagnostic::note(span, "`\\\"` is read as `\"`")
                    .remark("PowerDNS cannot read a double quote in LUA code and answers SERVFAIL")
                    .help("write strings as '…' or [[…]]"),
            );
        }
        if let Some(span) = self.first_unquoted {
            found.push(
                Diagnostic::warning(span, "LUA code outside double quotes")
                    .remark("PowerDNS before 5.1 answers SERVFAIL, and blanks between the words are lost")
                    .help("write it as \"…\""),
            );
        }
    }

    fn append(&mut self, chunk: &Chunk<'_>) {
        if self.end.is_some() {
            self.borders.push(self.bytes.len());
        }
        let span = chunk.span;
        let (inner, end) = if chunk.quoted {
            let last = span.end.saturating_sub(1).max(span.start);
            (Span { start: (span.start + 1).min(last), end: last, ..span }, Span { start: last, ..span })
        } else {
            self.first_unquoted = self.first_unquoted.or(Some(span));
            (span, Span { start: span.end.saturating_sub(1).max(span.start), ..span })
        };
        self.end = Some(end);
        if chunk.quoted && chunk.text == b" " {
            return;
        }
        if length(inner) == chunk.text.len() {
            self.append_as_written(chunk.text, inner);
        } else {
            self.append_made(chunk.text, span);
        }
    }

    /// Appends text that stands in the zone text byte for byte.
    fn append_as_written(&mut self, text: &[u8], source: Span) {
        let part = |range: Range<usize>| {
            // The text stands byte for byte in `source`, whose end is an offset, too.
            let at = |at: usize| source.start.saturating_add(offset(at));
            Span { start: at(range.start), end: at(range.end), ..source }
        };
        let mut from = 0;
        for at in escaped_quotes(text) {
            self.push(&text[from..at], part(from..at), Mapping::Bytes);
            self.push(b"\"", part(at..at + 2), Mapping::Whole);
            self.first_escape = self.first_escape.or(Some(part(at..at + 2)));
            from = at + 2;
        }
        self.push(&text[from..], part(from..text.len()), Mapping::Bytes);
    }

    /// Appends text that was made from something else in the zone text, such as a template of `$GENERATE`:
    /// all of it stands where that stands.
    fn append_made(&mut self, text: &[u8], source: Span) {
        let mut made = Vec::with_capacity(text.len());
        let mut from = 0;
        for at in escaped_quotes(text) {
            made.extend_from_slice(&text[from..at]);
            made.push(b'"');
            self.first_escape = self.first_escape.or(Some(source));
            from = at + 2;
        }
        made.extend_from_slice(&text[from..]);
        self.push(&made, source, Mapping::Whole);
    }

    fn push(&mut self, bytes: &[u8], source: Span, mapping: Mapping) {
        if !bytes.is_empty() {
            self.pieces.push(Piece { at: self.bytes.len(), source, mapping });
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Where one byte of the code stands.
    fn place(&self, at: usize) -> Option<Span> {
        if at >= self.bytes.len() {
            return None;
        }
        let next = self.pieces.partition_point(|piece| piece.at <= at);
        let piece = self.pieces.get(next.checked_sub(1)?)?;
        match piece.mapping {
            Mapping::Whole => Some(piece.source),
            Mapping::Bytes => {
                let start = piece.source.start + u32::try_from(at - piece.at).ok()?;
                Some(Span { start, end: start + 1, ..piece.source })
            }
        }
    }
}

fn length(span: Span) -> usize {
    span.end.saturating_sub(span.start) as usize
}

/// Offsets of each `\"`. A backslash takes the byte behind it along, so that in `\\"` there is none.
fn escaped_quotes(text: &[u8]) -> impl Iterator<Item = usize> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(&byte) = text.get(at) {
            let here = at;
            at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'\\' && text.get(here + 1) == Some(&b'"') {
                return Some(here);
            }
        }
        None
    })
}
