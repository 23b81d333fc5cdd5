//! Zones: the name tree, RRsets, zone cuts, wildcards and pools, and which
//! records may stand together.
//!
//! Responsible for what a zone is and which zones are sound.
//! Not responsible for verdicts (which members are up) or for files.
//!
//! ```text
//!  add, add_pool, guard          finish                 find, node
//!  ────────────────────▶ Builder ──────▶ rules ──▶ Zone ──────────▶ answer
//! ```

mod builder;
mod guarding;
mod name_index;
mod pool;
mod rules;
mod tree;

pub use builder::Builder;
pub use guarding::{GuardTemplate, Guarding};
pub use pool::{AllDown, Guard, Member, Pool, Selector, WhilePending};
pub use tree::{Kind, Node, NodeId, PoolId, Rrset, Zone};

#[cfg(test)]
mod tests;
