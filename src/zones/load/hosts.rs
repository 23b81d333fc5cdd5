//! Hosts of other zones, where a zone is read that has them as members: what is known of them, and what is told of those that are
//! not there.

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
    let known = before.map(|before| known_hosts(&before.inputs.guards)).unwrap_or_default();
    set_hosts(&mut guards, &known);
    let LookedUp { addresses, unknown } = LookedUp::of(&guards, version);
    set_hosts(&mut guards, &addresses);
    let is_check = matches!(purpose, Purpose::Check);
    let mut told = Vec::new();
    for host in &unknown {
        let is_new = before.is_some() && !known.contains_key(&host.name);
        // What will be in a zone that arrives is not known to a check.
        if is_check && !arrives(&host.zone) || is_new && matches!(host.why, NotKnown::NoHost(_)) {
            told.push(fault(host));
        } else if !is_check {
            // To a pool that is served, or is to be, a host that is gone is no reason to be gone.
            told.push(Diagnostic::warning(&host.origin, host.to_string()).label(host.meanwhile()));
        }
    }
    (guards, told)
}

fn fault(host: &UnknownHost) -> Diagnostic {
    let zone = &host.zone;
    let help = match host.why {
        NotKnown::NoZone => format!("mend the zone `{zone}` first"),
        NotKnown::NoHost(_) => {
            format!("give it A or AAAA records in `{zone}`, or name the host that has them there")
        }
    };
    Diagnostic::error(&host.origin, host.to_string()).label("looked up in another zone").help(help)
}
