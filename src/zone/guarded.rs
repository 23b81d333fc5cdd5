//! Guarded RRsets: a plain RRset of the zone file becomes a pool whose members must pass probes.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use super::beside;
use super::guarding::{Expected, Guarding, HostName, PoolSettings, Test};
use super::member::{Guard, MEMBERS_MAX, Member};
use super::pass::Pass;
use super::pool::Pool;
use super::sealed::NodeId;
use super::tested::{Made, TESTED_MAX, TOO_MANY_HELP, address_of, tests_names, too_many, type_of};
use super::tree::{Guarded, Node, Rrset, Zone};
use crate::dns::{NameRef, Rtype, rdata};
use crate::probe::{Port, ProbeKind, Tcp, no_host};
use crate::source::{Diagnostic, Diagnostics, Origin};

impl Zone {
    /// Turns RRsets into pools, or adds guards to the pools that an earlier
    /// guarding made of them.
    pub(super) fn guard_all(&mut self, guardings: &[Guarding], found: &mut Diagnostics) {
        let made = self.guard_each(guardings.iter(), found);
        self.guarded = Arc::new(Guarded::of(self, guardings));
        self.take_in(made);
        beside::warn(self, guardings, found);
    }

    /// The pools that guards make of RRsets.
    pub(super) fn guard_each<'g>(
        &self,
        guardings: impl Iterator<Item = &'g Guarding>,
        found: &mut Diagnostics,
    ) -> Made {
        let mut first_of: HashMap<NodeId, &Guarding> = HashMap::new();
        let mut owners: Vec<NodeId> = Vec::new();
        let mut hosts_of: HashMap<NodeId, Vec<&HostName>> = HashMap::new();
        let mut made = Made::default();
        for guarding in guardings {
            let Some(node) = self.find(guarding.owner.as_ref()) else {
                if !guarding.hosts.is_empty() {
                    // Why none of its hosts has an address is told where they are looked up.
                    continue;
                }
                if guarding.records == Expected::Later {
                    found.push(not_yet(guarding));
                    continue;
                }
                let message = format!("`{}` does not exist in the zone file", guarding.owner);
                found.push(Diagnostic::error(&guarding.origin, message).label("nothing to guard").help(
                    "names are relative to the zone; `@` is the zone itself, `*.apps` a wildcard as it is written",
                ));
                continue;
            };
            let first = *first_of.entry(node).or_insert_with(|| {
                owners.push(node);
                guarding
            });
            if !guarding.hosts.is_empty() {
                hosts_of.entry(node).or_default().extend(&guarding.hosts);
            }
            if first.choice != guarding.choice {
                let message = format!("`{}` is guarded twice, with different choices", guarding.owner);
                found.push(
                    Diagnostic::error(&guarding.origin, message).and_at(&first.origin, "first guarded here").help(
                        "give both the same `all-down`, `selector` and so on, or put all probes in one [[zone.probe]]",
                    ),
                );
                continue;
            }
            self.guard(node, guarding, &mut made, found);
        }
        for node in owners {
            let Some(guarding) = first_of.get(&node) else { continue };
            let hosts = hosts_of.remove(&node).unwrap_or_default();
            let addresses = |host: &&HostName| match &host.elsewhere {
                Some(elsewhere) => elsewhere.addresses.iter().map(|one| one.address).collect(),
                None => self.addresses_of(host.name.as_ref(), &made),
            };
            let hosts = hosts.iter().map(addresses).collect();
            made.join_machines(node, guarding, hosts, found);
        }
        made
    }

    /// Puts pools among those there are, in the order of their nodes.
    fn take_in(&mut self, made: Made) {
        let (sealed, pools) = (Arc::make_mut(&mut self.sealed), Arc::make_mut(&mut self.pools));
        let before = std::mem::take(&mut sealed.pool_nodes).into_iter().zip(std::mem::take(pools));
        let made = made.pools.into_iter().map(|(node, pool)| (node, Arc::new(pool)));
        let mut all: Vec<(NodeId, Arc<Pool>)> = before.chain(made).collect();
        all.sort_by_key(|(node, _)| *node);
        (sealed.pool_nodes, *pools) = all.into_iter().unzip();
    }

    /// Probes at addresses that no host has: they fail for ever, or, at the one that stands for any, pass where
    /// this host itself listens.
    pub(super) fn warn_of_probes_of_nobody(&self, found: &mut Diagnostics) {
        for pool in self.pools.iter() {
            let guards = pool.groups.iter().flatten().flat_map(|member| &member.guards);
            let mut warned = Vec::new();
            for address in guards.map(|guard| guard.probe.address) {
                let Some(why) = no_host(address).filter(|_| !warned.contains(&address)) else { continue };
                warned.push(address);
                let message = format!("{address}, which is probed for `{}`, {why}", pool.owner);
                found.push(
                    Diagnostic::warning(&pool.origin, message)
                        .label("what its probe says means nothing")
                        .help("write the address of the host that is to be tested"),
                );
            }
        }
    }

    /// Pools of which more probes of an address would have to pass than there are.
    pub(super) fn warn_of_passes_beyond_probes(&self, found: &mut Diagnostics) {
        for pool in self.pools.iter() {
            let Pass::Count(wanted) = pool.pass else { continue };
            let guards = pool.groups.iter().flatten().map(|member| member.guards.as_slice());
            let at_address = |guards: &[Guard]| {
                let first = guards.first()?.probe.address;
                Some(guards.iter().filter(|guard| guard.probe.address == first).count())
            };
            let Some(most) = guards.filter_map(at_address).max() else { continue };
            if most < wanted.get() as usize {
                let message =
                    format!("`pass` is {wanted}, and an address of `{}` has {most} probes", pool.owner);
                found.push(
                    Diagnostic::warning(&pool.origin, message)
                        .label("all of them must pass")
                        .help("add probes, or write `pass = \"all\"`"),
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
            // Why they are not known is told where they are looked up.
            if guarding.waits_for_hosts() && self.node(node).rrset(Rtype::CNAME).is_none() {
                continue;
            }
            if guarding.records == Expected::Later && self.node(node).rrset(Rtype::CNAME).is_none() {
                found.push(not_yet(guarding));
                continue;
            }
            let message = format!("`{}` has no {types} record to guard", guarding.owner);
            let fault = Diagnostic::error(&guarding.origin, message);
            found.push(match self.node(node).rrset(Rtype::CNAME) {
                Some(cname) => fault.and_at(cname.origin(), "it is a CNAME: guard the name it leads to"),
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
        let lua = self.node(node).pools_of(rtype).find(|pool| self.pools[pool.index()].lua.is_some());
        if let Some(lua) = lua {
            let message = format!("`{}` is a LUA record: it brings its own probes", guarding.owner);
            found.push(
                Diagnostic::error(&guarding.origin, message)
                    .and_at(&self.pools[lua.index()].origin, "the LUA record")
                    .help("write plain records in the zone file, or leave the name out here"),
            );
            return true;
        }
        if let Some(mut groups) = made.swap_groups(node, rtype, Vec::new()) {
            for member in groups.iter_mut().flatten() {
                member.guards.extend(self.guards_of(rtype, &member.rdata, guarding, made));
                member.is_local = self.is_local(rtype, &member.rdata, &member.guards);
            }
            made.swap_groups(node, rtype, groups);
            return true;
        }
        let Some(rrset) = self.node(node).rrset(rtype) else { return false };
        if rrset.rdatas().len() > MEMBERS_MAX {
            let message = format!("more than {MEMBERS_MAX} records are guarded at `{}`", guarding.owner);
            found.push(Diagnostic::error(&guarding.origin, message).and_at(rrset.origin(), "the records"));
            return true;
        }
        self.warn_of_what_never_holds(rrset, guarding, found);
        let pool = self.guarded(self.node(node), rrset, guarding, made);
        if rtype == Rtype::SRV {
            check_targets(rrset, &pool, &guarding.origin, found);
        }
        made.push(node, pool);
        true
    }

    /// The pool that an RRset becomes.
    fn guarded(&self, node: Node<'_>, rrset: Rrset<'_>, guarding: &Guarding, made: &Made) -> Pool {
        let PoolSettings {
            selector,
            order,
            weights,
            drained,
            machines: _,
            probed_at: _,
            share_max,
            while_any,
            backups,
            pass,
            min_up,
            answers_max,
            ttl_degraded,
            all_down,
            vantage,
        } = &guarding.choice;
        let rtype = rrset.rtype();
        let member = |rdata: &[u8]| {
            let address = address_of(rtype, rdata);
            let weight = weights.iter().find(|(known, _)| Some(*known) == address);
            let guards = self.guards_of(rtype, rdata, guarding, made);
            Member {
                weight: weight.map_or(NonZeroU32::MIN, |(_, weight)| *weight),
                is_drained: address.is_some_and(|address| drained.contains(&address)),
                is_local: self.is_local(rtype, rdata, &guards),
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
        let pool = Pool::new(node.name().to_name(), rtype, rrset.ttl(), Vec::new(), rrset.origin());
        Pool {
            groups,
            selector: *selector,
            order: *order,
            pass: *pass,
            min_up: *min_up,
            answers_max: *answers_max,
            share_max: *share_max,
            while_any: *while_any,
            ttl_degraded: ttl_degraded.map_or(pool.ttl, |degraded| degraded.min(pool.ttl)),
            all_down: *all_down,
            vantage: *vantage,
            ..pool
        }
    }

    /// Whether a record, or what is tested for it, is an address of this node.
    fn is_local(&self, rtype: Rtype, rdata: &[u8], guards: &[Guard]) -> bool {
        let tested = guards.iter().map(|guard| guard.probe.address);
        address_of(rtype, rdata).into_iter().chain(tested).any(|address| self.own.contains(&address))
    }

    /// What must pass for a record.
    fn guards_of(&self, rtype: Rtype, rdata: &[u8], guarding: &Guarding, made: &Made) -> Vec<Guard> {
        if rtype == Rtype::SRV {
            let templates = || guarding.guards.iter().filter(|guard| guard.test == Test::TargetPort);
            let (Some(port), Some(target)) = (srv_port(rdata), srv_target(rdata)) else { return Vec::new() };
            let kind = ProbeKind::Tcp(Tcp { port });
            let addresses = self.addresses_of(target, made);
            return addresses
                .iter()
                .flat_map(|address| templates().map(|guard| guard.at(*address, kind.clone())))
                .collect();
        }
        let Some(address) = address_of(rtype, rdata) else { return Vec::new() };
        let address = guarding.choice.probed_at(address);
        let guards = guarding.guards.iter().filter_map(|guard| match &guard.test {
            Test::Same(kind) => Some(guard.at(address, kind.clone())),
            Test::TargetPort => None,
        });
        guards.collect()
    }

    /// Addresses and times of a choice that come to nothing for this RRset.
    fn warn_of_what_never_holds(&self, rrset: Rrset<'_>, guarding: &Guarding, found: &mut Diagnostics) {
        let (owner, rtype, choice) = (&guarding.owner, rrset.rtype(), &guarding.choice);
        let mut warn = |message: String| {
            found.push(Diagnostic::warning(&guarding.origin, message).and_at(rrset.origin(), "the records"));
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
        for (address, _) in choice.probed_at.iter().filter(|(address, _)| type_of(*address) == rtype) {
            let own = rrset.rdatas().any(|rdata| address_of(rtype, rdata) == Some(*address));
            if !own && !backups.contains(address) {
                warn(format!("`{owner}` has no address {address}: where it is probed means nothing"));
            }
        }
        let weighed = choice.weights.iter().map(|(address, _)| address).chain(&choice.drained);
        for address in weighed.filter(|address| type_of(**address) == rtype) {
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

impl Guarded {
    fn of(zone: &Zone, guardings: &[Guarding]) -> Guarded {
        let mut by_node: HashMap<NodeId, Vec<usize>> = HashMap::new();
        for (place, guarding) in guardings.iter().enumerate() {
            if let Some(node) = zone.find(guarding.owner.as_ref()) {
                by_node.entry(node).or_default().push(place);
            }
        }
        let mut guards = guardings.iter().flat_map(|guarding| &guarding.guards);
        Guarded {
            by_node,
            tests_targets: guards.any(|guard| guard.test == Test::TargetPort),
            tests_names: zone.pools().iter().any(|pool| tests_names(pool)),
            has_hosts: guardings.iter().any(|guarding| !guarding.hosts.is_empty()),
        }
    }
}

/// What is told of a name without addresses, which may come.
fn not_yet(guarding: &Guarding) -> Diagnostic {
    let message = format!("`{}` has no addresses until the cluster is heard", guarding.owner);
    let help = "give it addresses in the zone file, which are then members, too";
    Diagnostic::warning(&guarding.origin, message).help(help)
}

/// Every target of a guarded SRV RRset needs an address to probe.
fn check_targets(rrset: Rrset<'_>, pool: &Pool, origin: &Origin, found: &mut Diagnostics) {
    for member in pool.groups.iter().flatten() {
        // `SRV 0 0 0 .` says that there is no such service (RFC 2782): nothing to probe.
        let Some(target) = srv_target(&member.rdata).filter(|target| !target.is_root()) else { continue };
        let tested: HashSet<IpAddr> = member.guards.iter().map(|guard| guard.probe.address).collect();
        if tested.len() > TESTED_MAX {
            let fault = Diagnostic::error(origin, too_many(target)).and_at(rrset.origin(), "the SRV records");
            found.push(fault.help(TOO_MANY_HELP));
        }
        if !member.guards.is_empty() {
            continue;
        }
        let message = format!("`{target}`, a target of `{}`, has no address to probe", pool.owner);
        found.push(
            Diagnostic::error(origin, message)
                .and_at(rrset.origin(), "the SRV records")
                .help("targets are looked up in this zone: give it an A or AAAA record here"),
        );
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
