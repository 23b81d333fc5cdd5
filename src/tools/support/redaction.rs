//! Secrets, taken out of every text before it is written.
//!
//! What the config calls a secret is known by its value, and goes wherever it stands: in a comment, in the log. What
//! nobody has called one is known by its form: private keys in PEM, and URLs with a password or a token.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

/// What stands in the place of a secret.
const REMOVED: &[u8] = b"(left out)";

/// The same in the place of a value of the config file.
const REMOVED_VALUE: &[u8] = b"\"(left out)\"";

/// Shortest value that is looked for everywhere, in bytes: a shorter one would be found in words that mean something else.
/// Where it is written in the config file it goes all the same.
const VALUE_BYTES_MIN: usize = 6;

/// How much of a secret file is read, in bytes: more than any key or kubeconfig has.
const SECRET_FILE_BYTES_MAX: u64 = 1 << 20;

/// Arguments in a URL that are secrets by their names.
const SECRET_ARGUMENTS: [&str; 8] =
    ["token", "access_token", "api_key", "apikey", "key", "passwd", "password", "secret"];

/// What is to be taken out of every text.
#[derive(Debug, Default)]
pub(super) struct Redaction {
    values: Vec<Vec<u8>>,
}

impl Redaction {
    /// Takes in a secret as it is written in the config file, quotes and all.
    pub(super) fn add_value(&mut self, written: &[u8]) {
        let quotes = |byte: &u8| matches!(byte, b'"' | b'\'' | b'\n' | b' ');
        let start = written.iter().position(|byte| !quotes(byte)).unwrap_or(written.len());
        let end = written.iter().rposition(|byte| !quotes(byte)).map_or(start, |last| last + 1);
        self.add(written.get(start..end).unwrap_or_default());
    }

    /// Takes in what a secret file holds: all of it, and each word of it that could be a secret by itself.
    pub(super) fn add_file(&mut self, path: &Path) {
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| file.take(SECRET_FILE_BYTES_MAX).read_to_end(&mut bytes));
        if read.is_err() {
            return;
        }
        let text = bytes.trim_ascii();
        // Of several lines each word may be found alone: a kubeconfig's token, a line of a key. Names are shorter.
        let words = text.split(u8::is_ascii_whitespace).filter(|word| word.len() >= 3 * VALUE_BYTES_MIN);
        for word in words {
            self.add(word);
        }
        self.add(text);
    }

    fn add(&mut self, value: &[u8]) {
        if value.len() >= VALUE_BYTES_MIN && !self.values.iter().any(|known| known == value) {
            self.values.push(value.to_vec());
        }
    }

    /// A text without the bytes of `ranges`, which are sorted and apart. What is TOML stays it.
    pub(super) fn without(text: Vec<u8>, ranges: &[Range<usize>]) -> Vec<u8> {
        cut(text, ranges, REMOVED_VALUE)
    }

    /// The text without secrets.
    pub(super) fn of(&self, text: Vec<u8>) -> Vec<u8> {
        let text = self.values.iter().fold(text, |text, value| replaced(text, value));
        without_arguments(without_user_info(without_private_keys(text)))
    }
}

/// Puts [`REMOVED`] in the place of every `value`.
fn replaced(text: Vec<u8>, value: &[u8]) -> Vec<u8> {
    let found: Vec<Range<usize>> = places(&text, value).map(|start| start..start + value.len()).collect();
    cut(text, &found, REMOVED)
}

/// Where `word` begins in `text`, each behind the end of the one before.
fn places<'t>(text: &'t [u8], word: &'t [u8]) -> impl Iterator<Item = usize> + 't {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..)?;
        let start = at + rest.windows(word.len().max(1)).position(|window| window == word)?;
        at = start + word.len().max(1);
        Some(start)
    })
}

