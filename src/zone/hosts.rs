//! Members by name: a guarded owner has the addresses of hosts of its zone, besides its own.
//!
//! They become records of the owner when the zone is put together, and follow when the addresses of a host change. Not
//! responsible for guarding them: that is `guarded`, which makes no difference between them and others.

use std::collections::HashSet;
use std::net::IpAddr;

use super::guarding::{Guarding, HostName};
use crate::dns::{Name, NameRef, Ttl};
use crate::source::{Diagnostic, Diagnostics};

/// An address of a host, and what its record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HostAddress {
    pub(super) address: IpAddr,
    pub(super) ttl: Ttl,
}

/// What every owner gets, from what there is at each name.
pub(super) struct Wanted<'g> {
    /// For each owner, in order: each address once, with its host and TTL.
    pub(super) addresses: Vec<(&'g Name, &'g HostName, HostAddress)>,
}

impl<'g> Wanted<'g> {
    /// Looks hosts up; `at` says what addresses a name has that are not those of others.
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
                let own = at(host.name.as_ref());
                if own.is_empty() {
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
        "members are names of this zone with addresses: not aliases, LUA records or what a wildcard makes",
    )
}
