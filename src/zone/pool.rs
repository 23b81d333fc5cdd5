//! Pools: the members behind one owner name and type, and how an answer is
//! chosen among those that pass.
//!
//! Responsible for what a pool is. Not responsible for verdicts.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::dns::{Name, Rtype, Ttl};
use crate::probe::Probe;
use crate::source::Span;

/// The members behind one owner name and type.
#[derive(Clone, Debug)]
pub struct Pool {
    /// The owner.
    pub owner: Name,
    /// A or AAAA.
    pub rtype: Rtype,
    /// TTL of every record answered from it.
    pub ttl: Ttl,
    /// Ordered groups of members: the first group that has a member up is
    /// answered from. Never empty, and neither is the first group.
    pub groups: Vec<Vec<Member>>,
    /// How an answer is chosen among the members of the group that are up.
    pub selector: Selector,
    /// What is answered when every member is down.
    pub all_down: AllDown,
    /// What is answered while no member has an outcome yet.
    pub while_pending: WhilePending,
    /// The code of the LUA record it was written as, chunks joined; none for
    /// a plain RRset guarded by the configuration.
    pub lua: Option<Box<str>>,
    /// Where it was written.
    pub span: Span,
}

/// An address of a pool and what must pass for it to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// What is answered: IPv4 in pools of type A, IPv6 in those of type AAAA.
    pub address: IpAddr,
    /// All of these must pass; without any the member is always up.
    pub guards: Vec<Guard>,
}

/// A probe with its times and thresholds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Guard {
    /// What is tested.
    pub probe: Probe,
    /// From one probe to the next.
    pub interval: Duration,
    /// From an outcome that contradicts the verdict to the next probe.
    pub retry: Duration,
    /// Consecutive passes until a target that was down is up.
    pub rise: NonZeroU32,
    /// Consecutive failures until a target that was up is down.
    pub fall: NonZeroU32,
}

/// How an answer is chosen among candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Selector {
    /// All of them.
    All,
    /// One, at random for each query.
    Random,
    /// One, by the client's address: PowerDNS's `hashed`.
    Hashed,
    /// None: NODATA. PowerDNS's `empty`.
    Empty,
}

/// What is answered when every member is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AllDown {
    /// Chosen among all members of the first group; [`Selector::Empty`] is NODATA.
    Select(Selector),
    /// SERVFAIL.
    ServFail,
}

/// What is answered while no member of the pool has an outcome yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WhilePending {
    /// Chosen by the pool's selector among the pending members of the first group.
    Select,
    /// NODATA: what PowerDNS answers with `backupSelector='empty'`.
    NoData,
    /// SERVFAIL: PowerDNS's `failOnIncompleteCheck`.
    ServFail,
}
