//! Hosts of other zones, where a zone is read that has them as members: what is known of them, and what is told of those that are
//! not there.

use std::sync::Arc;

use super::serving::Purpose;
use crate::dns::Name;
use crate::source::Diagnostic;
use crate::zone::Guarding;
use crate::zones::host_members::{LookedUp, NotKnown, UnknownHost, known_hosts, set_hosts};
use crate::zones::version::ZoneVersion;

/// What a zone is guarded by, with what other zones say of hosts; and what is to be told of hosts that they do not have. One that
/// is known from before keeps its addresses. `version` is what there is of a zone, `arrives` whether its records come while it
/// is served.
pub(super) fn look_up<'v>(
    guards: &[Guarding],
    (before, purpose): (Option<&ZoneVersion>, &Purpose),
    version: impl Fn(&Name) -> Option<&'v ZoneVersion>,
    arrives: impl Fn(&Name) -> bool,
) -> (Vec<Guarding>, Vec<Diagnostic>) {
    let mut guards = guards.to_vec();
    let LookedUp { addresses: mut table, unknown } = LookedUp::of(&guards, version);
    let known = before.map(|before| known_hosts(&before.inputs.guards)).unwrap_or_default();
    let is_check = matches!(purpose, Purpose::Check);
    let mut told = Vec::new();
    for host in &unknown {
        let known = known.get(&host.name);
        table.extend(known.map(|addresses| (host.name.clone(), Arc::clone(addresses))));
        let is_new = before.is_some() && known.is_none();
        // What will be in a zone that arrives is not known to a check.
        if is_check && !arrives(&host.zone) || is_new && matches!(host.why, NotKnown::NoHost(_)) {
            told.push(fault(host));
        } else if !is_check {
            told.push(warning(host, known.map_or(0, |addresses| addresses.len())));
        }
    }
    set_hosts(&mut guards, &table);
    (guards, told)
}

fn message(host: &UnknownHost) -> String {
    let UnknownHost { name, zone, owner, why, .. } = host;
    format!("`{name}`, a member of `{owner}`, has no address in the zone `{zone}`: {why}")
}

fn fault(host: &UnknownHost) -> Diagnostic {
    let zone = &host.zone;
    let help = match host.why {
        NotKnown::NoZone => format!("mend the zone `{zone}` first"),
        NotKnown::NoHost(_) => {
            format!("give it A or AAAA records in `{zone}`, or name the host that has them there")
        }
    };
    Diagnostic::error(&host.origin, message(host)).label("looked up in another zone").help(help)
}

/// To a pool that is served, or is to be, a host that is gone is no reason to be gone; `known` are the addresses that it had.
fn warning(host: &UnknownHost, known: usize) -> Diagnostic {
    let label = match known {
        0 => "the pool is answered without it until it has one",
        1.. => "the pool keeps the addresses that it had",
    };
    Diagnostic::warning(&host.origin, message(host)).label(label)
}
