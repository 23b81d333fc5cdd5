//! Guarding: a plain RRset of the zone file becomes a pool whose members must
//! pass probes.
//!
//! Responsible for what the configuration says about one owner, and for
//! making pools of its RRsets.
//! Not responsible for running probes.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use super::pool::MEMBERS_MAX;
use super::tree::{Kind as NodeKind, Node, NodeId, Rrset, Zone};
use super::{AllDown, CNAME_CHAIN_MAX, Guard, Member, MinUp, Order, Pool, Selector, TestedName};
use crate::dns::{Name, NameRef, Rtype, Ttl, rdata};
use crate::probe::{Kind, Port, Probe, Tcp, no_host};
use crate::source::{Diagnostic, Diagnostics, Span};

/// Most addresses of one name that are probed for a record: each has targets of its own for every record that is
/// guarded by them, so that two long lists would make a table of both.
const TESTED_MAX: usize = 64;

const TOO_MANY_HELP: &str = "guard the addresses themselves, or name a host that has fewer";

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
}

/// What a guard tests, and of which RRsets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// The same at every address of the A and AAAA RRsets.
    Same(Kind),
    /// For each record of the SRV RRset, whether its port accepts connections
    /// at an address of its target.
    TargetPort,
}

impl GuardTemplate {
    /// The guard for one address.
    fn at(&self, address: IpAddr, kind: Kind) -> Guard {
        let Self { test: _, source, timeout, interval, retry, rise, fall } = *self;
        let source = source.filter(|source| source.is_ipv4() == address.is_ipv4());
        Guard { probe: Probe { address, source, timeout, kind }, interval, retry, rise, fall }
    }
}

/// What the configuration says about one owner: guards for the RRsets it has
/// in the zone file. Several for one owner add up: every guard must pass.
#[derive(Clone, Debug)]
pub struct Guarding {
    /// The owner.
    pub owner: Name,
    /// Where the configuration names it.
    pub span: Span,
    /// What must pass.
    pub guards: Vec<GuardTemplate>,
    /// How an answer is chosen.
    pub choice: Choice,
}

/// How an answer is chosen for a guarded owner; as in [`Pool`] where not said
/// otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// How an answer is chosen among the members that are up.
    pub selector: Selector,
    /// In which order [`Selector::All`] answers.
    pub order: Order,
    /// Weights of addresses, none twice; those that are not listed have 1.
    pub weights: Vec<(IpAddr, NonZeroU32)>,
    /// Ordered groups of addresses that are answered when the RRset has not
    /// enough of its own; each RRset takes those of its family. None is empty.
    pub backups: Vec<Vec<IpAddr>>,
    /// How many members of the RRset must be up.
    pub min_up: MinUp,
    /// Most records that are answered.
    pub answers_max: Option<NonZeroU32>,
    /// TTL while a member is down; none, or longer than the RRset's: the
    /// RRset's.
    pub ttl_degraded: Option<Ttl>,
    /// What is answered when every member is down.
    pub all_down: AllDown,
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            selector: Selector::All,
            order: Order::Rotate,
            weights: Vec::new(),
            backups: Vec::new(),
            min_up: MinUp::default(),
            answers_max: None,
            ttl_degraded: None,
            all_down: AllDown::Select(Selector::All),
        }
    }
}

/// The pools that were made of RRsets so far, before they are put among those of LUA records: each is found at once,
/// however many there are.
#[derive(Default)]
struct Made {
    pools: Vec<(NodeId, Pool)>,
    places: HashMap<(NodeId, Rtype), usize>,
}

impl Made {
    fn push(&mut self, node: NodeId, pool: Pool) {
        self.places.insert((node, pool.rtype), self.pools.len());
        self.pools.push((node, pool));
    }

    fn of(&self, node: NodeId, rtype: Rtype) -> Option<&Pool> {
        let place = self.places.get(&(node, rtype))?;
        self.pools.get(*place).map(|(_, pool)| pool)
    }

    /// Gives the pool of an RRset other groups, and the ones it had back; none where there is no such pool.
    fn swap_groups(
        &mut self,
        node: NodeId,
        rtype: Rtype,
        groups: Vec<Vec<Member>>,
    ) -> Option<Vec<Vec<Member>>> {
        let place = self.places.get(&(node, rtype))?;
        self.pools.get_mut(*place).map(|(_, pool)| std::mem::replace(&mut pool.groups, groups))
    }
}

