//! Control: how an operator reaches the running server.
//!
//! ```text
//!   SIGHUP, SIGTERM ── signals ─┐
//!                               ├─▶ Request ─▶ daemon
//!   socket ── http ─────────────┘                │
//!     ▲         ▲                                │
//!   client      └────── Status, Reloaded, … ◀────┘
//!     └─ the command line
//! ```
//!
//! Responsible for requests, for the ways they come in, and for what is shown
//! of the replies.
//! Not responsible for carrying a request out: it asks, `daemon` acts.

mod calendar;
mod client;
mod http;
mod request;
mod signals;
mod socket;
mod status;
mod table;

pub use calendar::Calendar;
pub use client::{Client, ClientError};
pub use http::{BODY_BYTES_MAX, CONNECTIONS_MAX, HEAD_BYTES_MAX, serve};
pub use request::{Completeness, ForceOrder, Forced, REQUESTS_WAITING_MAX, Reloaded, Request, requests};
pub use socket::{ControlSocket, SocketError};
pub use status::{MemberStatus, PoolStatus, RuleStatus, Status, TargetStatus, ZoneStatus};
pub use table::{force_lines, status_lines};

#[cfg(test)]
mod tests;
