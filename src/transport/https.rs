//! DNS over HTTPS (RFC 8484): HTTP/2 and HTTP/1.1 at `/dns-query`, with GET and POST.
//!
//! Knows what of HTTP a query needs, and the limits of a connection. Not responsible for handshakes, places and
//! draining, which all streams have alike (`stream`).

mod freshness;

mod gathered;

mod refusal;

mod request;

mod returned;

mod connection;

pub(super) use connection::{PROTOCOLS, serve};
