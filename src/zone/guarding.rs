//! Guarding: what the configuration says about one owner.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::member::Guard;
use super::order::AnswerOrder;
use super::pass::Pass;
use super::pool::{AllDown, MinUp, WhileAny};
use super::selector::Selector;
use super::share_max::ShareMax;
use crate::dns::{Name, Ttl};
use crate::probe::{Life, Probe, ProbeKind, Vantage};
use crate::source::Origin;

/// A guard without its address: what is to be tested at each address of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardTemplate {
    /// What to do at the address.
    pub test: Test,
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
    /// How each target begins, returns, and is asked while it is down.
    pub life: Life,
}

/// What a guard tests, and of which RRsets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// The same at every address of the A and AAAA RRsets.
    Same(ProbeKind),
    /// For each record of the SRV RRset, whether its port accepts connections
    /// at an address of its target.
    TargetPort,
}

impl GuardTemplate {
    /// The guard for one address.
    pub(super) fn at(&self, address: IpAddr, kind: ProbeKind) -> Guard {
        let Self { test: _, source, timeout, interval, retry, rise, fall, life } = *self;
        let source = source.filter(|source| source.is_ipv4() == address.is_ipv4());
        Guard { probe: Probe { address, source, timeout, kind }, interval, retry, rise, fall, life }
    }

    /// A guard that tests once a second and believes each outcome.
    #[cfg(test)]
    pub(crate) fn each_second(test: Test) -> Self {
        let (second, one) = (Duration::from_secs(1), NonZeroU32::MIN);
        let life = Life::default();
        Self {
            test,
            source: None,
            timeout: second,
            interval: second,
            retry: second,
            rise: one,
            fall: one,
            life,
        }
    }
}

/// What the configuration says about one owner: guards for the RRsets it has
/// in the zone file. Several for one owner add up: every guard must pass.
#[derive(Clone, Debug)]
pub struct Guarding {
    /// The owner.
    pub owner: Name,
    /// Where the configuration names it.
    pub origin: Origin,
    /// Hosts whose addresses it has besides its own, of this zone or of others.
    pub hosts: Vec<HostName>,
    /// What must pass.
    pub guards: Vec<GuardTemplate>,
    /// How an answer is chosen.
    pub choice: PoolSettings,
    /// Whether there may be nothing to guard.
    pub records: Expected,
}

/// A host whose addresses are members of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName {
    /// Its name.
    pub name: Name,
    /// Where it is written.
    pub origin: Origin,
    /// What another zone says of it; none: it is a host of the pool's own zone.
    pub elsewhere: Option<Elsewhere>,
}

/// A host of another zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// The apex of that zone.
    pub zone: Name,
    /// The addresses that it has there, as far as that is known; empty: it has none, or they are not known yet.
    pub addresses: Arc<[HostAddress]>,
}

/// An address of a host, and what its record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostAddress {
    /// The address.
    pub address: IpAddr,
    /// The TTL of the RRset that it is in.
    pub ttl: Ttl,
}

impl Guarding {
    /// Whether it has a host of another zone whose addresses are not known: it may have nothing to guard yet.
    pub(super) fn waits_for_hosts(&self) -> bool {
        self.hosts_elsewhere().any(|(_, elsewhere)| elsewhere.addresses.is_empty())
    }

    /// Its hosts in other zones, and what these say.
    pub fn hosts_elsewhere(&self) -> impl Iterator<Item = (&Name, &Elsewhere)> {
        self.hosts.iter().filter_map(|host| Some((&host.name, host.elsewhere.as_ref()?)))
    }
}

impl HostName {
    /// Where its addresses come from as records of the pool's owner.
    pub(super) fn origin_of_members(&self) -> Origin {
        Origin::Host(self.name.to_string().into())
    }
}

/// Whether a name must have what is said about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expected {
    /// It must: else it is a mistake.
    #[default]
    Now,
    /// It may come later, as where a cluster says it.
    Later,
}

/// Which addresses of an owner are one machine's: it leaves with all of them, and comes back when all of them pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Machines {
    /// Each goes its own way.
    #[default]
    Apart,
    /// The n-th A record of a group and the n-th AAAA record.
    ByPlace,
    /// Those that are listed together.
    Listed(Vec<Vec<IpAddr>>),
}

/// How an answer is chosen for a guarded owner; as in [`super::Pool`] where not said
/// otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolSettings {
    /// How an answer is chosen among the members that are up.
    pub selector: Selector,
    /// In which order [`Selector::All`] answers.
    pub order: AnswerOrder,
    /// Weights of addresses, none twice; those that are not listed have 1.
    pub weights: Vec<(IpAddr, NonZeroU32)>,
    /// Where addresses are probed that are not probed at themselves, none twice.
    pub probed_at: Vec<(IpAddr, IpAddr)>,
    /// Addresses whose weight is 0: no new answers, though they are not down for that.
    pub drained: Vec<IpAddr>,
    /// Which addresses leave together.
    pub machines: Machines,
    /// Most of the answers that one member gets; none: no limit.
    pub share_max: Option<ShareMax>,
    /// What is answered of a group that has enough members up.
    pub while_any: WhileAny,
    /// Ordered groups of addresses that are answered when the RRset has not
    /// enough of its own; each RRset takes those of its family. None is empty.
    pub backups: Vec<Vec<IpAddr>>,
    /// How many of the probes of an address must pass for it to be up.
    pub pass: Pass,
    /// How many members of the RRset must be up.
    pub min_up: MinUp,
    /// Most records that are answered.
    pub answers_max: Option<NonZeroU32>,
    /// TTL while a member is down; none, or longer than the RRset's: the
    /// RRset's.
    pub ttl_degraded: Option<Ttl>,
    /// What is answered when every member is down.
    pub all_down: AllDown,
    /// Whose probes count for clients elsewhere.
    pub vantage: Vantage,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            selector: Selector::All,
            order: AnswerOrder::Rotate,
            weights: Vec::new(),
            probed_at: Vec::new(),
            drained: Vec::new(),
            machines: Machines::Apart,
            share_max: None,
            while_any: WhileAny::Passing,
            backups: Vec::new(),
            pass: Pass::All,
            min_up: MinUp::default(),
            answers_max: None,
            ttl_degraded: None,
            all_down: AllDown::Select(Selector::All),
            vantage: Vantage::Own,
        }
    }
}

impl PoolSettings {
    /// Where an address is probed.
    pub(super) fn probed_at(&self, address: IpAddr) -> IpAddr {
        let other = self.probed_at.iter().find(|(answered, _)| *answered == address);
        other.map_or(address, |(_, probed)| *probed)
    }
}
