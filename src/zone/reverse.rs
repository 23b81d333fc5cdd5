//! Reverse zones: PTR records made from the addresses of a zone, and compared with them (RFC 1035, section
//! 3.5; RFC 3596, section 2.5).
//!
//! Finds the names of an address. Not responsible for which zone is made from which.
//!
//! Nodes take their host name from the PTR record of their address, so an address shall have one, with the
//! official name of a host (RFC 1912, section 2.1) and not of whatever else it serves. Of its names the one
//! with the best claim has it:
//!
//! ```text
//! 1 host     a plain A or AAAA record, the only one of its name; that NS records name it makes no difference
//! 2 several  the same, one of several of its name: a host with many addresses, or a service on many hosts
//! 3 service  a name of a service: the target of SRV or MX records, a name beside a wildcard, or called as services are
//! 4 guarded  the only address of a guarded name
//!            pools of several, LUA records, wildcards: never
//! ```
//!
//! Of several with the same claim the one that stands first in the file has it, and the operator is told.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::apexes::Apexes;
use super::builder::Builder;
use super::reverse_names::{address_of, addresses_below, reverse_name};
use super::sealed::{NodeId, NodeKind};
use super::tree::{Node, Rrset, Zone};
use crate::dns::{Name, NameRef, Rtype, Ttl, rdata};
use crate::source::{Diagnostic, Diagnostics, Origin};

/// What a zone says of addresses.
#[derive(Debug)]
pub struct Hosts {
    apex: Name,
    serial: u32,
    /// SOA and NS records of the apex.
    apex_records: Vec<(Rtype, Ttl, Box<[u8]>)>,
    /// The names each address may be known by.
    names: BTreeMap<IpAddr, Vec<Host>>,
    /// Every owner of addresses, pools and wildcards too.
    addresses: HashMap<Name, Vec<IpAddr>>,
    /// What lies at or below these is answered elsewhere.
    cuts: HashSet<Name>,
}

/// A name of an address.
#[derive(Clone, Debug)]
struct Host {
    name: Name,
    ttl: Ttl,
    origin: Origin,
    claim: Claim,
}

/// By which right; the first counts. See the head of this file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Claim {
    Host,
    Several,
    Service,
    Guarded,
}

/// What services are called, beside hosts of other names at the same addresses; a number may follow, as in
/// `ns1` and `etcd-0`. A host that is really called so, and has no other name, still has its PTR record.
const SERVICES: &[&str] = &[
    "api", "api-int", "console", "dns", "etcd", "ingress", "lb", "ldap", "mail", "mirror", "mx", "ns", "ntp",
    "proxy", "quay", "registry", "smtp", "time", "vip", "www",
];

/// Addresses of which it is told that several names have the same claim to them; the others are counted.
const TIES_TOLD_MAX: usize = 8;

impl Hosts {
    /// What this zone says.
    pub fn of(zone: &Zone) -> Hosts {
        let apex = zone.node(NodeId::APEX);
        let sets = [Rtype::SOA, Rtype::NS].into_iter().filter_map(|rtype| apex.rrset(rtype));
        let records =
            sets.flat_map(|set| set.rdatas().map(move |rdata| (set.rtype(), set.ttl(), rdata.into())));
        let mut hosts = Hosts {
            apex: zone.apex().to_name(),
            serial: zone.serial(),
            apex_records: records.collect(),
            names: BTreeMap::new(),
            addresses: HashMap::new(),
            cuts: HashSet::new(),
        };
        let services = Services::of(zone);
        for node in zone.nodes() {
            match node.kind() {
                NodeKind::Plain | NodeKind::Dname => hosts.take(zone, node, &services),
                NodeKind::ZoneCut => {
                    hosts.cuts.insert(node.name().to_name());
                }
                NodeKind::Occluded | NodeKind::Hashed => {}
            }
        }
        // Of one claim they stay in the order of the file.
        hosts.names.values_mut().for_each(|names| names.sort_by_key(|host| host.claim));
        hosts
    }

