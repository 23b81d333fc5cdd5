//! What clients may do over streams.

use std::time::Duration;

/// What clients may do over TCP, and over what is carried by it. All limits exist because a connection costs
/// memory that others cannot use meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpSettings {
    /// Connections in all; for a further one that of a greater holder is closed, if one is idle, or else
    /// itself.
    pub connections_max: usize,
    /// Connections of one IPv4 address or one IPv6 /64.
    pub connections_per_client_max: usize,
    /// Longest wait for the next whole query.
    pub idle: Duration,
    /// Longest wait for the first byte.
    pub first_byte: Duration,
    /// Longest life of a connection, however busy.
    pub lifetime: Duration,
    /// Longest wait for a client to take the responses to what it asked.
    pub write: Duration,
}

impl Default for TcpSettings {
    fn default() -> Self {
        Self {
            connections_max: 1000,
            connections_per_client_max: 100,
            idle: Duration::from_secs(10),
            first_byte: Duration::from_secs(5),
            lifetime: Duration::from_secs(600),
            write: Duration::from_secs(5),
        }
    }
}
