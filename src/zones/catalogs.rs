//! Catalogs (RFC 9432) while they are served: zones come and go as they say.
//!
//! ```text
//!   a catalog has a new version ─▶ loop ─ note ─▶ task ─ MemberZones ─▶ Publications ─▶ loop: zones come and go
//!                                                  ├──────────────────▶ Secondaries: they are copied
//!                                                  └──────────────────▶ copies and members on disk
//! ```
//!
//! Responsible for the zones being those that the last good version of each catalog names. Not responsible for what a
//! catalog says (`transfer`), whose each zone is (`members`), or for copying a catalog: that is a zone like others.

mod status;

mod task;

pub use status::CatalogStatus;
pub use task::Catalogs;
