//! DNS over streams (RFC 7766): connections from accept to end, and their limits.
//!
//! A connection costs at most [`CONNECTION_BYTES_MAX`] bytes here, and in the kernel its two buffers, whose
//! size `listeners` fixes. Not responsible for what carries the stream: that is a file for each transport, below
//! `listen_address`.

#[cfg_attr(
    not(feature = "fuzzing"),
    allow(unreachable_pub, reason = "fuzz targets alone see it from outside")
)]
mod frames;

mod settings;

mod counters;

mod limits;

mod handshakes;

mod pending;

mod responders;

mod served;

mod client_stream;

mod stream_context;

mod connection;

mod activity;

mod concurrent;

mod stream_listener;

pub(super) use activity::{Activity, Overdue};
pub(super) use client_stream::{ClientStream, StreamTransport};
pub(super) use concurrent::{ConcurrentQueries, HeldResponse, IncomingMessage};
pub use connection::CONNECTION_BYTES_MAX;
pub(super) use connection::{Connection, LINGER_MAX, deadline};
pub use counters::{HandshakeCounters, TcpCounters};
#[cfg(feature = "fuzzing")]
pub use frames::{Frame, Input};
pub(super) use limits::{ConnectionPermit, ConnectionRefusal, Seat};
pub(super) use served::{Client, Served};
pub use settings::TcpSettings;
pub(super) use stream_context::StreamContext;
pub(super) use stream_listener::{DRAIN_MAX, Stopping, StreamListener};

#[cfg(test)]
mod tests;
