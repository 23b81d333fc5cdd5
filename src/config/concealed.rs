//! Where secrets stand in the text of a config file, so that no drawing of a fault shows them.
//!
//! Looks at the text, not at the tree: a file that is no TOML has secrets, too.

use std::ops::Range;

use super::keys::{ConfigKey, KEYS};
use crate::setting::Holds;

/// The values of all keys that hold a secret, quotes included.
pub(super) fn secrets(text: &[u8]) -> Vec<Range<usize>> {
    let keys = || KEYS.iter().flat_map(secret_names).map(str::as_bytes);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let begins_word =
            at.checked_sub(1).and_then(|before| text.get(before)).is_none_or(|&byte| !is_bare(byte));
        let value = begins_word.then(|| keys().find_map(|key| value_of(rest, key))).flatten();
        match value {
            Some(value) => {
                let end = at + value.end;
                found.push(at + value.start..end);
                at = end.max(at + 1);
            }
            None => at += 1,
        }
    }
    found
}

/// The names of what is a secret: the key itself, or keys inside of its value.
fn secret_names(key: &'static ConfigKey) -> impl Iterator<Item = &'static str> {
    let (own, inside): (Option<&'static str>, &'static [&'static str]) = match key.holds {
        Holds::Secret => (Some(key.name), &[]),
        Holds::SecretsOf(names) => (None, names),
        // A drawing shows which header it is about, and what of it is wrong.
        Holds::Setting | Holds::File | Holds::SecretFile | Holds::HostFile | Holds::Headers => (None, &[]),
    };
    own.into_iter().chain(inside.iter().copied())
}

/// Whether a byte may stand in a key without quotes.
fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Where the value is, if `text` begins with this key.
fn value_of(text: &[u8], key: &[u8]) -> Option<Range<usize>> {
    let rest = text.strip_prefix(key)?;
    let rest = rest.strip_prefix(b"\"").or_else(|| rest.strip_prefix(b"'")).unwrap_or(rest);
    // `send.hex = "00"` is `send = { hex = "00" }`.
    let rest = match rest.first() {
        Some(b'.') => {
            let dotted = rest.iter().take_while(|&&byte| byte == b'.' || is_bare(byte)).count();
            rest.get(dotted..)?
        }
        _ => rest,
    };
    let rest = skip_blanks(rest).strip_prefix(b"=")?;
    let value = skip_blanks(rest);
    let start = text.len() - value.len();
    Some(start..start + value_bytes(value))
}

fn skip_blanks(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    text.get(blanks..).unwrap_or_default()
}

/// How long the value at the front is: to its closing quotes or brace, else to the end of the line.
fn value_bytes(value: &[u8]) -> usize {
    closing(value).unwrap_or_else(|| value.iter().position(|&byte| byte == b'\n').unwrap_or(value.len()))
}

/// How many bytes a value of TOML has that begins with quotes or a brace; none where it is not closed. Three quotes that are
/// not closed, and a brace that is not on its line, reach to the end of the text.
pub fn closing(value: &[u8]) -> Option<usize> {
    for (quotes, escape) in [(&b"\"\"\""[..], Some(b'\\')), (b"'''", None)] {
        if let Some(inner) = value.strip_prefix(quotes) {
            let closes = |at: &usize| inner.get(*at..).is_some_and(|rest| rest.starts_with(quotes));
            let end = unescaped(inner, escape).find(closes);
            return Some(end.map_or(value.len(), |end| end + 2 * quotes.len()));
        }
    }
    match value {
        [b'"', inner @ ..] => closing_quote(b'"', inner, Some(b'\\')),
        [b'\'', inner @ ..] => closing_quote(b'\'', inner, None),
        [b'{', ..] => closing_brace(value),
        _ => None,
    }
}

/// Where the bytes are that no escape stands before.
fn unescaped(text: &[u8], escape: Option<u8>) -> impl Iterator<Item = usize> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while escape.is_some() && text.get(at) == escape.as_ref() {
            at += 2;
        }
        text.get(at)?;
        at += 1;
        Some(at - 1)
    })
}

/// How long a value with this quote around it is; none where its line ends first.
fn closing_quote(quote: u8, inner: &[u8], escape: Option<u8>) -> Option<usize> {
    let end = unescaped(inner, escape)
        .find(|&at| matches!(inner.get(at), Some(&byte) if byte == quote || byte == b'\n'))?;
    (inner.get(end) == Some(&quote)).then_some(end + 2)
}

/// How many bytes a table has that begins with a brace. Braces in quotes close none. What follows the line of one that is not
/// closed may be in it: so that is hidden as well, and looked at once, however many braces there are.
fn closing_brace(value: &[u8]) -> Option<usize> {
    let (mut at, mut depth, mut has_lines) = (0, 0_usize, false);
    loop {
        let unclosed = || has_lines.then_some(value.len());
        match value.get(at) {
            None => return unclosed(),
            Some(b'{') => depth += 1,
            Some(b'}') if depth == 1 => return Some(at + 1),
            Some(b'}') => depth -= 1,
            Some(b'"' | b'\'') => {
                let rest = value.get(at..)?;
                let Some(length) = closing(rest) else { return unclosed() };
                has_lines |= rest.iter().take(length).any(|&byte| byte == b'\n');
                at += length;
                continue;
            }
            Some(b'\n') => has_lines = true,
            Some(_) => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_not_closed_hides_what_may_be_in_it() {
        let found = |text: &str| {
            secrets(text.as_bytes()).into_iter().map(|range| text[range].to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(found("send = { hex = \"00 }\nlisten = 1"), ["{ hex = \"00 }"]);
        assert_eq!(found("send = {\nhex = \"00\"\nlisten = 1"), ["{\nhex = \"00\"\nlisten = 1"]);
        assert_eq!(found("send = {\nhex = \"00\nlisten = 1"), ["{\nhex = \"00\nlisten = 1"]);
    }

    #[test]
    fn secrets_are_found_however_they_are_written() {
        let text = r#"
secret = "AAAA" # not this
cookie-secret="BBBB"
[[key]]
key = [{ name = "secret", secret = 'CCCC' }, { "secret" = "DDDD", secret-file = "file" }]
no-secret = "shown"
secret = """
EEEE
""" # behind
secret = FFFF
steps = [{ send = "HHHH\r\n" }, { begins = "+OK" }, { send = { hex = "4949" } }, { send.hex = "4a4a" }]
secret = "II\"II" # behind
secret = 'JJ\' # behind
secret = """KK\"""KK""" # behind
send = { hex = "}", n = { "\"}" = 1 } } # behind
secret = "GGGG
"#;
        let found: Vec<&str> = secrets(text.as_bytes()).into_iter().map(|range| &text[range]).collect();
        let wanted = [
            "\"AAAA\"",
            "\"BBBB\"",
            "'CCCC'",
            "\"DDDD\"",
            "\"\"\"\nEEEE\n\"\"\"",
            "FFFF",
            r#""HHHH\r\n""#,
            r#"{ hex = "4949" }"#,
            "\"4a4a\"",
            r#""II\"II""#,
            r"'JJ\'",
            r#""""KK\"""KK""""#,
            r#"{ hex = "}", n = { "\"}" = 1 } }"#,
            "\"GGGG",
        ];
        assert_eq!(found, wanted);
    }
}
