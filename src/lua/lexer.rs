//! Tokens of the code.
//!
//! Reads strings with their escapes, numbers, names, symbols and comments, as the Lua manual has them, and
//! finds what PowerDNS versions read differently across chunks. `parser` decides how tokens may follow each
//! other.

use std::ops::Range;

use super::code::Code;
use super::number::number;
use crate::source::{Diagnostic, Span};

/// Faults reported of one record. Somebody who made more will begin at the first.
pub const FAULTS_MAX: usize = 20;

/// A token and its place in the code.
#[derive(Clone, Debug)]
pub(super) struct Token<'c> {
    pub(super) kind: TokenKind<'c>,
    pub(super) range: Range<usize>,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind<'c> {
    Name(&'c str),
    Keyword(&'static str),
    String(Box<[u8]>),
    Number(f64),
    Symbol(&'static str),
    /// A number that is none; the fault has been reported.
    Refused,
    /// The end of the code.
    End,
}

const KEYWORDS: &[&str] = &[
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local",
    "nil", "not", "or", "repeat", "return", "then", "true", "until", "while",
];

/// Longest first, so that `..` is not read as two dots.
const SYMBOLS: &[&str] = &[
    "...", "..", "==", "~=", "<=", ">=", "//", "::", "<<", ">>", "+", "-", "*", "/", "%", "^", "#", "&", "~",
    "|", "<", ">", "=", "(", ")", "{", "}", "[", "]", ";", ":", ",", ".",
];

/// Whitespace of Lua.
const BLANKS: &[u8] = b" \t\r\n\x0b\x0c";

/// Reads the tokens of `code`; the last is [`TokenKind::End`]. None when a fault leaves no tokens to go on
/// with. `whole` is the place of the record.
pub(super) fn tokens<'c>(
    code: &'c Code,
    whole: Span,
    faults: &mut Vec<Diagnostic>,
) -> Option<Vec<Token<'c>>> {
    let mut lexer = Lexer { code, text: code.bytes(), whole, at: 0, errors: 0, faults };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blanks_and_comments()?;
        let start = lexer.at;
        let kind = lexer.token()?;
        let range = start..lexer.at;
        lexer.warn_of_chunks(&kind, range.clone());
        if lexer.errors >= FAULTS_MAX {
            return None;
        }
        let last = kind == TokenKind::End;
        tokens.push(Token { kind, range });
        if last {
            return Some(tokens);
        }
    }
}

struct Lexer<'c, 'f> {
    code: &'c Code,
    text: &'c [u8],
    whole: Span,
    /// The next byte.
    at: usize,
    errors: usize,
    faults: &'f mut Vec<Diagnostic>,
}

