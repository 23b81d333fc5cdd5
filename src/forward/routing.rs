//! Which upstreams are asked for which names: the settings, and the upstreams that they name.
//!
//! Finds the zone of a name, and keeps upstreams through a reload with what is known of them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::resolv_conf::{self, Stamp};
use super::settings::{CacheSettings, ForwardZone, OwnAddresses, Policy, Settings, UPSTREAMS_MAX, Upstreams};
use super::upstream::Upstream;
use super::upstream_health::UpstreamHealth;
use crate::answer::CookieSecret;
use crate::dns::{Name, NameRef};
use crate::requestor::Remote;
use crate::sync::lock;
use crate::tls::Verify;

/// What is forwarded where.
pub(super) struct Routing {
    /// The longest first.
    pub(super) zones: Vec<Arc<RoutedZone>>,
    pub(super) cache: CacheSettings,
    pub(super) cookie_secret: Option<CookieSecret>,
    pub(super) own: OwnAddresses,
    own_zones: HashSet<Name>,
}

/// A forwarded zone with its upstreams.
pub(super) struct RoutedZone {
    pub(super) settings: ForwardZone,
    upstreams: Mutex<Arc<[Arc<Upstream>]>>,
    /// The file they were read from, as it was then.
    read: Mutex<Option<Stamp>>,
}

/// The upstreams to ask.
pub(super) enum Candidates {
    /// These, in this order.
    Ask(Vec<Arc<Upstream>>),
    /// There is none.
    NoUpstream,
    /// None of them answers.
    AllDown,
    /// Those that would answer send our queries back to us.
    Looping,
}

impl Routing {
    /// From settings. Upstreams of `before` are kept.
    pub(super) fn new(settings: Settings, before: Option<&Routing>) -> Self {
        let Settings { mut zones, cache, cookies, own, own_zones } = settings;
        zones.sort_by_key(|zone| std::cmp::Reverse(zone.apex.as_ref().label_count()));
        let mut known: Vec<Arc<Upstream>> = before.map_or_else(Vec::new, Routing::upstreams);
        let zones = zones.into_iter().map(|settings| {
            let zone = RoutedZone { settings, upstreams: Mutex::new(Arc::new([])), read: Mutex::new(None) };
            zone.read(&own, &mut known);
            Arc::new(zone)
        });
        let zones = zones.collect();
        Self { zones, cache, cookie_secret: cookies, own, own_zones: own_zones.into_iter().collect() }
    }

    /// Whether a name is in a zone that we serve ourselves.
    pub(super) fn is_ours(&self, qname: NameRef<'_>) -> bool {
        let mut name = (!self.own_zones.is_empty()).then_some(qname);
        while let Some(here) = name {
            if self.own_zones.contains(&here.to_name()) {
                return true;
            }
            name = here.parent();
        }
        false
    }

    /// Whether aliases lead to the same servers by another routing.
    pub(super) fn divides_as(&self, other: &Routing) -> bool {
        let apexes = |routing: &Routing| -> Vec<Name> {
            routing.zones.iter().map(|zone| zone.settings.apex.clone()).collect()
        };
        self.own_zones == other.own_zones && apexes(self) == apexes(other)
    }

    /// The longest zone that holds a name.
    pub(super) fn zone_of(&self, qname: NameRef<'_>) -> Option<&Arc<RoutedZone>> {
        self.zones.iter().find(|zone| qname.is_at_or_below(zone.settings.apex.as_ref()))
    }

    /// How long an answer of an upstream may take: the longest timeout of the zones that it is asked for.
    pub(super) fn longest_wait_for(&self, upstream: &Arc<Upstream>) -> Duration {
        let asks = |zone: &&Arc<RoutedZone>| zone.upstreams().iter().any(|one| Arc::ptr_eq(one, upstream));
        let timeouts = self.zones.iter().filter(asks).map(|zone| zone.settings.ask_next_after);
        timeouts.max().unwrap_or_default()
    }

    /// Every upstream once.
    pub(super) fn upstreams(&self) -> Vec<Arc<Upstream>> {
        let mut all: Vec<Arc<Upstream>> = Vec::new();
        for upstream in self.zones.iter().flat_map(|zone| zone.upstreams().to_vec()) {
            if !all.iter().any(|known| Arc::ptr_eq(known, &upstream)) {
                all.push(upstream);
            }
        }
        all
    }
}

