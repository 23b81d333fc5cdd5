//! Secrets, taken out of every text before it is written.
//!
//! What the config calls a secret is known by its value, and goes wherever it stands: in a comment, in the log. What
//! nobody has called one is known by its form: private keys in PEM, URLs with a password or a token, credentials in headers.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use crate::config::closing;
use crate::source::merged;

/// What stands in the place of a secret.
const REMOVED: &[u8] = b"(left out)";

/// The same in the place of a value of the config file.
const REMOVED_VALUE: &[u8] = b"\"(left out)\"";

/// Shortest value that is looked for everywhere, in bytes: a shorter one would be found in words that mean something else.
/// Where it is written in the config file it goes all the same.
const VALUE_BYTES_MIN: usize = 6;

/// How much of a secret file is read, in bytes: more than any key or kubeconfig has.
const SECRET_FILE_BYTES_MAX: u64 = 1 << 20;

/// What the names of arguments in a URL that are secrets end with: `access_token`, `X-Amz-Signature`.
const SECRET_ENDINGS: [&[u8]; 10] = [
    b"token",
    b"key",
    b"passwd",
    b"password",
    b"secret",
    b"sig",
    b"signature",
    b"auth",
    b"code",
    b"credential",
];

/// Longest name of an argument that is looked at, in bytes.
const ARGUMENT_BYTES_MAX: usize = 64;

/// The header whose value proves who asks (RFC 9110, section 11.6.2).
const CREDENTIALS_HEADER: &[u8] = b"authorization";

/// What stands before a token, in that header or alone (RFC 6750).
const BEARER: &[u8] = b"bearer ";

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
        // Each word may be found alone: a kubeconfig's token, in YAML or in JSON, a line of a key. Names are shorter.
        let is_between = |byte: &u8| byte.is_ascii_whitespace() || b"\"',{}[]".contains(byte);
        let words = text.split(is_between).filter(|word| word.len() >= 3 * VALUE_BYTES_MIN);
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

    /// A text without the bytes of `ranges`. What is TOML stays it.
    pub(super) fn without(text: Vec<u8>, ranges: Vec<Range<usize>>) -> Vec<u8> {
        cut(text, ranges, REMOVED_VALUE)
    }

    /// The text without secrets.
    pub(super) fn of(&self, text: Vec<u8>) -> Vec<u8> {
        let values =
            self.values.iter().flat_map(|value| places(&text, value).map(|start| start..start + value.len()));
        // All of them in the text as it is: what one of them hides must not hide another one's begin or end.
        let found: Vec<Range<usize>> = values
            .chain(private_keys(&text))
            .chain(user_info(&text))
            .chain(arguments(&text))
            .chain(credentials(&text))
            .collect();
        cut(text, found, REMOVED)
    }
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

