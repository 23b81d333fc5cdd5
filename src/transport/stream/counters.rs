//! What happens to connections.

use std::sync::atomic::{AtomicU64, AtomicUsize};

/// Connections, over all listen addresses.
#[derive(Debug, Default)]
pub struct TcpCounters {
    /// Open now.
    pub open: AtomicUsize,
    /// Served since start.
    pub accepted: AtomicU64,
    /// Closed while idle: all places were taken, and another client came.
    pub evicted: AtomicU64,
    /// Closed at once: there were `connections_max` already, and none could go.
    pub refused: AtomicU64,
    /// Closed at once: the client had `connections_per_client_max` already.
    pub limited: AtomicU64,
    /// Cut: the client did not read.
    pub cut: AtomicU64,
}
