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
        Holds::Setting | Holds::File | Holds::SecretFile | Holds::HostFile => (None, &[]),
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
    let dotted = rest.iter().take_while(|&&byte| byte == b'.' || is_bare(byte)).count();
    let rest = rest.get(if rest.first() == Some(&b'.') { dotted } else { 0 }..)?;
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
    for quotes in [&b"\"\"\""[..], b"'''"] {
        if let Some(inner) = value.strip_prefix(quotes) {
            let end = inner.windows(quotes.len()).position(|three| three == quotes);
            return end.map_or(value.len(), |end| end + 2 * quotes.len());
        }
    }
    let line = value.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let closed = match line {
        [quote @ (b'"' | b'\''), inner @ ..] => {
            inner.iter().position(|byte| byte == quote).map(|end| end + 2)
        }
        [b'{', inner @ ..] => inner.iter().position(|&byte| byte == b'}').map(|end| end + 2),
        _ => None,
    };
    closed.unwrap_or(line.len())
}

#[cfg(test)]
mod tests {
    use super::*;

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
            "\"GGGG",
        ];
        assert_eq!(found, wanted);
    }
}