/// The text with something else in the place of each range, which are sorted and apart.
fn cut(text: Vec<u8>, ranges: &[Range<usize>], replacement: &[u8]) -> Vec<u8> {
    if ranges.is_empty() {
        return text;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut from = 0;
    for range in ranges {
        out.extend_from_slice(text.get(from..range.start).unwrap_or_default());
        out.extend_from_slice(replacement);
        from = range.end;
    }
    out.extend_from_slice(text.get(from..).unwrap_or_default());
    out
}

/// Without what is between the lines of a private key in PEM; one without an end reaches to the end of the text.
fn without_private_keys(text: Vec<u8>) -> Vec<u8> {
    const END: &[u8] = b"-----END ";
    let begins = places(&text, b"PRIVATE KEY-----").filter_map(|at| {
        let start = at + b"PRIVATE KEY-----".len();
        let line = text.get(..at)?.rsplit(|&byte| byte == b'\n').next()?;
        // The first of the two lines; what a name server of DNSSEC calls it ("Private-key-format") has no such lines.
        line.windows(5).any(|word| word == b"BEGIN").then_some(start)
    });
    let found = begins.map(|start| {
        let rest = text.get(start..).unwrap_or_default();
        let length = places(rest, END).next().unwrap_or(rest.len());
        start..start + length
    });
    let found: Vec<Range<usize>> = found.collect();
    cut(text, &found, REMOVED)
}

/// Without user and password in URLs: `https://user:password@host/`.
fn without_user_info(text: Vec<u8>) -> Vec<u8> {
    let found = places(&text, b"://").filter_map(|at| {
        let start = at + 3;
        let rest = text.get(start..)?;
        let is_end = |byte: &u8| !byte.is_ascii_graphic() || b"/?#\"'<>\\`".contains(byte);
        let authority = rest.split(|byte| is_end(byte)).next()?;
        let end = authority.iter().rposition(|&byte| byte == b'@')?;
        Some(start..start + end)
    });
    let found: Vec<Range<usize>> = found.collect();
    cut(text, &found, REMOVED)
}

/// Without the values of arguments in URLs whose names say that they are secret: `?token=…`.
fn without_arguments(text: Vec<u8>) -> Vec<u8> {
    let marks = text.iter().enumerate().filter(|(_, byte)| matches!(byte, b'?' | b'&' | b';'));
    let found = marks.filter_map(|(at, _)| {
        let rest = text.get(at + 1..)?;
        let name = SECRET_ARGUMENTS.iter().find(|name| {
            let (begin, behind) = rest.split_at_checked(name.len()).unwrap_or_default();
            begin.eq_ignore_ascii_case(name.as_bytes()) && behind.first() == Some(&b'=')
        })?;
        let start = at + 1 + name.len() + 1;
        let value = text.get(start..)?;
        let length = value.iter().position(|byte| !byte.is_ascii_graphic() || b"&;#\"'<>\\`)".contains(byte));
        Some(start..start + length.unwrap_or(value.len()))
    });
    let found: Vec<Range<usize>> = found.collect();
    cut(text, &found, REMOVED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(redaction: &Redaction, text: &str) -> String {
        String::from_utf8(redaction.of(text.into())).unwrap()
    }

    #[test]
    fn a_secret_goes_wherever_it_stands() {
        let mut redaction = Redaction::default();
        redaction.add_value(b"\"c2VjcmV0LWtleQ==\"");
        redaction.add_value(b"'12'");
        let text = "# it was c2VjcmV0LWtleQ== in 12 lines\nc2VjcmV0LWtleQ==c2VjcmV0LWtleQ==";
        assert_eq!(left(&redaction, text), "# it was (left out) in 12 lines\n(left out)(left out)");
    }

    #[test]
    fn words_of_a_secret_file_go_each_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kubeconfig");
        std::fs::write(&file, "user: admin\ntoken: eyJhbGciOiJSUzI1NiIsImtpZCI6\n").unwrap();
        let mut redaction = Redaction::default();
        redaction.add_file(&file);
        let text = "user: admin, Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6.";
        assert_eq!(left(&redaction, text), "user: admin, Bearer (left out).");
    }

    #[test]
    fn what_has_the_form_of_a_secret_goes_uncalled() {
        let none = Redaction::default();
        for (text, wanted) in [
            ("x https://me:pass@192.0.2.1:2379/a?b=1 y", "x https://(left out)@192.0.2.1:2379/a?b=1 y"),
            ("\"https://h/?a=1&Token=abc\", {", "\"https://h/?a=1&Token=(left out)\", {"),
            ("ifurlup('https://h/a@b', {})", "ifurlup('https://h/a@b', {})"),
            (
                "a\n-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----\nb",
                "a\n-----BEGIN EC PRIVATE KEY-----(left out)-----END EC PRIVATE KEY-----\nb",
            ),
            ("-----BEGIN PRIVATE KEY-----\nMHcC", "-----BEGIN PRIVATE KEY-----(left out)"),
            ("-----BEGIN CERTIFICATE-----\nMHcC\n", "-----BEGIN CERTIFICATE-----\nMHcC\n"),
        ] {
            assert_eq!(left(&none, text), wanted);
        }
    }

    #[test]
    fn what_is_cut_by_its_place_stays_toml() {
        let text = b"[[key]]\nsecret = \"abc\" # x\nsecret = 'd'".to_vec();
        let left = Redaction::without(text, &[17..22, 36..39]);
        let wanted = "[[key]]\nsecret = \"(left out)\" # x\nsecret = \"(left out)\"";
        assert_eq!(String::from_utf8(left).unwrap(), wanted);
    }
}
