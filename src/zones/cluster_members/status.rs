//! How a cluster is heard about the members of a selector.

use std::time::SystemTime;

/// How a cluster is heard about the members of a selector.
#[derive(Clone, Debug, Default)]
pub struct ClusterMembersStatus {
    /// Whether an API server is watched.
    pub connected: bool,
    /// The API server that was asked last.
    pub server: Option<String>,
    /// How many members there are, those among them that are missed.
    pub members: usize,
    /// How many of them the cluster has no more, and are not forgotten yet.
    pub missed: usize,
    /// How many the cluster has besides, which a pool has no room for.
    pub left_out: usize,
    /// When an API server said something last.
    pub heard_at: Option<SystemTime>,
    /// Why none is heard; none: one is.
    pub fault: Option<String>,
    /// How often the API server was lost.
    pub lost: u64,
}
