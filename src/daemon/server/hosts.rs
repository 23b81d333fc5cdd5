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
use crate::zones::{
    HostTable, LookedUp, NotKnown, StoredZone, UnknownHost, ZoneId, ZoneVersion, are_moved, view_for,
};

/// After this time a writer is told again of what it has not done: it may have failed.
const PAUSE: Duration = Duration::from_secs(5);

/// If it fails again and again, each pause is twice as long as the one before, up to this one.
const PAUSE_MAX: Duration = Duration::from_secs(5 * 60);

/// The zones whose pools have hosts of other zones as members.
#[derive(Default)]
pub(super) struct HostFollowers(HashMap<ZoneId, HostFollower>);

#[derive(Default)]
struct HostFollower {
    /// The zones of its hosts, by apex.
    origins: Vec<(Name, ZoneId)>,
    /// What was served of it and of these when it was looked at last.
    seen: Vec<Weak<ZoneVersion>>,
    /// What its writer was told last and has not done yet.
    told: Option<Told>,
    /// Hosts whose addresses are not known.
    unknown: Vec<UnknownHost>,
    /// Those of them of which the log says that they have no address.
    lost: HashSet<Name>,
}

/// What a writer was told, and when it is told again.
struct Told {
    table: Arc<HostTable>,
    at: Instant,
    pause: Duration,
}

/// What other zones say now of the hosts of one.
pub(super) struct HostsFound {
    /// The zone that has them as members.
    pub(super) zone: ZoneId,
    /// What is said of them.
    pub(super) table: Arc<HostTable>,
    /// Whether its writer is to be told that some have moved.
    pub(super) is_to_be_told: bool,
}

impl HostFollowers {
    /// Those among these zones, which were just read; of those that were here before it is known what was said of them.
    pub(super) fn of(zones: &[StoredZone], mut before: HostFollowers) -> HostFollowers {
        let with_hosts = |zone: &&StoredZone| zone.has_hosts_elsewhere();
        let followers: Vec<&StoredZone> = zones.iter().filter(with_hosts).collect();
        let mut named: HashMap<&Name, Vec<&StoredZone>> = HashMap::new();
        for zone in zones.iter().filter(|_| !followers.is_empty()) {
            named.entry(&zone.id.name).or_default().push(zone);
        }
        let follower = |zone: &StoredZone| {
            let guards = zone.version().map(|version| &version.inputs.guards[..]).unwrap_or_default();
            let (hosts, apexes): (HashSet<&Name>, HashSet<&Name>) = guards
                .iter()
                .flat_map(|guarding| guarding.hosts_elsewhere())
                .map(|(host, elsewhere)| (host, &elsewhere.zone))
                .unzip();
            let origin = |apex: &Name| {
                let views = named.get(apex)?.iter().map(|view| (&view.id, view.access.as_deref(), *view));
                Some((apex.clone(), view_for(&zone.id, views)?))
            };
            let origins: HashMap<Name, &StoredZone> = apexes.into_iter().filter_map(origin).collect();
            let (unknown, lost) = match before.0.remove(&zone.id) {
                Some(HostFollower { unknown, mut lost, .. }) => {
                    // One that is no member any more has not come back.
                    lost.retain(|name| hosts.contains(name));
                    (unknown, lost)
                }
                None => {
                    let version = |apex: &Name| origins.get(apex)?.version().map(Arc::as_ref);
                    let LookedUp { unknown, .. } = LookedUp::of(guards, version);
                    // The reading has told of them.
                    let lost = unknown.iter().filter(|host| has_none(host)).map(|host| host.name.clone());
                    let lost = lost.collect();
                    (unknown, lost)
                }
            };
            let origins = origins.into_iter().map(|(apex, zone)| (apex, zone.id.clone())).collect();
            (zone.id.clone(), HostFollower { origins, unknown, lost, ..HostFollower::default() })
        };
        HostFollowers(followers.into_iter().map(follower).collect())
    }

    /// What is said of hosts, given what is served now, for each zone of which something may have changed since the last time,
    /// or whose writer is to be told once more.
    pub(super) fn look(&mut self, served: &Served, now: Instant) -> Vec<HostsFound> {
        self.0.iter_mut().filter_map(|(zone, follower)| follower.look(zone, served, now)).collect()
    }

    /// Hosts of a zone whose addresses are not known.
    pub(super) fn unknown(&self, zone: &ZoneId) -> &[UnknownHost] {
        self.0.get(zone).map(|follower| &follower.unknown[..]).unwrap_or_default()
    }
}