impl RoutedZone {
    /// Its upstreams, in the order given.
    pub(super) fn upstreams(&self) -> Arc<[Arc<Upstream>]> {
        Arc::clone(&lock(&self.upstreams))
    }

    /// Whether its upstreams were read from the file in this state.
    pub(super) fn has_read(&self, stamp: Stamp) -> bool {
        *lock(&self.read) == Some(stamp)
    }

    /// Takes its upstreams from the settings, or from the file that these name.
    pub(super) fn read(&self, own: &OwnAddresses, known: &mut Vec<Arc<Upstream>>) {
        let (addresses, from) = match &self.settings.upstreams {
            Upstreams::Listed(addresses) => (addresses.clone(), None),
            Upstreams::System(path) => {
                // Before it is read: a change in between is then found next time.
                *lock(&self.read) = Some(Stamp::of(path));
                (resolv_conf::read(path), Some(path))
            }
        };
        let (own_ones, mut addresses): (Vec<_>, Vec<_>) =
            addresses.into_iter().partition(|upstream| own.include(upstream.address));
        addresses.truncate(UPSTREAMS_MAX);
        let apex = &self.settings.apex;
        for upstream in own_ones {
            // A node whose own resolv.conf names itself is the usual case, not a fault.
            match from {
                Some(path) => tracing::debug!("{apex}: {upstream} of {} is this server", path.display()),
                None => tracing::error!("{apex}: upstream {upstream} is this server itself; it is not asked"),
            }
        }
        if addresses.is_empty() {
            let from = from.map_or_else(String::new, |path| format!(" in {}", path.display()));
            tracing::error!("{apex}: there is no upstream{from}; names below it are answered SERVFAIL");
        }
        let upstreams = addresses.into_iter().map(|address| self.upstream(address, known)).collect();
        *lock(&self.upstreams) = upstreams;
    }

    fn upstream(&self, remote: Remote, known: &mut Vec<Arc<Upstream>>) -> Arc<Upstream> {
        // Without encryption there is no certificate to verify.
        let is_encrypted = remote.protocol.is_encrypted();
        let verify = if is_encrypted { &self.settings.verify } else { &Verify::System };
        let probe = self.settings.probe.as_ref();
        let is_same = |known: &&Arc<Upstream>| {
            *known.remote() == remote && known.verify() == verify && known.probe() == probe
        };
        let same = known.iter().find(is_same);
        if let Some(same) = same {
            return Arc::clone(same);
        }
        let fresh =
            Arc::new(Upstream::new(remote, verify.clone(), self.settings.apex.clone(), probe.cloned()));
        known.push(Arc::clone(&fresh));
        fresh
    }

    /// The upstreams to ask now: those that answer, then those that have just failed.
    pub(super) fn candidates(&self) -> Candidates {
        let upstreams = self.upstreams();
        let healths: Vec<(UpstreamHealth, &Arc<Upstream>)> =
            upstreams.iter().map(|upstream| (upstream.health(), upstream)).collect();
        let of = |wanted| {
            let found = healths.iter().filter(move |(health, _)| *health == wanted);
            found.map(|(_, upstream)| Arc::clone(upstream))
        };
        let mut candidates: Vec<Arc<Upstream>> = of(UpstreamHealth::Up).collect();
        if self.settings.policy == Policy::Fastest {
            // One that has never been asked is tried before all others.
            candidates.sort_by_key(|upstream| upstream.latency());
            candidates.iter().skip(1).for_each(|upstream| upstream.fade());
        }
        candidates.extend(of(UpstreamHealth::Suspect));
        if candidates.is_empty() {
            // None passes its probe: one that answers something is better than none.
            let answers = upstreams.iter().filter(|one| one.answering() < UpstreamHealth::Down);
            candidates.extend(answers.map(Arc::clone));
        }
        if !candidates.is_empty() {
            Candidates::Ask(candidates)
        } else if upstreams.is_empty() {
            Candidates::NoUpstream
        } else if healths.iter().any(|(health, _)| *health == UpstreamHealth::Looping) {
            Candidates::Looping
        } else {
            Candidates::AllDown
        }
    }
}
