//! Zones: the name tree, RRsets, zone cuts, wildcards and pools, and which records may exist together.
//!
//! Defines zones and which of them are sound. Not responsible for verdicts (which members are up) or for
//! files.
//!
//! ```text
//!  add, add_pool, guard          finish                 find, node
//!  ────────────────────▶ Builder ──────▶ rules ──▶ Zone ──────────▶ answer
//! ```

mod network;
mod jenkins;
mod member;
mod order;
mod pass;
mod share_max;
mod computed;
mod selector;
mod pool;
mod apexes;
mod rrset_key;
mod name_index;
mod sealed;
mod changed;
mod family;
mod tree;
mod lookup;
mod reverse_names;
mod targets;
mod apex_rules;
mod leaving;
mod rules;
mod recheck;
mod guarding;
mod beside;
mod tested;
mod machines;
mod guarded;
mod budget;
mod distinct;
mod hosts;
mod builder;
mod reverse;
mod changeset;
mod node_change;
mod merged;
mod repool;
mod apply;
mod member_changes;
mod settled;

pub use apexes::Apexes;
pub use budget::{MEMORY_MIN, MEMORY_PER_TEXT_BYTE, MemoryLimit};
pub use builder::{Builder, KeylessSignatures, Lookups};
pub use changeset::{Changeset, ChangesetError, Record};
pub use computed::{
    AddressFamily, AddressFilter, Computed, ComputedAddress, ComputedHost, ComputedRdata, Fallback,
    FilterRule, HostFormat, HostFormatError,
};
pub use guarding::{
    Elsewhere, Expected, GuardTemplate, Guarding, HostAddress, HostName, Machines, PoolSettings, Test,
};
pub use hosts::NoHost;
pub use jenkins::{client_hash, name_hash};
pub use lookup::CNAME_CHAIN_MAX;
pub use member::{Guard, MEMBERS_MAX, Member, Passes, TestedName, WEIGHTS_MAX};
pub use network::Network;
pub use node_change::NodeChange;
pub use order::AnswerOrder;
pub use pass::Pass;
pub use pool::{AllDown, MinUp, Pool, WhileAny, WhilePending};
pub use reverse::{Addresses, Hosts, check_reverse};
pub use reverse_names::{is_reverse, reverse_name};
pub use rules::{ANSWER_BYTES_MAX, POOLS_MAX};
pub use sealed::{NodeId, NodeKind, PoolId};
pub use selector::{
    Answers, Arrangement, Candidate, ChoiceAtQuery, ChosenBy, ConfigForm, Follows, LuaForm, LuaFunction,
    PICKCLOSEST, Selector, SelectorEntry, View,
};
pub use share_max::ShareMax;
pub use tree::{LuaLibrary, Node, Rdatas, Rrset, Rrsets, Zone};

#[cfg(test)]
mod tests;
