//! Patterns: globs of names and addresses, such as `192.0.2.14:*`.
//!
//! An operator writes them on a command line or in a request, and they come back in log lines; hence a
//! pattern is one line of bounded length.

mod line;

mod glob;

mod labels;

use std::fmt;
use std::str::FromStr;

use glob::glob;

pub use labels::{LabelsError, LabelsPattern};
pub use line::{LINE_BYTES_MAX, TextError, read_line};

/// A text in which an asterisk stands for any text and a question mark for one character: `192.0.2.1:6443`,
/// `192.0.2.1:*`, `*`. Brackets are those of IPv6 addresses; case is ignored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern(String);

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

#[cfg(test)]
mod tests;
