//! Source text: files as they were read, places in them, and diagnostics drawn as rustc draws them.
//!
//! This room does not know what a text means: nothing here knows DNS.

mod nearest;
mod words;
mod patience;
mod ranges;
mod span;

mod origin;

mod diagnostic;
mod digest;

mod sources;

mod lines;

mod render;

pub use diagnostic::{DIAGNOSTICS_MAX, Diagnostic, Diagnostics, Label, Remark, RemarkKind, Severity};
pub use digest::{Digest, Digesting};
pub use lines::Lines;
pub use nearest::nearest;
pub use origin::{FileLine, Origin, OriginId, Origins, StoreKey, Transfer, Update};
pub use patience::{Pending, WAIT_MAX, pending, take_has_come};
pub use ranges::merged;
pub use render::Look;
pub use sources::{Error, Naming, Sources, TextFile, canonical};
pub use span::{FileId, Place, Span, TEXT_BYTES_MAX, offset};
pub use words::words;

pub(crate) use patience::{open_regular, patiently, patiently_for, wait_for_bytes};

#[cfg(test)]
mod tests;
