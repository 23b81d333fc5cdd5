//! Pools that have hosts of other zones as members: when what is served of those zones changes, the writers of the zones of
//! these pools hear of it.
//!
//! Looks after each publication, and at nothing but the zones that have such pools, and those of their hosts. Not responsible for
//! making the next version: a writer does it, beside the loop.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::super::served::Served;
use crate::dns::Name;
use crate::zones::{HostTable, LookedUp, NotKnown, StoredZone, UnknownHost, ZoneId, ZoneVersion, are_moved};

/// After this time a writer is told again of what it has not done: it may have failed.
const TOLD_AGAIN: Duration = Duration::from_secs(5);

/// The zones whose pools have hosts of other zones as members.
#[derive(Default)]
pub(super) struct HostFollowers(Vec<HostFollower>);

struct HostFollower {
    zone: ZoneId,
    /// The zones of its hosts, by apex.
    origins: Vec<(Name, ZoneId)>,
    /// What was served of it and of these when it was looked at last, and nothing was to be done.
    seen: Vec<Weak<ZoneVersion>>,
    /// What its writer was told last and has not done yet, and when.
    told: Option<(Instant, HostTable)>,
    /// The hosts of which it was told that they have no address.
    lost: HashSet<Name>,
}

impl HostFollowers {
    /// Those among these zones.
    pub(super) fn of(zones: &[StoredZone]) -> HostFollowers {
        let with_hosts = |zone: &&StoredZone| zone.has_hosts_elsewhere();
        let followers: Vec<&StoredZone> = zones.iter().filter(with_hosts).collect();
        let mut named: HashMap<&Name, Vec<&StoredZone>> = HashMap::new();
        for zone in zones.iter().filter(|_| !followers.is_empty()) {
            named.entry(&zone.id.name).or_default().push(zone);
        }
        let follower = |zone: &StoredZone| {
            let hosts = zone.version().into_iter().flat_map(|version| &version.inputs.guards);
            let apexes: HashSet<&Name> = hosts
                .flat_map(|guarding| guarding.hosts_elsewhere())
                .map(|(_, elsewhere)| &elsewhere.zone)
                .collect();
            let origin = |apex: &Name| Some((apex.clone(), seen_by(zone, named.get(apex)?)?.id.clone()));
            HostFollower {
                zone: zone.id.clone(),
                origins: apexes.into_iter().filter_map(origin).collect(),
                seen: Vec::new(),
                told: None,
                lost: HashSet::new(),
            }
        };
        HostFollowers(followers.into_iter().map(follower).collect())
    }

    /// The zones whose writers are to be told of hosts that have moved, given what is served now; and what they are told.
    pub(super) fn moved(&mut self, served: &Served, now: Instant) -> Vec<(ZoneId, HostTable)> {
        let moved = |follower: &mut HostFollower| Some((follower.zone.clone(), follower.moved(served, now)?));
        self.0.iter_mut().filter_map(moved).collect()
    }
}

/// The view of a zone that another one has its hosts from: the one of the same name, else that of all clients, else the first.
fn seen_by<'z>(zone: &StoredZone, views: &[&'z StoredZone]) -> Option<&'z StoredZone> {
    let own = views.iter().find(|one| one.id.view == zone.id.view);
    let of_all = || views.iter().find(|one| one.access.as_ref().is_none_or(|one| one.is_for_everybody()));
    own.or_else(of_all).or_else(|| views.first()).copied()
}

impl HostFollower {
    /// What its writer is to be told; none: nothing, or it was told and is at it.
    fn moved(&mut self, served: &Served, now: Instant) -> Option<HostTable> {
        let ids = std::iter::once(&self.zone).chain(self.origins.iter().map(|(_, id)| id));
        let versions: Vec<Option<&Arc<ZoneVersion>>> = ids.map(|id| served.version_of(id)).collect();
        let is_seen = |(seen, version): (&Weak<ZoneVersion>, &Option<&Arc<ZoneVersion>>)| {
            seen.as_ptr() == version.map_or_else(|| Weak::new().as_ptr(), Arc::as_ptr)
        };
        if self.seen.len() == versions.len() && self.seen.iter().zip(&versions).all(is_seen) {
            return None;
        }
        let current = versions.first().copied().flatten()?;
        let place = |apex: &Name| self.origins.iter().position(|(name, _)| name == apex);
        let version = |apex: &Name| versions.get(place(apex)? + 1).copied().flatten().map(Arc::as_ref);
        let LookedUp { addresses, unknown } = LookedUp::of(&current.inputs.guards, version);
        tell_of(&mut self.lost, &self.zone, &unknown);
        if !are_moved(&current.inputs.guards, &addresses) {
            let weak = |version: &Option<&Arc<ZoneVersion>>| version.map(Arc::downgrade).unwrap_or_default();
            (self.seen, self.told) = (versions.iter().map(weak).collect(), None);
            return None;
        }
        let is_new = |at: &Instant| now.saturating_duration_since(*at) < TOLD_AGAIN;
        if self.told.as_ref().is_some_and(|(at, told)| is_new(at) && *told == addresses) {
            return None;
        }
        (self.seen, self.told) = (Vec::new(), Some((now, addresses.clone())));
        Some(addresses)
    }
}

/// Tells once of each host that has lost its addresses, and once that it has some again.
fn tell_of(lost: &mut HashSet<Name>, zone: &ZoneId, unknown: &[UnknownHost]) {
    for UnknownHost { name, zone: origin, owner, why, .. } in unknown.iter().filter(|one| one.has_had_some) {
        // What is not served for a while has lost nothing.
        if matches!(why, NotKnown::NoHost(_)) && lost.insert(name.clone()) {
            warn!(
                zone = %zone.name,
                "`{name}`, a member of `{owner}`, has no address in the zone `{origin}`: {why}; the pool keeps those that it had"
            );
        }
    }
    lost.retain(|name| {
        let is_lost = unknown.iter().any(|one| one.name == *name);
        if !is_lost {
            info!(zone = %zone.name, "`{name}` has addresses again");
        }
        is_lost
    });
}