impl Zone {
    /// Turns RRsets into pools, or adds guards to the pools that an earlier
    /// guarding made of them.
    pub(super) fn guard_all(&mut self, guardings: &[Guarding], found: &mut Diagnostics) {
        let mut first_of: HashMap<NodeId, &Guarding> = HashMap::new();
        let mut made = Made::default();
        for guarding in guardings {
            let Some(node) = self.find(guarding.owner.as_ref()) else {
                let message = format!("`{}` does not exist in the zone file", guarding.owner);
                found.push(Diagnostic::error(guarding.span, message).label("nothing to guard").help(
                    "names are relative to the zone; `@` is the zone itself, `*.apps` a wildcard as it is written",
                ));
                continue;
            };
            let first = *first_of.entry(node).or_insert(guarding);
            if first.choice != guarding.choice {
                let message = format!("`{}` is guarded twice, with different choices", guarding.owner);
                found.push(
                    Diagnostic::error(guarding.span, message).and_at(first.span, "first guarded here").help(
                        "give both the same `all-down`, `selector` and so on, or put all probes in one [[zone.probe]]",
                    ),
                );
                continue;
            }
            self.guard(node, guarding, &mut made, found);
        }
        self.take_in(made);
        super::beside::warn(self, guardings, found);
    }

    /// Puts pools among those there are, in the order of their nodes.
    fn take_in(&mut self, made: Made) {
        let before = std::mem::take(&mut self.pool_nodes).into_iter().zip(std::mem::take(&mut self.pools));
        let mut all: Vec<(NodeId, Pool)> = before.chain(made.pools).collect();
        all.sort_by_key(|(node, _)| *node);
        (self.pool_nodes, self.pools) = all.into_iter().unzip();
    }

    /// Probes at addresses that no host has: they fail for ever, or, at the one that stands for any, pass where
    /// this host itself listens.
    pub(super) fn warn_of_probes_of_nobody(&self, found: &mut Diagnostics) {
        for pool in &self.pools {
            let guards = pool.groups.iter().flatten().flat_map(|member| &member.guards);
            let mut warned = Vec::new();
            for address in guards.map(|guard| guard.probe.address) {
                let Some(why) = no_host(address).filter(|_| !warned.contains(&address)) else { continue };
                warned.push(address);
                let message = format!("{address}, which is probed for `{}`, {why}", pool.owner);
                found.push(
                    Diagnostic::warning(pool.span, message)
                        .label("what its probe says means nothing")
                        .help("write the address of the host that is to be tested"),
                );
            }
        }
    }

    fn guard(&self, node: NodeId, guarding: &Guarding, made: &mut Made, found: &mut Diagnostics) {
        let addresses = guarding.guards.iter().any(|guard| matches!(guard.test, Test::Same(_)));
        let targets = guarding.guards.iter().any(|guard| guard.test == Test::TargetPort);
        let mut missing = Vec::new();
        if addresses {
            let guarded =
                [Rtype::A, Rtype::AAAA].map(|rtype| self.guard_rrset(node, rtype, guarding, made, found));
            if guarded == [false; 2] {
                missing.push("A or AAAA");
            }
        }
        if targets && !self.guard_rrset(node, Rtype::SRV, guarding, made, found) {
            missing.push("SRV");
        }
        for types in missing {
            let message = format!("`{}` has no {types} record to guard", guarding.owner);
            let fault = Diagnostic::error(guarding.span, message);
            found.push(match self.node(node).rrset(Rtype::CNAME) {
                Some(cname) => fault.and_at(cname.span(), "it is a CNAME: guard the name it leads to"),
                None => fault,
            });
        }
    }

