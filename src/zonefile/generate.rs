//! `$GENERATE`: one line that becomes many records (BIND's, which PowerDNS reads too).
//!
//! Reads the range and the templates. Each record is read as if it had been written out.

use crate::dns::Rtype;
use crate::dns::rdata::{self, Token};
use crate::source::{Diagnostic, Diagnostics, Severity, Span};

use super::head;
use super::lexer::{Lexer, Start, shown};
use super::reader::Reader;

/// Widest number, in characters; PowerDNS cuts wider ones to this.
const WIDTH_MAX: usize = 80;

/// `start-stop/step`.
#[derive(Clone, Copy, Debug)]
struct Range {
    start: u32,
    stop: u32,
    step: u32,
}

/// A word with places for numbers.
struct Template<'t> {
    word: Token<'t>,
    pieces: Vec<Piece<'t>>,
}

/// A piece of a template.
enum Piece<'t> {
    Text(&'t [u8]),
    Number(Number),
}

/// How a number is written: `${offset,width,radix}`.
#[derive(Clone, Copy, Debug)]
struct Number {
    offset: i64,
    width: usize,
    radix: Radix,
}

#[derive(Clone, Copy, Debug)]
enum Radix {
    Decimal,
    Octal,
    Hex,
    UpperHex,
    /// Hexadecimal digits as labels, the last first, as ip6.arpa wants them.
    Nibbles,
    UpperNibbles,
}

