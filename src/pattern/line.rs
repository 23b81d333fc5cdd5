//! One line of text, as logs and requests have it.

use std::fmt;

/// Longest pattern and longest remark of an operator, in bytes: one line of a log.
pub const LINE_BYTES_MAX: usize = 200;

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
