//! Control: how an operator reaches the running server.
//!
//! ```text
//!   SIGHUP, SIGTERM ── signals ─┐
//!   socket ── http ─────────────┼─▶ AdminRequest ─▶ daemon
//!   TCP ───── admin ────────────┘                     │
//!     ▲         ▲ └─ page, metrics                    │
//!     │         └── Status, Explanation, … ◀──────────┘
//!     ├─ client ── the command line
//!     └─ browser, Prometheus
//!
//!   daemon ── headline, sd_notify ─▶ service manager
//! ```
//!
//! Requests, the ways they come in, and the look of the replies. The daemon carries requests out: this room
//! only asks.

mod utc_time;
mod host;
mod exchange;
mod slots;
mod process;
pub(crate) mod quantities;
mod query;
mod sd_notify;
pub(crate) mod style;
mod version;

mod columns;
mod connections;
mod access;
mod admin_socket;
mod status;

mod explanation;
mod headline;
mod metrics;
mod traced;
mod dnstap;
mod query_log;
mod updates;

mod request;

mod signals;
mod table;

mod explain_lines;

mod admin;
mod http;
mod socket;

mod client;

pub use access::{AdminAccess, AdminEncryption, TokenFile};
pub use admin::serve_admin;
pub use client::{Client, Shrunk, TraceLines};
pub use connections::HEAD_BYTES_MAX;
pub use exchange::ClientError;
pub use explain_lines::explain_lines;
pub use explanation::{AnswerView, ExplainOrder, Explanation, PoolView, RecordView, StepView};
pub use headline::{HEADLINE_BYTES_MAX, HEADLINE_POOLS_MAX, headline};
pub use host::AdminHosts;
pub use http::{BODY_BYTES_MAX, CONNECTIONS_MAX, serve};
pub use query_log::{LogFormat, QueryLog};
pub use request::{
    AdminRequest, Completeness, ForceOrder, Forced, REQUESTS_WAITING_MAX, ReloadCause, Reloaded,
};
pub use sd_notify::ServiceManager;
pub use signals::requests;
pub use socket::{ControlSocket, SocketError};
pub use status::{
    CERTIFICATE_DAYS_SHORT, CatalogStatus, CertificateStatus, ChangeStatus, CopiedStatus, HandshakesStatus,
    HistogramStatus, HourStatus, JournalStatus, ListeningStatus, MemberStatus, OtherVantage, OutcomesStatus,
    PoolStatus, ProbesStatus, QueryLogStatus, RuleStatus, SelectorStatus, SightingStatus, Status,
    StoreStatus, TargetStatus, TcpStatus, TransfersStatus, TransportStatus, TsigStatus, UdpStatus,
    UpstreamHour, VantageStatus, WebhookStatus, ZoneStatus,
};
pub use table::{force_lines, status_lines};
pub use traced::{TRACE_LASTS_MAX, TRACE_QUERIES_MAX, TraceEnd, TraceOrder, Traced, TracedQuery, trace_line};
pub use updates::{UpdatedRecord, UpdatedZone, UpdatesOrder, UpdatesShown, updates_lines};
pub use utc_time::{UtcTime, UtcTimeError};
pub use version::{COMMIT, VERSION, version};

#[cfg(test)]
mod tests;
