//! How a cluster is heard about the members of a selector.

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use crate::sync::lock;

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
    /// When an API server said something last.
    pub heard_at: Option<SystemTime>,
    /// Why none is heard; none: one is.
    pub fault: Option<String>,
    /// How often the API server was lost.
    pub lost: u64,
}

/// The status of one selector. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedStatus(Arc<Mutex<ClusterMembersStatus>>);

impl SharedStatus {
    pub(super) fn get(&self) -> ClusterMembersStatus {
        lock(&self.0).clone()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut ClusterMembersStatus)) {
        change(&mut lock(&self.0));
    }
}