    fn take(&mut self, zone: &Zone, node: Node<'_>, services: &Services) {
        for rtype in [Rtype::A, Rtype::AAAA] {
            let rrset = node.rrset(rtype);
            let pools: Vec<_> = node.pools_of(rtype).map(|id| &zone.pools()[id.index()]).collect();
            let members = pools.iter().flat_map(|pool| pool.groups.iter().flatten());
            let all = members.map(|member| &*member.rdata).chain(rrset.into_iter().flat_map(Rrset::rdatas));
            let held: Vec<IpAddr> = all.filter_map(address).collect();
            if held.is_empty() {
                continue;
            }
            self.addresses.entry(node.name().to_name()).or_default().extend(&held);
            let one = held.iter().all(|address| held.first() == Some(address));
            let claim = match pools.as_slice() {
                [] if services.has(node) => Claim::Service,
                [] if one => Claim::Host,
                [] => Claim::Several,
                [only] if only.lua.is_none() && one => Claim::Guarded,
                _ => continue,
            };
            let Some(rrset) = rrset.filter(|_| !node.name().is_wildcard()) else { continue };
            for address in rrset.rdatas().filter_map(address) {
                let host =
                    Host { name: node.name().to_name(), ttl: rrset.ttl(), origin: rrset.origin(), claim };
                self.names.entry(address).or_default().push(host);
            }
        }
    }

    /// The serial of the zone that says it.
    pub fn serial(&self) -> u32 {
        self.serial
    }

    /// Whether it says that a name has an address; none: it does not know.
    fn has(&self, name: NameRef<'_>, address: IpAddr) -> Option<bool> {
        let mut enclosers = std::iter::successors(Some(name), |name| name.parent());
        let is_cut = enclosers.any(|name| !self.cuts.is_empty() && self.cuts.contains(&name.to_name()));
        if !name.is_at_or_below(self.apex.as_ref()) || is_cut {
            return None;
        }
        let exact = self.addresses.get(&name.to_name());
        // The closest wildcard will do: what it is a wildcard for is not looked into.
        let above = || {
            std::iter::successors(name.parent(), |name| name.parent())
                .filter_map(|above| Name::parse(b"*", above).ok())
                .find_map(|wildcard| self.addresses.get(&wildcard))
        };
        Some(exact.or_else(above).is_some_and(|held| held.contains(&address)))
    }
}

impl Builder {
    /// Adds the PTR records of these hosts that lie in the zone, and SOA and NS records; what it has already
    /// stays as it is, but the serial follows. `origin` is where the operator wants it so.
    pub fn add_reverse(&mut self, hosts: &Hosts, origin: impl Into<Origin>, found: &mut Diagnostics) {
        let origin = &origin.into();
        let apex = self.apex().to_name();
        let taken: HashSet<Name> = self.owners().map(|(owner, _)| owner.to_name()).collect();
        let leads_away = |(owner, rtype): &(NameRef<'_>, Rtype)| match *rtype {
            Rtype::NS => *owner != apex.as_ref(),
            Rtype::DNAME => true,
            _ => false,
        };
        let away: HashSet<Name> =
            self.owners().filter(leads_away).map(|(owner, _)| owner.to_name()).collect();
        let at_apex: HashSet<Rtype> =
            self.owners().filter(|(owner, _)| *owner == apex.as_ref()).map(|(_, rtype)| rtype).collect();
        for (rtype, ttl, rdata) in hosts.apex_records.iter().filter(|(rtype, ..)| !at_apex.contains(rtype)) {
            found.extend(self.add(apex.as_ref(), *rtype, *ttl, rdata, origin).err());
        }
        self.raise_serial(hosts.serial);
        let Some(held) = addresses_below(apex.as_ref()) else { return };
        let mut ties = Vec::new();
        for (address, names) in hosts.names.range(held) {
            let Some(owner) = reverse_name(*address) else { continue };
            let is_away = std::iter::successors(Some(owner.as_ref()), |name| name.parent())
                .any(|name| away.contains(&name.to_name()));
            if taken.contains(&owner) || is_away || !owner.as_ref().is_at_or_below(apex.as_ref()) {
                continue;
            }
            let Some(first) = names.first() else { continue };
            found.extend(
                self.add(owner.as_ref(), Rtype::PTR, first.ttl, first.name.as_ref().wire(), origin).err(),
            );
            if names.get(1).is_some_and(|other| other.claim == first.claim) {
                ties.push((*address, names));
            }
        }
        found.extend(tied(&ties, origin));
    }
}

