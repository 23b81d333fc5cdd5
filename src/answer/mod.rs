//! Answers: zones and verdicts compiled into prepared bytes, and the one function that answers a query from
//! them.
//!
//! Knows no sockets, no files and no clock.
//!
//! ```text
//!   zone::Zone ──compile──▶ CompiledZone ─┐
//!                                         ├─▶ Snapshot ─ Publisher ─ cell ─▶ Reader
//!   pools, Board ─choose──▶ Pools ────────┘                                    │
//!                                                                              ▼
//!   query ─────────────────────────────────────────────────────────────────▶ respond ─▶ response
//! ```
//!
//! A query on its way, by file:
//!
//! ```text
//!   respond ─▶ decision ─▶ zone_table, access     which zone, and whether at all
//!      │
//!      ├─▶ zone_answer ─▶ lookup ─▶ compiled_zone     what the name is there
//!      │        ├─▶ authority, template, pools        the records
//!      │        ├─▶ chase ─▶ rewrite                   aliases that are known at the query only
//!      │        └─▶ signed_answer ─▶ signed_template, signed_pools, proofs ─▶ denial     where signatures are wanted
//!      ├─▶ forward_table, forward_tail                what `forward` answers
//!      └─▶ finish ─▶ rate_limit, opt, tsig            what every response ends with
//! ```
//!
//! What is prepared at load is not computed at a query: for every owner and type the compiled zone holds the
//! records of all sections as they go into the message, names compressed; CNAME chains within the zone,
//! additional addresses, referrals with glue and negative answers included. A query costs one look-up and one
//! copy. What can only be known at the query is filled in: which members of a pool are up, where a pointer
//! leads when the QNAME is longer than the owner the bytes were made for (wildcards, referrals, negative
//! answers), and the CNAME that a DNAME makes.

// What these lints are for, and when `saturating_add` satisfies them: "Numbers" in docs/architecture.md.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod prefix;

mod client;

mod host_addresses;

mod requester;

mod access;

mod spread;

mod message_kind;

mod peer;

mod counters;

mod rate_limit;

mod cookie;

mod pointer;

mod ownerless;

mod template;

mod signed_template;

mod copy_expiry;

mod chain;

mod hashed_name;

mod denial;

mod compiled_zone;

mod zone_builder;

mod links;

mod lookup;

mod pools;

mod response_writer;

mod zone_table;

mod forward_table;

mod snapshot;

mod chaos;

mod tsig;

mod query_edns;

mod context;

mod opt;

mod proofs;

mod authority;

mod rewrite;

mod signed_pools;

mod chase;

mod signed_answer;

mod zone_answer;

mod decision;

mod forward_tail;

mod finish;

mod respond;

mod explanation;

mod explain;

mod compile;

mod cell;

pub use crate::dns::edns::{UDP_PAYLOAD_MAX, UDP_PAYLOAD_PLAIN};
pub use access::Access;
pub use cell::{Publisher, Reader, Readers};
pub use compile::{CompileError, compile, compile_for_changes};
pub use compiled_zone::CompiledZone;
pub use context::WorkerContext;
pub use cookie::{COOKIE_BYTES, CookieSecret};
pub use copy_expiry::CopyExpiry;
pub use counters::{Count, Counters, Totals};
pub use explain::explain;
pub use explanation::{Decided, Explained, ExplainedStep, Finding};
pub use forward_table::{ForwardTable, ForwardedZone};
pub use host_addresses::HostAddresses;
pub use links::Links;
pub use message_kind::{MessageKind, MessageKinds};
pub use peer::{Peer, Reply, Transport};
pub use pools::{BoundPool, PoolState, PoolTargets, Pools};
pub use prefix::{Prefix, PrefixError};
pub use rate_limit::RateLimit;
pub use requester::{Allowed, Requester};
pub use respond::respond;
pub use snapshot::{Identity, Snapshot};
pub use spread::SpreadTotals;
pub use zone_table::{ZoneEntry, ZoneTable};

#[cfg(test)]
mod tests;
