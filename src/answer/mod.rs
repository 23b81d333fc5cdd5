//! Answers: zones and verdicts compiled into ready bytes, and the one
//! function that answers a query from them.
//!
//! Responsible for what a query is answered.
//! Not responsible for sockets, files or the clock.
//!
//! ```text
//!   zone::Zone ──compile──▶ Book ─┐
//!                                 ├─▶ Snapshot ─ Publisher ─ cell ─▶ Reader
//!   pools, Board ─choose──▶ Pools ┘                                    │
//!                                                                      ▼
//!   query ─────────────────────────────────────────────────────────▶ respond ─▶ response
//! ```
//!
//! What is prepared at load is not computed at a query: for every owner and
//! type the `book` holds the records of all sections as they go into the
//! message, names compressed; CNAME chains within the zone, additional
//! addresses, referrals with glue and negative answers included. A query
//! costs one look-up and one copy. What can only be known at the query is
//! filled in: which members of a pool are up, where a pointer leads when the
//! QNAME is longer than the owner the bytes were made for (wildcards,
//! referrals, negative answers), and the CNAME that a DNAME makes.
//!
//! No number saturates into a length or an offset. What is added here are
//! lengths of slices and counts of what lies in memory, none of which comes
//! near the end of its type: where an addition must be written as
//! `saturating_add` for the lint, it never saturates. A conversion that cannot
//! fail says why beside it (`tests/floors.rs`); one of cold code that can is an
//! error ([`CompileError`]).

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod access;
mod authority;
mod book;
mod cell;
mod chaos;
mod compile;
mod cookie;
mod counters;
mod encode;
mod explain;
mod extras;
mod lookup;
mod opt;
mod outside;
mod plan;
mod pools;
mod prefix;
mod rate_limit;
mod resolve;
mod respond;
mod snapshot;
mod splice;
mod spread;
mod tsig;
mod write;

use std::net::IpAddr;

pub use access::Access;
pub use book::Book;
pub use cell::{Publisher, Reader, Readers};
pub use compile::{CompileError, compile};
pub use cookie::{COOKIE_BYTES, CookieSecret};
pub use counters::{Count, Counters, Totals};
pub use explain::{Explained, Finding, Link, Outset, explain};
pub use outside::{Outside, OutsideZone};
pub use pools::{BoundPool, Pools, Standing};
pub use prefix::{Prefix, PrefixError};
pub use rate_limit::RateLimit;
pub use respond::{Scratch, respond};
pub use snapshot::{Identity, Snapshot, ZoneShelf, ZoneSlot};
pub use spread::SpreadTotals;

use crate::dns::edns::{Edns, udp_size_limit};
use crate::zone::CNAME_CHAIN_MAX;

pub use crate::dns::edns::{UDP_PAYLOAD_MAX, UDP_PAYLOAD_PLAIN};

/// What becomes of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The first `len` bytes of the buffer go back to the client.
    Send {
        /// Length of the response in bytes.
        len: usize,
    },
    /// Nothing is sent.
    Drop,
    /// It is for a name outside our zones that is forwarded for this client:
    /// somebody else answers. Only where a snapshot has an [`Outside`].
    Elsewhere,
    /// The first `len` bytes of the buffer answer as far as our zones go: to
    /// an alias that leads outside them, where names are forwarded for this
    /// client. Somebody else answers the rest.
    Begun {
        /// Length of the response in bytes.
        len: usize,
    },
}

/// How the query came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// One datagram: the answer is bounded by what the client takes.
    Udp,
    /// A stream.
    Tcp,
}

impl Transport {
    /// Longest response in bytes; `edns` is the client's OPT record.
    #[inline]
    pub fn size_limit(self, edns: Option<&Edns<'_>>) -> usize {
        match self {
            Transport::Tcp => usize::from(u16::MAX),
            Transport::Udp => udp_size_limit(edns),
        }
    }
}

/// Who asks, and how.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// The client's address.
    pub address: IpAddr,
    /// How the query came.
    pub transport: Transport,
}

#[cfg(test)]
mod tests;
