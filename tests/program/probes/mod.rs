//! Every kind of probe against real servers on the loopback networks.
//!
//! Responsible for what an operator relies on: each option, and the words for
//! each way to fail.
//! Not responsible for thresholds and times: those are `health`'s own tests.

mod engine;
mod hostile;
mod http;
mod http2;
mod https;
mod leaks;
mod program;
mod server;
mod tls;