impl HostFollower {
    fn look(&mut self, zone: &ZoneId, served: &Served, now: Instant) -> Option<HostsFound> {
        let ids = std::iter::once(zone).chain(self.origins.iter().map(|(_, id)| id));
        let versions: Vec<Option<&Arc<ZoneVersion>>> = ids.map(|id| served.version_of(id)).collect();
        let weak = |version: &Option<&Arc<ZoneVersion>>| version.map(Arc::downgrade).unwrap_or_default();
        let newest: Vec<Weak<ZoneVersion>> = versions.iter().map(weak).collect();
        let is_same = |(one, other): (&Weak<ZoneVersion>, &Weak<ZoneVersion>)| one.ptr_eq(other);
        let are_seen = self.seen.len() == newest.len() && self.seen.iter().zip(&newest).all(is_same);
        if are_seen && self.told.as_ref().is_none_or(|told| !told.is_due(now)) {
            return None;
        }
        let current = versions.first().copied().flatten()?;
        let is_changed = !self.seen.first().zip(newest.first()).is_some_and(is_same);
        let place = |apex: &Name| self.origins.iter().position(|(name, _)| name == apex);
        let version = |apex: &Name| versions.get(place(apex)? + 1).copied().flatten().map(Arc::as_ref);
        let LookedUp { addresses, unknown } = LookedUp::of(&current.inputs.guards, version);
        let have_moved = are_moved(&current.inputs.guards, &addresses);
        let table = Arc::new(addresses);
        self.tell_of(zone, unknown);
        self.seen = newest;
        if let Some(told) = self.told.as_mut().filter(|_| is_changed) {
            // It may make of this version what it could not make before.
            told.pause = PAUSE;
        }
        let is_to_be_told = have_moved && self.is_to_be_told(&table, now);
        if !have_moved {
            self.told = None;
        }
        Some(HostsFound { zone: zone.clone(), table, is_to_be_told })
    }

    /// Whether its writer is told that hosts have moved.
    fn is_to_be_told(&mut self, table: &Arc<HostTable>, now: Instant) -> bool {
        match self.told.as_mut().filter(|told| told.table == *table) {
            Some(told) => {
                let is_due = told.is_due(now);
                if is_due {
                    (told.at, told.pause) = (now, PAUSE_MAX.min(told.pause.saturating_mul(2)));
                }
                is_due
            }
            None => {
                self.told = Some(Told { table: Arc::clone(table), at: now, pause: PAUSE });
                true
            }
        }
    }

    /// Tells once of each host that has no address in its zone, and once that it has some.
    fn tell_of(&mut self, zone: &ZoneId, unknown: Vec<UnknownHost>) {
        for host in unknown.iter().filter(|host| has_none(host)) {
            if self.lost.insert(host.name.clone()) {
                warn!(zone = %zone.name, "{host}; {}", host.meanwhile());
            }
        }
        self.lost.retain(|name| {
            let is_lost = unknown.iter().any(|one| one.name == *name);
            if !is_lost {
                info!(zone = %zone.name, "`{name}` has addresses now");
            }
            is_lost
        });
        self.unknown = unknown;
    }
}

/// Whether its zone says that it has no address. What is not served for a while has lost nothing, and is told by itself.
fn has_none(host: &UnknownHost) -> bool {
    matches!(host.why, NotKnown::NoHost(_))
}

impl Told {
    fn is_due(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) >= self.pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Ttl;
    use crate::zone::HostAddress;

    fn table(address: &str) -> Arc<HostTable> {
        let ttl = Ttl::from_seconds(60).unwrap();
        let address = HostAddress { address: address.parse().unwrap(), ttl };
        Arc::new(HostTable::from([("m0.nodes.example.".parse().unwrap(), Arc::from([address]))]))
    }

    /// In which seconds of an hour its writer is told, if it never does anything; from `changed` on another version is served.
    fn told(follower: &mut HostFollower, table: &Arc<HostTable>, changed: u64) -> Vec<u64> {
        let begin = Instant::now();
        let is_told = |second: &u64| {
            if let Some(told) = follower.told.as_mut().filter(|_| *second == changed) {
                told.pause = PAUSE;
            }
            follower.is_to_be_told(table, begin + Duration::from_secs(*second))
        };
        (0..3600).filter(is_told).collect()
    }

    #[test]
    fn a_writer_that_fails_again_and_again_is_told_ever_more_seldom() {
        let (mut follower, first) = (HostFollower::default(), table("192.0.2.1"));
        let seconds = told(&mut follower, &first, u64::MAX);
        assert_eq!(seconds[..8], [0, 5, 15, 35, 75, 155, 315, 615]);
        assert_eq!(seconds.last(), Some(&3315));
        // Another version of its zone may do what the one before could not.
        let mut follower = HostFollower::default();
        let seconds = told(&mut follower, &first, 100);
        assert_eq!(seconds[..8], [0, 5, 15, 35, 75, 100, 110, 130]);
        // What has moved once more is new.
        assert!(follower.is_to_be_told(&table("192.0.2.2"), Instant::now()));
    }
}