/// Tells of addresses that several names have the same claim to.
fn tied(ties: &[(IpAddr, &Vec<Host>)], origin: &Origin) -> Option<Diagnostic> {
    let shown = |(address, names): &(IpAddr, &Vec<Host>)| {
        let claim = names.first().map(|host| host.claim);
        let equal = names.iter().filter(|host| Some(host.claim) == claim);
        let equal: Vec<String> = equal.take(TIES_TOLD_MAX).map(|host| format!("`{}`", host.name)).collect();
        format!("{address} has the names {}", equal.join(" and "))
    };
    let (first, others) = ties.split_first()?;
    let chosen = &first.1.first()?.name;
    let told = Diagnostic::warning(origin, format!("{}: its PTR record leads to `{chosen}`", shown(first)))
        .label("any of them could be the host's")
        .remark("nodes take their host name from it; of names with the same claim the first in the zone file is taken")
        .help("write the PTR record that is meant into a `file` of this reverse zone: what it says comes first");
    let told = others
        .iter()
        .take(TIES_TOLD_MAX)
        .fold(told, |told, tie| told.remark(format!("so it is where {}", shown(tie))));
    let more = others.len().saturating_sub(TIES_TOLD_MAX);
    Some(if more > 0 { told.remark(format!("and of {more} addresses more")) } else { told })
}

/// Which names of a zone are those of services.
struct Services {
    /// Where SRV and MX records point to.
    targets: HashSet<NodeId>,
}

impl Services {
    fn of(zone: &Zone) -> Services {
        let sets = zone
            .node_ids()
            .map(|id| zone.node(id))
            .flat_map(|node| [Rtype::SRV, Rtype::MX].into_iter().filter_map(move |rtype| node.rrset(rtype)));
        let names = sets.flat_map(|set| {
            set.rdatas()
                .filter_map(move |bytes| rdata::names(set.rtype(), bytes).next().map(|inner| inner.name))
        });
        Services { targets: names.filter_map(|name| zone.find(name)).collect() }
    }

    fn has(&self, node: Node<'_>) -> bool {
        // Below `*.apps` are routes; a wildcard of the whole zone says nothing of its names.
        let parent = node.parent();
        let beside_wildcard = parent.id() != NodeId::APEX && parent.wildcard().is_some();
        beside_wildcard || self.targets.contains(&node.id()) || is_called_as_services_are(node.name())
    }
}

fn is_called_as_services_are(name: NameRef<'_>) -> bool {
    let Some(label) = name.labels().next() else { return false };
    let digits = label.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let word = label.get(..label.len() - digits).unwrap_or(label);
    let word = if digits > 0 { word.strip_suffix(b"-").unwrap_or(word) } else { word };
    SERVICES.iter().any(|service| service.as_bytes().eq_ignore_ascii_case(word))
}

/// What the zones of one server say of addresses, found by address and by apex: a reverse zone looks at what
/// is its own, however many other zones there are.
#[derive(Debug, Default)]
pub struct Addresses {
    apexes: Arc<Apexes>,
    /// What the zones of an apex say, one for each view.
    zones: HashMap<Name, Vec<Arc<Hosts>>>,
    /// Every address with the host that was told first.
    hosts: BTreeMap<IpAddr, Host>,
}