    /// Whether there was something to guard.
    fn guard_rrset(
        &self,
        node: NodeId,
        rtype: Rtype,
        guarding: &Guarding,
        made: &mut Made,
        found: &mut Diagnostics,
    ) -> bool {
        // Before anything is guarded, all pools are LUA records.
        if let Some(lua) = self.node(node).pools_of(rtype).next() {
            let message = format!("`{}` is a LUA record: it brings its own probes", guarding.owner);
            found.push(
                Diagnostic::error(guarding.span, message)
                    .and_at(self.pools[lua.index()].span, "the LUA record")
                    .help("write plain records in the zone file, or leave the name out here"),
            );
            return true;
        }
        if let Some(mut groups) = made.swap_groups(node, rtype, Vec::new()) {
            for member in groups.iter_mut().flatten() {
                member.guards.extend(self.guards_of(rtype, &member.rdata, guarding, made));
                member.is_local = self.is_local(&member.guards);
            }
            made.swap_groups(node, rtype, groups);
            return true;
        }
        let Some(rrset) = self.node(node).rrset(rtype) else { return false };
        if rrset.rdatas().len() > MEMBERS_MAX {
            let message = format!("more than {MEMBERS_MAX} records are guarded at `{}`", guarding.owner);
            found.push(Diagnostic::error(guarding.span, message).and_at(rrset.span(), "the records"));
            return true;
        }
        self.warn_of_what_never_holds(rrset, guarding, found);
        let pool = self.guarded(self.node(node), rrset, guarding, made);
        if rtype == Rtype::SRV {
            check_targets(rrset, &pool, guarding.span, found);
        }
        made.push(node, pool);
        true
    }

    /// The pool that an RRset becomes.
    fn guarded(&self, node: Node<'_>, rrset: Rrset<'_>, guarding: &Guarding, made: &Made) -> Pool {
        let Choice { selector, order, weights, backups, min_up, answers_max, ttl_degraded, all_down } =
            &guarding.choice;
        let rtype = rrset.rtype();
        let member = |rdata: &[u8]| {
            let address = address_of(rtype, rdata);
            let weight = weights.iter().find(|(known, _)| Some(*known) == address);
            let guards = self.guards_of(rtype, rdata, guarding, made);
            Member {
                weight: weight.map_or(NonZeroU32::MIN, |(_, weight)| *weight),
                is_local: self.is_local(&guards),
                guards,
                ..Member::new(rdata)
            }
        };
        let mut groups = vec![rrset.rdatas().map(member).collect::<Vec<_>>()];
        for backup in backups {
            let of_family = backup.iter().filter(|address| type_of(**address) == rtype);
            groups.push(of_family.map(|address| member(&Member::at(*address).rdata)).collect());
        }
        groups.retain(|group| !group.is_empty());
        let pool = Pool::new(node.name().to_name(), rtype, rrset.ttl(), Vec::new(), rrset.span());
        Pool {
            groups,
            selector: *selector,
            order: *order,
            min_up: *min_up,
            answers_max: *answers_max,
            ttl_degraded: ttl_degraded.map_or(pool.ttl, |degraded| degraded.min(pool.ttl)),
            all_down: *all_down,
            ..pool
        }
    }

    /// Whether one of these tests an address of this node.
    fn is_local(&self, guards: &[Guard]) -> bool {
        guards.iter().any(|guard| self.own.contains(&guard.probe.address))
    }

    /// What must pass for a record.
    fn guards_of(&self, rtype: Rtype, rdata: &[u8], guarding: &Guarding, made: &Made) -> Vec<Guard> {
        if rtype == Rtype::SRV {
            let templates = || guarding.guards.iter().filter(|guard| guard.test == Test::TargetPort);
            let (Some(port), Some(target)) = (srv_port(rdata), srv_target(rdata)) else { return Vec::new() };
            let kind = Kind::Tcp(Tcp { port });
            let addresses = self.addresses_of(target, made);
            return addresses
                .iter()
                .flat_map(|address| templates().map(|guard| guard.at(*address, kind.clone())))
                .collect();
        }
        let Some(address) = address_of(rtype, rdata) else { return Vec::new() };
        let guards = guarding.guards.iter().filter_map(|guard| match &guard.test {
            Test::Same(kind) => Some(guard.at(address, kind.clone())),
            Test::TargetPort => None,
        });
        guards.collect()
    }

