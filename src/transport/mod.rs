//! Sockets: from clients to [`answer`](crate::answer) and back.
//!
//! Listens, moves queries and responses, limits connections in all and per client, and changes listen
//! addresses without losing queries. Not responsible for what is answered: this room knows no zones.
//!
//! ```text
//!  Settings, Inherited ─▶ Listeners::bind ─▶ start ─▶ Running ─▶ change, stop
//!                                              │
//!                          ┌───────────────────┴───────────┐
//!       udp: one thread per worker,                 stream, https, quic: tasks on threads of
//!       a socket per listen address                 their own, a listener per listen address
//!                          └──────────▶ Responder ◀────────┘
//!                                           │ what is not in our zones
//!                                    ForwardResponder ─▶ Deferred ─▶ the way back to the client
//!                                    MessageTaker ◀─ HandedOver, what is no plain query ─▶ the same way back
//! ```
//!
//! Another transport over streams is a file below `listen_address`, with what the stream is made by, a row in
//! that list, and one of [`Transport`](crate::answer::Transport).

// What these lints are for, and when `saturating_add` satisfies them: "Numbers" in docs/architecture.md.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod mmsg;

mod durations;

mod affinity;

mod scope;

mod client;

mod response_slot;

mod session;

mod deferred;

mod trace;

mod responder;

mod stream;

mod event_loop;

mod https;

mod quic;

mod protocol;

mod encrypted_runtime;

mod stream_threads;

mod threads;

mod listen_address;

mod settings;

mod inherited;

mod listeners;

mod udp;

mod change;

mod running;

pub use affinity::Affinity;
pub use client::client;
pub use deferred::{Deferred, HandedOver, MessageTaker};
pub use durations::{DURATION_BOUNDS, Durations};
pub use encrypted_runtime::EncryptedRuntime;
pub use inherited::{Inherited, Label, Misfit};
pub use listen_address::{ListenAddress, Protocols, ProtocolsEntry};
pub use listeners::{Buffers, Error, Listeners, UDP_BUFFER_BYTES};
pub use protocol::SocketProtocol;
pub use responder::{ForwardResponder, Responder, SnapshotResponder};
pub use response_slot::{Gone, SENT_AT_ONCE_MAX};
pub use running::{Listening, Running, ServingThread, Worker, start};
pub use scope::{ScopeError, ScopedIp, scoped_host, scoped_place};
pub use settings::{Settings, WORKERS_MAX};
pub use stream::{CONNECTION_BYTES_MAX, HandshakeCounters, TcpCounters, TcpSettings};
#[cfg(feature = "fuzzing")]
pub use stream::{Frame, Input};
pub use trace::{Filter, LeftOut, Names, TRACES_MAX, Taps, Trace, TraceEvent};
pub use udp::UdpCounters;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may stop at an overflow")]
mod tests;
