//! From bytes to lines of words: blanks, comments, quotes, escapes and parentheses (RFC 1035, section 5.1).
//!
//! Decides where a word, a line and a fault of form begin and end. Not responsible for what a word means.
//! Nothing is copied: a word is a piece of the text, with its escapes as they were written.

use crate::dns::rdata::Token;
use crate::source::{Diagnostic, FileId, Span, offset};

/// Most words of one record. RDATA of 65,535 bytes written as RFC 3597 single bytes needs about that many;
/// more cannot be a record.
const WORDS_MAX: usize = 66_000;

/// How many parentheses that are never closed are recovered from in one file. Each costs a look through the
/// rest of the file.
const UNCLOSED_MAX: u32 = 16;

/// What some editors put at the beginning of a text.
pub(super) const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The end-of-file character of CP/M and DOS; some editors still leave one.
const CONTROL_Z: u8 = 0x1a;

/// Cuts a text into lines of words.
pub(super) struct Lexer<'t> {
    text: &'t [u8],
    file: FileId,
    at: usize,
    /// Offsets of the parentheses that are open.
    open: Vec<u32>,
    unclosed: u32,
    /// As in [`Line::cut`], of the line that is being read.
    cut: Option<Span>,
}

/// What is known about a line besides its words. A line goes on to the next line break outside of
/// parentheses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// What stands in its first column.
    pub(super) start: Start,
    /// What is wrong with its form, the first of it.
    pub(super) fault: Option<LineFault>,
    /// How it ended.
    pub(super) end: End,
    /// A byte order mark that stood at its beginning; it is skipped.
    pub(super) mark: Option<Span>,
    /// Where a `;` begins a comment that may be meant as text.
    pub(super) cut: Option<Span>,
}

/// What stands in the first column of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// A word: an owner or a directive.
    FirstColumn,
    /// A blank: the owner is left out.
    Indented,
}

/// How a line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// At a line break, or at the end of the text.
    Complete,
    /// Nowhere: a parenthesis is open at the end of the text. Reading goes on behind the line break that
    /// follows the parenthesis.
    Unclosed,
}

/// What can be wrong with the form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineFault {
    /// A quote without another one in its line.
    UnterminatedString(Span),
    /// `(` without `)`.
    UnclosedParenthesis(Span),
    /// `)` without `(`.
    UnmatchedParenthesis(Span),
    /// More than [`WORDS_MAX`] words.
    TooManyWords(Span),
}

impl LineFault {
    /// The fault in words.
    pub(super) fn diagnostic(self) -> Diagnostic {
        match self {
            LineFault::UnterminatedString(span) => {
                Diagnostic::error(span, "this quoted string is never closed")
                    .remark("a quoted string ends in the line it begins in")
                    .help("close it with `\"`; a quote inside a string is written `\\\"`")
            }
            LineFault::UnclosedParenthesis(span) => {
                Diagnostic::error(span, "this parenthesis is never closed")
                    .remark("PowerDNS swallows the rest of the file into this record, and loads the zone")
                    .help("close it with `)` behind the last word of the record")
            }
            LineFault::UnmatchedParenthesis(span) => {
                Diagnostic::error(span, "this parenthesis closes nothing")
                    .help("remove it, or open it with `(` in the same record")
            }
            LineFault::TooManyWords(span) => {
                Diagnostic::error(span, format!("this record has more than {WORDS_MAX} words"))
            }
        }
    }
}

impl<'t> Lexer<'t> {
    /// A lexer at the beginning of a text.
    pub(super) fn new(text: &'t [u8], file: FileId) -> Self {
        Self { text, file, at: 0, open: Vec::new(), unclosed: 0, cut: None }
    }

    /// Skips the mark that some editors put at the beginning of a text, and that stays in its middle when
    /// such texts are joined.
    fn skip_byte_order_mark(&mut self) -> Option<Span> {
        let from = self.at;
        let marked = self.text.get(from..).is_some_and(|text| text.starts_with(BYTE_ORDER_MARK));
        self.at += if marked { BYTE_ORDER_MARK.len() } else { 0 };
        marked.then(|| self.span(from, self.at))
    }

    /// The words of the next line that has any (or a fault), put into `words`; none at the end of the text.
    /// HOT when a zone is read: nothing is allocated once `words` has grown.
    pub(super) fn line(&mut self, words: &mut Vec<Token<'t>>) -> Option<Line> {
        words.clear();
        while self.at < self.text.len() {
            let mark = self.skip_byte_order_mark();
            self.cut = None;
            let start = match self.text.get(self.at) {
                Some(b' ' | b'\t') => Start::Indented,
                _ => Start::FirstColumn,
            };
            let mut fault = None;
            self.scan(words, &mut fault);
            let end = if self.open.is_empty() { End::Complete } else { self.recover(words, &mut fault) };
            if !words.is_empty() || fault.is_some() || mark.is_some() {
                return Some(Line { start, fault, end, mark, cut: self.cut });
            }
        }
        None
    }

