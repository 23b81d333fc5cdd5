//! A word of another server's file and its place.

use crate::source::Span;

/// A piece of text and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) span: Span,
}

impl Word {
    /// Its parts between `separators`, empty ones left out, each with its own place.
    pub(super) fn split(&self, separators: &[char]) -> Vec<Word> {
        let parts = self.text.split(separators).map(str::trim).filter(|part| !part.is_empty());
        parts.map(|part| self.part(part)).collect()
    }

    /// A slice of this word's text as a word.
    pub(super) fn part(&self, part: &str) -> Word {
        // If the text differs from the file (a line that continues on the next), the place of the whole.
        let exact = self.span.end.saturating_sub(self.span.start) as usize == self.text.len();
        let offset = (part.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize);
        let span = offset.filter(|_| exact).and_then(|offset| {
            let start = self.span.start.checked_add(u32::try_from(offset).ok()?)?;
            Some(Span::new(self.span.file, start, start.checked_add(u32::try_from(part.len()).ok()?)?))
        });
        Word { text: part.to_owned(), span: span.unwrap_or(self.span) }
    }
}

/// A text of another server on one line that a terminal takes as text: words and paths may contain anything.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { char::REPLACEMENT_CHARACTER } else { it }).collect()
}

/// Whether the value of a setting of this name is a secret.
pub(super) fn is_secret(name: &str) -> bool {
    ["password", "secret", "api-key", "api_key"].iter().any(|word| name.contains(word))
}