/// The text with something else in the place of each range; once in that of several that overlap.
fn cut(text: Vec<u8>, ranges: Vec<Range<usize>>, replacement: &[u8]) -> Vec<u8> {
    if ranges.is_empty() {
        return text;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut from = 0;
    for range in merged(ranges) {
        out.extend_from_slice(text.get(from..range.start).unwrap_or_default());
        out.extend_from_slice(replacement);
        from = range.end;
    }
    out.extend_from_slice(text.get(from..).unwrap_or_default());
    out
}

/// What is between the lines of a private key in PEM; one without an end reaches to the end of the text.
fn private_keys(text: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    const END: &[u8] = b"-----END ";
    let begins = places(text, b"PRIVATE KEY-----").filter_map(|at| {
        let start = at + b"PRIVATE KEY-----".len();
        let line = text.get(..at)?.rsplit(|&byte| byte == b'\n').next()?;
        // The first of the two lines; what a name server of DNSSEC calls it ("Private-key-format") has no such lines.
        line.windows(5).any(|word| word == b"BEGIN").then_some(start)
    });
    begins.map(|start| {
        let rest = text.get(start..).unwrap_or_default();
        let length = places(rest, END).next().unwrap_or(rest.len());
        start..start + length
    })
}

/// User and password in URLs: `https://user:password@host/`.
fn user_info(text: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    places(text, b"://").filter_map(|at| {
        let start = at + 3;
        let rest = text.get(start..)?;
        let is_end = |byte: &u8| !byte.is_ascii_graphic() || b"/?#\"'<>\\`".contains(byte);
        let authority = rest.split(|byte| is_end(byte)).next()?;
        let end = authority.iter().rposition(|&byte| byte == b'@')?;
        Some(start..start + end)
    })
}

/// The values of arguments in URLs whose names say that they are secret: `?token=…`.
fn arguments(text: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let marks = text.iter().enumerate().filter(|(_, byte)| matches!(byte, b'?' | b'&' | b';'));
    marks.filter_map(|(at, _)| {
        let rest = text.get(at + 1..)?;
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        let length = rest.iter().take(ARGUMENT_BYTES_MAX).position(|byte| !is_name(byte))?;
        let (name, behind) = rest.split_at_checked(length)?;
        let is_secret =
            behind.first() == Some(&b'=') && SECRET_ENDINGS.iter().any(|ending| ends_with(name, ending));
        let start = at + 1 + length + 1;
        is_secret.then(|| start..start + value_bytes(text, start, b"&;#\"'<>\\`)"))
    })
}

/// What stands behind `Authorization` and a colon or `=`, to the end of its quotes, else of the line, and behind `Bearer`.
fn credentials(text: &[u8]) -> Vec<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    // All up to here is hidden, so that one line is looked at once.
    let mut hidden = 0;
    let headers = places(&lower, CREDENTIALS_HEADER).filter_map(|at| {
        if at < hidden {
            return None;
        }
        // The name of the header may stand in quotes, and so may its value.
        let is_before = |byte: &u8| matches!(byte, b' ' | b'\t' | b'"' | b'\'' | b'\\');
        let name_end = at + CREDENTIALS_HEADER.len();
        let mark = name_end + skipped(text, name_end, is_before);
        if !matches!(text.get(mark), Some(b':' | b'=')) {
            return None;
        }
        let blank = mark + 1 + skipped(text, mark + 1, |byte| matches!(byte, b' ' | b'\t' | b'\\'));
        let value = match text.get(blank) {
            Some(b'"' | b'\'') => quoted(text, blank),
            _ => blank..end_of_line(text, blank),
        };
        if matches!(text.get(value.end), None | Some(b'\r' | b'\n')) {
            hidden = value.end;
        }
        (!value.is_empty()).then_some(value)
    });
    let bearers = places(&lower, BEARER).filter_map(|at| {
        let start = at + BEARER.len();
        let length = value_bytes(text, start, b"\"',;<>\\`)}]");
        // Shorter ones are words of a sentence.
        (length >= 3 * VALUE_BYTES_MIN).then(|| start..start + length)
    });
    headers.chain(bearers).collect()
}

/// What is between the quote at a place and the one that closes it, else the end of the line.
fn quoted(text: &[u8], open: usize) -> Range<usize> {
    let rest = text.get(open..).unwrap_or_default();
    let quote = rest.first().copied().unwrap_or(b'"');
    let escapes = |at: usize| {
        text.get(..at).unwrap_or_default().iter().rev().take_while(|byte| **byte == b'\\').count()
    };
    let own = escapes(open);
    if own > 0 {
        // Quotes within quotes: one that is escaped as this one closes it, one that is escaped more stands within.
        let is_close = |at: usize| text.get(at) == Some(&quote) && escapes(at) <= own;
        let is_end = |at: &usize| matches!(text.get(*at), Some(b'\r' | b'\n')) || is_close(*at);
        return match (open + 1..text.len()).find(is_end) {
            Some(end) if is_close(end) => open + 1..end - escapes(end),
            Some(end) => open + 1..end,
            None => open + 1..text.len(),
        };
    }
    let closed = closing(rest).and_then(|length| rest.get(..length));
    let marks = if rest.starts_with(&[quote; 3]) { 3 } else { 1 };
    // Three quotes that are not closed reach to the end of the text.
    let inner = closed.map(|value| value.get(marks..).unwrap_or_default());
    let inner = inner.map(|inner| inner.strip_suffix(&[quote; 3][..marks]).unwrap_or(inner).len());
    open + marks..inner.map_or_else(|| end_of_line(text, open), |length| open + marks + length)
}

fn end_of_line(text: &[u8], start: usize) -> usize {
    start + skipped(text, start, |byte| !matches!(byte, b'\r' | b'\n'))
}

fn ends_with(name: &[u8], ending: &[u8]) -> bool {
    let start = name.len().checked_sub(ending.len());
    start.and_then(|start| name.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(ending))
}

