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

mod apexes;
mod beside;
mod budget;
mod builder;
mod guarding;
mod jenkins;
mod name_index;
mod network;
mod pool;
mod reverse;
mod rules;
mod targets;
mod tree;

pub use apexes::Apexes;
pub use budget::{MEMORY_MIN, MEMORY_PER_TEXT_BYTE, MemoryLimit};
pub use builder::Builder;
pub use guarding::{Choice, GuardTemplate, Guarding, Test};
pub use jenkins::{client_hash, name_hash};
pub use network::Network;
pub use pool::{
    AllDown, Guard, MEMBERS_MAX, Member, MinUp, Order, Pool, Selector, TestedName, WEIGHTS_MAX, WhilePending,
};
pub use reverse::{Addresses, Hosts, check_reverse, is_reverse};
pub use rules::{ANSWER_BYTES_MAX, CNAME_CHAIN_MAX, POOLS_MAX};
pub use tree::{Kind, LuaLibrary, Node, NodeId, PoolId, Rrset, Zone};

#[cfg(test)]
mod tests;