impl Reader<'_> {
    /// Reads the records that a `$GENERATE` line stands for. A fault ends it: the other records would only
    /// repeat it.
    pub(super) fn generate(
        &mut self,
        directive: &Token<'_>,
        range: &Token<'_>,
        words: &[Token<'_>],
        found: &mut Diagnostics,
    ) -> Result<(), Diagnostic> {
        let place = range;
        let range = self.read_range(range)?;
        if words.is_empty() {
            let message = "this line says which numbers, but not for what";
            return Err(
                Diagnostic::error(place.span, message).help("a record follows, such as `host-$ A 192.0.2.$`")
            );
        }
        let unquoted = self.unquoted(range, words, found);
        let words = unquoted.as_deref().unwrap_or(words);
        let templates = words.iter().map(|word| template(word, found)).collect::<Result<Vec<_>, _>>()?;
        let before = self.owner.clone();
        let mut said: Vec<(Severity, Option<Span>)> = Vec::new();
        let mut text = Vec::new();
        for counter in (range.start..=range.stop).step_by(range.step as usize) {
            text.clear();
            let mut ends = Vec::with_capacity(templates.len());
            for template in &templates {
                template.expand(counter, &mut text)?;
                ends.push(text.len());
            }
            let starts = std::iter::once(0).chain(ends.iter().copied());
            let expanded: Vec<Token<'_>> = templates
                .iter()
                .zip(starts.zip(&ends))
                .map(|(template, (from, &to))| Token {
                    text: text.get(from..to).unwrap_or_default(),
                    ..template.word
                })
                .collect();
            let mut about_this = Diagnostics::default();
            let read = self.record(Start::FirstColumn, &expanded, &mut about_this);
            about_this.extend(read.err());
            for one in &about_this {
                let key = (one.severity, one.span());
                if !said.contains(&key) {
                    said.push(key);
                    found.push(one.clone().remark(format!("in the record where `$` is {counter}")));
                }
            }
            if about_this.errors() > 0 {
                break;
            }
        }
        if self.owner.wire != before.wire {
            let theirs = format!("BIND takes `{}`, the owner before the `$GENERATE`", before.name());
            self.doubts.owner = Some((directive.span, theirs));
        }
        Ok(())
    }

    /// The words of a record whose data is one quoted string that stands for several words, as in BIND, whose
    /// manual writes `MX "0 ."`: there the data is one word, and loses its quotes. None where the string is
    /// data as it stands, as in TXT; where BIND makes other data of it, that is told.
    fn unquoted<'t>(
        &self,
        range: Range,
        words: &[Token<'t>],
        found: &mut Diagnostics,
    ) -> Option<Vec<Token<'t>>> {
        let (owner, rest) = words.split_first()?;
        let end = words.last()?.span;
        let head = head::read(Some(owner), rest, end, &mut Diagnostics::default()).ok()?;
        let [string] = head.rdata else { return None };
        if !string.quoted || head.rtype == Rtype::LUA {
            return None;
        }
        let mut inner = Vec::new();
        Lexer::new(string.text, string.span.file).line(&mut inner)?;
        for word in &mut inner {
            // Behind the quote that the string begins with.
            let at = string.span.start + 1;
            word.span = Span { start: word.span.start + at, end: word.span.end + at, ..word.span };
        }
        let read = |words: &[Token<'_>]| self.first_rdata(range, head.rtype, words);
        let (as_it_stands, as_bind) = (read(&[*string]), read(&inner));
        if let Some(data) = &as_it_stands {
            if as_bind.as_ref() != Some(data) {
                let theirs = match as_bind {
                    Some(theirs) => {
                        let mut text = String::new();
                        rdata::write(head.rtype, &theirs, &mut text);
                        format!("BIND takes the quotes off, and reads `{text}` in the first record")
                    }
                    None => "BIND takes the quotes off, and then cannot read it".to_owned(),
                };
                let message = "this string is the same in every record";
                let help = "write a string that is one word, or the records one by one";
                found.push(Diagnostic::warning(string.span, message).remark(theirs).help(help));
            }
            return None;
        }
        let before = words.len().saturating_sub(1);
        Some(words.iter().take(before).copied().chain(inner).collect())
    }

    /// What data the first record of a range has; none where it is none.
    fn first_rdata(&self, range: Range, rtype: Rtype, words: &[Token<'_>]) -> Option<Vec<u8>> {
        let mut told = Diagnostics::default();
        let expanded = words.iter().map(|word| {
            let mut text = Vec::new();
            template(word, &mut told).ok()?.expand(range.start, &mut text).ok()?;
            Some((word, text))
        });
        let expanded: Vec<_> = expanded.collect::<Option<_>>()?;
        let tokens: Vec<Token<'_>> = expanded.iter().map(|(word, text)| Token { text, ..**word }).collect();
        let (end, mut wire) = (words.last()?.span, Vec::new());
        let mut told = Diagnostics::default();
        rdata::parse(rtype, &tokens, self.origin.as_ref(), end, &mut wire, &mut told).ok()?;
        Some(wire)
    }

    fn read_range(&self, word: &Token<'_>) -> Result<Range, Diagnostic> {
        let refuse = |message: String| {
            Err(Diagnostic::error(word.span, message)
                .help("a range is written as `1-10` or, in steps of two, `1-10/2`"))
        };
        let text = shown(word.text);
        let Some(range) = parse_range(word.text) else { return refuse(format!("`{text}` is not a range")) };
        if range.step == 0 {
            return refuse(format!("the step of `{text}` is 0"));
        }
        if range.stop < range.start {
            return refuse(format!("`{text}` ends before it begins"));
        }
        let count = u64::from((range.stop - range.start) / range.step) + 1;
        let count_max = self.settings.generate_max;
        if count > u64::from(count_max) {
            let message = format!("`{text}` makes {count} records; at most {count_max} are allowed");
            return Err(Diagnostic::error(word.span, message));
        }
        Ok(range)
    }
}

fn parse_range(text: &[u8]) -> Option<Range> {
    let (start, rest) = std::str::from_utf8(text).ok()?.split_once('-')?;
    let (stop, step) = rest.split_once('/').unwrap_or((rest, "1"));
    Some(Range { start: digits(start)?, stop: digits(stop)?, step: digits(step)? })
}

/// A number without a sign.
fn digits<T: std::str::FromStr>(text: &str) -> Option<T> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// Cuts a word into text and numbers.
fn template<'t>(word: &Token<'t>, found: &mut Diagnostics) -> Result<Template<'t>, Diagnostic> {
    let mut pieces = Vec::new();
    let (mut rest, mut from) = (word.text, 0);
    while let Some(&byte) = rest.get(from) {
        let at = rest.get(from..).unwrap_or_default();
        match (byte, at) {
            (b'\\', [_, b'$', ..]) => {
                pieces.push(Piece::Text(rest.get(..from).unwrap_or_default()));
                rest = rest.get(from + 1..).unwrap_or_default();
                from = 1;
            }
            (b'\\', _) => from += 2,
            (b'$', _) => {
                pieces.push(Piece::Text(rest.get(..from).unwrap_or_default()));
                let (piece, width) = dollar(word, at, found)?;
                pieces.push(piece);
                rest = at.get(width..).unwrap_or_default();
                from = 0;
            }
            _ => from += 1,
        }
    }
    pieces.push(Piece::Text(rest));
    Ok(Template { word: *word, pieces })
}

