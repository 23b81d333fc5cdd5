//! Guarding: a plain A or AAAA RRset of the zone file becomes a pool whose
//! members must pass probes.
//!
//! Responsible for what the configuration says about one owner.
//! Not responsible for running probes.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use super::{AllDown, Guard, Selector};
use crate::dns::Name;
use crate::probe::{Kind, Probe};
use crate::source::Span;

/// A guard without its address: what is to be tested at each address of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardTemplate {
    /// What to do at the address.
    pub kind: Kind,
    /// The address to test addresses of its family from; otherwise the system chooses.
    pub source: Option<IpAddr>,
    /// How long one run may take.
    pub timeout: Duration,
    /// From one probe to the next.
    pub interval: Duration,
    /// From an outcome that contradicts the verdict to the next probe.
    pub retry: Duration,
    /// Consecutive passes until a target that was down is up.
    pub rise: NonZeroU32,
    /// Consecutive failures until a target that was up is down.
    pub fall: NonZeroU32,
}

impl GuardTemplate {
    /// The guard for one address.
    pub fn at(&self, address: IpAddr) -> Guard {
        let Self { kind, source, timeout, interval, retry, rise, fall } = self.clone();
        let source = source.filter(|source| source.is_ipv4() == address.is_ipv4());
        Guard { probe: Probe { address, source, timeout, kind }, interval, retry, rise, fall }
    }
}

/// What the configuration says about one owner: guards for the A and AAAA
/// RRsets it has in the zone file. Several for one owner add up: every guard
/// must pass.
#[derive(Clone, Debug)]
pub struct Guarding {
    /// The owner.
    pub owner: Name,
    /// Where the configuration names it.
    pub span: Span,
    /// What must pass at each address.
    pub guards: Vec<GuardTemplate>,
    /// How an answer is chosen among the members that are up.
    pub selector: Selector,
    /// What is answered when every member is down.
    pub all_down: AllDown,
}
