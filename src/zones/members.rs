//! Zones that catalogs name (RFC 9432): which of them are served, and what outlives a restart of that.
//!
//! ```text
//!   members as they were kept ─┐
//!                              ├─▶ MemberZones ─▶ which zones come, go, change or begin anew
//!   versions of catalogs ──────┘
//! ```
//!
//! Used by a start, which serves members at once, and by `catalogs`, which follows catalogs from then on. Not responsible
//! for copying a zone (`secondary`), or for publishing.

mod membership;

mod kept;

mod member_zones;

pub(super) use member_zones::{MemberZones, Said, SettingsAre, Turn};
pub use membership::{Clash, Losses};
