//! Places in a text: spans for the program, line and column for people.

use std::num::NonZeroU32;

/// Which text a span points into; only `Sources` makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(NonZeroU32);

impl FileId {
    /// Before all others.
    pub(super) const FIRST: FileId = FileId(NonZeroU32::MIN);

    /// Of the text behind so many others.
    pub(super) fn behind(texts: u32) -> FileId {
        // Four billion texts do not fit a memory.
        FileId(NonZeroU32::MIN.saturating_add(texts))
    }
}

/// A piece of a text: byte offsets, `start` included, `end` not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The text.
    pub file: FileId,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
}

impl Span {
    /// A span of `file` from `start` to `end`, in bytes.
    pub fn new(file: FileId, start: u32, end: u32) -> Self {
        Self { file, start, end }
    }

    /// From the start of this span to the end of `other`, which must lie in the same file; otherwise this
    /// span alone.
    #[must_use]
    pub fn to(self, other: Span) -> Span {
        if self.file == other.file { Span { end: other.end.max(self.end), ..self } } else { self }
    }
}

/// An offset into a text as spans hold it.
pub fn offset(at: usize) -> u32 {
    // No text is longer than `TEXT_BYTES_MAX`, so that even the place behind its end has 32 bits.
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Where a fault is, as a person names it: lines and columns count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The file, as the operator named it.
    pub path: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.path, self.line, self.column)
    }
}

/// Largest text that is read, in bytes: offsets in a span are 32 bits wide.
pub const TEXT_BYTES_MAX: u64 = u32::MAX as u64 - 1;
