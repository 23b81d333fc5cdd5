//! What changed in a zone while it was served, on the disk: the updates that its file does not have, and the steps
//! from serial to serial.
//!
//! ```text
//!   file of the zone ─┐
//!                     ├─▶ what is served       Overlay: records that came, records that went
//!   overlay ──────────┘
//!   History: (from, to, Changeset), newest last, for incremental transfers
//! ```
//!
//! `entry` is the form of what is written, `file` writes and reads it. Not responsible for who may change what
//! (`update`), or for when a version is published.

mod overlay;

mod history;

mod entry;

mod file;

pub use file::{Journal, JournalError, Torn};
pub use history::{HISTORY_BYTES_MAX, History, JournalStep};
pub use overlay::{Deleted, Overlaid, Overlay, OverlayKey};
