//! The last good text of each zone, kept for a start with a broken zone file.
//!
//! `text` is the form of such a file, `keeper` writes them beside the loop.

mod text;
mod keeper;

pub use keeper::Keeper;
pub use text::Good;
pub(super) use text::{file_name, is_half, path, read};