/// What the dollar sign that `at` begins with stands for, and how many bytes it takes.
fn dollar<'t>(
    word: &Token<'t>,
    at: &'t [u8],
    found: &mut Diagnostics,
) -> Result<(Piece<'t>, usize), Diagnostic> {
    match at {
        [_, b'$', ..] => {
            found.push(
                Diagnostic::warning(word.span, "`$$` is read as one dollar sign")
                    .remark("PowerDNS puts the number there, twice")
                    .help("write `\\$` for a dollar sign"),
            );
            Ok((Piece::Text(at.get(..1).unwrap_or_default()), 2))
        }
        [_, b'{', inside @ ..] => {
            let length = inside.iter().position(|&byte| byte == b'}');
            let inside = length.and_then(|length| inside.get(..length));
            let number = inside.and_then(|inside| parse_number(std::str::from_utf8(inside).ok()?));
            let (Some(number), Some(length)) = (number, length) else {
                let text = shown(at.get(..length.map_or(at.len(), |length| length + 3)).unwrap_or(at));
                return Err(Diagnostic::error(word.span, format!("`{text}` is not a number template"))
                    .remark("it is written as `${offset}`, `${offset,width}` or `${offset,width,radix}`")
                    .remark(format!("a width is at most {WIDTH_MAX}, a radix one of d, o, x, X, n, N")));
            };
            Ok((Piece::Number(number), length + 3))
        }
        _ => Ok((Piece::Number(Number { offset: 0, width: 0, radix: Radix::Decimal }), 1)),
    }
}

fn parse_number(text: &str) -> Option<Number> {
    let mut fields = text.split(',').map(str::trim);
    let offset = fields.next()?;
    let unsigned = offset.strip_prefix(['-', '+']).unwrap_or(offset);
    let size: u32 = digits(unsigned)?;
    let offset = if offset.starts_with('-') { -i64::from(size) } else { i64::from(size) };
    let width = fields.next().map_or(Some(0), digits).filter(|&width| width <= WIDTH_MAX)?;
    let radix = match fields.next() {
        None | Some("d") => Radix::Decimal,
        Some("o") => Radix::Octal,
        Some("x") => Radix::Hex,
        Some("X") => Radix::UpperHex,
        Some("n") => Radix::Nibbles,
        Some("N") => Radix::UpperNibbles,
        Some(_) => return None,
    };
    fields.next().is_none().then_some(Number { offset, width, radix })
}

impl Template<'_> {
    /// Appends the word with the numbers for `counter` in their places.
    fn expand(&self, counter: u32, out: &mut Vec<u8>) -> Result<(), Diagnostic> {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text),
                Piece::Number(number) => {
                    let value = i64::from(counter) + number.offset;
                    let value = u64::try_from(value).map_err(|_| {
                        Diagnostic::error(
                            self.word.span,
                            format!("where `$` is {counter} this gives {value}"),
                        )
                        .help("begin the range later, or make the offset larger")
                    })?;
                    number.write(value, out);
                }
            }
        }
        Ok(())
    }
}

impl Number {
    fn write(self, value: u64, out: &mut Vec<u8>) {
        let width = self.width;
        let text = match self.radix {
            Radix::Decimal => format!("{value:0width$}"),
            Radix::Octal => format!("{value:0width$o}"),
            Radix::Hex => format!("{value:0width$x}"),
            Radix::UpperHex => format!("{value:0width$X}"),
            Radix::Nibbles => nibbles(value, width),
            Radix::UpperNibbles => nibbles(value, width).to_ascii_uppercase(),
        };
        out.extend_from_slice(text.as_bytes());
    }
}

/// Hexadecimal digits from the last to the first with dots between them. The dots count for the width, so
/// that an even width ends with one, as in BIND.
fn nibbles(mut value: u64, mut width: usize) -> String {
    let mut text = String::new();
    loop {
        text.extend(u32::try_from(value & 0xf).ok().and_then(|digit| char::from_digit(digit, 16)));
        value >>= 4;
        width = width.saturating_sub(1);
        if width == 0 && value == 0 {
            return text;
        }
        text.push('.');
        width = width.saturating_sub(1);
        if width == 0 && value == 0 {
            return text;
        }
    }
}

#[cfg(test)]
mod tests;
