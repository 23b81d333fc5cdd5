//! Zones that catalogs name (RFC 9432): which of them are served, and what outlives a restart of that.
//!
//! ```text
//!   members as they were kept ─┐
//!                              ├─▶ Roster ─▶ which zones come, go, change or begin anew
//!   versions of catalogs ──────┘
//! ```
//!
//! Used by a start, which serves members at once, and by `catalogs`, which follows catalogs from then on. Not responsible
//! for copying a zone (`secondary`), or for publishing.

mod membership;

mod kept;

mod roster;

pub use membership::{Clash, Losses};
pub(super) use roster::{Roster, Said, SettingsAre, Turn};
