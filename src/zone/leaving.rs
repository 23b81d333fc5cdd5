//! How long a member that is about to end is still used by clients: until its probes say so, and as long again as
//! resolvers keep what they were answered.
//!
//! Warns where that is longer than OpenShift leaves a load balancer for an API server.

use std::time::Duration;

use super::member::Guard;
use super::tree::Zone;
use crate::dns::NameRef;
use crate::source::{Diagnostic, Diagnostics};

/// The port of API servers.
const API_PORT: u16 = 6443;

/// How soon an API server whose `/readyz` fails is to be out of a load balancer (OpenShift's requirements for
/// user-provisioned infrastructure). It accepts connections for up to 70 s, and may end at any time behind these.
const LEAVE_MAX: Duration = Duration::from_secs(30);

/// Tells of pools of API servers that clients leave too late.
pub(super) fn warn(zone: &Zone, found: &mut Diagnostics) {
    let mut last: Option<NameRef<'_>> = None;
    for pool in zone.pools().iter() {
        let guards = pool.groups.iter().flatten().flat_map(|member| &member.guards);
        let of_api =
            guards.filter(|guard| guard.probe.kind.port().is_some_and(|port| port.get() == API_PORT));
        let Some(told_after) = of_api.map(told_after).max() else { continue };
        let kept = Duration::from_secs(u64::from(pool.ttl.seconds()));
        let after = told_after.saturating_add(kept);
        // The other address family of the name came just before.
        if after <= LEAVE_MAX || last == Some(pool.owner.as_ref()) {
            continue;
        }
        last = Some(pool.owner.as_ref());
        let message = format!("`{}` leads to an API server up to {after:?} after it has failed", pool.owner);
        let left = LEAVE_MAX.saturating_sub(told_after).as_secs();
        let help = if left > 0 {
            format!("give it a TTL of at most {left} s")
        } else {
            "probe it more often, or take fewer failures for a down".to_owned()
        };
        found.push(
            Diagnostic::warning(&pool.origin, message)
                .remark(format!(
                    "its probes say so within {told_after:?}, and resolvers keep answers for {kept:?}"
                ))
                .remark(
                    "OpenShift wants an API server whose /readyz fails out of a load balancer within 30 s",
                )
                .help(help),
        );
    }
}

/// From a failure to the verdict, at most: it happens right behind a probe that passes, and those that fail take all
/// their time.
fn told_after(guard: &Guard) -> Duration {
    let failures = guard.fall.get();
    let retries = guard.retry.max(guard.probe.timeout).saturating_mul(failures.saturating_sub(1));
    guard.interval.saturating_add(retries).saturating_add(guard.probe.timeout)
}
