//! Fields written in hexadecimal, base32hex or base64.
//!
//! Reads one word or all that are left. The alphabets are in `encoding`.

use super::encoding::{BASE64, Encoding, Fault, HEX};
use super::reader::{Reader, quoted, show};
use super::token::Token;
use crate::source::{Diagnostic, Span};

/// Reads all words that are left as bytes, one at least; returns their span.
pub(super) fn rest_encoded(
    what: &str,
    encoding: &Encoding,
    reader: &mut Reader<'_, '_>,
) -> Result<Span, Diagnostic> {
    let words = std::mem::take(&mut reader.rest);
    let span = match words {
        [first, .., last] | [first @ last] => first.span.to(last.span),
        [] => reader.end,
    };
    let at = reader.out.len();
    encoded(what, encoding, words, reader)?;
    if reader.out.len() > at { Ok(span) } else { Err(Diagnostic::error(span, format!("empty {what}"))) }
}

pub(super) fn base64_or_dash(what: &str, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    match reader.rest {
        [dash] if dash.text == b"-" && !dash.quoted => {
            reader.rest = &[];
            Ok(())
        }
        _ => rest_encoded(what, &BASE64, reader).map(|_| ()),
    }
}

/// Appends the bytes that all `words` together stand for.
pub(super) fn encoded(
    what: &str,
    encoding: &Encoding,
    words: &[Token<'_>],
    reader: &mut Reader<'_, '_>,
) -> Result<(), Diagnostic> {
    if let Some(word) = words.iter().find(|word| word.quoted) {
        return Err(quoted(word, what));
    }
    let decoded = encoding.decode(words.iter().map(|word| word.text), reader.out);
    decoded.map_err(|fault| not_encoded(what, encoding, words, fault, reader.end))
}

#[cold]
fn not_encoded(what: &str, encoding: &Encoding, words: &[Token<'_>], fault: Fault, end: Span) -> Diagnostic {
    let name = encoding.name;
    match fault {
        Fault::Letter { word, letter } => {
            let (span, text) =
                words.get(word).map_or((end, String::new()), |word| (word.span, show(word.text)));
            let letter = char::from(letter).escape_default();
            Diagnostic::error(span, format!("`{text}` is not {name}: `{letter}`")).label(what)
        }
        Fault::CutShort => {
            let span = words.last().map_or(end, |last| last.span);
            let message = format!("{what} is cut short: its {name} ends within a byte");
            Diagnostic::error(span, message)
        }
    }
}

pub(super) fn salt(what: &str, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let token = reader.word(what)?;
    if token.text == b"-" {
        reader.out.push(0);
        return Ok(());
    }
    counted(what, &HEX, &token, reader)
}

/// Appends the bytes that one word stands for, behind their length.
pub(super) fn counted(
    what: &str,
    encoding: &Encoding,
    token: &Token<'_>,
    reader: &mut Reader<'_, '_>,
) -> Result<(), Diagnostic> {
    let at = reader.out.len();
    reader.out.push(0);
    encoded(what, encoding, std::slice::from_ref(token), reader)?;
    let length = reader.out.len() - at - 1;
    let fits = u8::try_from(length).ok().filter(|&length| length > 0);
    match (fits, reader.out.get_mut(at)) {
        (Some(length), Some(byte)) => *byte = length,
        _ => return Err(Diagnostic::error(token.span, format!("{what} of {length} bytes; it has 1 to 255"))),
    }
    Ok(())
}
