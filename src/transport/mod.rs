//! Sockets: from clients to [`answer`](crate::answer) and back.
//!
//! Responsible for listening over UDP and TCP, for moving queries and
//! responses, for limits per connection and client, and for changing listen
//! addresses without losing queries.
//! Not responsible for what is answered: this room knows no zones.
//!
//! ```text
//!  Settings, Inherited ─▶ Listeners::bind ─▶ start ─▶ Running ─▶ change, stop
//!                                              │
//!                          ┌───────────────────┴───────────┐
//!       udp: one thread per worker,                 tcp: tasks on a runtime,
//!       a socket per listen address                 a listener per listen address
//!                          └──────────▶ Responder ◀────────┘
//!                                           │ what is not ours
//!                                       Elsewhere ─▶ Deferred ─▶ the way back to the client
//! ```
//!
//! No number saturates into a length or an offset. What is added here are
//! lengths of slices and counts of what lies in memory, none of which comes
//! near the end of its type: where an addition must be written as
//! `saturating_add` for the lint, it never saturates. A conversion that cannot
//! fail says why beside it (`tests/floors.rs`).

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod affinity;
mod deferred;
mod durations;
mod inherited;
mod listeners;
mod mmsg;
mod plan;
mod responder;
mod running;
mod scope;
mod tcp;
mod trace;
mod udp;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::thread;

pub use affinity::Affinity;
pub use deferred::Deferred;
pub use durations::{DURATION_BOUNDS, Durations};
pub use inherited::{Inherited, Label, Misfit};
pub use listeners::{Buffers, Error, Listeners, Protocol, UDP_BUFFER_BYTES};
pub use responder::{ForwardResponder, Responder, SnapshotResponder};
pub use running::{Listening, Running, Worker, start};
pub use scope::{ScopeError, ScopedIp, scoped_place};
pub use tcp::{CONNECTION_BYTES_MAX, Frame, Input, TcpCounters, TcpSettings, client};
pub use trace::{Filter, Names, Seen, TRACES_MAX, Taps, Trace};
pub use udp::UdpCounters;

/// UDP workers at most: more threads than the machines that serve DNS at an
/// edge have cores.
pub const WORKERS_MAX: usize = 256;

/// Port of DNS (RFC 1035, section 4.2).
const DNS_PORT: u16 = 53;

/// Where and with how much to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Addresses, each for UDP and TCP. One given twice counts once.
    pub listen: Vec<SocketAddr>,
    /// UDP threads, at most [`WORKERS_MAX`]; 0: one per core.
    pub workers: usize,
    /// Which of them takes a query over UDP.
    pub affinity: Affinity,
    /// Limits of TCP.
    pub tcp: TcpSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: vec![(Ipv4Addr::UNSPECIFIED, DNS_PORT).into(), (Ipv6Addr::UNSPECIFIED, DNS_PORT).into()],
            workers: 0,
            affinity: Affinity::Clients,
            tcp: TcpSettings::default(),
        }
    }
}

impl Settings {
    /// How many UDP workers that makes on this machine.
    pub fn worker_count(&self) -> usize {
        match self.workers {
            0 => thread::available_parallelism().map_or(1, usize::from).min(WORKERS_MAX),
            workers => workers.min(WORKERS_MAX),
        }
    }

    /// The listen addresses, each once, in the order given.
    fn addresses(&self) -> Vec<SocketAddr> {
        let mut addresses: Vec<SocketAddr> = Vec::with_capacity(self.listen.len());
        for address in &self.listen {
            if !addresses.contains(address) {
                addresses.push(*address);
            }
        }
        addresses
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may stop at an overflow")]
mod tests;
