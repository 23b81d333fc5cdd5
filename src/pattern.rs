//! Patterns: globs of names and addresses, such as `192.0.2.14:*`.
//!
//! An operator writes them on a command line or in a request, and they come back in log lines; hence a
//! pattern is one line of bounded length.

use std::fmt;
use std::str::FromStr;

/// Longest pattern and longest remark of an operator, in bytes: one line of a log.
pub const LINE_BYTES_MAX: usize = 200;

/// A text in which an asterisk stands for any text and a question mark for one character: `192.0.2.1:6443`,
/// `192.0.2.1:*`, `*`. Brackets are those of IPv6 addresses; case is ignored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern(String);

/// Why a text is no pattern, or cannot be shown on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextError {
    /// An empty pattern matches nothing.
    Empty,
    /// Longer than [`LINE_BYTES_MAX`].
    TooLong,
    /// A character that would garble the log.
    Control(char),
}

impl Pattern {
    /// Whether it matches the whole of `text`.
    pub fn matches(&self, text: &str) -> bool {
        glob(self.0.as_bytes(), text.as_bytes())
    }

    /// Whether it matches every text that `other` matches.
    pub fn covers(&self, other: &Pattern) -> bool {
        self.matches(&other.0)
    }
}

/// The text itself, if it fits on one line of a log.
///
/// # Errors
///
/// [`TextError::TooLong`] and [`TextError::Control`].
pub fn read_line(text: &str) -> Result<&str, TextError> {
    match text.chars().find(|c| c.is_control()) {
        Some(control) => Err(TextError::Control(control)),
        None if text.len() > LINE_BYTES_MAX => Err(TextError::TooLong),
        None => Ok(text),
    }
}

impl FromStr for Pattern {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        if text.is_empty() { Err(TextError::Empty) } else { Ok(Pattern(read_line(text)?.to_owned())) }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TextError::Empty => f.write_str("the pattern is empty; `*` matches everything"),
            TextError::TooLong => write!(f, "longer than {LINE_BYTES_MAX} bytes"),
            TextError::Control(c) => write!(f, "{c:?} is a control character"),
        }
    }
}

impl std::error::Error for TextError {}

/// Whether a pattern matches a text, or every text that a text with wildcards of its own matches: hence a
/// question mark does not match an asterisk.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    // Behind the last asterisk, and how much of the text it had taken: a mismatch goes back there.
    let mut retry: Option<(usize, usize)> = None;
    while let Some(&byte) = text.get(seen) {
        match pattern.get(at) {
            Some(b'*') => {
                at += 1;
                retry = Some((at, seen));
                continue;
            }
            Some(b'?') if byte != b'*' => {}
            Some(wanted) if *wanted != b'?' && wanted.eq_ignore_ascii_case(&byte) => {}
            Some(_) | None => {
                let Some((behind, taken)) = retry else { return false };
                (at, seen) = (behind, taken + 1);
                retry = Some((behind, seen));
                continue;
            }
        }
        (at, seen) = (at + 1, seen + 1);
    }
    pattern.get(at..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests;
