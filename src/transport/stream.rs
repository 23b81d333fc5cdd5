//! DNS over streams (RFC 7766): connections from accept to end, and their limits.
//!
//! A connection costs at most [`CONNECTION_BYTES_MAX`] bytes here, besides what TLS, HTTP and QUIC hold for it, and in the
//! kernel its two buffers, whose size `listeners` fixes; all of them, that times `connections_max`. Not responsible for what carries the stream: that is a file for each transport, below
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

mod clock;

mod host;

mod client_stream;

mod lingering;

mod stream_context;

mod connection;

mod activity;

mod concurrent;

mod stream_listener;

pub(super) use activity::{Activity, Overdue};
pub(super) use client_stream::{ClientStream, StreamTransport};
pub(super) use clock::{Clock, TokioClock, deadline};
pub(super) use concurrent::{ConcurrentQueries, HeldResponse, IncomingMessage, STREAMS_MAX, TooLong};
pub(super) use connection::Connection;
pub use counters::{HandshakeCounters, TcpCounters};
#[cfg(feature = "fuzzing")]
pub use frames::{Frame, Input};
pub(super) use handshakes::HANDSHAKES_MAX;
pub(super) use host::{StreamHost, TokioHost, concerns_one_connection};
pub(super) use limits::{ConnectionPermit, ConnectionSlot};
pub(super) use lingering::{LINGER_MAX, linger};
pub(super) use served::{Client, Served};
pub use settings::TcpSettings;
pub(super) use stream_context::StreamContext;
pub(super) use stream_listener::{DRAIN_MAX, ListenerOwner, Stopping, StreamListener};

/// Most memory of a connection, in bytes: of its queries, and of what it waits for.
pub const CONNECTION_BYTES_MAX: usize = {
    let (ordered, concurrent) = (connection::ORDERED_BYTES_MAX, concurrent::CONCURRENT_BYTES_MAX);
    pending::WAITING_BYTES_MAX + if ordered > concurrent { ordered } else { concurrent }
};

#[cfg(test)]
mod tests;
