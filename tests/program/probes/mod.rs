//! Every kind of probe against servers on loopback: each option, and the words for each way to fail.
//!
//! Thresholds and times are tested in `health`.

mod engine;
mod hostile;
mod http;
mod http2;
mod https;
mod leaks;
mod program;
mod server;
mod tls;
