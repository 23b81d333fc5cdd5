//! What is forwarded where, now: the settings, and the upstreams they name.
//!
//! Responsible for the zone of a name, and for upstreams outliving a reload
//! with what is believed of them.
//! Not responsible for asking.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::settings::{CacheSettings, ForwardZone, OwnPlaces, Policy, Settings, Upstreams};
use super::upstream::{Standing, Upstream};
use super::{UPSTREAMS_MAX, resolv_conf};
use crate::answer::CookieSecret;
use crate::dns::{Name, NameRef};
use crate::requestor::{Protocol, Remote};
use crate::tls::Verify;

/// The settings, ready to be followed.
pub(super) struct Plan {
    /// The longest first.
    pub(super) zones: Vec<Arc<PlannedZone>>,
    pub(super) cache: CacheSettings,
    pub(super) cookies: Option<CookieSecret>,
    pub(super) own: OwnPlaces,
    own_zones: HashSet<Name>,
}

/// A zone and whom to ask.
pub(super) struct PlannedZone {
    pub(super) settings: ForwardZone,
    upstreams: Mutex<Arc<[Arc<Upstream>]>>,
    /// The file they were read from, as it was then.
    pub(super) seen: Mutex<Option<resolv_conf::Stamp>>,
}

/// Whom to ask, in this order.
pub(super) enum Order {
    /// These.
    Ask(Vec<Arc<Upstream>>),
    /// There is none.
    NoUpstream,
    /// None of them answers.
    AllDown,
    /// Those that would answer send our queries back.
    Looping,
}

impl Plan {
    /// What `settings` say. Upstreams that `before` knows are kept.
    pub(super) fn new(settings: Settings, before: Option<&Plan>) -> Self {
        let Settings { mut zones, cache, cookies, own, own_zones } = settings;
        zones.sort_by_key(|zone| std::cmp::Reverse(zone.apex.as_ref().label_count()));
        let mut known: Vec<Arc<Upstream>> = before.map_or_else(Vec::new, Plan::upstreams);
        let zones = zones.into_iter().map(|settings| {
            let zone = PlannedZone { settings, upstreams: Mutex::new(Arc::new([])), seen: Mutex::new(None) };
            zone.read(&own, &mut known);
            Arc::new(zone)
        });
        let zones = zones.collect();
        Self { zones, cache, cookies, own, own_zones: own_zones.into_iter().collect() }
    }

    /// Whether a name is of a zone that we serve ourselves.
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

    /// Whether aliases lead to the same servers by another plan, too.
    pub(super) fn divides_as(&self, other: &Plan) -> bool {
        let apexes =
            |plan: &Plan| -> Vec<Name> { plan.zones.iter().map(|zone| zone.settings.apex.clone()).collect() };
        self.own_zones == other.own_zones && apexes(self) == apexes(other)
    }

    /// The longest zone that holds a name.
    pub(super) fn zone_of(&self, qname: NameRef<'_>) -> Option<&Arc<PlannedZone>> {
        self.zones.iter().find(|zone| qname.is_at_or_below(zone.settings.apex.as_ref()))
    }

    /// How long an answer of an upstream may take: in one of its zones it may
    /// be waited for that long.
    pub(super) fn patience(&self, upstream: &Arc<Upstream>) -> Duration {
        let asks = |zone: &&Arc<PlannedZone>| zone.upstreams().iter().any(|one| Arc::ptr_eq(one, upstream));
        let timeouts = self.zones.iter().filter(asks).map(|zone| zone.settings.timeout);
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

impl PlannedZone {
    /// Its upstreams, in the order given.
    pub(super) fn upstreams(&self) -> Arc<[Arc<Upstream>]> {
        Arc::clone(&self.upstreams.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes its upstreams from the settings, or from the file these name.
    pub(super) fn read(&self, own: &OwnPlaces, known: &mut Vec<Arc<Upstream>>) {
        let (addresses, from) = match &self.settings.upstreams {
            Upstreams::Listed(addresses) => (addresses.clone(), None),
            Upstreams::System(path) => {
                let stamp = resolv_conf::Stamp::of(path);
                *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(stamp);
                (resolv_conf::read(path), Some(path))
            }
        };
        let (own_ones, mut addresses): (Vec<_>, Vec<_>) =
            addresses.into_iter().partition(|upstream| own.hold(upstream.address));
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
            tracing::error!("{apex}: there is no upstream{from}; names below are answered SERVFAIL");
        }
        let upstreams = addresses.into_iter().map(|address| self.upstream(address, known)).collect();
        *self.upstreams.lock().unwrap_or_else(PoisonError::into_inner) = upstreams;
    }

    fn upstream(&self, remote: Remote, known: &mut Vec<Arc<Upstream>>) -> Arc<Upstream> {
        // Without TLS there is no certificate to be believed.
        let verify = match remote.protocol {
            Protocol::Udp | Protocol::Tcp => &Verify::System,
            Protocol::Tls(_) => &self.settings.verify,
        };
        let same = known.iter().find(|known| *known.remote() == remote && known.verify() == verify);
        if let Some(same) = same {
            return Arc::clone(same);
        }
        let fresh = Arc::new(Upstream::new(remote, verify.clone(), self.settings.apex.clone()));
        known.push(Arc::clone(&fresh));
        fresh
    }

    /// Whom to ask now: those that answer, then those that have just failed.
    pub(super) fn order(&self) -> Order {
        let upstreams = self.upstreams();
        let standing: Vec<(Standing, &Arc<Upstream>)> =
            upstreams.iter().map(|upstream| (upstream.standing(), upstream)).collect();
        let of = |wanted| {
            let found = standing.iter().filter(move |(standing, _)| *standing == wanted);
            found.map(|(_, upstream)| Arc::clone(upstream))
        };
        let mut well: Vec<Arc<Upstream>> = of(Standing::Well).collect();
        if self.settings.policy == Policy::Fastest {
            // One that has never been asked is tried before all others.
            well.sort_by_key(|upstream| upstream.smoothed());
            well.iter().skip(1).for_each(|upstream| upstream.fade());
        }
        well.extend(of(Standing::Suspect));
        if !well.is_empty() {
            Order::Ask(well)
        } else if upstreams.is_empty() {
            Order::NoUpstream
        } else if standing.iter().any(|(standing, _)| *standing == Standing::Looping) {
            Order::Looping
        } else {
            Order::AllDown
        }
    }
}
