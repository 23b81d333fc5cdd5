//! DNS over QUIC (RFC 9250): a query on each stream.
//!
//! Knows what of QUIC a query needs, who is served, and how a connection ends. A datagram socket is served by one task
//! here, not by the workers of UDP: what comes in is cut, decrypted and put in order before it is a query.

mod code;

mod settings;

mod query_stream;

mod connection;

mod lingering;

mod listener;

pub(super) use listener::register;
