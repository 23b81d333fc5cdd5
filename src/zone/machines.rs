//! Machines: addresses that leave together, since one machine has them.
//!
//! A client of a dual stack may take either family: a port that is open to IPv4 alone is a machine that is half there.

use std::collections::HashMap;
use std::net::IpAddr;

use super::guarding::{Guarding, Machines};
use super::member::{Guard, Member, Passes};
use super::pool::Pool;
use super::sealed::NodeId;
use super::tested::{Made, TESTED_MAX, address_of};
use crate::dns::Rtype;
use crate::source::{Diagnostic, Diagnostics};

/// What to write where places do not tell which addresses belong together.
const LIST_THEM: &str = "say which belong together, as in machine = [[\"192.0.2.1\", \"2001:db8::1\"], …], or give each machine both";

impl Made {
    /// Has each address of a machine guarded by what guards its others, too.
    /// `hosts` are the addresses of each member by name.
    pub(super) fn join_machines(
        &mut self,
        node: NodeId,
        guarding: &Guarding,
        hosts: Vec<Vec<IpAddr>>,
        found: &mut Diagnostics,
    ) {
        let machines = match &guarding.choice.machines {
            Machines::Apart => return,
            Machines::ByPlace if !hosts.is_empty() => hosts,
            Machines::ByPlace => match self.by_place(node, guarding) {
                Ok(machines) => machines,
                Err(fault) => return found.push(*fault),
            },
            Machines::Listed(machines) => machines.clone(),
        };
        if let Some(machine) = machines.iter().find(|machine| machine.len() > TESTED_MAX) {
            let first = machine.first().map_or_else(String::new, |first| format!(" of {first}"));
            let message =
                format!("the machine{first}, of `{}`, has more than {TESTED_MAX} addresses", guarding.owner);
            let help = "each is answered while all of them pass: list the addresses of one machine alone";
            return found.push(Diagnostic::error(&guarding.origin, message).help(help));
        }
        let guards = self.guards_by_address(node);
        for address in machines.iter().flatten().filter(|address| !guards.contains_key(address)) {
            let message =
                format!("`{}` has no address {address}: its machine is guarded without it", guarding.owner);
            found.push(Diagnostic::warning(&guarding.origin, message));
        }
        let mut of_machine: HashMap<IpAddr, (Vec<Guard>, bool)> = HashMap::new();
        for machine in machines {
            let all: Vec<&(Vec<Guard>, bool)> = machine.iter().filter_map(|one| guards.get(one)).collect();
            let is_local = all.iter().any(|(_, is_local)| *is_local);
            let guards: Vec<Guard> = all.iter().flat_map(|(guards, _)| guards).cloned().collect();
            of_machine.extend(machine.into_iter().map(|one| (one, (guards.clone(), is_local))));
        }
        for rtype in [Rtype::A, Rtype::AAAA] {
            let groups = self.of_mut(node, rtype).into_iter().flat_map(|pool| &mut pool.groups);
            for member in groups.flatten() {
                let machine = address_of(rtype, &member.rdata).and_then(|address| of_machine.get(&address));
                if let Some((guards, is_local)) = machine {
                    member.guards.clone_from(guards);
                    member.is_local = *is_local;
                    member.passes = Passes::AtAllAddresses;
                }
            }
        }
    }

    /// What guards each address of a node, and whether it is this host's.
    fn guards_by_address(&self, node: NodeId) -> HashMap<IpAddr, (Vec<Guard>, bool)> {
        let pools = [Rtype::A, Rtype::AAAA].into_iter().filter_map(|rtype| self.of(node, rtype));
        let members = pools.flat_map(|pool| pool.groups.iter().flatten().map(|member| (pool.rtype, member)));
        let guards = members.filter_map(|(rtype, member)| {
            Some((address_of(rtype, &member.rdata)?, (member.guards.clone(), member.is_local)))
        });
        guards.collect()
    }

    /// The n-th address of one family with the n-th of the other.
    fn by_place(&self, node: NodeId, guarding: &Guarding) -> Result<Vec<Vec<IpAddr>>, Box<Diagnostic>> {
        let owner = &guarding.owner;
        let [Some(v4), Some(v6)] = [Rtype::A, Rtype::AAAA].map(|rtype| self.of(node, rtype)) else {
            let message = format!("`{owner}` has addresses of one family: `machine` means nothing");
            return Err(Box::new(Diagnostic::warning(&guarding.origin, message)));
        };
        let counts = |pool: &Pool| pool.groups.iter().map(Vec::len).collect::<Vec<_>>();
        if counts(v4) != counts(v6) {
            let count = |pool: &Pool| pool.groups.iter().map(Vec::len).sum::<usize>();
            let message = format!(
                "`{owner}` has {} A and {} AAAA members: which of them are one machine's is not known",
                count(v4),
                count(v6)
            );
            return Err(Box::new(Diagnostic::error(&guarding.origin, message).help(LIST_THEM)));
        }
        let addresses = |pool: &Pool| {
            let address = |member: &Member| address_of(pool.rtype, &member.rdata);
            pool.groups.iter().flatten().filter_map(address).collect::<Vec<_>>()
        };
        Ok(addresses(v4).into_iter().zip(addresses(v6)).map(|(v4, v6)| vec![v4, v6]).collect())
    }
}
