//! Reads text: character strings (RFC 1035, section 3.3), strings without a length, and tags.
//!
//! Guesses what was meant where quotes are missing. Escapes are read by `dns::presentation`.

use super::super::presentation::unescape_into;
use super::piece::is_tag;
use super::reader::{Reader, show};
use super::table::Emptiness;
use super::token::Token;
use crate::source::Diagnostic;

/// Longest character string, in bytes: its length has 8 bits (RFC 1035, section 3.3).
const STRING_BYTES_MAX: usize = 255;

/// Reads all words that are left as character strings.
pub(super) fn char_strings(reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let words = std::mem::take(&mut reader.rest);
    if let [first, .., last] = words
        && words.iter().all(|word| !word.quoted)
    {
        let message = format!("these are {} strings; readers join them without blanks", words.len());
        let warning = Diagnostic::warning(first.span.to(last.span), message);
        reader.found.push(warning.help("put quotes round text with blanks"));
    }
    if let Some(warning) = words.iter().find_map(typographic_quotes) {
        reader.found.push(warning);
    }
    words.iter().try_for_each(|word| char_string(word, reader).map_err(|fault| split_help(fault, word)))
}

fn split_help(fault: Diagnostic, word: &Token<'_>) -> Diagnostic {
    if word.text.len() > STRING_BYTES_MAX {
        fault.help("split it: `\"first part\" \"second part\"`; readers join them")
    } else {
        fault
    }
}

/// Reads one character string.
pub(super) fn char_string(token: &Token<'_>, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let at = reader.out.len();
    reader.out.push(0);
    unescaped(token, reader.out)?;
    let length = reader.out.len() - at - 1;
    let counted = u8::try_from(length).map_err(|_| {
        let message = format!("string of {length} bytes; one holds at most {STRING_BYTES_MAX}");
        Diagnostic::error(token.span, message)
    })?;
    if let Some(byte) = reader.out.get_mut(at) {
        *byte = counted;
    }
    Ok(())
}

/// Appends the bytes that a string stands for.
fn unescaped(token: &Token<'_>, out: &mut Vec<u8>) -> Result<(), Diagnostic> {
    unescape_into(token.text, out).map_err(|error| Diagnostic::error(token.span, error.to_string()))
}

/// Reads a string that needs no length.
pub(super) fn text(what: &str, emptiness: Emptiness, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let token = reader.next(what)?;
    let at = reader.out.len();
    unescaped(&token, reader.out)?;
    if reader.out.len() == at && emptiness == Emptiness::Remarked {
        let warning = Diagnostic::warning(token.span, format!("empty {what}"));
        reader.found.push(warning.remark("RFC 7553, section 4.4: the target is not empty"));
    }
    Ok(())
}

/// Reads a property tag.
pub(super) fn tag(what: &str, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let token = reader.word(what)?;
    let length = u8::try_from(token.text.len()).ok().filter(|_| is_tag(token.text)).ok_or_else(|| {
        Diagnostic::error(token.span, format!("`{}` is not a {what}", show(token.text)))
            .help("it has letters and digits only, such as `issue`")
    })?;
    reader.out.push(length);
    reader.out.extend_from_slice(token.text);
    Ok(())
}

/// What is odd about a word between quotes that a typesetter would take.
fn typographic_quotes(word: &Token<'_>) -> Option<Diagnostic> {
    const QUOTES: [&str; 6] = ["\u{201c}", "\u{201d}", "\u{201e}", "\u{201f}", "\u{ab}", "\u{bb}"];
    let begins = QUOTES.iter().any(|quote| word.text.starts_with(quote.as_bytes()));
    let ends = QUOTES.iter().any(|quote| word.text.ends_with(quote.as_bytes()));
    // Inside a string, such as a quotation, they are meant.
    if !(begins && ends || !word.quoted && (begins || ends)) {
        return None;
    }
    let warning = Diagnostic::warning(word.span, "these typographic quotes are a part of the text");
    Some(warning.help("a string is written between `\"` and `\"`"))
}