    /// Reads to the end of the line, or of the text.
    fn scan(&mut self, words: &mut Vec<Token<'t>>, fault: &mut Option<LineFault>) {
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\n' => {
                    self.at += 1;
                    if self.open.is_empty() {
                        return;
                    }
                }
                b';' => {
                    let end = self.line_end(self.at);
                    if self.cut.is_none() && self.cuts_text(words, end) {
                        self.cut = Some(self.span(self.at, self.at + 1));
                    }
                    self.at = end;
                }
                b'(' => {
                    self.open.push(offset(self.at));
                    self.at += 1;
                }
                b')' => {
                    if self.open.pop().is_none() {
                        fault.get_or_insert(LineFault::UnmatchedParenthesis(self.span(self.at, self.at + 1)));
                    }
                    self.at += 1;
                }
                CONTROL_Z if self.ends_the_line(self.at) => self.at += 1,
                _ => {
                    let word = self.word(byte, fault);
                    if words.len() < WORDS_MAX {
                        words.push(word);
                    } else {
                        fault.get_or_insert(LineFault::TooManyWords(word.span));
                    }
                }
            }
        }
    }

    /// Whether the comment that begins here and ends at `end` may be meant as text: right behind a word
    /// without quotes, as in `v=DKIM1; k=rsa`, or when it goes on with a tag and `=`.
    fn cuts_text(&self, words: &[Token<'_>], end: usize) -> bool {
        let Some(last) = words.last().filter(|last| !last.quoted) else { return false };
        let comment = self.text.get(self.at + 1..end).unwrap_or_default().trim_ascii();
        let tag = comment.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let right_behind = last.span.end as usize == self.at;
        (right_behind && !comment.is_empty()) || (tag > 0 && comment.get(tag) == Some(&b'='))
    }

    /// After the end of the text was met inside parentheses: goes back to the line behind the one that holds
    /// the outermost.
    fn recover(&mut self, words: &mut Vec<Token<'t>>, fault: &mut Option<LineFault>) -> End {
        let Some(&outermost) = self.open.first() else { return End::Complete };
        self.open.clear();
        let at = outermost as usize;
        words.retain(|word| word.span.start < outermost);
        // A string that is not closed swallows the `)` behind it: one fault, not two.
        let string_in_line = match *fault {
            Some(LineFault::UnterminatedString(span)) => (span.start as usize) < self.line_end(at),
            _ => false,
        };
        if !string_in_line {
            *fault = Some(LineFault::UnclosedParenthesis(self.span(at, at + 1)));
        }
        self.unclosed += 1;
        self.at = if self.unclosed < UNCLOSED_MAX { self.line_end(at) + 1 } else { self.text.len() };
        End::Unclosed
    }

    /// The word that begins here with `first`; it is read past.
    #[inline]
    fn word(&mut self, first: u8, fault: &mut Option<LineFault>) -> Token<'t> {
        let from = self.at;
        if first == b'"' {
            let to = self.string_end(from, fault);
            let text = self.text.get(from + 1..to).unwrap_or_default();
            return Token { text, quoted: true, span: self.span(from, self.at) };
        }
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'(' | b')' => break,
                b'\\' => self.at += self.escape_width(self.at),
                // `alpn="h2,h3"` is one word (RFC 9460, appendix A).
                b'"' if self.text.get(self.at.wrapping_sub(1)) == Some(&b'=') => {
                    self.string_end(self.at, fault);
                }
                b'"' => break,
                CONTROL_Z if self.ends_the_line(self.at) => break,
                _ => self.at += 1,
            }
        }
        let text = self.text.get(from..self.at).unwrap_or_default();
        Token { text, quoted: false, span: self.span(from, self.at) }
    }

    /// Reads past the string whose first quote stands at `from`; returns where its last quote stands (or the
    /// line ends, which is a fault).
    fn string_end(&mut self, from: usize, fault: &mut Option<LineFault>) -> usize {
        self.at = from + 1;
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'"' => {
                    self.at += 1;
                    return self.at - 1;
                }
                b'\n' => break,
                b'\\' => self.at += self.escape_width(self.at),
                _ => self.at += 1,
            }
        }
        if self.text.get(self.at.wrapping_sub(1)) == Some(&b'\r') && self.at > from + 1 {
            self.at -= 1;
        }
        fault.get_or_insert(LineFault::UnterminatedString(self.span(from, self.at)));
        self.at
    }

    /// How far a backslash reaches: over the next byte, but never over a line break.
    fn escape_width(&self, at: usize) -> usize {
        match self.text.get(at + 1..) {
            None | Some([] | [b'\n', ..] | [b'\r', b'\n', ..]) => 1,
            Some(_) => 2,
        }
    }

    /// Where the line that holds `at` ends: at its line break, or with the text.
    fn line_end(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        rest.iter().position(|&byte| byte == b'\n').map_or(self.text.len(), |length| at + length)
    }

    /// Whether only a line break follows the byte at `at`.
    fn ends_the_line(&self, at: usize) -> bool {
        matches!(self.text.get(at + 1..), None | Some([] | [b'\n', ..] | [b'\r', b'\n', ..]))
    }

    fn span(&self, from: usize, to: usize) -> Span {
        Span::new(self.file, offset(from), offset(to))
    }
}

/// What was written, fit for a message: not longer than a screen is wide, without control characters.
pub(super) fn shown(text: &[u8]) -> String {
    const BYTES_MAX: usize = 60;
    let cut = text.get(..BYTES_MAX).unwrap_or(text);
    let mut shown: String = String::from_utf8_lossy(cut)
        .chars()
        .map(|letter| if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter })
        .collect();
    if cut.len() < text.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests;
