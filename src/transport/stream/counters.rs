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
    /// Their handshakes, where what is asked is encrypted.
    pub handshakes: HandshakeCounters,
}

/// Handshakes of encrypted transports. One that is over counts once.
#[derive(Debug, Default)]
pub struct HandshakeCounters {
    /// Under way now.
    pub under_way: AtomicUsize,
    /// Those that led to a connection.
    pub completed: AtomicU64,
    /// Ended by the client, or by what it said.
    pub failed: AtomicU64,
    /// Ended by us: their time was over.
    pub late: AtomicU64,
    /// Ended by us: there were too many, and this was the oldest, or its connection made room for another client's.
    pub evicted: AtomicU64,
    /// Not begun: the client had too many under way.
    pub limited: AtomicU64,
    /// Not begun: many were under way, and the client, over QUIC, has to prove first that it is there.
    pub retried: AtomicU64,
}
