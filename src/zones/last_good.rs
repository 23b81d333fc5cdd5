//! Stores the last good text of each zone, for a start with a broken zone file.

mod text;
mod keeper;

pub use keeper::LastGoodKeeper;
pub use text::Good;
pub(super) use text::{is_half, path, read};