    /// Gives the members that are tested at a name a guard for each of its addresses.
    pub(super) fn look_up_tested(&mut self, found: &mut Diagnostics) {
        for place in 0..self.pools.len() {
            if self.pools[place].groups.iter().flatten().all(|member| member.tested.is_none()) {
                continue;
            }
            let mut groups = std::mem::take(&mut self.pools[place].groups);
            for member in groups.iter_mut().flatten() {
                let Some(tested) = &member.tested else { continue };
                let own = (self.pools[place].owner.as_ref(), self.pools[place].rtype);
                match self.addresses_tested(tested, own) {
                    Ok(addresses) => member.guards = at_each(&member.guards, &addresses),
                    Err(fault) => found.push(fault),
                }
            }
            self.pools[place].groups = groups;
        }
    }

    /// The addresses of a name that is tested for a record of `own` owner and type. Probes look up nothing, so that
    /// they need nobody: what they go to is known here.
    fn addresses_tested(
        &self,
        tested: &TestedName,
        own: (NameRef<'_>, Rtype),
    ) -> Result<Vec<IpAddr>, Diagnostic> {
        let TestedName { name, span } = tested;
        let fault = |what: &str| {
            Diagnostic::error(*span, format!("`{name}`, which this URL asks, {what}")).help(
                "probes look up nothing: write the address in the URL, as in 'https://192.0.2.9:6443/', or give the \
                 name an A or AAAA record in this zone",
            )
        };
        if !name.as_ref().is_at_or_below(self.apex()) {
            return Err(fault(&format!("is not a name of the zone `{}`", self.apex())));
        }
        let Some(node) = self.end_of(name.as_ref()) else {
            return Err(fault("leads to no address of this zone"));
        };
        if node.name() == own.0 && node.pools_of(own.1).next().is_some() {
            return Err(fault("is answered by this record itself"));
        }
        let addresses = self.addresses_at(node, &Made::default());
        match addresses.len() {
            0 => Err(fault("has no address")),
            1..=TESTED_MAX => Ok(addresses),
            _ => Err(Diagnostic::error(*span, too_many(name.as_ref())).help(TOO_MANY_HELP)),
        }
    }

    /// The node that answers for a name, aliases followed; none where that is not in this zone.
    fn end_of(&self, name: NameRef<'_>) -> Option<Node<'_>> {
        let mut name = name.to_name();
        for _ in 0..=CNAME_CHAIN_MAX {
            let node = super::rules::matching(self, name.as_ref())?;
            if matches!(node.kind(), NodeKind::ZoneCut | NodeKind::Occluded)
                || (node.kind() == NodeKind::Dname && node.name() != name.as_ref())
            {
                return None;
            }
            let Some(cname) = node.rrset(Rtype::CNAME) else { return Some(node) };
            let target = cname.rdatas().next()?;
            name = rdata::names(Rtype::CNAME, target).next()?.name.to_name();
        }
        None
    }

    /// The addresses that a name of this zone has, whatever is up.
    fn addresses_of(&self, name: NameRef<'_>, made: &Made) -> Vec<IpAddr> {
        super::rules::matching(self, name).map_or(Vec::new(), |node| self.addresses_at(node, made))
    }

    /// The same of a node, one more than are tested at most; `made` are pools that are not among the zone's yet.
    fn addresses_at(&self, node: Node<'_>, made: &Made) -> Vec<IpAddr> {
        let (mut addresses, mut seen) = (Vec::new(), HashSet::new());
        for rtype in [Rtype::A, Rtype::AAAA] {
            let plain = node.rrset(rtype).into_iter().flat_map(Rrset::rdatas);
            let lua = node.pools_of(rtype).map(|id| &self.pools[id.index()]);
            let pooled = lua
                .chain(made.of(node.id(), rtype))
                .flat_map(|pool| pool.groups.iter().flatten())
                .map(|member| &*member.rdata);
            for address in plain.chain(pooled).filter_map(|rdata| address_of(rtype, rdata)) {
                if addresses.len() <= TESTED_MAX && seen.insert(address) {
                    addresses.push(address);
                }
            }
        }
        addresses
    }

    /// Addresses and times of a choice that come to nothing for this RRset.
    fn warn_of_what_never_holds(&self, rrset: Rrset<'_>, guarding: &Guarding, found: &mut Diagnostics) {
        let (owner, rtype, choice) = (&guarding.owner, rrset.rtype(), &guarding.choice);
        let mut warn = |message: String| {
            found.push(Diagnostic::warning(guarding.span, message).and_at(rrset.span(), "the records"));
        };
        if let Some(degraded) = choice.ttl_degraded.filter(|degraded| *degraded > rrset.ttl()) {
            let ttl = rrset.ttl();
            warn(format!("`ttl-degraded` is {degraded}, longer than the TTL of `{owner}`: {ttl} holds"));
        }
        let records = rrset.rdatas().len();
        if choice.min_up.of(records) > records {
            warn(format!("`{owner}` has {records} {rtype} records: `min-up` is never reached"));
        }
        let backups: Vec<IpAddr> = choice.backups.iter().flatten().copied().collect();
        for (address, _) in choice.weights.iter().filter(|(address, _)| type_of(*address) == rtype) {
            let own = rrset.rdatas().any(|rdata| address_of(rtype, rdata) == Some(*address));
            if !own && !backups.contains(address) {
                warn(format!("`{owner}` has no address {address}: its weight means nothing"));
            }
        }
        let node = self.find(owner.as_ref()).map(|node| self.node(node));
        for address in backups.into_iter().filter(|address| type_of(*address) != rtype) {
            let family = type_of(address);
            if node.is_some_and(|node| node.rrset(family).is_none()) {
                warn(format!("`{owner}` has no {family} record: the backup {address} is never answered"));
            }
        }
    }
}

/// Every target of a guarded SRV RRset needs an address to probe.
fn check_targets(rrset: Rrset<'_>, pool: &Pool, span: Span, found: &mut Diagnostics) {
    for member in pool.groups.iter().flatten() {
        // `SRV 0 0 0 .` says that there is no such service (RFC 2782): nothing to probe.
        let Some(target) = srv_target(&member.rdata).filter(|target| !target.is_root()) else { continue };
        let tested: HashSet<IpAddr> = member.guards.iter().map(|guard| guard.probe.address).collect();
        if tested.len() > TESTED_MAX {
            let fault = Diagnostic::error(span, too_many(target)).and_at(rrset.span(), "the SRV records");
            found.push(fault.help(TOO_MANY_HELP));
        }
        if !member.guards.is_empty() {
            continue;
        }
        let message = format!("`{target}`, a target of `{}`, has no address to probe", pool.owner);
        found.push(
            Diagnostic::error(span, message)
                .and_at(rrset.span(), "the SRV records")
                .help("targets are looked up in this zone: give it an A or AAAA record here"),
        );
    }
}

fn too_many(name: NameRef<'_>) -> String {
    format!("`{name}` has more than {TESTED_MAX} addresses to probe")
}

/// The same guards at each of these addresses.
fn at_each(guards: &[Guard], addresses: &[IpAddr]) -> Vec<Guard> {
    let at = |guard: &Guard, address: IpAddr| {
        let source = guard.probe.source.filter(|source| source.is_ipv4() == address.is_ipv4());
        Guard { probe: Probe { address, source, ..guard.probe.clone() }, ..guard.clone() }
    };
    addresses.iter().flat_map(|address| guards.iter().map(|guard| at(guard, *address))).collect()
}

/// The type of records that hold such an address.
fn type_of(address: IpAddr) -> Rtype {
    if address.is_ipv4() { Rtype::A } else { Rtype::AAAA }
}

/// The address in the RDATA of an A or AAAA record.
fn address_of(rtype: Rtype, rdata: &[u8]) -> Option<IpAddr> {
    match rtype {
        Rtype::A => <[u8; 4]>::try_from(rdata).ok().map(Into::into),
        Rtype::AAAA => <[u8; 16]>::try_from(rdata).ok().map(Into::into),
        _ => None,
    }
}

/// Port of an SRV record (RFC 2782): behind priority and weight.
fn srv_port(rdata: &[u8]) -> Option<Port> {
    let port = rdata.get(4..6)?;
    Port::new(u16::from_be_bytes(port.try_into().ok()?))
}

fn srv_target(rdata: &[u8]) -> Option<NameRef<'_>> {
    rdata::names(Rtype::SRV, rdata).next().map(|inner| inner.name)
}
