//! Every kind of probe against servers on loopback: each option, and the words for each way to fail.
//!
//! Thresholds and times are tested in `health`.

mod dialogue;
mod dns;
mod engine;
mod file;
mod grpc;
mod hostile;
mod http;
mod http2;
mod https;
mod leaks;
mod pass;
mod program;
mod server;
mod tls;
