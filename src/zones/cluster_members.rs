//! Members of pools that a cluster names: a task for each selector, beside the loop.
//!
//! ```text
//!   kept on the disk ─▶ Roster ◀─ list, then watch ─ API server
//!                          │
//!                          ▼ who belongs to it has changed
//!                 kept on the disk ─▶ the zones with such members are read again
//! ```
//!
//! Responsible for what is kept being what the cluster said last, and for nobody being forgotten at once. Not responsible for
//! asking (`crate::kubernetes`), or for what zones make of it (`source`).

mod roster;
mod status;
mod task;
mod feed;

pub use feed::ClusterMembersFeed;
pub use status::ClusterMembersStatus;
