//! Words of zone text, as RDATA is read from them.
//!
//! Where a word begins and ends is decided by the lexer of `zonefile`.

use crate::source::Span;

/// One word of a record's RDATA as the lexer of zone text found it.
#[derive(Clone, Copy, Debug)]
pub struct Token<'t> {
    /// The bytes as written, escapes included, quotes not.
    pub text: &'t [u8],
    /// Whether it was quoted.
    pub quoted: bool,
    /// Its span, quotes included.
    pub span: Span,
}
