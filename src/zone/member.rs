//! Members: the records of a pool, and what must pass for each to be answered.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use super::jenkins::ring_points;
use crate::dns::Name;
use crate::probe::{Life, Probe};
use crate::source::Origin;

/// Most members of one pool. Each is probed all the time; thousands behind
/// one name are a mistake.
pub const MEMBERS_MAX: usize = 1_000;

/// Most that the weights of a pool may add up to: what PowerDNS can count.
pub const WEIGHTS_MAX: u32 = i32::MAX as u32;

/// A record of a pool and what must pass for it to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// What is answered: RDATA of the pool's type, uncompressed.
    pub rdata: Box<[u8]>,
    /// Its share among the others, for selectors that weigh.
    pub weight: NonZeroU32,
    /// Whether it gets no new answers, though it is not down: it is written with a weight of 0.
    pub is_drained: bool,
    /// Whether it is what this node serves, for [`super::AnswerOrder::LocalFirst`].
    pub is_local: bool,
    /// Its places on the ring, for [`super::Selector::ConsistentHashed`] only.
    pub ring: Box<[u32]>,
    /// What must pass: all guards of an address. An address of a
    /// pool has guards for itself, or, where a URL says so, for the addresses
    /// of another host; an SRV record for each address of its target. Without
    /// any the member is always up.
    pub guards: Vec<Guard>,
    /// Whether one of those addresses will do.
    pub passes: Passes,
    /// A name whose addresses are tested instead of the member's own. They are
    /// looked up in the zone when all its records are there: the guards, one
    /// for each address, are made then from those that stand here before.
    pub tested: Option<TestedName>,
}

/// At how many of its addresses a member must pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Passes {
    /// At one: a name is reached as soon as one of its addresses is.
    #[default]
    AtOneAddress,
    /// At all: they are one machine's, which leaves with all of them.
    AtAllAddresses,
}

/// A name that a test goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestedName {
    /// The name.
    pub name: Name,
    /// Where it is written.
    pub origin: Origin,
}

impl Member {
    /// A member of weight 1 that is always up.
    pub fn new(rdata: impl Into<Box<[u8]>>) -> Member {
        Member {
            rdata: rdata.into(),
            weight: NonZeroU32::MIN,
            is_drained: false,
            is_local: false,
            ring: Box::default(),
            guards: Vec::new(),
            passes: Passes::AtOneAddress,
            tested: None,
        }
    }

    /// A member of a pool of addresses.
    pub fn at(address: IpAddr) -> Member {
        match address {
            IpAddr::V4(address) => Member::new(address.octets()),
            IpAddr::V6(address) => Member::new(address.octets()),
        }
    }

    /// Puts it on the ring: a point for each unit of its weight. `value` is
    /// what it was written as, which is what PowerDNS hashes.
    #[must_use]
    pub fn on_ring(self, value: &[u8]) -> Member {
        let ring = ring_points(value, self.weight.get()).collect();
        Member { ring, ..self }
    }
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
    /// How its target begins, returns, and is asked while it is down.
    pub life: Life,
}
