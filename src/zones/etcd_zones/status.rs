//! The status of a zone whose records are keys of etcd.

use std::time::SystemTime;

/// How a zone stands whose records are keys of etcd.
#[derive(Clone, Debug, Default)]
pub struct EtcdStatus {
    /// Whether a member is watched, and the store agrees about where it stands.
    pub connected: bool,
    /// The member that was asked last.
    pub member: Option<String>,
    /// Where the store stood when it was heard of last.
    pub revision: Option<u64>,
    /// The serial of the version that was made last.
    pub serial: Option<u32>,
    /// When the store has said last that what is served is what it has.
    pub confirmed_at: Option<SystemTime>,
    /// Why the store is not heard; none: it is.
    pub fault: Option<String>,
    /// How many keys say something.
    pub keys: usize,
    /// Values that are not served, and why: the first of them.
    pub faults: Vec<String>,
    /// How many there are.
    pub faulty: usize,
    /// What waits to be accepted.
    pub held: Option<Held>,
    /// Images of all keys that were taken.
    pub images: u64,
    /// Versions that were made of changes.
    pub changes: u64,
    /// How often the store was lost.
    pub lost: u64,
}

/// Keys that have gone, so many at once that it may be a mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// How many keys there are in the store.
    pub keys: usize,
    /// How many are served.
    pub served: usize,
}
