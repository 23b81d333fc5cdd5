//! Members by name: a guarded owner has the addresses of hosts, besides its own.
//!
//! They become records of the owner when the zone is put together, and follow when the addresses of a host change. Says what a
//! zone has of a host for a pool of another zone. Not responsible for guarding them: that is `guarded`, which makes no
//! difference between them and others; nor for how one zone hears of another.

use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::guarding::{Guarding, HostAddress, HostName};
use super::sealed::NodeKind;
use super::tested::address_of;
use super::tree::{Rrset, Zone};
use crate::dns::{Name, NameRef, Rtype, Ttl};
use crate::source::{Diagnostic, Diagnostics, Origin};

/// Why a name of a zone is no host whose addresses a pool of another zone may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoHost {
    /// There is no such name; what a wildcard makes is none.
    NoName,
    /// It has no A or AAAA record.
    NoAddress,
    /// It is an alias.
    Alias,
    /// Its addresses are computed by a LUA record.
    Lua,
    /// It lies below a delegation, or a DNAME: this zone does not answer for it.
    Below,
    /// It has members by name itself.
    Members,
}

impl fmt::Display for NoHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoHost::NoName => "there is no such name",
            NoHost::NoAddress => "it has no A or AAAA record there",
            NoHost::Alias => "it is an alias there",
            NoHost::Lua => "it is a LUA record there",
            NoHost::Below => "it lies below a delegation or a DNAME there",
            NoHost::Members => "it has members by name itself",
        })
    }
}

impl Zone {
    /// The addresses that a name has in records of its own, in their order, for a pool of another zone: which of them came
    /// first is nothing to that. `guardings` are those of this zone.
    ///
    /// # Errors
    ///
    /// Why it is no host.
    pub fn host(&self, name: NameRef<'_>, guardings: &[Guarding]) -> Result<Arc<[HostAddress]>, NoHost> {
        if guardings.iter().any(|one| !one.hosts.is_empty() && one.owner.as_ref() == name) {
            return Err(NoHost::Members);
        }
        let Some(node) = self.find(name).map(|id| self.node(id)) else {
            let mut above = std::iter::successors(name.parent(), |name| name.parent());
            let encloser = above.find_map(|name| self.find(name)).map(|id| self.node(id));
            let is_below =
                encloser.is_some_and(|node| !matches!(node.kind(), NodeKind::Plain | NodeKind::Hashed));
            return Err(if is_below { NoHost::Below } else { NoHost::NoName });
        };
        if matches!(node.kind(), NodeKind::ZoneCut | NodeKind::Occluded) {
            return Err(NoHost::Below);
        }
        if node.alias().is_some() {
            return Err(NoHost::Alias);
        }
        let mut addresses = self.own_addresses(name);
        addresses.sort_unstable();
        let is_lua = || node.pools().any(|id| self.pools()[id.index()].lua.is_some());
        match addresses.is_empty() {
            false => Ok(addresses.into()),
            true if is_lua() => Err(NoHost::Lua),
            true => Err(NoHost::NoAddress),
        }
    }

    /// The addresses that a name has in records of its own.
    pub(super) fn own_addresses(&self, name: NameRef<'_>) -> Vec<HostAddress> {
        self.addresses_with_origins(name).map(|(address, _, ttl)| HostAddress { address, ttl }).collect()
    }

    /// The same with where their records come from.
    pub(super) fn addresses_with_origins(
        &self,
        name: NameRef<'_>,
    ) -> impl Iterator<Item = (IpAddr, Origin, Ttl)> {
        let node = self.find(name).map(|id| self.node(id));
        let rrsets = node.into_iter().flat_map(|node| [Rtype::A, Rtype::AAAA].map(|rtype| node.rrset(rtype)));
        rrsets.flatten().flat_map(|rrset: Rrset<'_>| {
            let (rtype, ttl) = (rrset.rtype(), rrset.ttl());
            let records = rrset.rdatas().zip(rrset.origins());
            records.filter_map(move |(rdata, origin)| Some((address_of(rtype, rdata)?, origin, ttl)))
        })
    }
}

/// What every owner gets, from what there is at each name.
pub(super) struct Wanted<'g> {
    /// For each owner, in order: each address once, with its host and TTL.
    pub(super) addresses: Vec<(&'g Name, &'g HostName, HostAddress)>,
}

impl<'g> Wanted<'g> {
    /// Looks hosts up; `at` says what addresses a name of the zone has that are not those of others.
    pub(super) fn of(
        guardings: &'g [Guarding],
        mut at: impl FnMut(NameRef<'_>) -> Vec<HostAddress>,
        found: &mut Diagnostics,
    ) -> Wanted<'g> {
        let owners: HashSet<&Name> =
            guardings.iter().filter(|one| !one.hosts.is_empty()).map(|one| &one.owner).collect();
        let mut seen: HashSet<(&Name, IpAddr)> = HashSet::new();
        let mut addresses = Vec::new();
        for guarding in guardings {
            for host in &guarding.hosts {
                if owners.contains(&host.name) {
                    found.push(loops(guarding, host));
                    continue;
                }
                let own = match &host.elsewhere {
                    // Why it has none is told by whoever has looked it up there.
                    Some(elsewhere) => elsewhere.addresses.to_vec(),
                    None => at(host.name.as_ref()),
                };
                if own.is_empty() && host.elsewhere.is_none() {
                    found.push(has_none(guarding, host));
                }
                let new = own.into_iter().filter(|one| seen.insert((&guarding.owner, one.address)));
                addresses.extend(new.map(|one| (&guarding.owner, host, one)));
            }
        }
        Wanted { addresses }
    }
}

fn loops(guarding: &Guarding, host: &HostName) -> Diagnostic {
    let message = format!("`{}`, a member of `{}`, has members by name itself", host.name, guarding.owner);
    Diagnostic::error(&host.origin, message).help("name the hosts themselves")
}

fn has_none(guarding: &Guarding, host: &HostName) -> Diagnostic {
    let message = format!("`{}`, a member of `{}`, has no address", host.name, guarding.owner);
    Diagnostic::error(&host.origin, message).label("no A or AAAA record of its own in this zone").help(
        "members are names with addresses, of this zone or of another one here: not aliases, LUA records or what a \
         wildcard makes",
    )
}