impl Addresses {
    /// Nothing is said so far; there are zones with these apexes.
    pub fn new(apexes: Arc<Apexes>) -> Addresses {
        Addresses { apexes, ..Addresses::default() }
    }

    /// Takes in what one more zone says.
    pub fn add(&mut self, hosts: Arc<Hosts>) {
        for (address, names) in &hosts.names {
            if let Some(host) = names.first() {
                self.hosts.entry(*address).or_insert_with(|| host.clone());
            }
        }
        self.zones.entry(hosts.apex.clone()).or_default().push(hosts);
    }
}

/// Compares a reverse zone with what the zones of its server say of addresses: hosts without a PTR record,
/// and PTR records of names that have not the address. Other zones have nothing to be compared.
pub fn check_reverse(zone: &Zone, known: &Addresses, found: &mut Diagnostics) {
    let Some(held) = addresses_below(zone.apex()) else { return };
    for (address, host) in known.hosts.range(held) {
        let own = |owner: &Name| known.apexes.nearest(owner.as_ref()) == Some(zone.apex());
        let Some(owner) = reverse_name(*address).filter(own) else { continue };
        if !is_answered(zone, owner.as_ref()) {
            let message = format!(
                "`{}` has the address {address}, for which `{}` has no PTR record",
                host.name,
                zone.apex()
            );
            let help = format!("add `{owner} PTR {}`, or have such records made by `reverse-of`", host.name);
            let remark = "nodes that take their host name from DNS ask for it";
            found.push(Diagnostic::warning(&host.origin, message).help(help).remark(remark));
        }
    }
    for node in zone.nodes().filter(|node| node.kind() == NodeKind::Plain) {
        if let (Some(rrset), Some(address)) = (node.rrset(Rtype::PTR), address_of(node.name())) {
            check_pointers(rrset, address, known, found);
        }
    }
}

fn check_pointers(rrset: Rrset<'_>, address: IpAddr, known: &Addresses, found: &mut Diagnostics) {
    for target in rrset.rdatas().filter_map(|rdata| Some(NameRef::split_from(rdata).ok()?.0)) {
        let own = known.apexes.nearest(target).and_then(|apex| known.zones.get(&apex.to_name()));
        let said: Vec<bool> = own.into_iter().flatten().filter_map(|one| one.has(target, address)).collect();
        if !said.is_empty() && !said.contains(&true) {
            let message =
                format!("the PTR record of {address} leads to `{target}`, which has not this address");
            let help = "let the name have the address, or let the PTR record lead to one that has it";
            found.push(Diagnostic::warning(rrset.origin(), message).help(help));
        }
    }
}

/// Whether a reverse zone has something to say of an owner: a PTR record of its own or by a wildcard, or that
/// others are to be asked (RFC 2317).
fn is_answered(zone: &Zone, owner: NameRef<'_>) -> bool {
    let speaks = |node: Node<'_>| {
        node.rrset(Rtype::PTR).is_some()
            || node.alias().is_some()
            || node.pools_of(Rtype::PTR).next().is_some()
    };
    if let Some(node) = zone.find(owner).map(|id| zone.node(id)) {
        return speaks(node) || node.kind() != NodeKind::Plain;
    }
    let mut above = std::iter::successors(owner.parent(), |name| name.parent());
    let encloser = above.find_map(|name| zone.find(name)).map(|id| zone.node(id));
    encloser.is_some_and(|node| node.kind() != NodeKind::Plain || node.wildcard().is_some_and(speaks))
}

/// The address that RDATA of an A or AAAA record is.
fn address(rdata: &[u8]) -> Option<IpAddr> {
    match rdata.len() {
        4 => rdata.try_into().ok().map(|octets: [u8; 4]| octets.into()),
        16 => rdata.try_into().ok().map(|octets: [u8; 16]| octets.into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
