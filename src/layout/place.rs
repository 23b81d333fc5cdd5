//! Where a zone is in a store.

use super::pool::PoolReader;
use crate::dns::{Name, Ttl};
use crate::zonefile;

/// Where a zone is in a store, and what is the same for all its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The apex of the zone.
    pub apex: Name,
    /// What the keys of all zones begin with, as `/skydns`.
    pub prefix: String,
    /// The TTL of values that give none.
    pub ttl: Ttl,
    /// Whether names answer with what is below them.
    pub subtree: Subtree,
    /// The name servers of the zone, where keys do not say them: what the SOA and NS records are made of.
    pub nameservers: Vec<Name>,
    /// How lines of zone text are read.
    pub text: zonefile::Settings,
    /// How pools are read.
    pub pools: PoolReader,
}

/// Whether names answer with what is below them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subtree {
    /// A name answers with what is at it.
    #[default]
    Apart,
    /// A name answers with what is at it and below, as CoreDNS does.
    Joined,
}