impl<'c> Lexer<'c, '_> {
    fn token(&mut self) -> Option<TokenKind<'c>> {
        let Some(&byte) = self.text.get(self.at) else {
            return Some(TokenKind::End);
        };
        match byte {
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => Some(self.name()),
            b'0'..=b'9' => Some(self.number()),
            b'.' if self.text.get(self.at + 1).is_some_and(u8::is_ascii_digit) => Some(self.number()),
            b'\'' | b'"' => self.short_string(byte),
            b'[' if let Some(level) = self.long_bracket() => {
                self.long_string(level, "long string").map(|text| TokenKind::String(text.into()))
            }
            _ => self.symbol(),
        }
    }

    fn name(&mut self) -> TokenKind<'c> {
        let bytes = self.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        KEYWORDS
            .iter()
            .find(|&&keyword| keyword == text)
            .map_or(TokenKind::Name(text), |&keyword| TokenKind::Keyword(keyword))
    }

    /// As Lua does, takes all that could belong to a number, and then asks whether it is one.
    fn number(&mut self) -> TokenKind<'c> {
        let start = self.at;
        let hexadecimal = self.text[start..].get(..2).is_some_and(|two| two.eq_ignore_ascii_case(b"0x"));
        let mut before = b'0';
        while let Some(&byte) = self.text.get(self.at) {
            let sign = matches!(byte, b'+' | b'-') && matches!(before, b'e' | b'E') && !hexadecimal;
            if !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_') || sign) {
                break;
            }
            before = byte;
            self.at += 1;
        }
        let written = &self.text[start..self.at];
        if let Some(value) = number(written) {
            return TokenKind::Number(value);
        }
        let shown = String::from_utf8_lossy(written);
        let mut fault = Diagnostic::error(self.span(start..self.at), format!("`{shown}` is not a number"));
        if shown.parse::<std::net::Ipv4Addr>().is_ok() {
            fault = fault.help(format!("put the address in quotes: '{shown}'"));
        }
        self.error(fault);
        TokenKind::Refused
    }

    fn symbol(&mut self) -> Option<TokenKind<'c>> {
        let rest = &self.text[self.at..];
        if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(symbol.as_bytes())) {
            self.at += symbol.len();
            return Some(TokenKind::Symbol(symbol));
        }
        let start = self.at;
        self.at += 1;
        if !rest[0].is_ascii() {
            self.take_while(|byte| !byte.is_ascii());
        }
        let range = start..self.at;
        let shown = String::from_utf8_lossy(&self.text[range.clone()]);
        let fault = Diagnostic::error(self.span(range), format!("`{}` is not Lua", shown.escape_debug()));
        let typographic = shown.contains(['\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}']);
        self.error(if typographic {
            fault.help("these are typographic quotes: write strings as '…'")
        } else {
            fault
        });
        None
    }

    fn short_string(&mut self, quote: u8) -> Option<TokenKind<'c>> {
        let start = self.at;
        self.at += 1;
        let mut value = Vec::new();
        loop {
            match self.text.get(self.at) {
                None | Some(b'\n') => return self.never_closed(start..start + 1, "string"),
                Some(&byte) if byte == quote => {
                    self.at += 1;
                    return Some(TokenKind::String(value.into()));
                }
                Some(b'\\') if self.at + 1 == self.text.len() => self.at += 1,
                Some(b'\\') => self.escape(&mut value),
                Some(&byte) => {
                    value.push(byte);
                    self.at += 1;
                }
            }
        }
    }

    /// Reads one escape of a short string (Lua 5.4 manual, section 3.1). There is a byte behind the
    /// backslash.
    fn escape(&mut self, value: &mut Vec<u8>) {
        let start = self.at;
        let letter = self.text[start + 1];
        self.at += 2;
        match letter {
            b'a' => value.push(7),
            b'b' => value.push(8),
            b't' => value.push(b'\t'),
            b'n' => value.push(b'\n'),
            b'v' => value.push(11),
            b'f' => value.push(12),
            b'r' => value.push(b'\r'),
            b'\\' | b'"' | b'\'' | b'\n' => value.push(letter),
            b'z' => {
                self.take_while(|byte| BLANKS.contains(&byte));
            }
            b'x' => {
                let digits = self.take_at_most(2, |byte| byte.is_ascii_hexdigit());
                match from_digits(digits, 16).and_then(|code| u8::try_from(code).ok()) {
                    Some(byte) if digits.len() == 2 => value.push(byte),
                    _ => self.bad_escape(start, "`\\x` wants two hexadecimal digits"),
                }
            }
            b'u' => match self.braced_digits().and_then(char::from_u32) {
                Some(character) => {
                    value.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                None => self.bad_escape(start, "`\\u` wants a character's number in braces: `\\u{20AC}`"),
            },
            b'0'..=b'9' => {
                self.at -= 1;
                let digits = self.take_at_most(3, |byte| byte.is_ascii_digit());
                match from_digits(digits, 10).and_then(|code| u8::try_from(code).ok()) {
                    Some(byte) => value.push(byte),
                    None => self.bad_escape(start, "a decimal escape ends at 255"),
                }
            }
            _ => self.bad_escape(start, "a plain backslash is written `\\\\`"),
        }
    }

    /// `{XXX}` behind `\u`.
    fn braced_digits(&mut self) -> Option<u32> {
        if self.text.get(self.at) != Some(&b'{') {
            return None;
        }
        self.at += 1;
        let code = from_digits(self.take_at_most(8, |byte| byte.is_ascii_hexdigit()), 16);
        if self.text.get(self.at) != Some(&b'}') {
            return None;
        }
        self.at += 1;
        code
    }

    fn bad_escape(&mut self, start: usize, help: &str) {
        let range = start..self.at;
        let shown = String::from_utf8_lossy(&self.text[range.clone()]);
        let message = format!("`{shown}` is not an escape of Lua");
        self.error(Diagnostic::error(self.span(range), message).help(help));
    }

    /// The level of the long bracket (`[[`, `[=[`, …) that opens here: its number of `=`.
    fn long_bracket(&self) -> Option<usize> {
        let behind = self.text.get(self.at..)?.strip_prefix(b"[")?;
        let level = behind.iter().take_while(|&&byte| byte == b'=').count();
        (behind.get(level) == Some(&b'[')).then_some(level)
    }

    /// Reads from a long bracket to the one that closes it, and gives what stands between.
    fn long_string(&mut self, level: usize, what: &str) -> Option<&'c [u8]> {
        let start = self.at;
        let closing = [b"]", "=".repeat(level).as_bytes(), b"]"].concat();
        let content = &self.text[start + level + 2..];
        let Some(length) = content.windows(closing.len()).position(|window| window == closing) else {
            return self.never_closed(start..start + level + 2, what);
        };
        self.at = start + level + 2 + length + closing.len();
        // A line break that follows the opening bracket at once is not part of the string.
        let content = &content[..length];
        Some(content.strip_prefix(b"\n").unwrap_or(content))
    }

    fn skip_blanks_and_comments(&mut self) -> Option<()> {
        loop {
            self.take_while(|byte| BLANKS.contains(&byte));
            if !self.text[self.at..].starts_with(b"--") {
                return Some(());
            }
            let start = self.at;
            self.at += 2;
            if let Some(level) = self.long_bracket() {
                self.long_string(level, "comment")?;
                continue;
            }
            self.take_while(|byte| byte != b'\n');
            if self.code.crosses_chunks(start..self.at) {
                self.faults.push(
                    Diagnostic::warning(
                        self.span(start..start + 2),
                        "this comment takes in the chunks that follow",
                    )
                    .remark("chunks are joined to one line, and `--` comments out the rest of it")
                    .help("write it as `--[[ … ]]`, or as a comment of the zone file"),
                );
            }
        }
    }

    /// PowerDNS before 5.0 puts blanks between chunks, from 5.0 on it does not: that differs for whatever
    /// begins in one chunk and ends in another.
    fn warn_of_chunks(&mut self, kind: &TokenKind<'_>, range: Range<usize>) {
        if !self.code.crosses_chunks(range.clone()) {
            return;
        }
        let what = match kind {
            TokenKind::String(_) => "string",
            TokenKind::Number(_) | TokenKind::Refused => "number",
            TokenKind::Name(_) | TokenKind::Keyword(_) => "name",
            TokenKind::Symbol(_) | TokenKind::End => "symbol",
        };
        self.faults.push(
            Diagnostic::warning(self.span(range), format!("this {what} goes on in the next chunk"))
                .remark(
                    "PowerDNS before 5.0 reads blanks between two chunks; here they are joined with nothing",
                )
                .help("write it in one chunk"),
        );
    }

    fn never_closed<T>(&mut self, opening: Range<usize>, what: &str) -> Option<T> {
        let fault = Diagnostic::error(self.span(opening), format!("this {what} is never closed"));
        self.error(fault);
        None
    }

    fn error(&mut self, fault: Diagnostic) {
        self.errors += 1;
        self.faults.push(fault);
    }

    fn span(&self, range: Range<usize>) -> Span {
        self.code.span(range).unwrap_or(self.whole)
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'c [u8] {
        self.take_at_most(usize::MAX, wanted)
    }

    fn take_at_most(&mut self, most: usize, wanted: impl Fn(u8) -> bool) -> &'c [u8] {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.iter().take(most).take_while(|&&byte| wanted(byte)).count();
        self.at += length;
        &rest[..length]
    }
}

fn from_digits(digits: &[u8], radix: u32) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}