/// How many bytes from `start` on are fit to be skipped.
fn skipped(text: &[u8], start: usize, is_fit: impl Fn(&u8) -> bool) -> usize {
    text.get(start..).unwrap_or_default().iter().take_while(|byte| is_fit(byte)).count()
}

/// How long a value without blanks is that begins at `start` and ends before any of `ends`.
fn value_bytes(text: &[u8], start: usize, ends: &[u8]) -> usize {
    skipped(text, start, |byte| byte.is_ascii_graphic() && !ends.contains(byte))
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
    fn a_secret_that_begins_as_another_one_goes_whole() {
        let mut redaction = Redaction::default();
        redaction.add_value(b"\"c2VjcmV0\"");
        redaction.add_value(b"\"c2VjcmV0LWtleQ==\"");
        redaction.add_value(b"\"LWtleQ==LONGER\"");
        assert_eq!(left(&redaction, "c2VjcmV0LWtleQ==LONGER c2VjcmV0"), "(left out) (left out)");
    }

    #[test]
    fn words_of_a_secret_file_go_each_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kubeconfig");
        std::fs::write(&file, "user: admin\ntoken: eyJhbGciOiJSUzI1NiIsImtpZCI6\n").unwrap();
        let mut redaction = Redaction::default();
        redaction.add_file(&file);
        let text = "user: admin, with eyJhbGciOiJSUzI1NiIsImtpZCI6.";
        assert_eq!(left(&redaction, text), "user: admin, with (left out).");
        std::fs::write(&file, "{\"user\":\"admin\",\"token\":\"b0123456789abcdefghijklmnop\"}").unwrap();
        redaction.add_file(&file);
        assert_eq!(left(&redaction, "it is b0123456789abcdefghijklmnop"), "it is (left out)");
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
            (
                "h/a?access_token=x&X-Amz-Signature=y;n=1",
                "h/a?access_token=(left out)&X-Amz-Signature=(left out);n=1",
            ),
            ("h/a?keys=3&tokens=4 monkey=5", "h/a?keys=3&tokens=4 monkey=5"),
            ("authorization: Basic bWU6cGFzcw==\nHost: h", "authorization: (left out)\nHost: h"),
            (
                "Authorization: Digest username=\"me\", response=\"abc\"\nHost: h",
                "Authorization: (left out)\nHost: h",
            ),
            ("headers = { Authorization = \"Token abc\" }", "headers = { Authorization = \"(left out)\" }"),
            (
                "{\"Authorization\": \"Digest a b\", \"x\": 1}",
                "{\"Authorization\": \"(left out)\", \"x\": 1}",
            ),
            ("said Bearer eyJhbGciOiJSUzI1NiIsIm, and", "said Bearer (left out), and"),
            ("the bearer of this letter", "the bearer of this letter"),
            ("authorization is not needed", "authorization is not needed"),
            // One within another.
            (
                "Authorization: a, proxy-authorization=\"x\", response=\"abc\"\nHost: h",
                "Authorization: (left out)\nHost: h",
            ),
            ("https://me:Authorization=x@h/ y\nb", "https://(left out)\nb"),
            (
                r#"headers = { Authorization = "Digest user=\"me\", response=\"abc\"" }"#,
                r#"headers = { Authorization = "(left out)" }"#,
            ),
            (
                r#"said "{\"Authorization\": \"Digest a=\\\"me\\\" b\", \"x\": 1}""#,
                r#"said "{\"Authorization\": \"(left out)\", \"x\": 1}""#,
            ),
            ("Authorization = \"\"\"Token\nabc\"\"\" # x", "Authorization = \"\"\"(left out)\"\"\" # x"),
            ("Authorization = \"\", x = 1", "Authorization = \"\", x = 1"),
        ] {
            assert_eq!(left(&none, text), wanted);
        }
    }

    #[test]
    fn what_is_cut_by_its_place_stays_toml() {
        let text = b"[[key]]\nsecret = \"abc\" # x\nsecret = 'd'".to_vec();
        let left = Redaction::without(text, vec![17..22, 36..39]);
        let wanted = "[[key]]\nsecret = \"(left out)\" # x\nsecret = \"(left out)\"";
        assert_eq!(String::from_utf8(left).unwrap(), wanted);
    }
}
