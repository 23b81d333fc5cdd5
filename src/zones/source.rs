//! Where the records of a zone come from: one trait, a file per kind.
//!
//! ```text
//!   file ─┐
//!         ├─ read ─▶ zone::Builder ─▶ Proposal ─▶ accepted, or refused with every fault
//!   reverse ┤
//!   primary ┘   the copy at a start; then `secondary` proposes what comes
//! ```
//!
//! A kind is a file in this folder and a line in the list below; `config` has the key that names it.

mod primaries;
mod interface;

mod file;
mod reverse;
mod updates;
mod primary;

mod all;

pub use all::ZoneSources;
pub use file::ZoneFile;
pub use interface::{Reading, Source};
pub use primaries::Primaries;
pub use reverse::ReverseOf;
pub use updates::Updates;
