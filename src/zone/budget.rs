//! How much memory a zone may take while it is made from its text.
//!
//! A line of text may become 65,536 records (`$GENERATE`), and one file may be included 10,000 times. Without
//! a limit one zone takes the memory of all others, and the process with it.
//!
//! Counts, and says when it is too much.

use crate::source::{Diagnostic, Origin};

/// Memory that any zone may take, in bytes, however short its text is: some 700,000 records of `$GENERATE`.
pub const MEMORY_MIN: u64 = 256 << 20;

/// Bytes of memory for each byte of text. Records that are written out take ten to thirty.
pub const MEMORY_PER_TEXT_BYTE: u64 = 64;

/// What a record takes beside its data, in bytes: its places in the tree, while it is sorted, and in the compiled form.
pub(super) const RECORD_BYTES: u64 = 160;

/// What a name takes beside its labels, likewise.
pub(super) const NAME_BYTES: u64 = 160;

/// Names and data are in the tree and in the compiled form, which are there at the same time.
pub(super) const COPIES: u64 = 2;

/// Memory that a record with so many bytes of data takes, in bytes.
pub(super) fn record_memory(rdata_len: usize) -> u64 {
    // RDATA has 65,535 bytes at most.
    RECORD_BYTES + COPIES * rdata_len as u64
}

/// Memory that a name with so many bytes takes, in bytes.
pub(super) fn name_memory(name_len: usize) -> u64 {
    // A name has 255 bytes at most.
    NAME_BYTES + COPIES * name_len as u64
}

/// How much memory a zone may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemoryLimit {
    /// [`MEMORY_MIN`] or, if that is more, [`MEMORY_PER_TEXT_BYTE`] for its text.
    #[default]
    ByText,
    /// So many bytes.
    Bytes(u64),
}

/// What a zone has taken of what it may.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// None: it is not counted.
    pub(super) limit: Option<MemoryLimit>,
    text_bytes: u64,
    taken: u64,
}

impl Budget {
    /// Text was read, which allows more.
    pub(super) fn allow_text(&mut self, bytes: u64) {
        self.text_bytes = self.text_bytes.saturating_add(bytes);
    }

    /// Counts what has been taken already, or is about to be.
    pub(super) fn count(&mut self, bytes: u64) {
        self.taken = self.taken.saturating_add(bytes);
    }

    /// The limit in bytes, if the zone is over it.
    pub(super) fn exceeded(&self) -> Option<u64> {
        let allowed = match self.limit? {
            MemoryLimit::Bytes(bytes) => bytes,
            MemoryLimit::ByText => MEMORY_MIN.max(self.text_bytes.saturating_mul(MEMORY_PER_TEXT_BYTE)),
        };
        (self.taken > allowed).then_some(allowed)
    }

    /// Refuses what has been counted, if that is too much.
    pub(super) fn check(&self, origin: &Origin) -> Result<(), Diagnostic> {
        let Some(allowed) = self.exceeded() else { return Ok(()) };
        let message = format!("up to here the zone takes more than {} MiB of memory", allowed >> 20);
        Err(Diagnostic::error(origin, message)
            .remark(format!("all of its text is {} bytes", self.text_bytes))
            .help("if the zone needs that many records, raise `memory-limit` in its `[[zone]]`"))
    }
}
